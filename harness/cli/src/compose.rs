//! From a computed table and a run's provenance to a report: the one place that knows both.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use assay_claims::table::Table;
use assay_flow::{CRITERIA, Outcome, Provenance};
use assay_report::{Criteria, CriteriaFile, Report, Run, Source};
use assay_store::{Hash, Hasher};
use camino::{Utf8Path, Utf8PathBuf};

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
        criteria: criteria(session),
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
        first_commit: first_commit(session.workspace.root(), name, hash),
    };
    let files: Vec<CriteriaFile> = stated.into_iter().map(file).collect();
    (!files.is_empty()).then(|| Criteria { hash: hasher.finish().to_string(), files, history: Vec::new() })
}

/// The first commit in which a file has the text that the run read. `None` without git, without a history that reaches back
/// to it, for a text that is not committed, and for a file that was edited during the run.
fn first_commit(root: &Utf8Path, file: &Utf8Path, read: &Hash) -> Option<String> {
    let now = fs_err::read(root.join(file)).ok()?;
    if Hash::of(&now) != *read {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A shallow clone does not know which commit was the first.
    if git(&["rev-parse", "--is-shallow-repository"])? != "false" {
        return None;
    }
    let blob = git(&["hash-object", "--", file.as_str()])?;
    let object = format!("--find-object={blob}");
    let commits = git(&["log", "--reverse", "--format=%H", &object, "--", file.as_str()])?;
    commits.lines().next().map(str::to_owned)
}
