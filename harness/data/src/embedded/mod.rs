//! The embedded world: a language of 45 symbols with ten task families small enough that a model of a third
//! of a million parameters learns them, and rich enough that the method has something to do. Every question
//! has several right answers, the teacher's traces are noisy in known ways, and everything is drawn from
//! named random streams, so that the same seed gives the same world everywhere.
//!
//! - [`items`](fn@items), [`demonstrations`]: the world as items and demonstrations, like any others;
//! - [`vocabulary`]: the symbols;
//! - [`family`], [`question`], [`space`]: what is asked, and how much of it exists;
//! - [`teacher`], [`soundness`](mod@soundness): solutions to learn from, and a diagnosis of any solution;
//! - [`documents`]: what the base model is pretrained on;
//! - [`dataset`], [`exclusions`]: test sets, training sets, and keeping the two apart.

pub mod dataset;
pub mod documents;
mod error;
pub mod exclusions;
pub mod family;
mod items;
mod problem;
pub mod question;
pub mod ratio;
pub mod soundness;
pub mod space;
pub mod teacher;
pub mod vocabulary;

pub use dataset::{
    TEST_SEED, TeacherRow, TrainingMix, teacher_rows, test_questions, test_set, training_questions,
    training_seed,
};
pub use documents::{Corpus, Curriculum, Document, DocumentKind, MAX_DOCUMENT_SYMBOLS, Mixture, Phase};
pub use error::TaskError;
pub use exclusions::Exclusions;
pub use family::{Domain, Family};
pub use items::{demonstrations, items};
pub use problem::{Program, Shape};
pub use question::{Question, Truth};
pub use ratio::Ratio;
pub use soundness::{Soundness, soundness};
pub use teacher::{Style, StyleMix};
