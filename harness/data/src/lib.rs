//! Items, checks and dialects: what is asked, how it is laid out as text, how an answer is checked.
//!
//! - [`Item`], [`Demonstration`]: a question with its check, and what a teacher shows for it; plain data, the
//!   same wherever it is from;
//! - [`Check`], [`pending`], [`verdict`], [`verdicts`]: from an answer to a verdict, by way of the sandbox
//!   where something has to be run;
//! - [`Dialect`]: how a question, a thought and an answer are laid out for a model, and how they are read
//!   back from what it writes;
//! - [`Published`], [`PublishedPrograms`]: the benchmarks of others, from rows as their makers publish them to items;
//! - [`Source`]: where items and demonstrations are from: a file of the workspace, or the embedded world;
//! - [`embedded`]: that world, one provider among others;
//! - [`Draws`]: named random streams.
//!
//! Tokens are not known here: texts are made of [`Segment`]s, and which text is tokenised on its own is all
//! that this crate decides.

mod chat_template;
mod check;
mod checkpoint_template;
mod dialect;
pub mod embedded;
mod error;
mod item;
mod lines;
mod pattern;
mod pending;
mod published;
mod random;
mod source;
mod validate;

pub use chat_template::{ChatTemplate, Message, TemplateError};
pub use check::{AnswerForm, Check, ChoiceCheck, GradeCheck, ProgramForm, TestsCheck};
pub use checkpoint_template::{CheckpointTemplate, CheckpointTemplateError};
pub use dialect::{
    ChatSpec, Dialect, DialectError, DialectKind, DialectSpec, EmbeddedName, FromCheckpoint, Hint,
    InvalidSpan, PosteriorSpecs, PromptSpec, Segment, SolutionSpec, TemplateOrigin, TemplateSpec, TextFault,
};
pub use error::{DataError, Place};
pub use item::{Demonstration, Item};
pub use lines::{read_demonstrations, read_items};
pub use pending::{Pending, pending, verdict, verdict_of_any, verdicts};
pub use published::{Format, Options, Published, PublishedDemonstrations, PublishedPrograms};
pub use random::Draws;
pub use source::Source;
pub use validate::Fault;
