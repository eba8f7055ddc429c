//! `assay settings`.

use anstyle::Style;
use assay_flow::{Origin, Setting, settings as find};
use serde_json::json;

use crate::args::{Global, SettingsArgs};
use crate::document;
use crate::failure::Failure;
use crate::session;
use crate::stdio;
use crate::whose::with_steps;

/// How many steps are named for a value; the values of training are used by every model.
const NAMED: usize = 3;

/// What values begin with that no step uses, but the second step of a check.
const CONFIRMATION: &str = "confirmation.";

/// Characters of a value that are shown.
const SHOWN: usize = 40;

/// Lists the values of a scale with the steps that use them.
pub(crate) fn settings(global: &Global, args: &SettingsArgs) -> Result<(), Failure> {
    let workspace = session::workspace(global)?;
    let recipes = match &args.recipe {
        Some(recipe) => vec![recipe.clone()],
        None => with_steps(&workspace, &args.scale)?,
    };
    let kinds = session::kinds(global, &workspace)?;
    let mut found = find(&workspace, &recipes, &args.scale, &args.sets, &kinds)?;
    for setting in found.iter_mut().filter(|setting| setting.path.starts_with(CONFIRMATION)) {
        setting.used_by.push("check --confirm".to_owned());
    }
    if global.json {
        return document::print(&json!({ "scale": args.scale, "sets": args.sets, "settings": found }));
    }
    let mut out = stdio::out();
    let (used, unused): (Vec<&Setting>, Vec<&Setting>) =
        found.iter().partition(|setting| !setting.used_by.is_empty());
    let dim = Style::new().dimmed();
    for setting in used {
        writeln!(out, "{} = {}  {dim}{}{dim:#}", setting.path, shown(&setting.value), users(setting))?;
    }
    let by = match &args.recipe {
        Some(_) => "by this recipe".to_owned(),
        None => format!("by any of {}", recipes.join(", ")),
    };
    match unused.len() {
        0 => writeln!(out, "\nevery value is used"),
        count => {
            let are = if count == 1 { "value is" } else { "values are" };
            writeln!(out, "\n{count} {are} not used {by}:")?;
            unused.iter().try_for_each(|setting| {
                let (path, value) = (&setting.path, shown(&setting.value));
                writeln!(out, "  {path} = {value}  {dim}{}{dim:#}", place(&setting.origin))
            })
        }
    }
}

/// Where a value is written. Its path stands beside it already.
fn place(origin: &Origin) -> String {
    origin.location().map_or_else(|| "--set".to_owned(), |at| format!("{}:{}", at.file, at.line))
}

fn users(setting: &Setting) -> String {
    let named: Vec<&str> = setting.used_by.iter().take(NAMED).map(String::as_str).collect();
    match setting.used_by.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}
