//! What a program teaches this crate: step kinds, and what a step sees while it runs.

pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod manual;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::kind::context::StepContext;
use crate::kind::error::StepError;
use crate::kind::facts::Facts;
use crate::values::params::{ParamError, Params};

/// How many steps an input takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// One or more.
    Many,
    /// Any number, also none.
    Any,
}

/// The type of an artefact, such as `model`. Connecting another type than an input takes is an error at plan
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactType(pub &'static str);

impl fmt::Display for ArtifactType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An input that a kind declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name in `inputs = { name = "step" }`.
    pub name: &'static str,
    /// How many steps it takes.
    pub arity: Arity,
    /// The type of artefact that it takes.
    pub takes: ArtifactType,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// Whether the kind reads the model and the seed of an artefact. Only then are they in the key.
    pub labelled: bool,
}

impl InputSpec {
    const fn new(name: &'static str, arity: Arity, takes: ArtifactType) -> Self {
        Self { name, arity, takes, about: "", labelled: false }
    }

    /// An input that takes exactly one step.
    pub const fn one(name: &'static str, takes: ArtifactType) -> Self {
        Self::new(name, Arity::One, takes)
    }

    /// An input that may be left out.
    pub const fn optional(name: &'static str, takes: ArtifactType) -> Self {
        Self::new(name, Arity::Optional, takes)
    }

    /// An input that takes one or more steps.
    pub const fn many(name: &'static str, takes: ArtifactType) -> Self {
        Self::new(name, Arity::Many, takes)
    }

    /// An input that takes any number of steps and may be left out.
    pub const fn any(name: &'static str, takes: ArtifactType) -> Self {
        Self::new(name, Arity::Any, takes)
    }

    /// The same, with labels: see [`InputSpec::labelled`].
    #[must_use]
    pub const fn labelled(self) -> Self {
        Self { labelled: true, ..self }
    }

    /// The same, with one sentence about it.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }
}

/// What a step needs while it runs. A step that needs more threads or memory than there are runs alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Threads that it keeps busy, 1 or more.
    pub threads: usize,
    /// Peak memory in MiB.
    pub memory_mb: u64,
    /// A device that it has to itself, such as `cuda:0`: at most one step at a time runs on each.
    pub device: Option<String>,
}

/// A kind of step: how parameters and inputs become an output.
///
/// The output must depend on nothing but what the key covers: the kind's name and version, the parameters,
/// the seed, the inputs (their names, order and bytes, and the labels of inputs that are declared as
/// labelled) and the facts that [`StepKind::facts`] returns. In particular not on the number of threads.
pub trait StepKind: Send + Sync {
    /// The name in `kind = "..."`.
    fn name(&self) -> &'static str;

    /// What such a step does, in one sentence.
    fn about(&self) -> &'static str;

    /// The version of the code: raised whenever the same inputs may give other bytes.
    fn version(&self) -> u32;

    /// The inputs that a step of this kind may have.
    fn inputs(&self) -> &'static [InputSpec];

    /// The type of the output.
    fn output(&self) -> ArtifactType;

    /// The JSON schema of the parameters, with their documentation.
    fn parameters(&self) -> serde_json::Value;

    /// Checks the parameters before anything runs.
    ///
    /// # Errors
    /// What does not fit; typically that of `params.parse::<MyParams>()`.
    fn check(&self, params: &Params) -> Result<(), ParamError>;

    /// Checks before anything runs that what the parameters ask for can be done with the inputs that are connected. It is
    /// asked where [`StepKind::check`] finds nothing.
    ///
    /// # Errors
    /// What does not fit, with the path of the parameter.
    fn check_inputs(&self, params: &Params, connected: &[&str]) -> Result<(), ParamError> {
        let _ = (params, connected);
        Ok(())
    }

    /// Checks before a run what a plan can do without, such as that a file is pinned which has to be fetched.
    ///
    /// # Errors
    /// What is missing, and what to do.
    fn check_to_run(&self, params: &Params) -> Result<(), StepError> {
        let _ = params;
        Ok(())
    }

    /// Those facts of `env` (or of the kind's own) that change this step's result. Of the parameters only the values count, not
    /// the seed and the labels: steps that share their values are asked about once.
    fn facts(&self, params: &Params, env: &Facts) -> Facts {
        let _ = (params, env);
        Facts::new()
    }

    /// What a step with these parameters needs while it runs.
    fn resources(&self, params: &Params) -> Resources;

    /// How much work a step with these parameters is, above 0, in a unit of the kind's own: steps of one kind are expected to
    /// take time in proportion. `None` where parameters do not tell.
    fn size(&self, params: &Params) -> Option<f64> {
        let _ = params;
        None
    }

    /// The bytes that a step with these parameters downloads; `None` for one that needs no network.
    fn downloads(&self, params: &Params) -> Option<u64> {
        let _ = params;
        None
    }

    /// Makes the output, a file or folder at [`StepContext::output`].
    ///
    /// Long work asks [`StepContext::cancelled`] now and then and gives up with [`StepError::cancelled`];
    /// what it saved in [`StepContext::checkpoint`] is there again the next time.
    ///
    /// # Errors
    /// What went wrong and who has to act.
    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError>;
}

/// Two step kinds have the same name: a mistake of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two step kinds are called `{name}`")]
pub struct DuplicateKind {
    /// The name.
    pub name: &'static str,
}

/// The step kinds that a program knows.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Arc<dyn StepKind>>,
}

impl Registry {
    /// Without any kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind.
    ///
    /// # Errors
    /// [`DuplicateKind`] if there is one of this name already.
    pub fn register(&mut self, kind: impl StepKind + 'static) -> Result<(), DuplicateKind> {
        let name = kind.name();
        if self.kinds.insert(name, Arc::new(kind)).is_some() {
            return Err(DuplicateKind { name });
        }
        Ok(())
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn StepKind>> {
        self.kinds.get(name)
    }

    /// All kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<dyn StepKind>> {
        self.kinds.values()
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
