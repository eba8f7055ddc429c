//! Problems and samples as benchmarks publish them.
//!
//! A file of problems or samples is JSON lines (or one JSON array); the form of each row is known by its
//! keys:
//!
//! | form | known by |
//! |---|---|
//! | LiveCodeBench, the hub's rows | `public_test_cases`, `private_test_cases`, `metadata` |
//! | tests in the row | `tests`: a list of `{input, output}`, or `{inputs, outputs}`, or `{functional}`; `func_name` or `function` |
//! | CodeContests | `public_tests`, `private_tests`, `generated_tests`, each `{input, output}` |
//! | APPS, TACO | `input_output`: JSON text or object with `inputs`, `outputs`, `fn_name`; also as `verifier_metadata.unit_tests` |
//! | HumanEval | `task_id`, `prompt`, `entry_point`, `test` |
//! | ClassEval, KodCode | `test` without `entry_point`, `import_statement` |
//! | MBPP | `task_id`, `test_list`, `test_setup_code`, `test_imports` |
//! | own | `id`, `difficulty`, and `tests` or `checks` (see `sandbox/schema/problem.schema.json`) |
//!
//! A key that is absent or `null` gives nothing. What a row does give must be of the right type: otherwise
//! the problem has no tests, its samples are judge failures, and the message names file and line. So it is with a
//! row of no known form, if others have one. Only what leaves in doubt which row is which refuses the whole file
//! ([`RowsError`]): ids above all.

mod error;
mod extract;
mod file;
mod form;
mod hub;
mod markdown;
mod problem;
mod problems;
mod python;
mod raw;
mod reply;
mod sample;
mod turns;

pub use error::{Place, RowsError};
pub use extract::{Extraction, extract};
pub(crate) use file::{object, said, text_of, without_mark, written_rows};
pub use hub::{PayloadError, decode_payload, read_pickled_text};
pub use problem::{Case, Check, Problem, Tests};
pub use problems::{Numbered, Problems};
pub(crate) use raw::{is_beyond_floats, is_integer, member};
pub use sample::{Naming, Sample, Source, parse_samples, read_samples};
