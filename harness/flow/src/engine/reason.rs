//! Why a step runs again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use assay_store::Hash;
use serde::{Deserialize, Serialize};

use crate::engine::key::{Description, InputRecord, Param};
use crate::values::value::Origin;

/// One reason for running a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// There is no record of it in the store.
    NeverRun,
    /// A parameter is another one, is new, or is gone.
    Param {
        /// Where it is written now, or was written if it is gone.
        origin: Origin,
        /// Its path among the step's parameters.
        field: String,
        /// As it was; `None` if it is new.
        old: Option<String>,
        /// As it is; `None` if it is gone.
        new: Option<String>,
    },
    /// An input is another one, is new, or is gone.
    Input {
        /// The input's name.
        name: String,
        /// The connected step.
        step: String,
        /// Its output then; `None` if it is a new connection.
        old: Option<Hash>,
        /// Its output now; `None` if the connection is gone.
        new: Option<Hash>,
    },
    /// The steps connected to an input are the same in another order.
    InputOrder {
        /// The input's name.
        name: String,
    },
    /// The code that implements the kind is another one, or the kind is.
    Code {
        /// The kind now.
        kind: String,
    },
    /// A fact is another one, is new, or is gone.
    Fact {
        /// Its name.
        name: String,
        /// As it was.
        old: Option<String>,
        /// As it is.
        new: Option<String>,
    },
    /// A step that it takes as an input runs first; whether this one must run depends on what comes out.
    Upstream {
        /// That step.
        step: String,
    },
    /// Its output was found damaged.
    Corrupt {
        /// The damaged object: the output, or a file in it.
        hash: Hash,
    },
    /// Its output is no longer in the store.
    Missing {
        /// The output.
        hash: Hash,
    },
    /// It was recorded by a version that made keys in another way.
    KeyFormat,
}

impl fmt::Display for Reason {
    /// One line, such as `recipes/scale/embedded.toml:31 reasoner.epochs 6 -> 8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverRun => f.write_str("never run"),
            Self::Param { origin, old, new, .. } => match (old, new) {
                (Some(old), Some(new)) => write!(f, "{origin} {old} -> {new}"),
                (None, Some(new)) => write!(f, "{origin} added: {new}"),
                (Some(old), None) => write!(f, "{origin} removed: {old}"),
                (None, None) => write!(f, "{origin}"),
            },
            Self::Input { name, step, old, new } => match (old, new) {
                (Some(old), Some(new)) => {
                    write!(f, "input {name}: {step} changed {} -> {}", old.short(), new.short())
                }
                (Some(_), None) => write!(f, "input {name}: {step} removed"),
                _ => write!(f, "input {name}: {step} added"),
            },
            Self::InputOrder { name } => write!(f, "input {name}: order of the steps changed"),
            Self::Code { kind } => write!(f, "code of step kind {kind} changed"),
            Self::Fact { name, old, new } => match (old, new) {
                (Some(old), Some(new)) => write!(f, "{name} {old} -> {new}"),
                (None, Some(new)) => write!(f, "{name} added: {new}"),
                (Some(old), None) => write!(f, "{name} removed: {old}"),
                (None, None) => write!(f, "{name}"),
            },
            Self::Upstream { step } => write!(f, "waits for {step}"),
            Self::Corrupt { hash } => write!(f, "object {} is corrupt", hash.short()),
            Self::Missing { hash } => write!(f, "output {} is no longer in the store", hash.short()),
            Self::KeyFormat => f.write_str("recorded by a version that made keys in another way"),
        }
    }
}

/// What differs between a step as it was recorded last and as it is now, and which inputs have to wait.
pub(crate) fn differences(old: &Description, new: &Description) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if (&old.kind, old.version) != (&new.kind, new.version) {
        reasons.push(Reason::Code { kind: new.kind.clone() });
    }
    params(&old.params, &new.params, &mut reasons);
    inputs(old, new, &mut reasons);
    let names: BTreeSet<&String> = old.facts.keys().chain(new.facts.keys()).collect();
    for name in names {
        let (old, new) = (old.facts.get(name).cloned(), new.facts.get(name).cloned());
        if old != new {
            reasons.push(Reason::Fact { name: name.clone(), old, new });
        }
    }
    reasons
}

fn params(old: &BTreeMap<String, Param>, new: &BTreeMap<String, Param>, reasons: &mut Vec<Reason>) {
    let fields: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for field in fields {
        let (was, is) = (old.get(field), new.get(field));
        let Some(shown) = is.or(was) else { continue };
        if was.map(|p| &p.value) != is.map(|p| &p.value) {
            reasons.push(Reason::Param {
                origin: shown.origin.clone(),
                field: field.clone(),
                old: was.map(|p| p.value.clone()),
                new: is.map(|p| p.value.clone()),
            });
        }
    }
}

/// Compares by input name and step. An input whose output is not known yet is left to [`Reason::Upstream`].
fn inputs(old: &Description, new: &Description, reasons: &mut Vec<Reason>) {
    let same = |a: &InputRecord, b: &InputRecord| (&a.name, &a.step) == (&b.name, &b.step);
    for input in new.inputs.iter().filter(|input| input.output.is_some()) {
        let was = old.inputs.iter().find(|was| same(was, input)).and_then(|was| was.output);
        if was != input.output {
            let (name, step) = (input.name.clone(), input.step.clone());
            reasons.push(Reason::Input { name, step, old: was, new: input.output });
        }
    }
    for was in old.inputs.iter().filter(|was| !new.inputs.iter().any(|input| same(was, input))) {
        let (name, step) = (was.name.clone(), was.step.clone());
        reasons.push(Reason::Input { name, step, old: was.output, new: None });
    }
    let names: BTreeSet<&String> = new.inputs.iter().map(|input| &input.name).collect();
    for name in names {
        let steps = |description: &Description| -> Vec<String> {
            let named = description.inputs.iter().filter(|input| input.name == *name);
            named.map(|input| input.step.clone()).collect()
        };
        let (mut was, mut is) = (steps(old), steps(new));
        let moved = was != is;
        was.sort();
        is.sort();
        if moved && was == is {
            reasons.push(Reason::InputOrder { name: name.clone() });
        }
    }
}
