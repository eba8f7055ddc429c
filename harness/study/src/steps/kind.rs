//! How a step kind of the study is put together: a typed parameter struct and a function.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use assay_flow::{Facts, InputSpec, ParamError, Params, Resources, StepContext, StepError, StepKind};
use assay_lm::LmError;
use assay_store::Hash;
use serde::de::DeserializeOwned;

use crate::fingerprint;

/// The instruction set of float work: results are bit-identical on the same one only.
pub const FACT_ISA: &str = "isa";
/// The identity of the sandbox's Python image.
pub const FACT_IMAGE: &str = "image";
/// The sandbox's limits.
pub const FACT_LIMITS: &str = "limits";

type Run<P> = dyn Fn(&P, &StepContext<'_>) -> Result<(), StepError> + Send + Sync;
type KnownFacts<P> = dyn Fn(&P, &Facts) -> Facts + Send + Sync;
type Check<P> = dyn Fn(&P, &Params) -> Result<(), ParamError> + Send + Sync;

/// A step kind with parameters of type `P`, which reject unknown keys.
pub(crate) struct Kind<P> {
    name: &'static str,
    fingerprint: Hash,
    inputs: &'static [InputSpec],
    facts: Box<KnownFacts<P>>,
    resources: Resources,
    check: Box<Check<P>>,
    run: Box<Run<P>>,
    params: PhantomData<fn() -> P>,
}

impl<P: DeserializeOwned> Kind<P> {
    /// A kind implemented in `src/steps/FILE.rs` on top of `groups` of code (see [`fingerprint`]).
    pub(crate) fn new(
        name: &'static str,
        file: &'static str,
        groups: &[&str],
        run: impl Fn(&P, &StepContext<'_>) -> Result<(), StepError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            fingerprint: fingerprint::of(file, groups),
            inputs: &[],
            facts: Box::new(|_, _| Facts::new()),
            resources: Resources { threads: 1, memory_mb: 100 },
            check: Box::new(|_, _| Ok(())),
            run: Box::new(run),
            params: PhantomData,
        }
    }

    /// The steps that it takes.
    pub(crate) fn inputs(mut self, inputs: &'static [InputSpec]) -> Self {
        self.inputs = inputs;
        self
    }

    /// Facts about the machine or the sandbox that change the result.
    pub(crate) fn facts(self, names: &'static [&'static str]) -> Self {
        self.facts_with(|_, known| {
            let known = names.iter().filter_map(|name| known.get_key_value(*name));
            known.map(|(name, value)| (name.clone(), value.clone())).collect()
        })
    }

    /// The same, where a fact depends on the parameters.
    pub(crate) fn facts_with(mut self, facts: impl Fn(&P, &Facts) -> Facts + Send + Sync + 'static) -> Self {
        self.facts = Box::new(facts);
        self
    }

    /// What a run needs; the default is one thread and 100 MiB.
    pub(crate) fn resources(mut self, threads: usize, memory_mb: u64) -> Self {
        self.resources = Resources { threads, memory_mb };
        self
    }

    /// A check of the parameters beyond their types.
    pub(crate) fn check(
        mut self,
        check: impl Fn(&P, &Params) -> Result<(), ParamError> + Send + Sync + 'static,
    ) -> Self {
        self.check = Box::new(check);
        self
    }
}

impl<P: DeserializeOwned> StepKind for Kind<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fingerprint(&self) -> Hash {
        self.fingerprint
    }

    fn inputs(&self) -> &'static [InputSpec] {
        self.inputs
    }

    fn check(&self, params: &Params) -> Result<(), ParamError> {
        (self.check)(&params.parse()?, params)
    }

    fn facts(&self, params: &Params, known: &Facts) -> Facts {
        params.parse().map_or_else(|_| Facts::new(), |params| (self.facts)(&params, known))
    }

    fn resources(&self, _: &Params) -> Resources {
        self.resources
    }

    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        let params = context.params().parse::<P>().map_err(|error| StepError::internal(error.to_string()))?;
        (self.run)(&params, context)
    }
}

/// Checks numbers among the parameters against their ranges, ends included.
///
/// # Errors
/// Every number outside its range, each with its path.
pub(crate) fn within(numbers: &[(&str, f64, RangeInclusive<f64>)]) -> Result<(), ParamError> {
    let wrong = numbers.iter().filter(|(_, value, range)| !range.contains(value));
    let errors = wrong.map(|(path, value, range)| {
        let rule = match (*range.start(), *range.end()) {
            (low, f64::INFINITY) => format!("at least {low}"),
            (low, high) => format!("between {low} and {high}"),
        };
        ParamError::new(*path, format!("is {value}, but must be {rule}"))
    });
    ParamError::all(errors.collect())
}

/// An input that takes one step.
pub(crate) const fn one(name: &'static str) -> InputSpec {
    InputSpec::one(name)
}

/// Runs float work on as many threads as the step was given; the result does not depend on how many.
pub(crate) fn in_pool<T: Send>(
    context: &StepContext<'_>,
    work: impl FnOnce() -> Result<T, StepError> + Send,
) -> Result<T, StepError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(context.threads())
        .build()
        .map_err(|error| StepError::environment("threads could not be started").caused_by(error))?;
    pool.install(work)
}

/// An error of the language model as that of a step.
pub(crate) fn lm(error: LmError) -> StepError {
    let step = match error.class() {
        assay_lm::ErrorClass::User => StepError::user("the language model refused"),
        assay_lm::ErrorClass::Environment => StepError::environment("the language model failed"),
        assay_lm::ErrorClass::Internal => StepError::internal("the language model failed"),
    };
    match error.remedy() {
        Some(remedy) => step.remedy(remedy),
        None => step,
    }
    .caused_by(error)
}

/// The instruction set that float work runs on: the widest vectors that the matrix kernels use here.
#[must_use]
pub fn isa() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "x86-64 avx512f";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "x86-64 avx2 fma";
        }
    }
    std::env::consts::ARCH
}
