//! Texts, tokens and engines.
#![expect(clippy::unwrap_used, reason = "tests")]

mod engine;
mod golden;
#[path = "../learning/models.rs"]
mod models;
mod parts;
mod stops;
mod vocabularies;
