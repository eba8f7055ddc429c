//! `assay plan` and `assay why`.

mod amounts;
pub(crate) mod work;

use anstyle::{AnsiColor, Style};
use assay_flow::{Plan, PlanDocument, PlanEntry, Reason, State, flat, plan as make_plan};

use crate::args::{Global, PlanArgs, Target, WhyArgs};
use crate::document;
use crate::failure::Failure;
use crate::session::{self, Reach, Session};
use crate::several;
use crate::stdio::{self, Out};
use crate::whose;
use work::Work;

/// How many reasons of a step are shown.
const REASONS_SHOWN: usize = 3;

/// How many of the steps that a step waits for are named; a table waits for dozens.
const UPSTREAM_NAMED: usize = 3;

/// Prints what a run would do. Nothing is run, and no result is stored.
pub(crate) fn plan(global: &Global, args: &PlanArgs) -> Result<(), Failure> {
    let Some(target) = args.targets.only() else { return several::plan(global, args) };
    let session = open(global, &target)?;
    if args.expand {
        return expand(global, &target);
    }
    let plan = make_plan(&session.graph, &session.store, &session.facts)?;
    let work = Work::of(session.graph.scale(), session.graph.steps(), plan.entries());
    let absent = &session.graph.recipe().absent;
    if global.json {
        let work = work.document(absent);
        return document::print_whole(&PlanDocument::of_plan(&session.graph, plan.entries(), work));
    }
    let mut out = stdio::out();
    print_entries(&mut out, plan.entries())?;
    writeln!(out, "\n{}", summary(&plan))?;
    write!(out, "{}", work.text(absent))
}

/// A line for each step; one for the same step for several seeds.
pub(crate) fn print_entries(out: &mut Out, entries: &[PlanEntry]) -> Result<(), Failure> {
    let lines = lines(entries);
    let width = lines.iter().map(|line| line.step().len()).max().unwrap_or_default();
    lines.iter().try_for_each(|line| print_line(out, line, width))
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
    let session = whose::open(global, &args.step, &args.of_step(), Reach::nothing()?, |_| {})?;
    let plan = make_plan(&session.graph, &session.store, &session.facts)?;
    let entries = plan.why(&session.graph, &args.step)?;
    if global.json {
        return document::print_whole(&PlanDocument::of_steps(&session.graph, entries));
    }
    let mut out = stdio::out();
    for entry in entries {
        print_line(&mut out, &Line::of(entry), 0)?;
        let Some(description) = &entry.description else { continue };
        let dim = Style::new().dimmed();
        writeln!(out, "  kind {}", description.kind)?;
        for (name, param) in description.params.iter() {
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
    Session::open(global, target, Reach::nothing()?, |_| {})
}

/// One step of a plan, or the same step for several seeds.
struct Line<'a> {
    name: &'a str,
    seeds: Vec<&'a str>,
    state: State,
    /// Why it runs; what differs by the seed has `*` in its place.
    reasons: Vec<String>,
}

impl<'a> Line<'a> {
    fn of(entry: &'a PlanEntry) -> Self {
        let (name, seed) = match entry.step.strip_suffix(']').and_then(|step| step.split_once("[seed=")) {
            Some((name, seed)) => (name, Some(seed)),
            None => (entry.step.as_str(), None),
        };
        let mut reasons = Vec::new();
        let mut upstream = Vec::new();
        for reason in &entry.reasons {
            match reason {
                Reason::Upstream { step } => upstream.push(step.as_str()),
                other => reasons.push(other.to_string()),
            }
        }
        if !upstream.is_empty() {
            let (named, more) = upstream.split_at(upstream.len().min(UPSTREAM_NAMED));
            let and_more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            let waits = format!("waits for {}{and_more}", named.join(", "));
            match (&entry.reasons[..], reasons.first_mut()) {
                // Every step of a first run: one line each.
                ([Reason::NeverRun, ..], Some(first)) => first.push_str(&format!("; {waits}")),
                _ => reasons.push(waits),
            }
        }
        Self { name, seeds: seed.into_iter().collect(), state: entry.state, reasons }
    }

    /// The step's name with its seeds: `reasoner[seed=1,2,3]`.
    fn step(&self) -> String {
        match &self.seeds[..] {
            [] => self.name.to_owned(),
            seeds => format!("{}[seed={}]", self.name, seeds.join(",")),
        }
    }

    /// The reasons with `[seed=*]` for the one seed of this line.
    fn any_seed(&self) -> Vec<String> {
        let [seed] = self.seeds[..] else { return self.reasons.clone() };
        let own = format!("[seed={seed}]");
        self.reasons.iter().map(|reason| reason.replace(&own, "[seed=*]")).collect()
    }
}

/// The lines of a plan: consecutive instances of one step that differ by their seed only share a line.
fn lines(entries: &[PlanEntry]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for entry in entries {
        let line = Line::of(entry);
        let shared = lines.last_mut().filter(|last| {
            let alike = (last.name, last.state) == (line.name, line.state);
            alike && !line.seeds.is_empty() && last.any_seed() == line.any_seed()
        });
        match shared {
            Some(last) => {
                last.reasons = last.any_seed();
                last.seeds.extend(line.seeds);
            }
            None => lines.push(line),
        }
    }
    lines
}

fn print_line(out: &mut Out, line: &Line<'_>, width: usize) -> Result<(), Failure> {
    let style = match line.state {
        State::Cached => Style::new().fg_color(Some(AnsiColor::Green.into())),
        State::Run => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        State::Waits => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
    };
    let step = line.step();
    let width = width.max(step.len());
    let first = line.reasons.first().map_or_else(String::new, |reason| format!("  {reason}"));
    // Nothing follows the name of a cached step, so no spaces do either.
    let padded = if first.is_empty() { step } else { format!("{step:width$}") };
    writeln!(out, "{style}{:6}{style:#}  {padded}{first}", line.state)?;
    for reason in line.reasons.iter().take(REASONS_SHOWN).skip(1) {
        writeln!(out, "{:6}  {:width$}  {reason}", "", "")?;
    }
    if let Some(more @ 1..) = line.reasons.len().checked_sub(REASONS_SHOWN) {
        let reasons = if more == 1 { "reason" } else { "reasons" };
        writeln!(out, "{:6}  {:width$}  and {more} more {reasons} (--json lists all)", "", "")?;
    }
    Ok(())
}

/// One line: how many steps are in each state.
pub(crate) fn summary(plan: &Plan) -> String {
    let [cached, run, waits] = [State::Cached, State::Run, State::Waits].map(|state| plan.count(state));
    let all = plan.entries().len();
    if cached == all {
        return format!("all {all} steps are cached: a run executes nothing");
    }
    let mut text = format!("{all} steps: {cached} cached, {run} to run, {waits} waiting");
    // Where nothing is cached, no result is there to be equal to.
    if waits > 0 && cached > 0 {
        text.push_str("; one that waits need not run if its inputs come out as before");
    }
    text
}
