//! The embedded world, seen from outside: what it generates follows its rules, what it verifies is so, and
//! nothing of the test set reaches the training data. Everything checked here is worked out anew from the
//! texts.
#![expect(clippy::unwrap_used, reason = "tests")]

mod datasets;
mod documents;
mod golden;
mod inverse;
mod layout;
mod oracle;
mod questions;
mod teacher;
mod verdicts;
mod vocabulary;
mod whole;
mod worked;
