//! Decoder language models on candle: training, sampling and scoring.
//!
//! One decoder ([`Decoder`]) covers the Llama, Qwen2 and Qwen3 families under their Hugging Face tensor
//! names. Sequences are never padded: a batch is [`Sequences`], tokens laid end to end, and a hidden state is
//! one row per token. Every operation ([`ops`]) exists twice: as a CPU kernel with its own backward pass, and
//! as the reference, plain candle operations that run on any device. A [`Placement`] chooses.

pub mod config;
pub mod decoder;
pub mod engine;
pub mod error;
pub mod gguf;
pub mod gpu;
mod layer;
mod layout;
pub mod model;
pub mod ops;
pub mod optim;
mod pieces;
pub mod placement;
mod rollout;
mod rope;
pub mod sample;
pub mod schedule;
pub mod score;
pub mod sequences;
mod simd;
mod tensor_file;
pub mod text;
pub mod tokenizer;
pub mod train;
mod untrained;
pub mod weights;

pub use config::{Config, Family};
pub use decoder::Decoder;
pub use engine::{
    Candle, CandleKind, Capabilities, Chooser, Completion, Endpoint, EndpointError, EndpointKind, Engine,
    EngineKind, Generator, Request, Sampling, Scorer, Served, ServerKind, VERSION, instruction_set,
};
pub use error::{ErrorClass, LmError, Result};
pub use gpu::{Cuda, Gpu};
pub use layer::{Layer, Projection};
pub use model::Model;
pub use placement::{DeviceName, Float, Kernels, Placement, REFERENCE_VERSION};
pub use rollout::{Rollout, roll_out};
pub use rope::RopeScaling;
pub use score::{Scored, score};
pub use sequences::Sequences;
pub use text::Part;
pub use tokenizer::{Tokenizer, character_tokenizer};
pub use untrained::{Characters, Shape};
