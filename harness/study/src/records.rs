//! The lines of the artefacts that pass between steps. Data artefacts are JSON lines, one record a line.

use assay_flow::StepError;
use assay_sandbox::Verdict;
use camino::Utf8Path;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What one optimiser step takes as one item: a row, or all weighted rows of one question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The rows of the unit.
    pub rows: Vec<WeightedRow>,
}

/// A row of text with the part of it that carries loss.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedRow {
    /// The whole row, special tokens by name.
    pub text: String,
    /// Tokens from this position on carry loss.
    pub supervised_from: usize,
    /// Factor of the row's loss.
    pub weight: f64,
}

/// A thought sampled for a training question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The question's identifier.
    pub question: String,
    /// Which of the K samples, from 0.
    pub index: u32,
    /// The thought, without its delimiters.
    pub thought: String,
    /// Whether the thought was ended by the model, is not empty and holds no special token.
    pub valid: bool,
}

/// Log-probs of a trace, token by token; the end-of-thought mark counts as its last token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceScore {
    /// The question's identifier.
    pub question: String,
    /// Which of the K samples.
    pub index: u32,
    /// `log pi(z_t | x, z_<t)` for each token of the trace, in nats.
    pub reasoner: Vec<f32>,
    /// `log q(z_t | x, y', z_<t)` for each token of the trace, in nats.
    pub posterior: Vec<f32>,
    /// `log pi(y_t | x, z, y_<t)` for each token of the reference answer and its end mark, in nats.
    pub answer: Vec<f32>,
}

/// An answer sampled after a trace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampledAnswer {
    /// The question's identifier.
    pub question: String,
    /// The thought that the answer follows; equal thoughts of a question share their answers.
    pub thought: String,
    /// Which of the M samples, from 0.
    pub index: u32,
    /// The answer; `None` when the model did not end it.
    pub answer: Option<String>,
}

/// The verdict on a sampled answer, in the order of the answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerVerdict {
    /// The question's identifier.
    pub question: String,
    /// The thought that the answer follows.
    pub thought: String,
    /// Which of the M samples.
    pub index: u32,
    /// The verdict; anything but `pass` means that the answer is not in `Y_x`.
    pub verdict: Verdict,
}

/// The weights of one question's traces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionWeights {
    /// The question's identifier.
    pub question: String,
    /// One weight a trace, summing to 1; empty when no trace has a positive weight and the teacher's row
    /// stands in with weight 1.
    pub weights: Vec<f64>,
}

/// A model's sampled reply to a test question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// The question's identifier.
    pub question: String,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationVerdict {
    /// The question's identifier.
    pub question: String,
    /// Which of the samples.
    pub sample: u32,
    /// How many tokens the model wrote.
    pub tokens: u32,
    /// The verdict.
    pub verdict: Verdict,
}

/// One line of a training log.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
}

/// Reads JSON lines.
///
/// # Errors
/// The file cannot be read, or a line is not a record: an internal error, since a step wrote it.
pub fn read<T: DeserializeOwned>(path: &Utf8Path) -> Result<Vec<T>, StepError> {
    let text = fs_err::read_to_string(path)?;
    text.lines()
        .enumerate()
        .map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| StepError::internal(format!("{path}:{}: {error}", number + 1)))
        })
        .collect()
}

/// Writes JSON lines.
///
/// # Errors
/// The file cannot be written.
pub fn write<T: Serialize>(path: &Utf8Path, records: &[T]) -> Result<(), StepError> {
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, record).map_err(|error| StepError::internal(error.to_string()))?;
        text.push(b'\n');
    }
    Ok(fs_err::write(path, text)?)
}
