//! From a computed table and a run's provenance to a report: the one place that knows both.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::table::Table;
use assay_flow::{Outcome, Provenance};
use assay_report::{Criteria, Report, Run, Source};
use assay_store::Hasher;

use crate::failure::Failure;
use crate::session::Session;

/// The input of a table step that its cells are computed from.
const VERDICTS: &str = "verdicts";

/// The report of a table recipe's outcome.
pub(crate) fn report(session: &Session, outcome: &Outcome) -> Result<Report, Failure> {
    let bytes = session.store.read(&outcome.output)?;
    let table: Table = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Internal(format!("the table's JSON: {error}")))?;
    let (recipe, scale) = (session.graph.recipe(), session.graph.scale());
    let run = Run {
        id: recipe.name.clone(),
        title: recipe.title.clone(),
        paper: recipe.paper.clone().unwrap_or_default(),
        locator: recipe.locator.clone().unwrap_or_default(),
        scale: scale.name.clone(),
        recipe: Some(recipe.name.clone()),
        overrides: scale.sets.clone(),
        criteria: Some(criteria(session)),
        facts: session.facts.clone(),
        sources: sources(session, outcome),
        evidence: evidence(session),
    };
    Ok(Report::new(table, run))
}

/// Every artefact of the run but the table itself, each with those that it was made from.
fn sources(session: &Session, outcome: &Outcome) -> Vec<Source> {
    let inputs = |step: &Provenance| {
        let steps: BTreeSet<&String> = step.description.inputs.iter().map(|input| &input.step).collect();
        steps.into_iter().cloned().collect()
    };
    let source = |step: &Provenance| Source {
        id: step.step.clone(),
        step: step.step.clone(),
        kind: step.description.kind.clone(),
        key: step.key.to_string(),
        artefact: step.output.to_string(),
        inputs: inputs(step),
        seed: step.description.seed,
        facts: step.description.facts.clone(),
    };
    let target = &session.graph.target().id;
    outcome.steps.iter().filter(|step| step.step != *target).map(source).collect()
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

/// What was fixed before the run: every file that the graph was read from, as it was then, and what was
/// overridden.
fn criteria(session: &Session) -> Criteria {
    let mut hasher = Hasher::new("assay criteria 2");
    // A file may have been read more than once; the order in which files are read means nothing.
    let files: BTreeSet<_> = session.graph.files().iter().collect();
    for (name, hash) in &files {
        hasher.str("file", name.as_str()).hash("content", hash);
    }
    for set in &session.graph.scale().sets {
        hasher.str("set", set);
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    Criteria::in_files(&names, hasher.finish().to_string())
}
