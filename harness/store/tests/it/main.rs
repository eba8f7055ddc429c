//! What a store does, seen through its public surface.
#![expect(clippy::unwrap_used, reason = "tests")]

mod actions;
mod common;
mod corruption;
mod format;
mod gc;
mod journal;
mod memo;
mod memo_files;
mod memo_model;
mod model;
mod objects;
mod processes;
mod read_only;
mod runs;
mod trees;
