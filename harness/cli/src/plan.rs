//! `assay plan` and `assay why`.

use anstyle::{AnsiColor, Style};
use assay_flow::{Plan, PlanEntry, State, flat, plan as make_plan};
use camino::Utf8Path;

use crate::args::{Global, PlanArgs, Target, WhyArgs};
use crate::failure::Failure;
use crate::session::{self, Session};
use crate::stdio::{self, Out};

/// Reasons of a step that are shown; a table waits for dozens of steps when everything runs anew.
const REASONS_SHOWN: usize = 3;

/// Prints what a run would do. Nothing is run, and the store is not changed.
pub(crate) fn plan(global: &Global, args: &PlanArgs) -> Result<(), Failure> {
    let session = open(global, &args.target)?;
    if args.expand {
        return expand(global, &args.target);
    }
    let plan = make_plan(&session.graph, &session.store, &session.facts)?;
    let mut out = stdio::out();
    if global.json {
        let json =
            serde_json::to_string_pretty(plan.entries()).map_err(|e| Failure::Internal(e.to_string()))?;
        writeln!(out, "{json}")?;
        return Ok(());
    }
    let width = plan.entries().iter().map(|entry| entry.step.len()).max().unwrap_or_default();
    for entry in plan.entries() {
        print_entry(&mut out, entry, width)?;
    }
    writeln!(out, "\n{}", summary(&plan))?;
    Ok(())
}

/// Prints the flat graph of a recipe that has been checked.
fn expand(global: &Global, target: &Target) -> Result<(), Failure> {
    let workspace = session::workspace(global)?;
    let kinds = session::kinds(global, &workspace)?;
    let text = flat(&workspace, &target.recipe, &target.scale, &target.sets, &kinds)?;
    stdio::out().write_all(text.as_bytes())
}

/// Prints why a step would run, or what its cached result is made of.
pub(crate) fn why(global: &Global, args: &WhyArgs) -> Result<(), Failure> {
    let session = open(global, &args.target.clone().into())?;
    let plan = make_plan(&session.graph, &session.store, &session.facts)?;
    let mut out = stdio::out();
    let entries = plan.why(&session.graph, &args.step)?;
    if global.json {
        let json = serde_json::to_string_pretty(&entries).map_err(|e| Failure::Internal(e.to_string()))?;
        writeln!(out, "{json}")?;
        return Ok(());
    }
    for entry in entries {
        print_entry(&mut out, entry, entry.step.len())?;
        let Some(description) = &entry.description else { continue };
        let dim = Style::new().dimmed();
        writeln!(out, "  kind {}", description.kind)?;
        for (name, param) in &description.params {
            writeln!(out, "  param {name} = {} {dim}({}){dim:#}", param.value, param.origin)?;
        }
        for input in &description.inputs {
            let output = input.output.map_or_else(|| "not known yet".to_owned(), |hash| hash.short());
            writeln!(out, "  input {} = {} {dim}({output}){dim:#}", input.name, input.step)?;
        }
        for (name, value) in &description.facts {
            writeln!(out, "  fact {name} = {value}")?;
        }
        if let Some(key) = entry.key {
            writeln!(out, "  key {key}")?;
        }
        if let Some(output) = entry.output {
            writeln!(out, "  output {output}")?;
        }
    }
    Ok(())
}

fn open(global: &Global, target: &Target) -> Result<Session, Failure> {
    Session::open(global, target, Utf8Path::new("python3"), |_| {})
}

fn print_entry(out: &mut Out, entry: &PlanEntry, width: usize) -> Result<(), Failure> {
    let style = match entry.state {
        State::Cached => Style::new().fg_color(Some(AnsiColor::Green.into())),
        State::Run => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        State::Waits => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
    };
    let first = entry.reasons.first().map_or_else(String::new, |reason| format!("  {reason}"));
    writeln!(out, "{style}{:6}{style:#}  {:width$}{first}", entry.state, entry.step)?;
    for reason in entry.reasons.iter().take(REASONS_SHOWN).skip(1) {
        writeln!(out, "{:6}  {:width$}  {reason}", "", "")?;
    }
    if let Some(more @ 1..) = entry.reasons.len().checked_sub(REASONS_SHOWN) {
        writeln!(out, "{:6}  {:width$}  and {more} more reasons (--json lists all)", "", "")?;
    }
    Ok(())
}

/// One line: how many steps stand how.
fn summary(plan: &Plan) -> String {
    let [cached, run, waits] = [State::Cached, State::Run, State::Waits].map(|state| plan.count(state));
    let all = plan.entries().len();
    if cached == all {
        format!("all {all} steps are cached: a run executes nothing")
    } else {
        format!(
            "{all} steps: {cached} cached, {run} to run, {waits} wait for them and may be saved by equal outputs"
        )
    }
}
