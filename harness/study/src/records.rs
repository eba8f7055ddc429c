//! The lines of the artefacts that pass between steps. Data artefacts are JSON lines, one record a line.
//!
//! At the paper's scale the traces are the large ones: 16,710 items with 8 thoughts of 10,000 tokens each, about
//! 5.4 GB. Steps read record by record and keep what they need; each step says what it holds in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::{BufRead, BufReader, BufWriter, Write};

use assay_data::{Demonstration, Segment};
use assay_flow::{StepContext, StepError};
use assay_sandbox::Verdict;
use camino::Utf8Path;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::inference::posterior::{AnswerLikelihood, Estimator, LogRatio, Weights};

/// What one optimiser step counts as one: a row, or all weighted rows of one item.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The rows of the unit.
    pub rows: Vec<Row>,
}

/// A row of text that a model is trained on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The text in pieces, each with or without loss.
    pub segments: Vec<Segment>,
    /// Factor of the row's loss.
    pub weight: f64,
}

/// A thought sampled for a training item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The item's identifier.
    pub item: String,
    /// Which of the K samples, from 0.
    pub index: u32,
    /// The thought, without its delimiters.
    pub thought: String,
    /// Whether the model ended the thought and it reads back as one: see [`assay_data::Dialect`].
    pub valid: bool,
}

/// Log-probabilities of a valid trace and of the reference answer after it, in nats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The item's identifier.
    pub item: String,
    /// Which of the K samples.
    pub trace: u32,
    /// `log pi(z | x) - log q(z | x, y')` over the tokens that both models scored, the closing of the
    /// thought included.
    pub log_ratio: LogRatio,
    /// `log pi(y | x, z)` of the reference answer and its closing.
    pub answer: AnswerLikelihood,
}

/// An answer sampled after a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The item's identifier.
    pub item: String,
    /// The first of the item's traces with the thought that the answer follows; equal thoughts of an item
    /// share their answers.
    pub trace: u32,
    /// Which of the M samples, from 0.
    pub index: u32,
    /// The answer; `None` when the model did not end it.
    pub answer: Option<String>,
}

/// The verdict on a sampled answer, in the order of the answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerVerdict {
    /// The item's identifier.
    pub item: String,
    /// The trace that the answer follows.
    pub trace: u32,
    /// Which of the M samples.
    pub index: u32,
    /// The verdict; anything but `pass` means that the answer is not in `Y_x`.
    pub verdict: Verdict,
}

/// The weights of one item's traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemWeights {
    /// The item's identifier.
    pub item: String,
    /// The estimator of `pi(Y|x,z)` behind the weights.
    pub estimator: Estimator,
    /// One weight a trace; or why none can be given, and the teacher's row stands in with weight 1.
    pub weights: Weights,
}

/// A model's sampled reply to a test item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// The item's identifier.
    pub item: String,
    /// Which of the samples, from 0.
    pub sample: u32,
    /// The thought, as far as it came.
    pub thought: String,
    /// The answer; `None` when the reply was cut or malformed.
    pub answer: Option<String>,
    /// How many tokens the model wrote.
    pub tokens: u32,
}

/// The verdict on a generation, in the order of the generations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationVerdict {
    /// The item's identifier.
    pub item: String,
    /// Which of the samples.
    pub sample: u32,
    /// How many tokens the model wrote.
    pub tokens: u32,
    /// The verdict.
    pub verdict: Verdict,
}

/// The training log of a model folder: lines of [`TrainingStep`], beside the weights.
pub const TRAINING_LOG: &str = "training.jsonl";

/// The file of a model folder that says how many rows a cutoff cut: one line of [`CutRows`], where there was a cutoff.
pub const CUT_ROWS: &str = "rows.jsonl";

/// One line of a training log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingStep {
    /// The optimiser step, from 0.
    pub step: u64,
    /// The loss, as the run's objective defines it.
    pub loss: f64,
    /// The global gradient norm before clipping.
    pub gradient_norm: f64,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// Of a step on the model's own samples: their mean reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f64>,
    /// Of a step on the model's own samples: the share of groups whose rewards differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed: Option<f64>,
}

/// What a cutoff did to the rows of a training set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutRows {
    /// All rows.
    pub rows: u64,
    /// Those that were longer than the cutoff.
    pub cut: u64,
    /// Of these, those of which nothing was left to learn.
    pub left_out: u64,
}

/// Reads JSON lines one by one.
///
/// # Errors
/// The file cannot be opened. Each record is an error of its own: it cannot be read, or the line is not a
/// record, which is an internal error, since a step wrote it.
pub fn stream<T: DeserializeOwned>(
    path: &Utf8Path,
) -> Result<impl Iterator<Item = Result<T, StepError>> + use<T>, StepError> {
    let lines = BufReader::new(fs_err::File::open(path)?).lines().enumerate();
    let path = path.to_owned();
    Ok(lines.map(move |(number, line)| {
        serde_json::from_str(&line?)
            .map_err(|error| StepError::internal(format!("{path}:{}: {error}", number + 1)))
    }))
}

/// Reads all records of the artefact connected to an input that takes one step.
///
/// # Errors
/// Those of [`stream`].
pub fn read<T: DeserializeOwned>(context: &StepContext<'_>, input: &str) -> Result<Vec<T>, StepError> {
    stream(&context.input(input)?.path)?.collect()
}

/// The values by their key, which must all differ. `what` names such a record in the error, as in `item`.
///
/// # Errors
/// Those of the records; an internal error that names the first key that occurs twice.
pub fn unique<K: Ord + Display, T>(
    what: &str,
    records: impl Iterator<Item = Result<(K, T), StepError>>,
) -> Result<BTreeMap<K, T>, StepError> {
    let mut by_key = BTreeMap::new();
    for record in records {
        let (key, value) = record?;
        if by_key.contains_key(&key) {
            return Err(twice(what, key));
        }
        by_key.insert(key, value);
    }
    Ok(by_key)
}

/// The error that a record occurs twice. Steps write each once, so it is internal.
pub(crate) fn twice(what: &str, key: impl Display) -> StepError {
    StepError::internal(format!("{what} {key} occurs twice"))
}

/// What a step needs of each of the teacher's rows, by item.
///
/// # Errors
/// Those of [`stream`]; an item that occurs twice.
pub fn demonstrations<T>(
    context: &StepContext<'_>,
    needed: impl Fn(Demonstration) -> T,
) -> Result<BTreeMap<String, T>, StepError> {
    let rows = stream::<Demonstration>(&context.input("demonstrations")?.path)?;
    unique("the demonstration of item", rows.map(|row| row.map(|row| (row.item.id.clone(), needed(row)))))
}

/// What is known of an item that a record names.
///
/// # Errors
/// An internal error: the artefacts do not belong together.
pub fn of_item<'m, T>(by_item: &'m BTreeMap<String, T>, item: &str) -> Result<&'m T, StepError> {
    by_item.get(item).ok_or_else(|| StepError::internal(format!("there is no demonstration of item {item}")))
}

/// Reads traces item by item: the traces of an item in the order of their numbers. Holds one item at a time.
///
/// # Errors
/// Those of [`stream`]. Each item is an error of its own: an internal one if its traces are not consecutive
/// lines with the numbers 0, 1, 2 and so on.
pub fn traces_by_item(
    path: &Utf8Path,
) -> Result<impl Iterator<Item = Result<(String, Vec<Trace>), StepError>> + use<>, StepError> {
    let mut records = stream::<Trace>(path)?.peekable();
    let mut seen = BTreeSet::new();
    Ok(std::iter::from_fn(move || {
        let first = match records.next()? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let item = first.item.clone();
        let mut traces = vec![first];
        while let Some(next) = records.next_if(|next| next.as_ref().is_ok_and(|next| next.item == item)) {
            traces.extend(next);
        }
        if !seen.insert(item.clone()) || traces.iter().zip(0..).any(|(trace, number)| trace.index != number) {
            let message = format!("the traces of item {item} are not consecutive lines, numbered from 0");
            return Some(Err(StepError::internal(message)));
        }
        Some(Ok((item, traces)))
    }))
}

/// Writes JSON lines, one by one.
///
/// # Errors
/// The file cannot be written.
pub fn write<T: Serialize>(path: &Utf8Path, records: impl IntoIterator<Item = T>) -> Result<(), StepError> {
    try_write(path, records.into_iter().map(Ok))
}

/// Writes JSON lines, one by one, up to the first error.
///
/// # Errors
/// That of a record; the file cannot be written.
pub fn try_write<T: Serialize>(
    path: &Utf8Path,
    records: impl IntoIterator<Item = Result<T, StepError>>,
) -> Result<(), StepError> {
    let mut lines = Lines::create(path)?;
    for record in records {
        lines.write(&record?)?;
    }
    lines.finish()
}

/// A file of JSON lines that is being written.
pub struct Lines {
    file: BufWriter<fs_err::File>,
}

impl Lines {
    /// Creates the file.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Utf8Path) -> Result<Self, StepError> {
        Ok(Self { file: BufWriter::new(fs_err::File::create(path)?) })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, record: &impl Serialize) -> Result<(), StepError> {
        serde_json::to_writer(&mut self.file, record)
            .map_err(|error| StepError::environment("a record could not be written").caused_by(error))?;
        Ok(self.file.write_all(b"\n")?)
    }

    /// Writes what has not been written yet.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<(), StepError> {
        Ok(self.file.flush()?)
    }
}

/// For each trace, the first of its item's valid traces with the same thought: the one that holds the
/// answers for all of them.
pub fn representatives(traces: &[Trace]) -> Vec<u32> {
    let mut first: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    traces
        .iter()
        .map(|trace| match trace.valid {
            true => *first.entry((&trace.item, &trace.thought)).or_insert(trace.index),
            false => trace.index,
        })
        .collect()
}
