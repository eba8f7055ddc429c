//! Statistics, estimators, weights and claims: pure functions on numbers.

pub mod posterior;
