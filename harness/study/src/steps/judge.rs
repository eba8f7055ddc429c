//! Verdicts on answers: numbers and choices on the host, programs in the sandbox, each distinct program once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use assay_flow::{StepContext, StepError};
use assay_sandbox::{
    Entry, Expected, Image, ImageLock, Input, Limits, Prelude, Program, Run, Sandbox, SetupError, SetupEvent,
    Tools, Verdict, judge_runs,
};
use assay_store::{ErrorClass, Hash, Hasher};
use camino::Utf8PathBuf;
use serde::Deserialize;

use super::kind::{FACT_IMAGE, FACT_LIMITS, Kind, one};
use super::rows::teacher_rows;
use crate::fingerprint::{SANDBOX, TASKS};
use crate::records::{self, AnswerVerdict, Generation, GenerationVerdict, SampledAnswer};
use crate::tasks::Question;
use crate::tasks::question::HIDDEN_INPUTS;
use crate::tasks::verify::{Check, PythonProgram, check};

/// Programs judged between two writes to the cache.
const STORE_EVERY: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

/// `judge-answers`: a verdict on each answer to a training question, in their order.
pub(crate) fn answers(sandbox: Arc<LazySandbox>) -> Kind<Params> {
    Kind::new("judge-answers", "judge", &[SANDBOX, TASKS], move |_: &Params, context| {
        let questions: Vec<Question> = teacher_rows(context)?.into_iter().map(|row| row.question).collect();
        let answers: Vec<SampledAnswer> = records::read(&context.input("answers")?.path)?;
        let pairs = answers.iter().map(|answer| (answer.question.as_str(), answer.answer.as_deref()));
        let verdicts = verdicts(context, &sandbox, &questions, pairs)?;
        let verdicts: Vec<AnswerVerdict> = answers
            .into_iter()
            .zip(verdicts)
            .map(|(SampledAnswer { question, thought, index, .. }, verdict)| AnswerVerdict {
                question,
                thought,
                index,
                verdict,
            })
            .collect();
        records::write(context.output(), &verdicts)
    })
    .inputs(const { &[one("teacher"), one("answers")] })
    .facts(&[FACT_IMAGE, FACT_LIMITS])
    .resources(1, 300)
}

/// `judge`: a verdict on each generation, in their order.
pub(crate) fn generations(sandbox: Arc<LazySandbox>) -> Kind<Params> {
    Kind::new("judge", "judge", &[SANDBOX, TASKS], move |_: &Params, context| {
        let questions: Vec<Question> = records::read(&context.input("questions")?.path)?;
        let generations: Vec<Generation> = records::read(&context.input("generations")?.path)?;
        let pairs = generations.iter().map(|reply| (reply.question.as_str(), reply.answer.as_deref()));
        let verdicts = verdicts(context, &sandbox, &questions, pairs)?;
        let verdicts: Vec<GenerationVerdict> = generations
            .into_iter()
            .zip(verdicts)
            .map(|(Generation { question, sample, tokens, .. }, verdict)| GenerationVerdict {
                question,
                sample,
                tokens,
                verdict,
            })
            .collect();
        records::write(context.output(), &verdicts)
    })
    .inputs(const { &[one("questions"), one("generations")] })
    .facts(&[FACT_IMAGE, FACT_LIMITS])
    .resources(1, 300)
}

/// A verdict for each (question, answer); no answer is a wrong one.
fn verdicts<'a>(
    context: &StepContext<'_>,
    sandbox: &LazySandbox,
    questions: &[Question],
    answers: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<Vec<Verdict>, StepError> {
    let questions: BTreeMap<&str, &Question> =
        questions.iter().map(|question| (question.id(), question)).collect();
    let checked = answers
        .map(|(id, answer)| {
            let question =
                *questions.get(id).ok_or_else(|| StepError::internal(format!("{id} is not a question")))?;
            Ok((question, answer.map(|answer| check(question, answer))))
        })
        .collect::<Result<Vec<(&Question, Option<Check>)>, StepError>>()?;
    let programs: BTreeSet<&PythonProgram> = checked
        .iter()
        .filter_map(|(_, check)| match check {
            Some(Check::Run(program)) => Some(program),
            _ => None,
        })
        .collect();
    let runs = run_programs(context, sandbox, &programs)?;
    checked
        .iter()
        .map(|(question, check)| match check {
            Some(Check::Right) => Ok(Verdict::Pass),
            Some(Check::Wrong) | None => Ok(Verdict::WrongAnswer),
            Some(Check::Malformed(_)) => Ok(Verdict::CompileError),
            Some(Check::Run(program)) => {
                let tests = question.tests().into_iter();
                let expected: Vec<Expected> =
                    tests.map(|(_, output)| Expected::Value(output.into())).collect();
                let runs = runs.get(program).ok_or_else(|| StepError::internal("a program was not run"))?;
                Ok(judge_runs(runs, &expected).verdict)
            }
        })
        .collect()
}

/// Runs each program on the hidden inputs, unless the store has its runs. Expected outputs play no part here.
fn run_programs<'p>(
    context: &StepContext<'_>,
    sandbox: &LazySandbox,
    programs: &BTreeSet<&'p PythonProgram>,
) -> Result<BTreeMap<&'p PythonProgram, Vec<Run>>, StepError> {
    let keys: Vec<Hash> = programs.iter().map(|program| sandbox.key(program)).collect();
    let cached = context.store().samples(&keys)?;
    let mut runs: BTreeMap<&PythonProgram, Vec<Run>> = BTreeMap::new();
    let mut missing = Vec::new();
    for ((program, key), cached) in programs.iter().zip(keys).zip(cached) {
        match cached.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(found) => _ = runs.insert(*program, found),
            None => missing.push((*program, key)),
        }
    }
    if missing.is_empty() {
        return Ok(runs);
    }
    let judge = sandbox.get()?;
    let inputs: Vec<Input> = HIDDEN_INPUTS.map(|x| Input::arguments([x])).collect();
    let total = programs.len() as u64;
    for group in missing.chunks(STORE_EVERY) {
        context.check_cancelled()?;
        let mut judged = Vec::with_capacity(group.len());
        for (program, key) in group {
            let found = judge.run(&program_of(program), &inputs);
            // A failure of the judge says nothing about the program: it is not kept, so that a rerun tries
            // again.
            if !found.iter().any(Run::is_judge_failure) {
                let bytes =
                    serde_json::to_vec(&found).map_err(|error| StepError::internal(error.to_string()))?;
                judged.push((*key, bytes));
            }
            runs.insert(program, found);
            context.progress(runs.len() as u64, total, "programs");
        }
        context.store().put_samples(&judged)?;
    }
    Ok(runs)
}

fn program_of(program: &PythonProgram) -> Program {
    Program { source: program.source(), entry: Entry::Function("f".to_owned()), prelude: Prelude::None }
}

/// A sandbox that is set up when it is first needed: a run whose verdicts are all cached needs no Python
/// image.
pub struct LazySandbox {
    lock: ImageLock,
    cache: Utf8PathBuf,
    tools: Tools,
    limits: Limits,
    progress: Box<dyn Fn(SetupEvent) + Send + Sync>,
    ready: Mutex<Option<Arc<Sandbox>>>,
}

impl LazySandbox {
    /// A sandbox with the locked image, which is kept in the folder `cache`.
    pub fn new(
        lock: ImageLock,
        cache: Utf8PathBuf,
        tools: Tools,
        limits: Limits,
        progress: impl Fn(SetupEvent) + Send + Sync + 'static,
    ) -> Self {
        Self { lock, cache, tools, limits, progress: Box::new(progress), ready: Mutex::new(None) }
    }

    /// The image's identity, which is locked.
    #[must_use]
    pub fn image(&self) -> Hash {
        self.lock.identity()
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sets the sandbox up, unless it has been.
    fn get(&self) -> Result<Arc<Sandbox>, StepError> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sandbox) = &*ready {
            return Ok(Arc::clone(sandbox));
        }
        let image = Image::prepare(&self.cache, &self.lock, &self.tools, &mut |event| (self.progress)(event))
            .map_err(setup_failed)?;
        let sandbox = Arc::new(Sandbox::new(&image, self.limits.clone()));
        *ready = Some(Arc::clone(&sandbox));
        Ok(sandbox)
    }

    fn key(&self, program: &PythonProgram) -> Hash {
        let mut hasher = Hasher::new("assay program run 1");
        hasher
            .str("code", SANDBOX)
            .hash("image", &self.image())
            .str("limits", &self.limits.describe())
            .str("source", &program.source())
            .i64("first input", *HIDDEN_INPUTS.start())
            .i64("last input", *HIDDEN_INPUTS.end());
        hasher.finish()
    }
}

fn setup_failed(error: SetupError) -> StepError {
    let failed = match error.class() {
        ErrorClass::User => StepError::user,
        ErrorClass::Environment => StepError::environment,
        ErrorClass::Internal => StepError::internal,
    };
    failed("the Python image could not be set up").remedy(error.remedy()).caused_by(error)
}
