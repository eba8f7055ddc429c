//! The command as a user meets it: the real binary on a real workspace, small enough to run in seconds.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod audit;
mod benchmarks;
mod check;
mod criteria;
mod documents;
mod faults;
mod grading;
mod import;
mod interruptions;
mod judge;
mod judge_output;
mod language;
mod mistakes;
mod outputs;
mod report;
mod reruns;
mod second_world;
mod table_05;
mod world;
