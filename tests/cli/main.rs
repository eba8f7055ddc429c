//! The command as a user meets it: the real binary on a real workspace, small enough to run in seconds.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod audit;
mod benchmarks;
mod check;
mod check_several;
mod composing;
mod criteria;
mod doctor;
mod documents;
mod faults;
mod fetching;
mod gold;
mod grading;
mod import;
mod interruptions;
mod judge;
mod judge_output;
mod judge_reader;
mod language;
mod limits;
mod mistakes;
mod outputs;
mod prompts;
mod released;
mod report;
mod reruns;
mod schemas;
mod second_world;
#[path = "../../harness/fetch/tests/serving/mod.rs"]
#[expect(dead_code, reason = "shared with the tests of fetching")]
mod serving;
mod set_up;
mod several;
mod signals;
mod table_05;
mod world;
