//! `assay challenge`: whether a step makes the same bytes again, or at least the same rates of right answers.

mod compare;
pub(crate) mod record;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_flow::{Diagnostic, PlanEntry, State, plan, repeat};
use assay_report::{Challenge, ChallengeLabel};
use assay_store::Hash;
use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::{ChallengeArgs, Global};
use crate::display::Display;
use crate::failure::Failure;
use crate::process::{cores, stop_on_signals};
use crate::session::{Reach, Session};
use crate::visible::visible;
use crate::{document, stdio, whose};
use compare::Finding;

/// Level at which rates of right answers count as different, shared by the repetitions of a step.
const ALPHA: f64 = 0.01;

/// The JSON form.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Challenges {
    /// Name and version of the form.
    #[schemars(extend("const" = "assay-challenge 1"))]
    format: &'static str,
    /// The steps that were repeated.
    steps: Vec<Challenged>,
}

/// What came of one step.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Challenged {
    step: String,
    label: ChallengeLabel,
    /// The hash of what the store has.
    #[schemars(with = "String")]
    artefact: Hash,
    repetitions: Vec<Repetition>,
}

/// What one repetition made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Repetition {
    /// Its hash.
    #[schemars(with = "String")]
    artefact: Hash,
    /// How it differs from what the store has; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Finding>,
}

/// Repeats the steps of this name, each on its inputs from the store and without any remembered result.
pub(crate) fn challenge(global: &Global, args: &ChallengeArgs) -> Result<(), Failure> {
    let display = Arc::new(Display::new(false));
    let shown = Arc::clone(&display);
    let reach = Reach::of(&args.machine)?;
    let session = whose::open(global, &args.step, &args.of_step(), reach, move |event| shown.setup(&event))?;
    let plan = plan(&session.graph, &session.store, &session.facts)?;
    let entries = plan.why(&session.graph, &args.step)?;
    if let Some(entry) = entries.iter().find(|entry| entry.state != State::Cached) {
        let name = &session.graph.recipe().name;
        return Err(Diagnostic::user(format!("{} has no result that could be challenged", entry.step))
            .help(format!("`assay run {name}` makes it; then repeat the challenge"))
            .into());
    }
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let mut all = Vec::new();
    for entry in entries {
        let found = one(&session, entry, args, &cancel)?;
        if !global.json {
            say(&found)?;
        }
        all.push(found);
    }
    if global.json {
        let all = Challenges { format: "assay-challenge 1", steps: all };
        document::print_whole(&all)?;
        return ended(&all.steps);
    }
    ended(&all)
}

/// Other bytes are no failure where they make no difference to the rates of right answers.
fn ended(all: &[Challenged]) -> Result<(), Failure> {
    match all.iter().filter(|found| found.label > ChallengeLabel::StatisticallyEqual).count() {
        0 => Ok(()),
        failed => Err(Failure::Found(format!("{failed} of {} steps are unstable or different", all.len()))),
    }
}

fn one(
    session: &Session,
    entry: &PlanEntry,
    args: &ChallengeArgs,
    cancel: &AtomicBool,
) -> Result<Challenged, Failure> {
    let (Some(artefact), Some(key)) = (entry.output, entry.key) else {
        return Err(Failure::Internal(format!("{} is cached and has no output", entry.step)));
    };
    let threads = args.machine.threads.unwrap_or_else(cores);
    let step = session.graph.steps().iter().find(|step| step.id == entry.step);
    let verdicts = step.is_some_and(|step| VERDICTS.contains(&step.kind.output().0));
    let look = |hash: &Hash, path: &Utf8Path| {
        (*hash != artefact).then(|| compare::compare(&session.store, &artefact, path, verdicts))
    };
    let again = |_| {
        let made = repeat(&session.graph, &session.store, entry, threads, cancel, look);
        let (artefact, difference) = made.map_err(|failure| match cancel.load(Ordering::Relaxed) {
            true => Failure::Interrupted("interrupted; nothing was kept".to_owned()),
            false => Failure::Repeated(failure),
        })?;
        Ok(Repetition { artefact, difference })
    };
    let repetitions: Vec<Repetition> = (0..args.times).map(again).collect::<Result<_, Failure>>()?;
    let label = label(&repetitions);
    let challenge = Challenge { label, repetitions: args.times };
    record::add(&session.store, (key, artefact), challenge)?;
    Ok(Challenged { step: entry.step.clone(), label, artefact, repetitions })
}

/// The types of artefacts that hold a verdict on each line.
const VERDICTS: [&str; 2] = ["verdicts", "answer-verdicts"];

/// The worst of what the repetitions show.
fn label(repetitions: &[Repetition]) -> ChallengeLabel {
    let alpha = ALPHA / repetitions.len().max(1) as f64;
    let of = |repetition: &Repetition| match &repetition.difference {
        None => ChallengeLabel::BitIdentical,
        Some(found) => match found.rates_agree(alpha) {
            Some(true) => ChallengeLabel::StatisticallyEqual,
            Some(false) => ChallengeLabel::Unstable,
            None => ChallengeLabel::Different,
        },
    };
    repetitions.iter().map(of).max().unwrap_or(ChallengeLabel::BitIdentical)
}

fn say(found: &Challenged) -> Result<(), Failure> {
    let (step, times, label) = (&found.step, found.repetitions.len(), found.label.word());
    let mut out = stdio::out();
    if found.label == ChallengeLabel::BitIdentical {
        let plural = if times == 1 { "" } else { "s" };
        return writeln!(out, "{label}  {step}: {} in {times} repetition{plural}", found.artefact);
    }
    writeln!(out, "{label}  {step}: the store has {}", found.artefact)?;
    for (index, Repetition { artefact, difference }) in found.repetitions.iter().enumerate() {
        let same = if difference.is_none() { " (the same)" } else { "" };
        writeln!(out, "  repetition {}: {artefact}{same}", index + 1)?;
        if let Some(found) = difference {
            writeln!(out, "    {}", visible(&found.words()))?;
        }
    }
    Ok(())
}
