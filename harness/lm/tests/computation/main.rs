//! What the decoder computes: its operations, the whole, its configuration and weights, against oracles.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod config;
mod decoder;
mod devices;
mod gguf;
mod ops;
mod parity;
mod placement;
mod released;
mod support;
mod transformers;
