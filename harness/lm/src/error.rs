//! What can go wrong, whose fault it is, and what to do about it.

use camino::Utf8PathBuf;

pub use assay_store::ErrorClass;

use crate::engine::EndpointError;
use crate::placement::{DeviceName, Placement};
use crate::train::MemoryPlan;

/// The result of this crate's fallible functions.
pub type Result<T, E = LmError> = std::result::Result<T, E>;

/// An error of the language-model crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LmError {
    /// A `config.json` is not JSON, or a field has the wrong type.
    #[error("the model configuration does not parse: {source}")]
    ConfigSyntax {
        /// What the parser said, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A field of a `config.json` has a value that no model can have.
    #[error("model configuration: `{field}` {problem}")]
    ConfigValue {
        /// The field's name in `config.json`.
        field: &'static str,
        /// What is wrong with it, as a predicate ("is 0, but must be positive").
        problem: String,
    },
    /// A `config.json` asks for something that this decoder does not compute.
    #[error("model configuration: `{field}` = {value} is not supported ({supported})")]
    Unsupported {
        /// The field's name in `config.json`.
        field: &'static str,
        /// The value found, as JSON.
        value: String,
        /// What is supported instead.
        supported: &'static str,
    },
    /// A file of llama.cpp's format cannot be taken over.
    #[error("{path}: not a GGUF file that can be taken over: {problem}")]
    Gguf {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A weight file is not valid safetensors.
    #[error("{path}: not a readable safetensors file: {source}")]
    WeightsFormat {
        /// The file.
        path: Utf8PathBuf,
        /// What the reader said.
        #[source]
        source: safetensors::SafeTensorError,
    },
    /// The weights lack a tensor that the configuration calls for.
    #[error("the weights lack the tensor `{name}`, which the model configuration calls for")]
    MissingTensor {
        /// The tensor's name.
        name: String,
    },
    /// The weights hold a tensor that the configuration does not know.
    #[error("the weights hold the tensor `{name}`, which the model configuration does not call for")]
    UnexpectedTensor {
        /// The tensor's name.
        name: String,
    },
    /// A tensor's shape is not the one that follows from the configuration.
    #[error("tensor `{name}` has shape {found:?}, but the model configuration gives {expected:?}")]
    TensorShape {
        /// The tensor's name.
        name: String,
        /// The shape that the configuration gives.
        expected: Vec<usize>,
        /// The shape found.
        found: Vec<usize>,
    },
    /// A tensor's element type is not a float that can be widened to `f32`.
    #[error("tensor `{name}` has element type {dtype}; only F32, BF16 and F16 can be read")]
    TensorDtype {
        /// The tensor's name.
        name: String,
        /// The element type found.
        dtype: String,
    },
    /// A token id lies outside the model's vocabulary.
    #[error("token {token} at position {position} is outside the model's vocabulary of {vocab_size}")]
    TokenOutOfRange {
        /// The token id.
        token: u32,
        /// Its index in the concatenated batch, or among the targets.
        position: usize,
        /// The size of the vocabulary.
        vocab_size: usize,
    },
    /// A target asks for a prediction made at a position that the batch does not have.
    #[error("a target names row {row}, but the batch has {rows} rows")]
    RowOutOfRange {
        /// The row named.
        row: usize,
        /// The number of rows.
        rows: usize,
    },
    /// Sequence boundaries that do not partition the tokens.
    #[error("sequence boundaries are invalid: {problem}")]
    Sequences {
        /// What is wrong.
        problem: &'static str,
    },
    /// A span of a sequence to be scored that is empty, reversed, starts at 0 or ends past the sequence.
    #[error("tokens {start}..{end} of sequence {sequence} (length {length}) cannot be scored")]
    ScoreRange {
        /// Index of the sequence in the request.
        sequence: usize,
        /// First token of the span.
        start: usize,
        /// One past the last token of the span.
        end: usize,
        /// Number of tokens in the sequence.
        length: usize,
    },
    /// A `model.safetensors.index.json` does not parse.
    #[error("{path}: not a readable index of weight files: {source}")]
    WeightIndex {
        /// The file.
        path: Utf8PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A `tokenizer.json` cannot be read, or a tokenizer failed.
    #[error("tokenizer: {message}")]
    Tokenizer {
        /// What the tokenizer library said.
        message: String,
    },
    /// A tokenizer has ids that the model does not have.
    #[error("the tokenizer has {tokens} tokens, but the model's vocabulary has only {vocab_size}")]
    Vocabulary {
        /// The tokenizer's number of tokens.
        tokens: usize,
        /// The model's vocabulary.
        vocab_size: usize,
    },
    /// A vocabulary names a token twice.
    #[error("the vocabulary names the token {token:?} twice")]
    RepeatedToken {
        /// The token.
        token: String,
    },
    /// A token's text that is not in the vocabulary.
    #[error("the vocabulary has no token {token:?}")]
    UnknownToken {
        /// The text.
        token: String,
    },
    /// A text has a character for which the vocabulary has nothing.
    #[error("the vocabulary has nothing for the character {character:?} at byte {offset} of the text")]
    UnknownCharacter {
        /// The character.
        character: char,
        /// Where it starts, in bytes.
        offset: usize,
    },
    /// A token id that the tokenizer does not have.
    #[error("the tokenizer has no token {id}; its vocabulary has {vocabulary}")]
    UnknownId {
        /// The id.
        id: u32,
        /// The number of tokens.
        vocabulary: usize,
    },
    /// A text that has to be one token, such as a special token of a dialect, and is not.
    #[error("{tokenizer} has no token {token:?}")]
    MissingSpecial {
        /// The text.
        token: String,
        /// The tokenizer's file.
        tokenizer: Utf8PathBuf,
    },
    /// Parts of a row that are trained on or scored, with other parts between them.
    #[error(
        "part {part} of the row has `loss` set, but a part without it stands between it and an earlier one with it"
    )]
    ScatteredLoss {
        /// Index of the part.
        part: usize,
    },
    /// A row that begins with tokens to be trained on or scored.
    #[error("the row begins with a part that has `loss` set: nothing precedes its first token")]
    LossAtStart,
    /// A row of training data without tokens to be learned.
    #[error("no part of the row has both text and `loss` set, so there is nothing to learn from it")]
    NoLoss,
    /// A `generation_config.json` that cannot be read.
    #[error("{path}: {problem}")]
    GenerationConfig {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Options of which one begins with another, or equals it.
    #[error("option {option} is the beginning of option {longer}, which could never be chosen")]
    NestedOptions {
        /// Index of the option.
        option: usize,
        /// Index of the other one.
        longer: usize,
    },
    /// An error about one item of a list.
    #[error("{what} {index}: {source}")]
    At {
        /// What the items are: "row", "request".
        what: &'static str,
        /// The index of the item, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Box<LmError>,
    },
    /// A placement in which nothing can be computed.
    #[error("cannot compute on {placement}: {problem}")]
    Placement {
        /// The placement.
        placement: Placement,
        /// Why not.
        problem: &'static str,
    },
    /// A device has not the memory that a run takes.
    #[error("training needs {plan}; the device has {:.1} GiB free", *free as f64 / f64::from(1 << 30))]
    DeviceMemory {
        /// What the run takes.
        plan: MemoryPlan,
        /// What is free, in bytes.
        free: u64,
    },
    /// A device's memory was full in the middle of a computation.
    #[error("the device is out of memory: {0}")]
    DeviceFull(#[source] candle_core::Error),
    /// A device cannot be used.
    #[error("the device {device} cannot be used: {source}")]
    Device {
        /// The device.
        device: DeviceName,
        /// What its driver said.
        #[source]
        source: candle_core::Error,
    },
    /// A step was asked of a training run that has made its last one.
    #[error("the training run has made all of its {steps} steps: there is no next one")]
    Finished {
        /// The steps of the whole run.
        steps: u64,
    },
    /// A setting of training or sampling has an impossible value.
    #[error("`{field}` {problem}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// What is wrong with it, as a predicate.
        problem: String,
    },
    /// A training example that cannot be learned from.
    #[error("unit {unit} of the training data {problem}")]
    Example {
        /// Index of the unit.
        unit: usize,
        /// What is wrong with it, as a predicate.
        problem: String,
    },
    /// A prompt without tokens.
    #[error("prompt {index} has no tokens")]
    EmptyPrompt {
        /// Its index.
        index: usize,
    },
    /// A model's logits are not numbers, so no token can be drawn.
    #[error("after prompt {prompt} the model's logits are not finite numbers")]
    NoDistribution {
        /// Index of the prompt.
        prompt: usize,
    },
    /// Trainable tensors that the loss does not reach: they would silently stay as they are.
    #[error("no usable gradient reaches {}: it is missing, zero throughout or not finite", names.join(", "))]
    NoGradient {
        /// The tensors.
        names: Vec<String>,
    },
    /// A gradient that does not belong to a variable.
    #[error("the gradient or the moments of `{name}` do not fit the variable")]
    GradientShape {
        /// The variable's name.
        name: String,
    },
    /// Training left the range of finite numbers.
    #[error("training diverged at step {step}: loss {loss}, gradient norm {grad_norm}")]
    Diverged {
        /// The step, from 0.
        step: u64,
        /// Its loss.
        loss: f64,
        /// The norm of its gradients.
        grad_norm: f64,
    },
    /// A checkpoint of another configuration, model or data set.
    #[error("{path}: the checkpoint is of another run: its configuration, first weights or data differ")]
    CheckpointOther {
        /// The checkpoint's folder.
        path: Utf8PathBuf,
    },
    /// A checkpoint that cannot be used.
    #[error("{path}: the checkpoint is damaged: {problem}")]
    CheckpointDamaged {
        /// The checkpoint's folder.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A server does not do what is asked of it.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Reading or writing failed; the message names the file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[source] candle_core::Error),
}

impl From<candle_core::Error> for LmError {
    fn from(error: candle_core::Error) -> Self {
        // The driver's error, or that of cuBLAS, is wrapped several times on its way, and has no type of its own there.
        let text = error.to_string();
        if text.contains("OUT_OF_MEMORY") || text.contains("STATUS_ALLOC_FAILED") {
            Self::DeviceFull(error)
        } else {
            Self::Tensor(error)
        }
    }
}

impl LmError {
    pub(crate) fn tokenizer(error: tokenizers::Error) -> Self {
        Self::Tokenizer { message: error.to_string() }
    }

    /// Adds which one of several things it is about.
    pub(crate) fn at(what: &'static str, index: usize) -> impl FnOnce(Self) -> Self {
        move |source| Self::At { what, index, source: Box::new(source) }
    }

    /// Whether it was stopped, and did not fail.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Endpoint(EndpointError::Http(assay_fetch::HttpError::Stopped)))
    }

    /// Who has to act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::At { source, .. } => source.class(),
            Self::Endpoint(error) => error.class(),
            Self::ConfigSyntax { .. }
            | Self::ConfigValue { .. }
            | Self::Unsupported { .. }
            | Self::Gguf { .. }
            | Self::WeightsFormat { .. }
            | Self::MissingTensor { .. }
            | Self::UnexpectedTensor { .. }
            | Self::TensorShape { .. }
            | Self::TensorDtype { .. }
            | Self::TokenOutOfRange { .. }
            | Self::WeightIndex { .. }
            | Self::Tokenizer { .. }
            | Self::Vocabulary { .. }
            | Self::RepeatedToken { .. }
            | Self::UnknownToken { .. }
            | Self::UnknownCharacter { .. }
            | Self::UnknownId { .. }
            | Self::MissingSpecial { .. }
            | Self::ScatteredLoss { .. }
            | Self::LossAtStart
            | Self::NoLoss
            | Self::GenerationConfig { .. }
            | Self::NestedOptions { .. }
            | Self::Placement { .. }
            | Self::Setting { .. }
            | Self::Example { .. }
            | Self::EmptyPrompt { .. }
            | Self::NoDistribution { .. }
            | Self::Diverged { .. } => ErrorClass::User,
            Self::Io(_)
            | Self::Device { .. }
            | Self::DeviceMemory { .. }
            | Self::DeviceFull(_)
            | Self::CheckpointOther { .. }
            | Self::CheckpointDamaged { .. } => ErrorClass::Environment,
            Self::RowOutOfRange { .. }
            | Self::Sequences { .. }
            | Self::ScoreRange { .. }
            | Self::NoGradient { .. }
            | Self::GradientShape { .. }
            | Self::Finished { .. }
            | Self::Tensor(_) => ErrorClass::Internal,
        }
    }

    /// What the user can do about it, as one sentence without a final period; `None` for a fault of this program.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::At { source, .. } => return source.remedy(),
            Self::Endpoint(error) => error.remedy(),
            Self::MissingSpecial { .. } => {
                "use a dialect made for this model, or a tokenizer with this token added"
            }
            Self::ScatteredLoss { .. } => {
                "put the parts with `loss` side by side, or make several rows of it"
            }
            Self::LossAtStart => "begin the row with a part without `loss`, such as its prompt",
            Self::NoLoss => "set `loss` on the part of the row that is to be learned",
            Self::GenerationConfig { .. } => "fetch the file again, or correct it",
            Self::NestedOptions { .. } => "write the options so that none is the beginning of another",
            Self::ConfigSyntax { .. } | Self::ConfigValue { .. } => {
                "fetch the model's config.json again, or correct the field"
            }
            Self::Unsupported { .. } => {
                "choose a model of the llama, qwen2 or qwen3 family without this feature"
            }
            Self::Gguf { .. } => "fetch the file again, or convert the model to a Hugging Face folder",
            Self::WeightsFormat { .. } => "fetch the weight file again: it is damaged or of another format",
            Self::MissingTensor { .. } | Self::UnexpectedTensor { .. } | Self::TensorShape { .. } => {
                "check that config.json and the weights belong to the same model"
            }
            Self::WeightIndex { .. } => "fetch the index file again",
            Self::Tokenizer { .. } => "fetch the model's tokenizer.json again",
            Self::Vocabulary { .. } | Self::UnknownId { .. } | Self::TokenOutOfRange { .. } => {
                "check that the tokenizer and the model belong together"
            }
            Self::UnknownToken { .. } | Self::UnknownCharacter { .. } => {
                "check that this model's tokenizer is made for such texts"
            }
            Self::RepeatedToken { .. } => "name each token of the vocabulary once",
            Self::Setting { .. } | Self::Example { .. } | Self::EmptyPrompt { .. } => {
                "correct the value that the message names"
            }
            Self::NoDistribution { .. } => {
                "check the model's weights: they may come from a run that diverged"
            }
            Self::Diverged { .. } => "lower the learning rate, lengthen the warm-up or clip the gradients",
            Self::CheckpointOther { .. } | Self::CheckpointDamaged { .. } => {
                "remove the checkpoint folder to start this run anew"
            }
            Self::Placement { .. } => {
                "choose `kernels = \"reference\"` for a GPU or for bf16 and f16, and a build with CUDA for a GPU"
            }
            Self::DeviceMemory { .. } | Self::DeviceFull(_) => {
                "keep fewer activations (`activations = \"recomputed\"`), cut rows off earlier (`cutoff`), or choose a GPU with more free memory"
            }
            Self::Device { .. } => "check that the GPU exists, that it is free and that its driver works",
            Self::TensorDtype { .. } => "use an unquantized checkpoint",
            Self::Io(_) => {
                "check that the path exists, that it may be read and written, and that the disk is not full"
            }
            Self::RowOutOfRange { .. }
            | Self::Sequences { .. }
            | Self::ScoreRange { .. }
            | Self::NoGradient { .. }
            | Self::GradientShape { .. }
            | Self::Finished { .. }
            | Self::Tensor(_) => return None,
        })
    }
}
