//! One side of a comparison: a report's file, or a recorded run, from whose log and artefacts a report is put together.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::table::Table;
use assay_flow::{Description, Diagnostic, Event, Facts, Record, described};
use assay_report::{Report, Run, Source};
use assay_store::{Hash, Store};
use camino::Utf8Path;

use crate::failure::Failure;
use crate::report;

/// The input of a table step that its cells are computed from.
const VERDICTS: &str = "verdicts";

/// A report, and where it is from.
pub(super) struct Side {
    pub(super) report: Report,
    /// Whether it was put together from a run's record, which does not have all that a report's file has.
    pub(super) of_run: bool,
}

impl Side {
    /// Reads what the user named: a file if there is one or the name is a path's, else a run.
    pub(super) fn open(given: &Utf8Path, store: Result<&Store, &Failure>) -> Result<Self, Failure> {
        let is_path = given.extension().is_some() || given.as_str().contains(['/', '\\']);
        if is_path || given.is_file() {
            return Ok(Self { report: report::read(given)?, of_run: false });
        }
        let store = store.map_err(|failure| {
            Diagnostic::user(format!(
                "{given} is no file, and there is no store that could have a run of this id: {failure}"
            ))
            .help("name a report's JSON form, or the store with --store")
        })?;
        Ok(Self { report: of_run(store, given.as_str())?, of_run: true })
    }
}

/// What the log of a run says.
#[derive(Default)]
struct Log {
    recipe: String,
    scale: String,
    sets: Vec<String>,
    target: String,
    facts: Facts,
    /// The steps in the order of the plan.
    order: Vec<String>,
    /// Key and output of each step that has one.
    steps: BTreeMap<String, (Hash, Hash)>,
}

impl Log {
    fn read(store: &Store, run: &assay_store::Run) -> Result<Self, Failure> {
        let mut log = Self::default();
        for line in store.events(&run.id)? {
            let record = Record::from_json(&line).map_err(|error| {
                Diagnostic::user(format!("the log of run {} is of another version of assay: {error}", run.id))
                    .help("run the recipe again")
            })?;
            log.take(record.event);
        }
        Ok(log)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::RunStarted { recipe, scale, sets, target, facts, .. } => {
                (self.recipe, self.scale, self.sets) = (recipe, scale, sets);
                (self.target, self.facts) = (target, facts);
            }
            Event::Planned { steps } => {
                for entry in steps {
                    if let Some(known) = entry.key.zip(entry.output) {
                        self.steps.insert(entry.step.clone(), known);
                    }
                    self.order.push(entry.step);
                }
            }
            Event::StepFinished { step, key, output, .. } | Event::StepSaved { step, key, output, .. } => {
                self.steps.insert(step, (key, output));
            }
            _ => {}
        }
    }

    /// The step of this run that a recorded input is: of the same name, or renamed since, of the same output.
    fn input(&self, step: &str, output: Option<Hash>) -> Option<String> {
        let same = |known: &(Hash, Hash)| Some(known.1) == output;
        if self.steps.get(step).is_some_and(same) {
            return Some(step.to_owned());
        }
        self.steps.iter().find(|(_, known)| same(known)).map(|(name, _)| name.clone())
    }
}

/// The report of a recorded run of a table.
fn of_run(store: &Store, prefix: &str) -> Result<Report, Failure> {
    let run = store.find_run(prefix)?;
    let log = Log::read(store, &run)?;
    let Some((key, output)) = log.steps.get(&log.target) else {
        return Err(Diagnostic::user(format!("run {} has no result: it {}", run.id, run.status))
            .help(format!("`assay run {} --scale {}` finishes it as a new run", log.recipe, log.scale))
            .into());
    };
    let table: Table = serde_json::from_slice(&store.read(output)?).map_err(|_| {
        Diagnostic::user(format!("run {} made no table that this version of assay reads", run.id))
            .help("name runs of a table; `assay runs` lists them")
    })?;
    let of_target = description(store, &run, &log.target, key)?;
    let mut evidence: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for input in of_target.inputs.iter().filter(|input| input.name == VERDICTS) {
        if let (Some(label), Some(step)) = (&input.label, log.input(&input.step, input.output)) {
            evidence.entry(label.name.clone()).or_default().push(step);
        }
    }
    let others = log.order.iter().filter(|step| **step != log.target);
    let sources = others.filter_map(|step| Some((step, log.steps.get(step)?)));
    let sources = sources.map(|(step, known)| source(store, &run, &log, step, *known));
    let sources = sources.collect::<Result<_, Failure>>()?;
    Ok(Report::new(
        table,
        Run {
            id: log.recipe.clone(),
            scale: log.scale.clone(),
            recipe: Some(log.recipe),
            overrides: log.sets,
            facts: log.facts,
            sources,
            evidence,
            ..Run::default()
        },
    ))
}

fn source(
    store: &Store,
    run: &assay_store::Run,
    log: &Log,
    step: &str,
    (key, output): (Hash, Hash),
) -> Result<Source, Failure> {
    let Description { kind, seed, facts, inputs, .. } = description(store, run, step, &key)?;
    let inputs: BTreeSet<String> =
        inputs.iter().filter_map(|input| log.input(&input.step, input.output)).collect();
    Ok(Source {
        id: step.to_owned(),
        step: step.to_owned(),
        kind,
        key: key.to_string(),
        artefact: output.to_string(),
        inputs: inputs.into_iter().collect(),
        seed,
        facts,
        prompts: BTreeMap::new(),
        challenge: None,
    })
}

/// What a step of a run was made from.
fn description(
    store: &Store,
    run: &assay_store::Run,
    step: &str,
    key: &Hash,
) -> Result<Description, Failure> {
    described(store, key)?.ok_or_else(|| {
        let message = format!("the store no longer knows what {step} of run {} was made from", run.id);
        Diagnostic::user(message).help("run the recipe again, or compare reports").into()
    })
}
