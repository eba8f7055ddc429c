//! Problems and samples as benchmarks publish them.
//!
//! A file of problems or samples is JSON lines (or one JSON array); the form of each row is known by its
//! keys:
//!
//! | form | known by |
//! |---|---|
//! | LiveCodeBench, the hub's rows | `public_test_cases`, `private_test_cases`, `metadata` |
//! | tests in the row | `tests`: a list of `{input, output}`, or `{inputs, outputs}` (CodeContests), or `{functional}`; `func_name` or `function` |
//! | CodeContests | `public_tests`, `private_tests`, `generated_tests`, each `{input, output}` |
//! | APPS, TACO | `input_output`: JSON text or object with `inputs`, `outputs`, `fn_name`; also as `verifier_metadata.unit_tests` |
//! | HumanEval | `task_id`, `prompt`, `entry_point`, `test` |
//! | MBPP | `task_id`, `test_list`, `test_setup_code` |
//! | own | `id`, `difficulty`, and `tests` or `checks` (see `sandbox/schema/problem.schema.json`) |

mod extract;
mod file;
mod hub;
mod problem;
mod raw;
mod sample;

pub use extract::{Extraction, extract};
pub use file::RowsError;
pub use hub::{PayloadError, decode_payload, read_pickled_text};
pub use problem::{Case, Check, Problem, Problems, Tests};
pub use sample::{Sample, Source, parse_samples, read_samples};
