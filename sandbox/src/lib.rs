//! A judge for untrusted Python.

mod compare;
mod dirty;
mod guest;
mod instance;
mod judge;
mod limits;
mod link;
mod program;
mod sandbox;
mod setup;
mod snapshot;
mod wasi;

pub use compare::{same_output, same_value};
pub use judge::{Expected, Judgement, Test, TestResult, Verdict, judge, judge_runs, judge_until_failure};
pub use limits::Limits;
pub use link::LinkError;
pub use program::{Entry, Input, Program, Run, RunOutcome};
pub use sandbox::Sandbox;
pub use setup::{Image, ImageLock, LockError, SetupError, SetupEvent, Tools};
pub use snapshot::SnapshotError;
