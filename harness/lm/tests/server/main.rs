//! The engine that asks a server: what it asks, how it reads answers, and what it refuses. The answers are those of
//! llama.cpp's server (xllamacpp 2026.10.11549) and of vLLM 0.32, shortened.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[path = "../../../fetch/tests/serving/mod.rs"]
mod serving;

mod answers;
mod generating;
#[path = "../learning/models.rs"]
mod models;
mod real;
mod refusals;
mod scoring;
