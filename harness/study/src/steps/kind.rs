//! How a step kind of the study is put together: a typed parameter struct and a function.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

use assay_data::DialectError;
use assay_flow::{
    ArtifactType, Facts, InputSpec, LockEntry, LockError, ParamError, Params, Resources, StepContext,
    StepError, StepKind, Workspace,
};
use assay_lm::{DeviceName, Kernels, LmError, Placement, REFERENCE_VERSION};
use assay_store::ErrorClass;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, de::DeserializeOwned};

/// The instruction set of float work: results are bit-identical on the same one only.
pub const FACT_INSTRUCTION_SET: &str = "instruction-set";

/// A file of others, as it was published.
pub(crate) const FILE: ArtifactType = ArtifactType("file");
/// Items: what is asked, and how an answer is checked.
pub(crate) const ITEMS: ArtifactType = ArtifactType("items");
/// A teacher's rows: item, thought, answer.
pub(crate) const DEMONSTRATIONS: ArtifactType = ArtifactType("demonstrations");
/// Rows of text to train on, in units.
pub(crate) const ROWS: ArtifactType = ArtifactType("rows");
/// A model folder: configuration, tokenizer, weights.
pub(crate) const MODEL: ArtifactType = ArtifactType("model");
/// Thoughts sampled for training items.
pub(crate) const TRACES: ArtifactType = ArtifactType("traces");
/// Log-ratios of traces and likelihoods of reference answers.
pub(crate) const SCORES: ArtifactType = ArtifactType("scores");
/// Answers sampled after traces.
pub(crate) const ANSWERS: ArtifactType = ArtifactType("answers");
/// Verdicts on answers.
pub(crate) const ANSWER_VERDICTS: ArtifactType = ArtifactType("answer-verdicts");
/// Weights of traces.
pub(crate) const WEIGHTS: ArtifactType = ArtifactType("weights");
/// Replies of a model to test items.
pub(crate) const GENERATIONS: ArtifactType = ArtifactType("generations");
/// Verdicts on replies.
pub(crate) const VERDICTS: ArtifactType = ArtifactType("verdicts");
/// Summaries of traces and weights.
pub(crate) const DIAGNOSTICS: ArtifactType = ArtifactType("diagnostics");
/// A recomputed table.
pub(crate) const TABLE: ArtifactType = ArtifactType("table");

type Run<P> = dyn Fn(&P, &StepContext<'_>) -> Result<(), StepError> + Send + Sync;
type KnownFacts<P> = dyn Fn(&P, &Facts) -> Facts + Send + Sync;
type Check<P> = dyn Fn(&P, &Params) -> Result<(), ParamError> + Send + Sync;
type CheckToRun<P> = dyn Fn(&P) -> Result<(), StepError> + Send + Sync;
type CheckInputs<P> = dyn Fn(&P, &[&str]) -> Result<(), ParamError> + Send + Sync;
type Needs<P> = dyn Fn(&P) -> Resources + Send + Sync;
type Downloads<P> = dyn Fn(&P) -> Option<u64> + Send + Sync;

/// The chat template among the parameters, and where it is from if the recipe does not have it.
const TEMPLATE: &str = "dialect.template";
pub(crate) const TEMPLATE_ORIGIN: &str = "dialect.template.from";

/// A step kind with parameters of type `P`, which reject unknown keys.
pub(crate) struct Kind<P> {
    name: &'static str,
    about: &'static str,
    version: u32,
    inputs: &'static [InputSpec],
    output: ArtifactType,
    facts: Box<KnownFacts<P>>,
    resources: Box<Needs<P>>,
    downloads: Box<Downloads<P>>,
    check: Box<Check<P>>,
    check_inputs: Box<CheckInputs<P>>,
    check_to_run: Box<CheckToRun<P>>,
    /// Whether it can lay out text by the chat template of a checkpoint.
    takes_template: bool,
    run: Box<Run<P>>,
    params: PhantomData<fn() -> P>,
}

impl<P: DeserializeOwned + JsonSchema> Kind<P> {
    /// A kind that makes artefacts of one type. `version` is raised whenever the same inputs may give other
    /// bytes; `harness/study/versions.toml` holds the hash of the source behind it.
    pub(crate) fn new(
        name: &'static str,
        version: u32,
        output: ArtifactType,
        about: &'static str,
        run: impl Fn(&P, &StepContext<'_>) -> Result<(), StepError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            about,
            version,
            inputs: &[],
            output,
            facts: Box::new(|_, _| Facts::new()),
            resources: Box::new(|_| Resources { threads: 1, memory_mb: 100, device: None }),
            downloads: Box::new(|_| None),
            check: Box::new(|_, _| Ok(())),
            check_inputs: Box::new(|_, _| Ok(())),
            check_to_run: Box::new(|_| Ok(())),
            takes_template: false,
            run: Box::new(run),
            params: PhantomData,
        }
    }

    /// The artefacts that it takes.
    pub(crate) fn inputs(mut self, inputs: &'static [InputSpec]) -> Self {
        self.inputs = inputs;
        self
    }

    /// Facts about the machine or the judges that change the result.
    pub(crate) fn facts(mut self, facts: impl Fn(&P, &Facts) -> Facts + Send + Sync + 'static) -> Self {
        self.facts = Box::new(facts);
        self
    }

    /// What a run needs; the default is one thread and 100 MiB.
    pub(crate) fn resources(mut self, needs: impl Fn(&P) -> Resources + Send + Sync + 'static) -> Self {
        self.resources = Box::new(needs);
        self
    }

    /// The bytes that a run downloads; without it, a run needs no network.
    pub(crate) fn downloads(mut self, bytes: impl Fn(&P) -> Option<u64> + Send + Sync + 'static) -> Self {
        self.downloads = Box::new(bytes);
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

    /// A check that what the parameters ask for can be done with the inputs that are connected, by name.
    pub(crate) fn check_inputs(
        mut self,
        check: impl Fn(&P, &[&str]) -> Result<(), ParamError> + Send + Sync + 'static,
    ) -> Self {
        self.check_inputs = Box::new(check);
        self
    }
}

impl<P: DeserializeOwned + JsonSchema> Kind<P> {
    /// That its dialect may have the chat template of a checkpoint.
    pub(crate) fn takes_template(mut self) -> Self {
        self.takes_template = true;
        self
    }

    /// A check of what a run needs, and a plan does not.
    pub(crate) fn check_to_run(
        mut self,
        check: impl Fn(&P) -> Result<(), StepError> + Send + Sync + 'static,
    ) -> Self {
        self.check_to_run = Box::new(check);
        self
    }
}

impl<P: DeserializeOwned + JsonSchema> StepKind for Kind<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn inputs(&self) -> &'static [InputSpec] {
        self.inputs
    }

    fn output(&self) -> ArtifactType {
        self.output
    }

    fn parameters(&self) -> serde_json::Value {
        schema_for!(P).to_value()
    }

    fn check(&self, params: &Params) -> Result<(), ParamError> {
        let parsed = params.parse()?;
        if params.get(TEMPLATE_ORIGIN).is_some() && !self.takes_template {
            let message = "steps of this kind do not read the template of a checkpoint";
            return Err(ParamError::new(TEMPLATE, message).suggest("write the template itself"));
        }
        (self.check)(&parsed, params)
    }

    fn check_inputs(&self, params: &Params, connected: &[&str]) -> Result<(), ParamError> {
        (self.check_inputs)(&params.parse()?, connected)
    }

    fn check_to_run(&self, params: &Params) -> Result<(), StepError> {
        params.parse().map_or(Ok(()), |params| (self.check_to_run)(&params))
    }

    fn facts(&self, params: &Params, known: &Facts) -> Facts {
        params.parse().map_or_else(|_| Facts::new(), |params| (self.facts)(&params, known))
    }

    fn resources(&self, params: &Params) -> Resources {
        let least = || Resources { threads: 1, memory_mb: 100, device: None };
        params.parse().map_or_else(|_| least(), |params| (self.resources)(&params))
    }

    fn downloads(&self, params: &Params) -> Option<u64> {
        (self.downloads)(&params.parse().ok()?)
    }

    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        let params = context.params().parse::<P>().map_err(|error| StepError::internal(error.to_string()))?;
        (self.run)(&params, context)
    }
}

/// The entry of the lockfile that the parameter `lock` names; the parameter `at` names the entry.
pub(crate) fn locked(
    workspace: &Workspace,
    lock: &str,
    entry: &str,
    at: &str,
) -> Result<LockEntry, ParamError> {
    let lock = workspace.lock(lock).map_err(|errors| ParamError::new("lock", errors.to_string()))?;
    let found = lock.entry(entry);
    found.cloned().map_err(|error| ParamError::new(at, error.to_string()).suggest(error.remedy()))
}

/// Whether a lockfile names this entry and does not pin it yet.
pub(crate) fn is_unchecked(workspace: &Workspace, lock: &str, entry: &str) -> bool {
    workspace.lock(lock).is_ok_and(|lock| lock.unchecked.contains_key(entry))
}

/// Refuses entries that are not pinned yet, all of them together.
pub(crate) fn are_pinned<'e>(
    workspace: &Workspace,
    lock: &str,
    entries: impl IntoIterator<Item = &'e String>,
) -> Result<(), StepError> {
    let Ok(lock) = workspace.lock(lock) else { return Ok(()) };
    let mut unpinned = BTreeSet::new();
    for entry in entries {
        match lock.entry(entry) {
            Ok(_) => {}
            Err(LockError::Unchecked { names, .. }) => unpinned.extend(names),
            Err(other) => return Err(not_as_locked(other)),
        }
    }
    match unpinned.is_empty() {
        true => Ok(()),
        false => Err(not_as_locked(LockError::Unchecked { file: lock.file, names: unpinned })),
    }
}

/// The error that a lock does not give what a step needs; the cause says what of it.
fn not_as_locked(error: LockError) -> StepError {
    StepError::user("a lock does not have what is needed").remedy(error.remedy()).caused_by(error)
}

/// What is locked, as a fact: a change of the lock is a change of the step.
pub(crate) fn locked_fact(entry: Result<LockEntry, ParamError>) -> Facts {
    entry.ok().map(|entry| ("locked".to_owned(), entry.blake3.to_string())).into_iter().collect()
}

/// For kinds without parameters, which refuse any that are given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The facts of these names, as far as they are known.
pub(crate) fn named(known: &Facts, names: &[&str]) -> Facts {
    let known = names.iter().filter_map(|name| known.get_key_value(*name));
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The facts that change float results under a placement: the instruction set where the CPU computes, else the GPU and the version of its
/// library; and the version of the reference kernels, where these compute.
pub(crate) fn float_facts(placement: &Placement, known: &Facts) -> Facts {
    let mut facts = match placement.device {
        DeviceName::Cpu => named(known, &[FACT_INSTRUCTION_SET]),
        gpu @ DeviceName::Cuda(_) => named(known, &[&gpu.to_string()]),
    };
    if placement.kernels == Kernels::Reference {
        facts.insert("reference-kernels".to_owned(), REFERENCE_VERSION.to_string());
    }
    facts
}

/// What work on a model needs: `threads` and `memory_mb` on the CPU, and the device if it is another one.
pub(crate) fn placed(placement: &Placement, threads: usize, memory_mb: u64) -> Resources {
    let device = (!placement.is_cpu()).then(|| placement.device.to_string());
    Resources { threads, memory_mb, device }
}

/// Any number that is not infinite: the upper end of a range without a bound of its own.
pub(crate) const FINITE: f64 = f64::MAX;
/// Any number below 1: the upper end of a range that ends before 1.
pub(crate) const BELOW_ONE: f64 = 1.0_f64.next_down();

/// Checks numbers among the parameters against their ranges, ends included.
///
/// # Errors
/// Every number outside its range, each with its path.
pub(crate) fn within(numbers: &[(&str, f64, RangeInclusive<f64>)]) -> Result<(), ParamError> {
    let wrong = numbers.iter().filter(|(_, value, range)| !range.contains(value));
    let errors = wrong.map(|(path, value, range)| {
        let rule = match (*range.start(), *range.end()) {
            (f64::MIN_POSITIVE, FINITE) => "finite and above 0".to_owned(),
            (f64::MIN_POSITIVE, high) => format!("above 0 and at most {high}"),
            (low, FINITE) => format!("finite and at least {low}"),
            (low, BELOW_ONE) => format!("at least {low} and below 1"),
            (low, high) => format!("between {low} and {high}"),
        };
        ParamError::new(*path, format!("is {value}, but must be {rule}"))
    });
    ParamError::all(errors.collect())
}

/// The most items, or rows, that a step takes: the paper has 16,710.
pub(crate) const MOST_ITEMS: u64 = 10_000_000;
/// The most samples of one prompt: the paper draws 32.
pub(crate) const MOST_SAMPLES: u64 = 65_536;

/// Checks counts among the parameters: each must be at least 1, and at most the number beside it. The bounds are
/// far above what is meant, so that a slip of the hand is told apart from a long run.
///
/// # Errors
/// Every count outside its range, each with its path.
pub(crate) fn counts(counts: &[(&str, u64, u64)]) -> Result<(), ParamError> {
    let wrong = counts.iter().filter(|(_, count, most)| !(1..=*most).contains(count));
    let errors = wrong.map(|(path, count, most)| {
        ParamError::new(*path, format!("is {count}, but must be at least 1 and at most {most}"))
    });
    ParamError::all(errors.collect())
}

/// The error that the teacher has fewer rows than a scale asks for.
pub(crate) fn too_few(asked: usize, there: usize) -> StepError {
    StepError::user(format!("{asked} items were asked for, the teacher has {there}"))
        .remedy("let the teacher make more rows, or ask for fewer items in the scale")
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
    if error.is_stopped() {
        return StepError::cancelled();
    }
    let failed = of_class(error.class(), "the language model failed");
    match error.remedy() {
        Some(remedy) => failed.remedy(remedy),
        None => failed,
    }
    .caused_by(error)
}

/// An error of a dialect as that of a step.
pub(crate) fn dialect(error: DialectError) -> StepError {
    let remedy = error.remedy();
    of_class(error.class(), "the text could not be laid out").remedy(remedy).caused_by(error)
}

/// An error that can only be a mistake of this program.
pub(crate) fn bug(error: impl std::error::Error) -> StepError {
    StepError::internal(error.to_string())
}

/// An error of a class, with what failed.
pub(crate) fn of_class(class: ErrorClass, what: &str) -> StepError {
    match class {
        ErrorClass::User => StepError::user(what),
        ErrorClass::Environment => StepError::environment(what),
        ErrorClass::Internal => StepError::internal(what),
    }
}
