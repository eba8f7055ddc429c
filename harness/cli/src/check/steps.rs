//! The steps whose key or artefact differs between two reports.

use std::collections::{BTreeMap, BTreeSet};

use assay_flow::{changes_since, described};
use assay_report::Source;
use assay_store::{Hash, Store};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;

/// A step that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedStep {
    /// The step, such as `sft-1k-noisy.final[seed=1]`.
    pub(crate) step: String,
    pub(crate) change: Change,
    /// Whether none of its inputs differs: the change begins here.
    pub(crate) first: bool,
    /// Why it differs, as far as the store remembers; filled in by the command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
}

/// What differs of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    /// Only the second report has it.
    Added,
    /// Only the first report has it.
    Removed,
    /// Another key and another artefact.
    Result,
    /// Another key and the same artefact.
    Key,
    /// The same key and another artefact: the step does not give the same bytes each time.
    Unstable,
}

impl Change {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Added => "is new",
            Self::Removed => "is gone",
            Self::Result => "another key, another artefact",
            Self::Key => "another key, the same artefact",
            Self::Unstable => "the same key, another artefact: its bytes are not reproducible",
        }
    }
}

/// The steps that differ, each after its inputs; those that are gone come last.
pub(crate) fn changed(baseline: &[Source], now: &[Source]) -> Vec<ChangedStep> {
    let before: BTreeMap<&str, &Source> =
        baseline.iter().map(|source| (source.id.as_str(), source)).collect();
    let after: BTreeMap<&str, &Source> = now.iter().map(|source| (source.id.as_str(), source)).collect();
    let change = |id: &str| match (before.get(id), after.get(id)) {
        (None, _) => Some(Change::Added),
        (_, None) => Some(Change::Removed),
        (Some(old), Some(new)) => match (old.key != new.key, old.artefact != new.artefact) {
            (false, false) => None,
            (true, true) => Some(Change::Result),
            (true, false) => Some(Change::Key),
            (false, true) => Some(Change::Unstable),
        },
    };
    let gone = baseline.iter().filter(|source| !after.contains_key(source.id.as_str()));
    let all = after_inputs(now).into_iter().chain(gone);
    all.filter_map(|source| {
        let first = source.inputs.iter().all(|input| change(input).is_none());
        Some(ChangedStep {
            step: source.step.clone(),
            change: change(&source.id)?,
            first,
            reasons: Vec::new(),
        })
    })
    .collect()
}

/// Says of each step at which a change begins why its key differs, if the store knows both keys.
pub(crate) fn explain(
    steps: &mut [ChangedStep],
    store: &Store,
    (baseline, now): (&[Source], &[Source]),
) -> Result<(), Failure> {
    for step in steps.iter_mut().filter(|step| step.first) {
        let key = |sources: &[Source]| -> Option<Hash> {
            sources.iter().find(|source| source.step == step.step)?.key.parse().ok()
        };
        let Some((before, after)) = key(baseline).zip(key(now)) else { continue };
        if let Some(after) = described(store, &after)? {
            let reasons = changes_since(store, &before, &after)?;
            step.reasons = reasons.into_iter().flatten().map(|reason| reason.to_string()).collect();
        }
    }
    Ok(())
}

/// The sources in an order in which each follows its inputs, otherwise as they stand.
fn after_inputs(sources: &[Source]) -> Vec<&Source> {
    let mut left: Vec<&Source> = sources.iter().collect();
    let mut waiting: BTreeSet<&str> = left.iter().map(|source| source.id.as_str()).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let (ready, later): (Vec<&Source>, Vec<&Source>) = left
            .iter()
            .partition(|source| source.inputs.iter().all(|input| !waiting.contains(input.as_str())));
        // A report's sources make no circle; were there one, its members would come as they stand.
        let (ready, later) = if ready.is_empty() { (later, Vec::new()) } else { (ready, later) };
        ready.iter().for_each(|source| _ = waiting.remove(source.id.as_str()));
        ordered.extend(ready);
        left = later;
    }
    ordered
}
