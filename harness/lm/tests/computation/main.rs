//! What the decoder computes: its operations, the whole, its configuration and weights, against oracles.

#![expect(clippy::unwrap_used, reason = "tests")]

mod config;
mod decoder;
mod ops;
mod parity;
mod placement;
mod support;
