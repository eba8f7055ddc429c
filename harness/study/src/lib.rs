//! The paper: tasks, posterior, weights, estimators, benchmarks, statistics and claims.

pub mod tasks;
pub mod inference;
