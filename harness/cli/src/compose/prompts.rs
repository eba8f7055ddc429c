//! What the models of a run were asked: for each source of replies, the hashes of its prompts.

use std::cell::Cell;
use std::collections::BTreeMap;

use assay_flow::{Located, Outcome, Params, Provenance, Step};
use assay_report::Report;
use assay_store::{Hash, Store, StoreError};
use assay_study::prompts::{Form, hashes, wants_template};
use assay_study::roles::brings_replies;

use crate::failure::Failure;
use crate::samples::failed;
use crate::session::Session;

/// The inputs of a step that generates: whom it asks what, and by which chat template if the recipe has none.
const ITEMS: &str = "items";
const MODEL: &str = "model";
const TEMPLATE: &str = "template";

/// What a step that generates asked.
pub(crate) struct Asked {
    /// The step.
    source: String,
    /// The artefact of its items.
    items: Hash,
    params: Params,
    /// Where its chat template is, if that is a checkpoint's.
    template: Option<Origin>,
}

/// Where the chat template of a checkpoint is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    File(Hash),
    Model(Hash),
}

/// What determines the words of a step: the parameters that it shares with others, and the checkpoint.
type Words = (*const Located, Option<Origin>);

impl Asked {
    fn words(&self) -> Words {
        (std::ptr::from_ref(self.params.root()), self.template)
    }
}

/// What the steps of a run asked, in their order.
pub(super) fn of_run(session: &Session, outcome: &Outcome) -> Vec<Asked> {
    let made = session.graph.steps().iter().zip(&outcome.steps);
    let asked = |(step, made): (&Step, &Provenance)| {
        let input = |name: &str| made.description.inputs.iter().find(|input| input.name == name)?.output;
        let origin = || input(TEMPLATE).map(Origin::File).or_else(|| input(MODEL).map(Origin::Model));
        let template = if wants_template(&step.params) { origin() } else { None };
        Some(Asked { source: step.id.clone(), items: input(ITEMS)?, params: step.params.clone(), template })
    };
    made.filter(|(step, _)| brings_replies(step.kind.name())).filter_map(asked).collect()
}

/// Puts the hashes of prompts into the sources of a report. Says whether the store had all that they are made from.
pub(super) fn fill(store: &Store, asked: &[Asked], report: &mut Report) -> Result<bool, Failure> {
    // The items are read once for all that were asked them, and models that share their words were asked alike.
    let mut by_items: BTreeMap<Hash, BTreeMap<Words, &Asked>> = BTreeMap::new();
    for one in asked {
        by_items.entry(one.items).or_default().entry(one.words()).or_insert(one);
    }
    let mut whole = true;
    let mut found: BTreeMap<(Hash, Words), BTreeMap<String, String>> = BTreeMap::new();
    for (items, wanted) in by_items {
        let mut forms = Vec::new();
        let mut words = Vec::new();
        for (these, one) in wanted {
            match form(store, one)? {
                Some(form) => {
                    words.push(these);
                    forms.push(form);
                }
                None => whole = false,
            }
        }
        let Some(path) = there(store.path(&items))? else {
            whole = false;
            continue;
        };
        for (these, hashes) in words.into_iter().zip(hashes(&path, &forms).map_err(failed)?) {
            let hashes = hashes.into_iter().map(|(benchmark, hash)| (benchmark, hash.to_string()));
            found.insert((items, these), hashes.collect());
        }
    }
    let of_source: BTreeMap<&str, _> =
        asked.iter().map(|asked| (asked.source.as_str(), (asked.items, asked.words()))).collect();
    for source in &mut report.sources {
        let prompts = of_source.get(source.id.as_str()).and_then(|key| found.get(key));
        source.prompts = prompts.cloned().unwrap_or_default();
    }
    Ok(whole)
}

/// How a step puts questions into words; `None` if the store has lost the chat template.
fn form(store: &Store, asked: &Asked) -> Result<Option<Form>, Failure> {
    let file = match asked.template {
        Some(Origin::File(file)) => match there(store.path(&file))? {
            Some(path) => Some(path),
            None => return Ok(None),
        },
        _ => None,
    };
    let lost = Cell::new(false);
    let in_model = |name: &str| {
        let Some(Origin::Model(model)) = asked.template else { return None };
        match store.path_in_tree(&model, name) {
            Ok(path) => Some(path),
            Err(StoreError::NotInTree { .. }) => None,
            Err(_) => {
                lost.set(true);
                None
            }
        }
    };
    let form = Form::of(&asked.params, file.as_deref(), &in_model);
    if lost.get() { Ok(None) } else { form.map(Some).map_err(failed) }
}

/// What the store has of an object; `None` if it has lost it.
fn there<T>(found: Result<T, StoreError>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Missing { .. } | StoreError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
