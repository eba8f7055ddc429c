//! Which model a server has, and what the server is.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use assay_fetch::{HttpError, Server};
use camino::Utf8Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::EndpointError;
use super::llama_cpp::LlamaCpp;
use super::protocol::Protocol;
use super::vllm::Vllm;
use crate::error::Result;

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServerKind {
    /// The server of llama.cpp. It generates; log-probabilities of given texts are not to be had of it.
    #[serde(rename = "llama.cpp")]
    LlamaCpp,
    /// vLLM. It generates and scores.
    #[serde(rename = "vllm")]
    Vllm,
}

impl fmt::Display for ServerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LlamaCpp => "llama.cpp",
            Self::Vllm => "vllm",
        })
    }
}

impl ServerKind {
    pub(super) fn protocol(self) -> &'static dyn Protocol {
        match self {
            Self::LlamaCpp => &LlamaCpp,
            Self::Vllm => &Vllm,
        }
    }
}

/// What a server says of a model that it has, as far as results may depend on it. The address is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// What the server is.
    pub server: ServerKind,
    /// Its version, in its own words.
    pub version: String,
    /// The model's name there.
    pub name: String,
    /// What else the server says of the model.
    pub details: BTreeMap<String, String>,
}

impl fmt::Display for Served {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` by {} {}", self.name, self.server, self.version)?;
        let details: Vec<String> =
            self.details.iter().map(|(what, value)| format!("{what} {value}")).collect();
        if details.is_empty() { Ok(()) } else { write!(formatter, " ({})", details.join(", ")) }
    }
}

impl Served {
    /// The file of a model folder that holds it.
    pub const FILE: &str = "served.json";

    /// Asks the servers, in order, for a model of this name.
    ///
    /// # Errors
    /// No server is given, none has the model, or one of them is of another kind or gives no answer.
    pub fn ask(servers: &[Server], kind: ServerKind, name: &str, stopped: &dyn Fn() -> bool) -> Result<Self> {
        Ok(find(servers, kind, name, stopped)?.served)
    }

    /// Writes it as a model folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn save(&self, folder: &Utf8Path) -> Result<()> {
        fs_err::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::from)?;
        Ok(fs_err::write(folder.join(Self::FILE), text + "\n")?)
    }

    /// Reads it from a model folder.
    ///
    /// # Errors
    /// [`EndpointError::NotRecorded`] if the folder holds none.
    pub fn load(folder: &Utf8Path) -> Result<Self> {
        Self::read(&folder.join(Self::FILE))
    }

    /// Reads it from its file.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn read(path: &Utf8Path) -> Result<Self> {
        let wrong = |problem: String| EndpointError::NotRecorded { path: path.to_owned(), problem };
        let text = match fs_err::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(wrong("there is no such file".to_owned()).into());
            }
            Err(error) => return Err(error.into()),
        };
        Ok(serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?)
    }
}

/// A model where it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) server: Server,
    pub(super) served: Served,
    /// The name by which requests ask for it.
    pub(super) id: String,
    /// Most tokens of a prompt and its completion together.
    pub(super) context: usize,
    /// Requests that the server works on at a time.
    pub(super) in_flight: usize,
    /// What [`stop`](crate::engine::Completion::stop) is where an end-of-sequence token ended a completion.
    pub(super) end_of_sequence: String,
}

/// The first server that has a model of this name. Of several, each is looked at once before one that does not answer is
/// waited for.
pub(super) fn find(
    servers: &[Server],
    kind: ServerKind,
    name: &str,
    stopped: &dyn Fn() -> bool,
) -> Result<Found, EndpointError> {
    match servers {
        [] => return Err(EndpointError::NoServer { name: name.to_owned() }),
        [only] => {
            return match kind.protocol().find(only, name, stopped)? {
                Ok(found) => Ok(found),
                Err(names) => {
                    let answers = vec![offered(only, &names)];
                    Err(EndpointError::NotServed { name: name.to_owned(), answers })
                }
            };
        }
        _ => {}
    }
    let mut answers = Vec::new();
    let mut silent = Vec::new();
    let hasty = servers.iter().map(|server| (server.clone().with_patience(Duration::ZERO), server));
    for (looked_at, server) in hasty {
        match kind.protocol().find(&looked_at, name, stopped) {
            Ok(Ok(found)) => return Ok(Found { server: server.clone(), ..found }),
            Ok(Err(names)) => answers.push(offered(server, &names)),
            Err(EndpointError::Http(HttpError::Unreachable { .. } | HttpError::Failed { .. })) => {
                silent.push(server)
            }
            Err(EndpointError::Http(HttpError::Stopped)) => return Err(HttpError::Stopped.into()),
            Err(error) => answers.push(error.to_string()),
        }
    }
    for server in silent {
        match kind.protocol().find(server, name, stopped) {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(names)) => answers.push(offered(server, &names)),
            Err(EndpointError::Http(HttpError::Stopped)) => return Err(HttpError::Stopped.into()),
            Err(error) => answers.push(error.to_string()),
        }
    }
    Err(EndpointError::NotServed { name: name.to_owned(), answers })
}

/// What a server has.
fn offered(server: &Server, names: &[String]) -> String {
    match names {
        [] => format!("{} has none", server.address()),
        names => format!("{} has `{}`", server.address(), names.join("`, `")),
    }
}
