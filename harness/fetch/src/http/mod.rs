//! Servers that speak JSON over HTTP.
//!
//! A [`Server`] is asked again, after growing pauses, when it is busy, starting or out of reach; what it refuses for good
//! is an error at once. A key goes into the header of requests and nowhere else.

mod error;
mod notice;
mod pause;

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::Response;

pub use error::HttpError;
pub(crate) use notice::Notice;
pub(crate) use pause::{Pauses, retry_after, wait};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// How long it may take to say what it is or has.
const LOOK: Duration = Duration::from_secs(60);
/// How long a server may take to answer: tens of thousands of tokens are written first.
const ANSWER: Duration = Duration::from_secs(4 * 3600);
/// How often a request is taken up anew that a server worked on for longer than its patience lasts.
const RENEWALS: u32 = 3;
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// How this program calls itself.
pub(crate) const USER_AGENT: &str = concat!("assay/", env!("CARGO_PKG_VERSION"));

/// Where a server is, and the key that it gets.
#[derive(Clone)]
pub(crate) struct Address {
    /// Without a slash at the end.
    pub(crate) base: String,
    key: Option<String>,
}

impl fmt::Debug for Address {
    /// Without the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Address").field(&self.base).finish()
    }
}

impl Address {
    /// Checks an address and a key.
    pub(crate) fn new(address: &str, key: Option<&str>) -> Result<Self, HttpError> {
        let wrong = |problem: &str| HttpError::Address {
            address: shown(address).to_owned(),
            problem: problem.to_owned(),
        };
        let base = address.trim().trim_end_matches('/');
        let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://"));
        let host = host.ok_or_else(|| wrong("it does not begin with http:// or https://"))?;
        if host.split('/').next().is_some_and(|host| host.contains('@')) {
            return Err(wrong("a name or a password in an address would be written into messages"));
        }
        base.parse::<ureq::http::Uri>().map_err(|error| wrong(&error.to_string()))?;
        let key = key.map(str::trim).filter(|key| !key.is_empty());
        if key.is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(HttpError::Key { address: base.to_owned() });
        }
        Ok(Self { base: base.to_owned(), key: key.map(|key| format!("Bearer {key}")) })
    }

    /// A request with the key, if there is one.
    pub(crate) fn authorised<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.key {
            Some(key) => request.header("authorization", key),
            None => request,
        }
    }
}

/// A server, by its address.
#[derive(Clone, Debug)]
pub struct Server {
    address: Address,
    agent: Agent,
    patience: Duration,
    notice: Notice,
}

impl Server {
    /// How long a server may be busy or out of reach before that is an error.
    pub const PATIENCE: Duration = Duration::from_secs(600);

    /// The server at `address`, such as `http://127.0.0.1:8000`. A path `/v1` at its end, as clients of OpenAI's interface
    /// are given it, is left out. `key` is sent with each request as a bearer token.
    ///
    /// # Errors
    /// [`HttpError::Address`] if it is no address of HTTP, or the key cannot stand in a header.
    pub fn new(address: &str, key: Option<&str>) -> Result<Self, HttpError> {
        let mut address = Address::new(address, key)?;
        if let Some(base) = address.base.strip_suffix("/v1") {
            address.base = base.trim_end_matches('/').to_owned();
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            .user_agent(USER_AGENT)
            .proxy(None)
            .build();
        Ok(Self { address, agent: agent.into(), patience: Self::PATIENCE, notice: Notice::default() })
    }

    /// Sets how long it may be busy or out of reach before that is an error; 0 means that it is asked once.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Has somebody told, now and then, why it is waited for.
    #[must_use]
    pub fn with_notice(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.notice = Notice::new(tell);
        self
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address.base
    }

    /// What it answers to GET `path`, which begins with a slash.
    ///
    /// # Errors
    /// Those of [`post`](Self::post).
    pub fn get(&self, path: &str, stopped: &dyn Fn() -> bool) -> Result<Value, HttpError> {
        self.ask(path, None, stopped)
    }

    /// What it answers to POST `path`, which begins with a slash, with a document. `stopped` is asked before each try and
    /// during pauses; an answer that is on its way is waited for.
    ///
    /// # Errors
    /// It refuses the request, stays out of reach or busy, or answers with something that is no JSON; `stopped` said so.
    pub fn post(&self, path: &str, body: &Value, stopped: &dyn Fn() -> bool) -> Result<Value, HttpError> {
        self.ask(path, Some(body), stopped)
    }

    fn ask(&self, path: &str, body: Option<&Value>, stopped: &dyn Fn() -> bool) -> Result<Value, HttpError> {
        let url = format!("{}{path}", self.address.base);
        let (mut pauses, mut renewals) = (Pauses::new(self.patience), 0);
        loop {
            if stopped() {
                return Err(HttpError::Stopped);
            }
            let begun = Instant::now();
            let (error, wish) = match self.once(&url, body) {
                Ok(answer) => return Ok(answer),
                Err(Refusal::ForGood(error)) => return Err(error),
                Err(Refusal::ForNow(error, wish)) => (error, wish),
            };
            // A server that worked on the request and then broke off is given its whole time again, but not for ever: what
            // takes longer than something on the way allows would never end.
            if begun.elapsed() > self.patience && renewals < RENEWALS {
                (pauses, renewals) = (Pauses::new(self.patience), renewals + 1);
            }
            let Some(pause) = pauses.next(wish) else { return Err(error) };
            self.notice.tell(&error.to_string());
            wait(pause, stopped).ok_or(HttpError::Stopped)?;
        }
    }

    fn once(&self, url: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        let sent = match body {
            None => {
                let request = self.address.authorised(self.agent.get(url));
                request.config().timeout_recv_response(Some(LOOK)).build().call()
            }
            Some(body) => {
                let request = self.address.authorised(self.agent.post(url)).content_type("application/json");
                request.send(body.to_string().as_bytes())
            }
        };
        let unreachable = |error: ureq::Error| {
            let failed = HttpError::Unreachable { url: url.to_owned(), detail: plain(&error.to_string()) };
            if is_passing(&error) { Refusal::ForNow(failed, None) } else { Refusal::ForGood(failed) }
        };
        let mut response: Response<ureq::Body> = sent.map_err(unreachable)?;
        let wish = response.headers().get("retry-after").and_then(|value| retry_after(value.to_str().ok()?));
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(LONGEST).read_to_vec().map_err(unreachable)?;
        let url = url.to_owned();
        match status {
            200..=299 => serde_json::from_slice(&bytes).map_err(|error| {
                Refusal::ForGood(HttpError::Garbled {
                    url,
                    problem: format!("its answer is no JSON: {error}"),
                })
            }),
            501 | 505 => Err(Refusal::ForGood(HttpError::Failed { url, status, message: message(&bytes) })),
            408 | 409 | 425 | 429 | 500..=599 => {
                Err(Refusal::ForNow(HttpError::Failed { url, status, message: message(&bytes) }, wish))
            }
            _ => Err(Refusal::ForGood(HttpError::Refused { url, status, message: message(&bytes) })),
        }
    }
}

/// Whether the same request may succeed later.
pub(crate) fn is_passing(error: &ureq::Error) -> bool {
    use ureq::Error::{ConnectionFailed, HostNotFound, Io, Protocol, Timeout};
    matches!(error, ConnectionFailed | HostNotFound | Io(_) | Protocol(_) | Timeout(_))
}

/// Why a try gave no answer.
enum Refusal {
    /// Another one would end in the same way.
    ForGood(HttpError),
    /// Another one may succeed, after the pause that the server wishes.
    ForNow(HttpError, Option<Duration>),
}

/// The longest text of a server that a message quotes, in characters.
const QUOTED: usize = 300;

/// What a server says of an error: the `message` of its document, or the beginning of its text.
pub(crate) fn message(bytes: &[u8]) -> String {
    let document: Option<Value> = serde_json::from_slice(bytes).ok();
    let said = document.as_ref().and_then(|document| {
        let error = document.get("error").unwrap_or(document);
        error.get("message").or(error.get("detail")).unwrap_or(error).as_str()
    });
    match said {
        Some(said) => plain(said),
        // A page for people, of a server that is no service.
        None if bytes.trim_ascii_start().starts_with(b"<") => "an HTML page".to_owned(),
        None => plain(&String::from_utf8_lossy(bytes)),
    }
}

/// A text on one line, without control characters, and not too long.
pub(crate) fn plain(text: &str) -> String {
    let mut words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|character| !character.is_control());
    match words.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{} …", &words[..end]),
        None => words,
    }
}

/// An address without the name and the password that may stand in it.
fn shown(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}
