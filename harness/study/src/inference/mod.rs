//! The method's arithmetic: pure functions on numbers.
//!
//! - [`posterior`]: how a thinking trace is weighed, after arXiv 2509.22637;
//! - [`diagnostics`]: what the traces and weights of a run look like.

pub mod diagnostics;
pub mod posterior;
