//! How much was done anew for each row of a table that has models of others.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::Assurance;
use assay_report::{Report, Source};
use assay_study::roles::{brings_a_released_model, trains};

/// Says of each row whether its model was trained here or is a released one that was sampled anew. Where no row rests on a model
/// of others, all were trained here, and nothing is said.
pub(super) fn mark(report: &mut Report) {
    let by_id: BTreeMap<&str, &Source> =
        report.sources.iter().map(|source| (source.id.as_str(), source)).collect();
    let levels: Vec<Option<Assurance>> = report
        .rows
        .iter()
        .map(|row| level(row.cells.values().flat_map(|cell| &cell.sources).map(String::as_str), &by_id))
        .collect();
    if !report.sources.iter().any(|source| brings_a_released_model(&source.kind)) {
        return;
    }
    report.rows.iter_mut().zip(levels).for_each(|(row, level)| row.anew = level);
}

/// The level of what rests on these sources: trained anew if any of what they were made from was trained.
fn level<'a>(ids: impl Iterator<Item = &'a str>, by_id: &BTreeMap<&'a str, &'a Source>) -> Option<Assurance> {
    let mut queue: Vec<&str> = ids.collect();
    let mut met: BTreeSet<&str> = queue.iter().copied().collect();
    let mut found = None;
    while let Some(id) = queue.pop() {
        let Some(source) = by_id.get(id) else { continue };
        if trains(&source.kind) {
            return Some(Assurance::Retrained);
        }
        if brings_a_released_model(&source.kind) {
            found = Some(Assurance::ReSampled);
        }
        queue.extend(source.inputs.iter().map(String::as_str).filter(|id| met.insert(id)));
    }
    found
}
