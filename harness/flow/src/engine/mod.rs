//! Runs: keys, plans, scheduling and the event log of a checked [`Graph`](crate::Graph).

mod conclude;
pub(crate) mod differences;
pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod execute;
pub(crate) mod forecast;
pub(crate) mod key;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod reason;
pub(crate) mod repeat;
mod schedule;
mod state;
mod work;
mod worker;
