//! What the models of a run were asked: for each source of replies, the hashes of its prompts.

use std::collections::BTreeMap;

use assay_flow::{Located, Outcome, Params, Provenance, Step};
use assay_report::Report;
use assay_store::{Hash, Store, StoreError};
use assay_study::prompts::{Form, hashes};
use assay_study::roles::brings_replies;

use crate::failure::Failure;
use crate::samples::failed;
use crate::session::Session;

/// The input of a step that generates whose items it asks.
const ITEMS: &str = "items";

/// What a step that generates asked.
pub(crate) struct Asked {
    /// The step.
    source: String,
    /// The artefact of its items.
    items: Hash,
    params: Params,
}

/// What the steps of a run asked, in their order.
pub(super) fn of_run(session: &Session, outcome: &Outcome) -> Vec<Asked> {
    let made = session.graph.steps().iter().zip(&outcome.steps);
    let asked = |(step, made): (&Step, &Provenance)| {
        let items = made.description.inputs.iter().find(|input| input.name == ITEMS)?.output?;
        Some(Asked { source: step.id.clone(), items, params: step.params.clone() })
    };
    made.filter(|(step, _)| brings_replies(step.kind.name())).filter_map(asked).collect()
}

/// Puts the hashes of prompts into the sources of a report. Says whether the store had all items.
pub(super) fn fill(store: &Store, asked: &[Asked], report: &mut Report) -> Result<bool, Failure> {
    // The items are read once for all that were asked them, and models that share their parameters were asked alike.
    let mut by_items: BTreeMap<Hash, Vec<(*const Located, Form)>> = BTreeMap::new();
    for Asked { items, params, .. } in asked {
        let forms = by_items.entry(*items).or_default();
        if forms.iter().all(|(root, _)| *root != shared(params)) {
            forms.push((shared(params), Form::of(params).map_err(failed)?));
        }
    }
    let mut whole = true;
    let mut found: BTreeMap<(Hash, *const Located), BTreeMap<String, String>> = BTreeMap::new();
    for (items, forms) in by_items {
        let path = match store.path(&items) {
            Err(StoreError::Missing { .. } | StoreError::Corrupt { .. }) => {
                whole = false;
                continue;
            }
            path => path?,
        };
        let (roots, forms): (Vec<_>, Vec<Form>) = forms.into_iter().unzip();
        for (root, hashes) in roots.into_iter().zip(hashes(&path, &forms).map_err(failed)?) {
            let hashes = hashes.into_iter().map(|(benchmark, hash)| (benchmark, hash.to_string()));
            found.insert((items, root), hashes.collect());
        }
    }
    let of_source: BTreeMap<&str, _> =
        asked.iter().map(|asked| (asked.source.as_str(), (asked.items, shared(&asked.params)))).collect();
    for source in &mut report.sources {
        let prompts = of_source.get(source.id.as_str()).and_then(|key| found.get(key));
        source.prompts = prompts.cloned().unwrap_or_default();
    }
    Ok(whole)
}

/// What steps of the same parameters share.
fn shared(params: &Params) -> *const Located {
    std::ptr::from_ref(params.root())
}
