//! From a computed table and a run's provenance to a report: the one place that knows both.

pub(crate) mod commits;
pub(crate) mod filed;
mod levels;
mod models;
mod prompts;
mod served;
pub(crate) mod training;

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::table::Table;
use assay_flow::{CRITERIA, Outcome, Provenance};
use assay_report::{Challenge, Criteria, CriteriaFile, Report, Run, Source};
use assay_store::{Hash, Hasher, Store};
use camino::Utf8PathBuf;
use serde::Serialize;

use crate::failure::Failure;
use crate::samples;
use crate::session::Session;
use models::Model;
use prompts::Asked;

/// The input of a table step that its cells are computed from.
const VERDICTS: &str = "verdicts";

/// The hash of the source of this program, see `build.rs`: the version of what reports are composed with.
const COMPOSER: &str = env!("ASSAY_SOURCE");

/// What a report is composed from. Of the store only those objects are read whose hashes it holds, so that its key names the
/// report: a basis of the same key, with all objects at hand, gives the same bytes.
#[derive(Serialize)]
pub(crate) struct Basis {
    /// The table.
    table: Hash,
    run: Run,
    /// The models of the run.
    models: Vec<Model>,
    /// What the models were asked. The keys of the sources name it, so that it is no part of this key.
    #[serde(skip)]
    asked: Vec<Asked>,
}

/// A report, and whether the store had everything that it shows.
pub(crate) struct Composed {
    pub(crate) report: Report,
    pub(crate) whole: bool,
}

impl Basis {
    /// The basis of a table recipe's outcome.
    pub(crate) fn of(session: &Session, outcome: &Outcome) -> Result<Self, Failure> {
        let (recipe, scale) = (session.graph.recipe(), session.graph.scale());
        let run = Run {
            id: recipe.name.clone(),
            title: recipe.title.clone(),
            paper: recipe.paper.clone().unwrap_or_default(),
            locator: recipe.locator.clone().unwrap_or_default(),
            scale: scale.name.clone(),
            recipe: Some(recipe.name.clone()),
            overrides: scale.sets.clone(),
            criteria: criteria(session),
            facts: session.facts.clone(),
            sources: sources(session, outcome)?,
            evidence: evidence(session),
        };
        Ok(Self {
            table: outcome.output,
            run,
            models: models::of_run(session, outcome),
            asked: prompts::of_run(session, outcome),
        })
    }

    /// What names the report.
    pub(crate) fn key(&self) -> Result<Hash, Failure> {
        let basis = serde_json::to_vec(self).map_err(|error| Failure::Internal(error.to_string()))?;
        let mut hasher = Hasher::new("assay report 1");
        hasher.str("composer", COMPOSER).bytes("basis", &basis);
        Ok(hasher.finish())
    }

    /// The table.
    pub(crate) fn table(&self, store: &Store) -> Result<Table, Failure> {
        let bytes = store.read(&self.table)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Internal(format!("the table's JSON: {error}")))
    }

    /// Composes the report of the table, as [`Basis::table`] gives it.
    pub(crate) fn compose(self, store: &Store, table: Table) -> Result<Composed, Failure> {
        let mut report = Report::new(table, self.run);
        levels::mark(&mut report);
        let asked = prompts::fill(store, &self.asked, &mut report)?;
        let logs = training::section(store, &self.models);
        let (served, known) = served::section(store, &self.models);
        report.diagnostics.extend(served.into_iter().chain(logs.section));
        let samples = samples::show(store, &mut report)?;
        Ok(Composed { report, whole: logs.whole && known && samples && asked })
    }
}

/// Every artefact of the run but the table itself, each with those that it was made from.
fn sources(session: &Session, outcome: &Outcome) -> Result<Vec<Source>, Failure> {
    let artefacts: Vec<(Hash, Hash)> = outcome.steps.iter().map(|step| (step.key, step.output)).collect();
    let challenges = session.challenges.of(&session.store, &artefacts)?;
    let inputs = |step: &Provenance| {
        let steps: BTreeSet<&String> = step.description.inputs.iter().map(|input| &input.step).collect();
        steps.into_iter().cloned().collect()
    };
    let source = |(step, challenge): (&Provenance, Option<Challenge>)| Source {
        id: step.step.clone(),
        step: step.step.clone(),
        kind: step.description.kind.clone(),
        key: step.key.to_string(),
        artefact: step.output.to_string(),
        inputs: inputs(step),
        seed: step.description.seed,
        facts: step.description.facts.clone(),
        prompts: BTreeMap::new(),
        challenge,
    };
    let target = &session.graph.target().id;
    let steps = outcome.steps.iter().zip(challenges);
    Ok(steps.filter(|(step, _)| step.step != *target).map(source).collect())
}

/// By model, the steps whose verdicts its cells are computed from.
fn evidence(session: &Session) -> BTreeMap<String, Vec<String>> {
    let mut evidence: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, steps) in session.graph.inputs(session.graph.target()).filter(|(input, _)| *input == VERDICTS) {
        for step in steps {
            evidence.entry(step.label().name).or_default().push(step.id.clone());
        }
    }
    evidence
}

/// What was fixed before the run: the files of criteria as the run read them, and what was overridden. `None` where the
/// recipe and the scale have no such files.
fn criteria(session: &Session) -> Option<Criteria> {
    let mut hasher = Hasher::new("assay criteria 3");
    // A file may have been read more than once; the order in which files are read means nothing.
    let all: BTreeSet<_> = session.graph.files().iter().collect();
    let stated: Vec<_> = all.into_iter().filter(|(name, _)| name.starts_with(CRITERIA)).collect();
    for (name, hash) in &stated {
        hasher.str("file", name.as_str()).hash("content", hash);
    }
    for set in &session.graph.scale().sets {
        hasher.str("set", set);
    }
    let file = |(name, hash): &(Utf8PathBuf, Hash)| CriteriaFile {
        file: name.to_string(),
        hash: hash.to_string(),
        first_commit: session.commits.first(&session.store, name, hash),
    };
    let files: Vec<CriteriaFile> = stated.into_iter().map(file).collect();
    (!files.is_empty()).then(|| Criteria { hash: hasher.finish().to_string(), files, history: Vec::new() })
}
