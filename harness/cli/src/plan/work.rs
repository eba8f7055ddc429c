//! What a run would download, generate and judge, as far as that is known before it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use assay_flow::{
    AbsentRow, PlanEntry, PlannedAbsence, PlannedDownloads, PlannedReplies, PlannedTraining, PlannedWork,
    Scale, State, Step, Value,
};
use assay_lm::train::{DEFAULT_MICRO_BATCH_TOKENS, MemoryPlan, PartSize};
use assay_lm::{Config, Placement};

use super::amounts::{amounts, number};
use crate::fetch::{MEGABYTE, downloads};

/// Where a scale says what a run is expected to take: questions by benchmark, tokens of a reply by benchmark, and tokens a second
/// of one accelerator that samples.
const QUESTIONS: &str = "expected.questions";
const TOKENS: &str = "expected.tokens";
const RATE: &str = "expected.rate";
/// Tokens of a thought, of an answer after it, of a row that is learned and of the longest one; tokens a second of one accelerator
/// that trains; and the shape of the models, by the names of a `config.json`.
const THOUGHT: &str = "expected.training.thought";
const ANSWER: &str = "expected.training.answer";
const ROW: &str = "expected.training.row";
const LONGEST: &str = "expected.training.longest";
const TRAINING_RATE: &str = "expected.training.rate";
const SHAPE: &str = "expected.training.model";

const SECONDS_AN_HOUR: f64 = 3600.0;
const MILLION: f64 = 1e6;

/// The work of the steps that are not cached.
#[derive(Default)]
pub(crate) struct Work {
    /// Files that are downloaded.
    files: usize,
    /// Those of them that no lock pins yet, so that their sizes are not known.
    unchecked: usize,
    /// The bytes of the others.
    bytes: u64,
    /// Steps that generate: one for each model, seed and way of sampling.
    models: usize,
    /// The replies of all of them.
    replies: f64,
    /// Thoughts about training questions, and answers after them.
    thoughts: f64,
    answers: f64,
    /// The tokens of all of these.
    tokens: f64,
    /// Tokens a second of one accelerator.
    rate: Option<f64>,
    training: Training,
}

/// What models would learn.
#[derive(Default)]
struct Training {
    runs: usize,
    rows: f64,
    tokens: f64,
    rate: Option<f64>,
    memory: Option<MemoryPlan>,
}

impl Work {
    /// Of steps and what a plan says of each.
    pub(crate) fn of(scale: &Scale, steps: &[Step], entries: &[PlanEntry]) -> Self {
        let expected = |path: &str| scale.value(path).and_then(|value| number(&value.value));
        let mut work = Self { rate: expected(RATE), ..Self::default() };
        work.training.rate = expected(TRAINING_RATE);
        let amounts = amounts(steps);
        let waiting =
            steps.iter().zip(entries).zip(amounts).filter(|((_, entry), _)| entry.state != State::Cached);
        // Steps of one key are one: what was fetched for one of them is there for the others.
        let mut met = BTreeSet::new();
        for ((step, _), amount) in
            waiting.filter(|((_, entry), _)| entry.key.is_none_or(|key| met.insert(key)))
        {
            if let Some(bytes) = downloads(step) {
                work.files += 1;
                work.bytes += bytes;
                work.unchecked += usize::from(bytes == 0);
            }
            let tokens = |path: &str| Some((amount?, amount? * expected(path)?));
            match (step.kind.name(), tokens(THOUGHT), tokens(ANSWER), tokens(ROW)) {
                ("generate", ..) => work.generates(scale, step),
                ("sample-traces", Some((thoughts, tokens)), ..) => {
                    work.thoughts += thoughts;
                    work.tokens += tokens;
                }
                ("sample-answers", _, Some((answers, tokens)), _) => {
                    work.answers += answers;
                    work.tokens += tokens;
                }
                ("train", .., Some((rows, tokens))) => {
                    work.training.runs += 1;
                    work.training.rows += rows;
                    work.training.tokens += tokens;
                    let most = |plan: &MemoryPlan| plan.total();
                    work.training.memory =
                        work.training.memory.into_iter().chain(memory(scale, step)).max_by_key(most);
                }
                _ => (),
            }
        }
        work
    }

    /// Adds what a step generates, if the scale says what is expected.
    fn generates(&mut self, scale: &Scale, step: &Step) {
        let Some(Value::Table(questions)) = scale.value(QUESTIONS).map(|questions| &questions.value) else {
            return;
        };
        self.models += 1;
        for (benchmark, count) in questions {
            let samples = step.params.get("samples_of").and_then(|of| of.at(benchmark));
            let samples =
                samples.or_else(|| step.params.get("samples")).and_then(|samples| number(&samples.value));
            let tokens = scale.value(TOKENS).and_then(|tokens| number(&tokens.at(benchmark)?.value));
            let replies = number(&count.value).unwrap_or_default() * samples.unwrap_or_default();
            self.replies += replies;
            self.tokens += replies * tokens.unwrap_or_default();
        }
    }

    /// The same as a part of a document.
    pub(crate) fn document(&self, absent: &[AbsentRow]) -> PlannedWork {
        let replies = || PlannedReplies {
            models: self.models as u64,
            replies: self.replies.round() as u64,
            thoughts: (self.thoughts > 0.0).then_some(self.thoughts.round() as u64),
            answers: (self.answers > 0.0).then_some(self.answers.round() as u64),
            tokens: self.tokens.round() as u64,
            tokens_per_second: self.rate,
            gpu_hours: hours(self.tokens, self.rate),
        };
        let Training { runs, rows, tokens, rate, memory } = &self.training;
        let trains = || PlannedTraining {
            runs: *runs as u64,
            rows: rows.round() as u64,
            tokens: tokens.round() as u64,
            tokens_per_second: *rate,
            gpu_hours: hours(*tokens, *rate),
            memory_bytes: memory.map(|plan| plan.total()),
        };
        let absence =
            |row: &AbsentRow| PlannedAbsence { label: row.label.clone(), reason: row.reason.clone() };
        PlannedWork {
            downloads: PlannedDownloads {
                files: self.files as u64,
                bytes: self.bytes,
                unchecked: self.unchecked as u64,
            },
            generates: (self.models > 0 || self.tokens > 0.0).then(replies),
            trains: (*runs > 0).then(trains),
            not_measured: absent.iter().map(absence).collect(),
        }
    }

    /// Some lines; nothing if there is nothing to say.
    pub(crate) fn text(&self, absent: &[AbsentRow]) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        if self.files > 0 {
            let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
            let megabytes = self.bytes as f64 / MEGABYTE;
            let _ = match self.unchecked {
                0 => writeln!(text, "downloads     {files}, {megabytes:.1} MB"),
                unchecked => writeln!(
                    text,
                    "downloads     {files}, {unchecked} of them unchecked: a run is refused until `assay lock` has pinned them"
                ),
            };
        }
        if self.models > 0 || self.tokens > 0.0 {
            let replies = format!("{} replies of {}", grouped(self.replies), counted(self.models, "model"));
            let (judged, written) = if self.answers > 0.0 {
                let (thoughts, answers) = (grouped(self.thoughts), grouped(self.answers));
                (
                    "as many replies and answers",
                    format!("{replies}, {thoughts} thoughts and {answers} answers"),
                )
            } else {
                ("as many replies", replies)
            };
            let cost = cost(self.tokens, self.rate);
            let _ = writeln!(text, "generates     {written}, {cost}\njudges        {judged}");
        }
        let Training { runs, rows, tokens, rate, memory } = &self.training;
        if *runs > 0 {
            let (runs, cost) = (counted(*runs, "run"), cost(*tokens, *rate));
            let _ = writeln!(text, "trains        {} rows in {runs}, {cost}", grouped(*rows));
        }
        if let Some(memory) = memory {
            let _ = writeln!(text, "takes         {memory}, in the largest training run");
        }
        for AbsentRow { label, reason } in absent {
            let _ = writeln!(text, "not measured  {label}: {reason}");
        }
        text
    }
}

/// A whole number with a comma between thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 model`, `3 models`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Hours of one accelerator, if it is known how fast it is.
fn hours(tokens: f64, rate: Option<f64>) -> Option<f64> {
    rate.map(|rate| tokens / rate / SECONDS_AN_HOUR)
}

/// `about 826 million tokens: 92 GPU hours at 2,500 tokens a second, by guesses of the scale`.
fn cost(tokens: f64, rate: Option<f64>) -> String {
    let hours = rate.zip(hours(tokens, rate)).map_or_else(String::new, |(rate, hours)| {
        let digits = if hours < 10.0 { 1 } else { 0 };
        format!(": {hours:.digits$} GPU hours at {} tokens a second, by guesses of the scale", grouped(rate))
    });
    format!("about {:.0} million tokens{hours}", tokens / MILLION)
}

/// What a training run takes of memory, if the scale says which shape the models have.
fn memory(scale: &Scale, step: &Step) -> Option<MemoryPlan> {
    let shape = json(&scale.value(SHAPE)?.value);
    let config = Config::from_json(&shape.to_string()).ok()?;
    let placement: Placement = step.params.parse_at("placement").ok()??;
    let activations = step.params.parse_at("training.activations").ok()?.unwrap_or_default();
    let longest = number(&scale.value(LONGEST)?.value)? as u64;
    let part = PartSize { tokens: DEFAULT_MICRO_BATCH_TOKENS as u64, longest };
    Some(MemoryPlan::of(&config, &placement, activations, part))
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Str(text) => text.as_str().into(),
        Value::List(list) => list.iter().map(|item| json(&item.value)).collect(),
        Value::Table(table) => table.iter().map(|(key, item)| (key.clone(), json(&item.value))).collect(),
    }
}
