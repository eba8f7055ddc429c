//! The method's arithmetic: pure functions on numbers.
//!
//! - [`posterior`]: how a thinking trace is weighed, after arXiv 2509.22637;
//! - [`diagnostics`]: what the traces and weights of a run look like; [`lengths`]: how scores go with length;
//!   [`objectives`]: what each objective makes of a question.

pub mod diagnostics;
pub mod lengths;
pub mod objectives;
pub mod posterior;
