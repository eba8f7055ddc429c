//! The method's arithmetic: how a thinking trace is weighed.
//!
//! Notation follows "Variational Reasoning for Language Models" (arXiv 2509.22637v2): a question `x`, a trace
//! `z`, the set `Y` of correct answers, the reasoning model `pi`, the variational posterior `q` that also
//! sees an answer hint `y'`. Equation numbers in this module are that paper's.
//!
//! - [`trace`]: log-ratio of a trace, the three estimators of `pi(Y|x,z)`, and the weight `rho` of equation
//!   8;
//! - [`weights`]: self-normalised weights, effective sample size, the multi-trace bound and the coefficients
//!   of its gradients;
//! - [`objective`]: how much a question counts under likelihood, rejection sampling and group-relative
//!   rewards;
//! - [`finite`]: exact values of all of it for a question with finitely many traces.
//!
//! The pipeline weighs traces with the first two. The bounds, gradient coefficients, question weights and
//! exact values state the paper's identities in code; tests hold them against each other and against
//! enumeration.

pub mod finite;
pub mod objective;
pub mod trace;
pub mod weights;

pub use finite::{FiniteError, FiniteQuestion};
pub use objective::{Advantage, FormatReward, Objective};
pub use trace::{AnswerLikelihood, Estimator, LogRatio, RatioForm, ScoreError, ScoredTrace};
pub use weights::{FallbackReason, WeightTooLarge, Weights};
