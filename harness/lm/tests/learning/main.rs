//! Training, sampling, and models as folders.
#![expect(clippy::unwrap_used, reason = "tests")]

mod folder;
mod golden;
mod models;
mod precision;
mod sampling;
mod training;
mod untrained;
