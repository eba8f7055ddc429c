//! The flat graph of a recipe as a recipe of its own, and what uses each value of a scale.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::kind::Registry;
use crate::language::checked::Checked;
use crate::language::diagnostic::Diagnostics;
use crate::language::expand::in_order;
use crate::language::recipe::RecipeKind;
use crate::language::references::{Resolver, Seed};
use crate::language::seeds::SEEDS;
use crate::language::steps::StepDefinition;
use crate::language::workspace::Workspace;
use crate::language::written::{block, inline, quote, quote_key};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Origin, Table, Value};

/// The graph of a recipe without templates, models and references: a recipe that holds all its steps itself.
/// With an empty pipeline and the same seeds it gives the same steps with the same keys.
///
/// # Errors
/// As for [`crate::load`], except that step kinds are not asked about parameters.
pub fn flat(
    workspace: &Workspace,
    recipe: &str,
    scale: &str,
    sets: &[String],
    registry: &Registry,
) -> Result<String, Diagnostics> {
    let checked = Checked::read(workspace, &[recipe.to_owned()], scale, sets, registry)?;
    let mut problems = Diagnostics::default();
    let texts: Vec<String> = checked.iter().map(|checked| write_recipe(checked, &mut problems)).collect();
    problems.or_ok(texts.concat())
}

/// A value of a scale and the steps that use it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Its path, such as `reasoner.epochs`.
    pub path: String,
    /// The value, as it could be written in TOML.
    pub value: String,
    /// Where it is written.
    pub origin: Origin,
    /// The names of the steps that use it, sorted; empty if none does.
    pub used_by: Vec<String>,
}

/// Every value of a scale but its title, in the order of paths, with the steps of these recipes that use it.
///
/// # Errors
/// As for [`crate::load_all`].
pub fn settings(
    workspace: &Workspace,
    recipes: &[String],
    scale: &str,
    sets: &[String],
    registry: &Registry,
) -> Result<Vec<Setting>, Diagnostics> {
    let mut settings = BTreeMap::new();
    for checked in Checked::read(workspace, recipes, scale, sets, registry)? {
        leaves(checked.scale.root(), &ValuePath::default(), &mut settings);
        let mut problems = Diagnostics::default();
        let seeds = used_for_seeds(&checked, &mut problems);
        for step in in_order(&checked.definitions(), [&*checked.target]) {
            let resolver = Resolver::new(checked.values(), Seed::Kept);
            resolver.resolve(&mut step.params.clone(), &mut problems);
            if step.name == checked.target {
                resolver.resolve(&mut content(&checked), &mut problems);
            }
            let mut used: Vec<String> = resolver.used().into_iter().collect();
            if step.each_seed {
                used.extend(seeds.iter().cloned());
            }
            for setting in settings.values_mut().filter(|setting| is_used(&setting.path, &used)) {
                if !setting.used_by.contains(&step.name) {
                    setting.used_by.push(step.name.clone());
                }
            }
        }
        problems.or_ok(())?;
    }
    let mut settings: Vec<Setting> =
        settings.into_values().filter(|setting| setting.path != "title").collect();
    settings.iter_mut().for_each(|setting| setting.used_by.sort_unstable());
    Ok(settings)
}

/// The values of the scale that say which seeds a recipe's steps run for.
fn used_for_seeds(checked: &Checked, problems: &mut Diagnostics) -> Vec<String> {
    let Some(seeds) = &checked.recipe.seeds else { return vec![SEEDS.to_owned()] };
    let resolver = Resolver::new(checked.values(), Seed::None);
    resolver.resolve(&mut seeds.clone(), problems);
    resolver.used().into_iter().collect()
}

/// Whether a value is one of these or a part of one.
fn is_used(path: &str, used: &[String]) -> bool {
    used.iter().any(|used| {
        path.strip_prefix(used.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// The values that are no tables, and the lists without tables in them.
fn leaves(located: &Located, path: &ValuePath, settings: &mut BTreeMap<String, Setting>) {
    match &located.value {
        Value::Table(table) => {
            table.iter().for_each(|(key, value)| leaves(value, &path.clone().then(key), settings));
        }
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => {
            items.iter().enumerate().for_each(|(i, item)| leaves(item, &path.clone().index(i), settings));
        }
        value => {
            let path = path.to_string();
            let (value, origin) = (inline(value), located.origin.clone());
            settings.entry(path.clone()).or_insert(Setting { path, value, origin, used_by: Vec::new() });
        }
    }
}

/// The recipe's content as it is written.
fn content(checked: &Checked) -> Located {
    Located { value: Value::Table(checked.recipe.content.clone()), ..checked.recipe.root.clone() }
}

fn write_recipe(checked: &Checked, problems: &mut Diagnostics) -> String {
    let recipe = &checked.recipe;
    let kind = match recipe.kind {
        RecipeKind::Table => "table",
        RecipeKind::Artifact => "artifact",
    };
    let mut text = format!(
        "# Recipe `{}` at scale `{}`, without templates and references.\n\n",
        recipe.name, checked.scale.name
    );
    let head = [
        ("title", Some(&recipe.title)),
        ("kind", Some(&kind.to_owned())),
        ("paper", recipe.paper.as_ref()),
        ("locator", recipe.locator.as_ref()),
        ("target", Some(&checked.target)),
    ];
    for (key, value) in head.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{key} = {}", quote(value));
    }
    if let Some(expect) = &recipe.expect {
        let (lock, entry) = (quote(&expect.lock), quote(&expect.entry));
        let _ = writeln!(text, "expect = {{ lock = {lock}, entry = {entry} }}");
    }
    if let Some(seeds) = &recipe.seeds {
        let mut seeds = seeds.clone();
        Resolver::new(checked.values(), Seed::None).resolve(&mut seeds, problems);
        let _ = writeln!(text, "seeds = {}", inline(&seeds.value));
    }
    let mut content = content(checked);
    Resolver::new(checked.values(), Seed::Kept).resolve(&mut content, problems);
    for (key, value) in content.value.as_table().into_iter().flatten() {
        let _ = writeln!(text, "{} = {}", quote_key(key), block(&value.value));
    }
    for step in in_order(&checked.definitions(), [&*checked.target]) {
        write_step(&mut text, step, checked, problems);
    }
    text
}

fn write_step(text: &mut String, step: &StepDefinition, checked: &Checked, problems: &mut Diagnostics) {
    let mut params = step.params.clone();
    Resolver::new(checked.values(), Seed::Kept).resolve(&mut params, problems);
    let _ = writeln!(text, "\n[steps.{}]\nkind = {}", quote_key(&step.name), quote(&step.kind));
    for (key, value) in [("model", &step.model), ("about", &step.about)] {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", quote(value));
        }
    }
    if step.each_seed {
        text.push_str("each = \"seed\"\n");
    }
    if !step.inputs.is_empty() {
        let inputs = step.inputs.iter().map(|input| {
            let names: Vec<String> = input.steps.iter().map(|(name, _)| quote(name)).collect();
            match &names[..] {
                [one] => format!("{} = {one}", quote_key(&input.name)),
                all => format!("{} = [{}]", quote_key(&input.name), all.join(", ")),
            }
        });
        let _ = writeln!(text, "inputs = {{ {} }}", inputs.collect::<Vec<_>>().join(", "));
    }
    if params.value != Value::Table(Table::new()) {
        let _ = writeln!(text, "params = {}", inline(&params.value));
    }
}
