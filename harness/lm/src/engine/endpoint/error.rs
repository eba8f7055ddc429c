//! What can go wrong with a server.

use assay_fetch::HttpError;
use assay_store::ErrorClass;
use camino::Utf8PathBuf;

use super::served::{Served, ServerKind};

/// A server that does not do what is asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No server was named.
    #[error("`{name}` is to be had of a server, and no server was named")]
    NoServer {
        /// The model that is wanted.
        name: String,
    },
    /// None of the servers has the model.
    #[error("no server has a model `{name}`; {}", answers.join(", "))]
    NotServed {
        /// The model that is wanted.
        name: String,
        /// What each server has, or why that is not known.
        answers: Vec<String>,
    },
    /// A server is not of the kind that was said.
    #[error("{address} is no server of the kind {kind}: {problem}")]
    OtherKind {
        /// Its address.
        address: String,
        /// What it was said to be.
        kind: ServerKind,
        /// What speaks against it.
        problem: String,
    },
    /// The server is, or serves, something else than when the model was recorded.
    #[error("{address} serves {found}, but what is known of this model was made by {recorded}")]
    OtherModel {
        /// Its address.
        address: String,
        /// What was recorded.
        recorded: Box<Served>,
        /// What it serves now.
        found: Box<Served>,
    },
    /// A folder that does not say what a server serves.
    #[error("{path} does not say which model of a server is meant: {problem}")]
    NotRecorded {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A prompt and its completion may get longer than the server allows.
    #[error(
        "prompt {index} has {prompt} tokens; with {new} new ones that is more than the {context} tokens that {address} allows"
    )]
    TooLong {
        /// Index of the prompt.
        index: usize,
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens that may be added.
        new: usize,
        /// Tokens that are allowed.
        context: usize,
        /// The server's address.
        address: String,
    },
    /// An answer that is not what such a server gives.
    #[error("the answer of {address} to {path} cannot be used: {problem}")]
    Answer {
        /// The server's address.
        address: String,
        /// What was asked.
        path: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A request ended without an answer and without an error: a mistake of this program.
    #[error("the thread of a request ended without a result")]
    Lost,
    /// The server gave no answer.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl EndpointError {
    /// Who has to act.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::NoServer { .. } | Self::NotRecorded { .. } | Self::TooLong { .. } => ErrorClass::User,
            Self::NotServed { .. }
            | Self::OtherKind { .. }
            | Self::OtherModel { .. }
            | Self::Answer { .. } => ErrorClass::Environment,
            Self::Lost => ErrorClass::Internal,
            Self::Http(error) => error.class(),
        }
    }

    /// What to do about it, as one sentence without a final period.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::NoServer { .. } => {
                "start a server that has the model, and give its address (`--endpoint`, ASSAY_ENDPOINT)"
            }
            Self::NotServed { .. } => "start a server that has the model under this name, and run again",
            Self::OtherKind { .. } => "give the address of such a server, or correct `engine.server`",
            Self::OtherModel { .. } => {
                "start the former server again, or change `revision` of the served model: all that it wrote is then asked for again"
            }
            Self::NotRecorded { .. } => "connect a step of kind `served-model` where the engine is a server",
            Self::TooLong { .. } => "start the server with a longer context, or lower `max_new_tokens`",
            Self::Answer { .. } => "check the server's version and its options",
            Self::Lost => "report it, with the server's log",
            Self::Http(error) => error.remedy(),
        }
    }
}
