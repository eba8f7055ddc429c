//! Why a step runs again.

use std::fmt;

use assay_store::Hash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::key::Param;
use crate::values::params::Label;
use crate::values::value::Origin;

/// One reason for running a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// The store has no record of a step of this name.
    NeverRun,
    /// A parameter has another value, is new, or is gone.
    Param {
        /// Its path among the step's parameters.
        field: String,
        /// As it was; `None` if it is new.
        old: Option<Param>,
        /// As it is; `None` if it is gone.
        new: Option<Param>,
    },
    /// An input has another output, is new, or is gone.
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
    /// An input whose label the kind reads has another one.
    Label {
        /// The input's name.
        name: String,
        /// The label then; `None` if the kind did not read labels.
        old: Option<Label>,
        /// The label now; `None` if the kind does not read labels any more.
        new: Option<Label>,
    },
    /// The steps connected to an input are the same in another order.
    InputOrder {
        /// The input's name.
        name: String,
    },
    /// The step is of another kind.
    Kind {
        /// The kind then.
        old: String,
        /// The kind now.
        new: String,
    },
    /// The kind has another version.
    Version {
        /// The kind.
        kind: String,
        /// Its version then.
        old: u32,
        /// Its version now.
        new: u32,
    },
    /// A fact has another value, is new, or is gone.
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
            Self::NeverRun => f.write_str("never run under this name"),
            Self::Param { field, old, new } => write_param(f, field, old.as_ref(), new.as_ref()),
            Self::Input { name, step, old: Some(old), new: Some(new) } => {
                write!(f, "input {name}: {step} changed {} -> {}", old.short(), new.short())
            }
            Self::Input { name, step, old: Some(_), new: None } => write!(f, "input {name}: {step} removed"),
            Self::Input { name, step, .. } => write!(f, "input {name}: {step} added"),
            Self::Label { name, old, new } => write_change(f, &format!("input {name}: label"), old, new),
            Self::InputOrder { name } => write!(f, "input {name}: order of the steps changed"),
            Self::Kind { old, new } => write!(f, "step kind {old} -> {new}"),
            Self::Version { kind, old, new } => write!(f, "version of step kind {kind} {old} -> {new}"),
            Self::Fact { name, old, new } => write_change(f, name, old, new),
            Self::Upstream { step } => write!(f, "waits for {step}"),
            Self::Corrupt { hash } => write!(f, "object {} is corrupt", hash.short()),
            Self::Missing { hash } => write!(f, "output {} is no longer in the store", hash.short()),
            Self::KeyFormat => f.write_str("recorded by a version that made keys in another way"),
        }
    }
}

/// `WHAT old -> new`, `WHAT added: new`, or `WHAT removed: old`.
fn write_change(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    old: &Option<impl fmt::Display>,
    new: &Option<impl fmt::Display>,
) -> fmt::Result {
    match (old, new) {
        (Some(old), Some(new)) => write!(f, "{what} {old} -> {new}"),
        (None, Some(new)) => write!(f, "{what} added: {new}"),
        (Some(old), None) => write!(f, "{what} removed: {old}"),
        (None, None) => f.write_str(what),
    }
}

/// A change of a parameter, led by where it is written now, or was written if it is gone. An old value that
/// was written elsewhere has its own origin in brackets: `scale.toml:31 final.epochs 8 (--set) -> 6`.
fn write_param(
    f: &mut fmt::Formatter<'_>,
    field: &str,
    old: Option<&Param>,
    new: Option<&Param>,
) -> fmt::Result {
    let Some(shown) = new.or(old) else { return f.write_str(field) };
    let origin = &shown.origin;
    let was = old.map(|old| match old.origin.is_elsewhere(origin) {
        true => format!("{} ({})", old.value, beside(&old.origin, origin)),
        false => old.value.clone(),
    });
    write_change(f, &origin.to_string(), &was, &new.map(|new| &new.value))
}

/// An origin as it is written beside another one: without its path if that is the same.
fn beside(origin: &Origin, other: &Origin) -> String {
    match origin {
        Origin::Set { path } if path == other.path() => "--set".to_owned(),
        Origin::File { at, path } if path == other.path() => format!("{}:{}", at.file, at.line),
        _ => origin.to_string(),
    }
}
