//! What a program teaches this crate to do: step kinds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use assay_store::Hash;

use crate::context::StepContext;
use crate::error::{FlowError, StepError};
use crate::params::{ParamError, Params};

/// Facts about the machine and the set-up that can change results, by name: `isa`, `sandbox-image`.
pub type Facts = BTreeMap<String, String>;

/// How many steps an input takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly one.
    One,
    /// One or none.
    Optional,
    /// One or more.
    Many,
}

/// An input that a kind declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name in `inputs = { name = "step" }`.
    pub name: &'static str,
    /// How many steps it takes.
    pub arity: Arity,
}

impl InputSpec {
    /// An input that takes exactly one step.
    pub const fn one(name: &'static str) -> Self {
        Self { name, arity: Arity::One }
    }

    /// An input that may be left out.
    pub const fn optional(name: &'static str) -> Self {
        Self { name, arity: Arity::Optional }
    }

    /// An input that takes one or more steps.
    pub const fn many(name: &'static str) -> Self {
        Self { name, arity: Arity::Many }
    }
}

/// What a step needs while it runs. A step that needs more than there is runs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Threads that it keeps busy, 1 or more.
    pub threads: usize,
    /// Peak memory in MiB.
    pub memory_mb: u64,
}

/// A kind of step: how parameters and inputs become an output.
///
/// The output must depend on nothing but what the key covers: the kind's name and fingerprint, the
/// parameters, the seed, the inputs (their bytes, names, order and step ids) and the facts that
/// [`StepKind::facts`] returns. In particular not on the number of threads.
pub trait StepKind: Send + Sync {
    /// The name in `kind = "..."`.
    fn name(&self) -> &'static str;

    /// Identifies the code: change it whenever the same inputs may give other bytes.
    fn fingerprint(&self) -> Hash;

    /// The inputs that a step of this kind may have.
    fn inputs(&self) -> &'static [InputSpec];

    /// Checks the parameters before anything runs.
    ///
    /// # Errors
    /// What does not fit; typically that of `params.parse::<MyParams>()`.
    fn check(&self, params: &Params) -> Result<(), ParamError>;

    /// Those facts of `env` (or of the kind's own) that change this step's result.
    fn facts(&self, params: &Params, env: &Facts) -> Facts {
        let _ = (params, env);
        Facts::new()
    }

    /// What the step needs while it runs.
    fn resources(&self, params: &Params) -> Resources;

    /// Makes the output, a file or folder at [`StepContext::output`].
    ///
    /// Long work asks [`StepContext::cancelled`] now and then and gives up with [`StepError::cancelled`];
    /// what it saved in [`StepContext::checkpoint`] is there again the next time.
    ///
    /// # Errors
    /// What went wrong and who has to act.
    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError>;
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
    /// [`FlowError::DuplicateKind`] if there is one of this name already.
    pub fn register(&mut self, kind: impl StepKind + 'static) -> Result<(), FlowError> {
        let name = kind.name();
        if self.kinds.insert(name, Arc::new(kind)).is_some() {
            return Err(FlowError::DuplicateKind { name });
        }
        Ok(())
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn StepKind>> {
        self.kinds.get(name)
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
