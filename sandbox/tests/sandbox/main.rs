//! The sandbox from outside: one test binary, so that the image is loaded once.

mod cheats;
mod checks;
mod common;
mod grading;
mod grading_data;
mod isolation;
mod judges;
mod judging;
mod numbers;
mod packages;
mod passing;
mod platform;
mod pool;
mod programs;
mod rows;
mod rows_forms;
mod rows_lenient;
mod rows_replies;
mod rows_strict;
mod setup;
mod sizes;
mod surroundings;
mod texts;
mod unit_tests;
mod verdicts;
