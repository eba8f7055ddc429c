//! `assay steps`.

use anstyle::Style;
use assay_flow::{Diagnostic, Manual};
use serde_json::json;

use crate::args::Global;
use crate::document;
use crate::failure::Failure;
use crate::session;
use crate::stdio::{self, Out};

/// Lists the kinds of steps, or describes one.
pub(crate) fn steps(global: &Global, kind: Option<&str>) -> Result<(), Failure> {
    let kinds = session::kinds(global, &session::workspace(global)?)?;
    let manuals: Vec<Manual> = match kind {
        Some(name) => {
            let found =
                kinds.get(name).ok_or_else(|| Diagnostic::unknown("step kind", name, kinds.names()))?;
            vec![Manual::of(&**found)]
        }
        None => kinds.kinds().map(|kind| Manual::of(&**kind)).collect(),
    };
    if global.json {
        return document::print(&json!({ "kinds": manuals }));
    }
    let mut out = stdio::out();
    match (kind, &manuals[..]) {
        (Some(_), [manual]) => describe(&mut out, manual),
        _ => list(&mut out, &manuals),
    }
}

fn list(out: &mut Out, manuals: &[Manual]) -> Result<(), Failure> {
    let width = manuals.iter().map(|manual| manual.name.len()).max().unwrap_or_default();
    let dim = Style::new().dimmed();
    for manual in manuals {
        writeln!(out, "{:width$}  {}", manual.name, manual.about)?;
        let inputs: Vec<String> =
            manual.inputs.iter().map(|input| format!("{}: {}", input.name, input.takes)).collect();
        let takes = if inputs.is_empty() { String::new() } else { format!("{} ", inputs.join(", ")) };
        writeln!(out, "{:width$}  {dim}{takes}-> {}{dim:#}", "", manual.makes)?;
    }
    writeln!(out, "\n`assay steps KIND` lists the parameters of one")
}

fn describe(out: &mut Out, manual: &Manual) -> Result<(), Failure> {
    let dim = Style::new().dimmed();
    writeln!(out, "{}: {}", manual.name, manual.about)?;
    writeln!(out, "makes `{}`, version {}", manual.makes, manual.version)?;
    if !manual.inputs.is_empty() {
        writeln!(out, "\ninputs")?;
    }
    for input in &manual.inputs {
        let labelled = if input.labelled { ", with the model's name and the seed" } else { "" };
        writeln!(out, "  {} = {} ({}{labelled})", input.name, input.takes, input.number)?;
        if !input.about.is_empty() {
            writeln!(out, "      {dim}{}{dim:#}", input.about)?;
        }
    }
    if !manual.parameters.is_empty() {
        writeln!(out, "\nparameters")?;
    }
    for parameter in &manual.parameters {
        let optional = if parameter.required { "" } else { " (may be left out)" };
        writeln!(out, "  {} = {}{optional}", parameter.path, parameter.takes)?;
        if !parameter.about.is_empty() {
            writeln!(out, "      {dim}{}{dim:#}", parameter.about)?;
        }
    }
    Ok(())
}
