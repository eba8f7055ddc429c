//! What differs between a step as it was recorded last and as it is now.

use std::collections::BTreeSet;

use assay_store::{Hash, Store, StoreError};

use crate::engine::key::{Description, InputRecord};
use crate::engine::reason::Reason;
use crate::values::params::Label;

/// The reasons why a step described as `now` has another key than an earlier one, as [`plan`](crate::plan()) would give them;
/// `None` if the store does not know the earlier key.
///
/// # Errors
/// The store could not be read.
pub fn changes_since(
    store: &Store,
    earlier: &Hash,
    now: &Description,
) -> Result<Option<Vec<Reason>>, StoreError> {
    Ok(described(store, earlier)?.map(|old| differences(&old, now)))
}

/// What the step of a key was made from, as the store has it; `None` if the store does not know the key.
///
/// # Errors
/// The store could not be read.
pub fn described(store: &Store, key: &Hash) -> Result<Option<Description>, StoreError> {
    let action = match store.action(key) {
        Err(StoreError::Corrupt { .. }) => None,
        found => found?,
    };
    Ok(action.and_then(|action| Description::from_bytes(&action.description)))
}

/// The reasons why the keys of two descriptions differ, as far as the outputs of the inputs are known.
pub(crate) fn differences(old: &Description, new: &Description) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if old.kind != new.kind {
        reasons.push(Reason::Kind { old: old.kind.clone(), new: new.kind.clone() });
    } else if old.version != new.version {
        let (kind, old, new) = (new.kind.clone(), old.version, new.version);
        reasons.push(Reason::Version { kind, old, new });
    }
    params(old, new, &mut reasons);
    let names: BTreeSet<&String> = old.inputs.iter().chain(&new.inputs).map(|input| &input.name).collect();
    for name in names {
        let named = |description: &'_ Description| -> Vec<InputRecord> {
            description.inputs.iter().filter(|input| input.name == *name).cloned().collect()
        };
        inputs(name, &named(old), &named(new), &mut reasons);
    }
    let names: BTreeSet<&String> = old.facts.keys().chain(new.facts.keys()).collect();
    for name in names {
        let (old, new) = (old.facts.get(name).cloned(), new.facts.get(name).cloned());
        if old != new {
            reasons.push(Reason::Fact { name: name.clone(), old, new });
        }
    }
    reasons
}

fn params(old: &Description, new: &Description, reasons: &mut Vec<Reason>) {
    let fields: BTreeSet<&String> = old.params.keys().chain(new.params.keys()).collect();
    for field in fields {
        let (old, new) = (old.params.get(field), new.params.get(field));
        if old.map(|param| &param.value) != new.map(|param| &param.value) {
            reasons.push(Reason::Param { field: field.clone(), old: old.cloned(), new: new.cloned() });
        }
    }
}

/// Compares the steps connected to one input.
fn inputs(name: &str, old: &[InputRecord], new: &[InputRecord], reasons: &mut Vec<Reason>) {
    let in_key = |inputs: &[InputRecord]| -> Vec<(Option<Hash>, Option<Label>)> {
        inputs.iter().map(|input| (input.output, input.label.clone())).collect()
    };
    if new.iter().all(|input| input.output.is_some()) && in_key(old) == in_key(new) {
        return;
    }
    let pairs = pair(old, new);
    for (input, was) in new.iter().zip(&pairs) {
        let was = was.map(|index| &old[index]);
        let before = was.and_then(|was| was.output);
        // An output that is not known yet is left to `Reason::Upstream`.
        if input.output.is_some() && before != input.output {
            let (name, step) = (name.to_owned(), input.step.clone());
            reasons.push(Reason::Input { name, step, old: before, new: input.output });
        }
        if let Some(was) = was.filter(|was| was.label != input.label) {
            let (old, new) = (was.label.clone(), input.label.clone());
            reasons.push(Reason::Label { name: name.to_owned(), old, new });
        }
    }
    for (_, was) in old.iter().enumerate().filter(|(index, _)| !pairs.contains(&Some(*index))) {
        let (name, step) = (name.to_owned(), was.step.clone());
        reasons.push(Reason::Input { name, step, old: was.output, new: None });
    }
    let mut order: Vec<usize> = pairs.into_iter().flatten().collect();
    let now: Vec<InputRecord> = order.iter().map(|index| old[*index].clone()).collect();
    order.sort_unstable();
    let then: Vec<InputRecord> = order.iter().map(|index| old[*index].clone()).collect();
    if in_key(&now) != in_key(&then) {
        reasons.push(Reason::InputOrder { name: name.to_owned() });
    }
}

/// For each of `new`, the index of its counterpart among `old`: the step of the same id; else, as it may have
/// been renamed, one with the same output; else, for a step whose output is not known yet, any that is left.
fn pair(old: &[InputRecord], new: &[InputRecord]) -> Vec<Option<usize>> {
    let mut pairs: Vec<Option<usize>> = vec![None; new.len()];
    let mut free = vec![true; old.len()];
    let rules: [fn(&InputRecord, &InputRecord) -> bool; 3] = [
        |old, new| old.step == new.step,
        |old, new| old.output.is_some() && old.output == new.output,
        |_, new| new.output.is_none(),
    ];
    for rule in rules {
        for (i, input) in new.iter().enumerate() {
            if pairs[i].is_none() {
                pairs[i] = (0..old.len()).find(|j| free[*j] && rule(&old[*j], input));
                pairs[i].iter().for_each(|j| free[*j] = false);
            }
        }
    }
    pairs
}
