//! Statistics, estimators, weights and claims.
