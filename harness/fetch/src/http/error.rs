//! Why a server gave no answer.

use assay_store::ErrorClass;

/// A server gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// An address that no server can have.
    #[error("`{address}` is no address of a server: {problem}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A key that cannot be sent.
    #[error("the key for {address} has characters that no header can hold")]
    Key {
        /// The address.
        address: String,
    },
    /// No connection, or one that broke.
    #[error("{url} cannot be reached: {detail}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the system said.
        detail: String,
    },
    /// The server is busy, starting or broken.
    #[error("{url} answers {status}: {message}")]
    Failed {
        /// What was asked for.
        url: String,
        /// The status of HTTP.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The server refuses the request.
    #[error("{url} refuses the request ({status}): {message}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status of HTTP.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The answer is not what such a server gives.
    #[error("{url}: {problem}")]
    Garbled {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It was stopped.
    #[error("the request was stopped")]
    Stopped,
}

impl HttpError {
    /// Who has to act.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Address { .. } | Self::Key { .. } | Self::Refused { .. } | Self::Stopped => {
                ErrorClass::User
            }
            Self::Unreachable { .. } | Self::Failed { .. } | Self::Garbled { .. } => ErrorClass::Environment,
        }
    }

    /// One sentence on what to do about it, without a final period.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Address { .. } => "give an address such as http://127.0.0.1:8000",
            Self::Key { .. } => "give the key alone, without spaces and line ends in it",
            Self::Unreachable { .. } => "start the server and run again: finished work is kept",
            Self::Failed { .. } => "see the server's log, and run again: finished work is kept",
            Self::Refused { status: 401 | 403, .. } => "give the key that the server asks for",
            Self::Refused { .. } => "see what the server says; nothing else was asked of it",
            Self::Garbled { .. } => "check that the address is that of a server of a kind that can be used",
            Self::Stopped => "start it again: finished work is kept",
        }
    }
}
