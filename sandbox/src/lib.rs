//! A judge for untrusted Python.

mod dirty;
mod guest;
mod instance;
mod limits;
mod link;
mod program;
mod sandbox;
mod setup;
mod snapshot;
mod wasi;

pub use limits::Limits;
pub use link::LinkError;
pub use program::{Entry, Input, Program, Run, RunOutcome};
pub use sandbox::Sandbox;
pub use setup::{Image, ImageLock, LockError, SetupError, SetupEvent, Tools};
pub use snapshot::SnapshotError;
