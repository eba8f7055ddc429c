//! The embedded world: a language of 45 symbols with task families small enough that a model of a third of a
//! million parameters learns them, and rich enough that the method has something to do. Every question
//! has several right answers, the teacher's traces are noisy in known ways, and everything is drawn from
//! named random streams, so that the same seed gives the same world everywhere.
//!
//! - [`World`]: what a recipe asks for; [`items`](fn@items), [`demonstrations`]: the same without settings;
//! - [`vocabulary`]: the symbols;
//! - [`family`], [`question`], [`space`]: what is asked, and how much of it exists;
//! - [`teacher`], [`soundness`](mod@soundness): solutions to learn from, and a diagnosis of any solution;
//! - [`answers`]: short answers, and answers that restate the calculation;
//! - [`documents`]: what the base model is pretrained on;
//! - [`dataset`], [`exclusions`]: test sets, training sets, and keeping the two apart.

pub mod answers;
pub mod dataset;
pub mod documents;
mod error;
pub mod exclusions;
pub mod family;
mod inverse;
mod items;
mod mix;
mod problem;
pub mod question;
pub mod ratio;
pub mod soundness;
pub mod space;
pub mod teacher;
pub mod vocabulary;
mod world;

pub use answers::Answers;
pub use dataset::{
    TEST_SEED, TeacherRow, teacher_rows, test_questions, test_set, test_set_of, training_questions,
    training_seed,
};
pub use documents::{Corpus, Curriculum, Document, DocumentKind, MAX_DOCUMENT_SYMBOLS, Mixture, Phase};
pub use error::TaskError;
pub use exclusions::Exclusions;
pub use family::{Domain, Family};
pub use items::{demonstrations, items};
pub use mix::{TrainingMix, WorkedMix};
pub use problem::{Program, Shape};
pub use question::{Question, Truth};
pub use ratio::Ratio;
pub use soundness::{Soundness, soundness};
pub use teacher::{Style, StyleMix};
pub use world::{Families, World};
