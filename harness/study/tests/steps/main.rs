//! Step kinds, each run through a plan on artefacts that the test gives: what they refuse, and what they tell.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod generating;
mod given;
mod hub;
mod joining;
mod policy;
mod reading;
mod released;
mod served;
mod tables;
mod training;
