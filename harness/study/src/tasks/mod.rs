//! The embedded-scale world: a 45-token language with ten task families small enough that a model of a third
//! of a million parameters learns them, and rich enough that the method has something to do. Every question
//! has several right answers, the teacher's traces are noisy in known ways, and everything is drawn from
//! named random streams, so that the same seed gives the same world everywhere.
//!
//! - [`vocabulary`], [`formats`]: the tokens, and how questions, thoughts, hints and answers become rows;
//! - [`family`], [`question`], [`space`]: what is asked, and how much of it exists;
//! - [`teacher`], [`soundness`]: solutions to learn from, and a diagnosis of any solution;
//! - [`verify`]: whether an answer is right, or which program has to be run to know;
//! - [`documents`]: what the base model is pretrained on;
//! - [`dataset`], [`exclusions`]: test sets, training sets, and keeping the two apart.

pub mod dataset;
pub mod documents;
mod error;
pub mod exclusions;
pub mod family;
pub mod formats;
mod problem;
pub mod question;
pub mod random;
pub mod ratio;
pub mod soundness;
pub mod space;
pub mod teacher;
pub mod verify;
pub mod vocabulary;

pub use dataset::{
    TEST_SEED, TeacherRow, TrainingMix, teacher_rows, test_questions, test_set, training_questions,
    training_seed,
};
pub use documents::{Corpus, Curriculum, Document, DocumentKind, MAX_DOCUMENT_TOKENS, Mixture, Phase};
pub use error::TaskError;
pub use exclusions::Exclusions;
pub use family::{Domain, Family};
pub use formats::{InvalidSpan, Row, Template};
pub use problem::{Program, Shape};
pub use question::{Question, Truth};
pub use random::Draws;
pub use ratio::Ratio;
pub use soundness::{Soundness, soundness};
pub use teacher::{Style, StyleMix};
pub use verify::{Check, Malformed, PythonProgram, check};
