//! Files of repositories on the Hugging Face hub, or on a server that speaks as it does.

mod arrived;

use std::time::Duration;

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};
use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;

use arrived::Arrived;

use crate::error::FetchError;
use crate::http::{Address, HttpError, Notice, Pauses, is_passing, message, plain, retry_after, wait};

/// How long the hub may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// How long it may take to begin an answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long nothing may arrive of a file before the connection counts as broken.
const READ: Duration = Duration::from_secs(60);
/// The branch that is meant where none is named.
const MAIN: &str = "main";
/// Hexadecimal digits of a commit.
const COMMIT: usize = 40;
/// Most redirections from the hub to where a file is.
const REDIRECTIONS: u32 = 5;

/// A file of a repository, at a revision.
#[derive(Clone, Copy, Debug)]
pub struct HubPath<'a> {
    /// The repository: `datasets/MAKER/NAME` of data, `MAKER/NAME` of a model.
    pub repository: &'a str,
    /// A commit, in full.
    pub revision: &'a str,
    /// The file's path in the repository.
    pub path: &'a str,
}

/// A file that a lock pins.
#[derive(Clone, Copy, Debug)]
pub struct HubFile<'a> {
    /// Where it is.
    pub at: HubPath<'a>,
    /// Its size in bytes.
    pub size: u64,
    /// Its hash.
    pub blake3: Hash,
    /// Name of the lock, for messages.
    pub lock: &'a str,
}

impl HubPath<'_> {
    /// How messages call it.
    fn name(&self) -> String {
        format!("{} of {} at {}", self.path, self.repository, self.revision)
    }

    /// The kind of its repository, as the hub writes it, and the repository's name.
    fn kind_and_name(&self) -> (&'static str, &str) {
        match self.repository.split_once('/') {
            Some(("datasets", name)) => ("datasets", name),
            _ => ("models", self.repository),
        }
    }

    /// Where the hub's own programs keep it, below their folder.
    fn kept(&self) -> String {
        let (kind, name) = self.kind_and_name();
        format!("hub/{kind}--{}/snapshots/{}/{}", name.replace('/', "--"), self.revision, self.path)
    }
}

impl HubFile<'_> {
    fn other_size(&self, found: u64) -> FetchError {
        let (file, lock) = (self.at.name(), self.lock.to_owned());
        FetchError::OtherSize { file, expected: self.size, found, lock }
    }

    fn mismatch(&self, found: Hash) -> FetchError {
        let (file, lock) = (self.at.name(), self.lock.to_owned());
        FetchError::Mismatch { file, expected: self.blake3, found, lock }
    }
}

/// The hub, as this machine reaches it.
#[derive(Clone, Debug)]
pub struct Hub {
    address: Address,
    home: Option<Utf8PathBuf>,
    brought: Option<Utf8PathBuf>,
    agent: Agent,
    patience: Duration,
    notice: Notice,
}

impl Hub {
    /// Where the hub is.
    pub const ADDRESS: &str = "https://huggingface.co";
    /// How long the hub may be out of reach before that is an error.
    pub const PATIENCE: Duration = Duration::from_secs(120);

    /// The hub at an address, [`ADDRESS`](Self::ADDRESS) or that of a mirror. `token` is sent to it, and to no other server
    /// that it redirects to. `home` is the folder in which the hub's own programs keep what they have fetched (`HF_HOME`),
    /// `proxy` the address of a proxy.
    ///
    /// # Errors
    /// [`HttpError::Address`] if an address is none of HTTP, [`HttpError::Key`] if the token cannot stand in a header.
    pub fn new(
        address: &str,
        token: Option<&str>,
        home: Option<Utf8PathBuf>,
        proxy: Option<&str>,
    ) -> Result<Self, HttpError> {
        let address = Address::new(address, token)?;
        let proxy = proxy.map(ureq::Proxy::new).transpose().map_err(|error| HttpError::Address {
            address: "the proxy".to_owned(),
            problem: plain(&error.to_string()),
        })?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTIONS)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(READ))
            .user_agent(crate::http::USER_AGENT)
            .proxy(proxy)
            .build();
        let (patience, notice) = (Self::PATIENCE, Notice::default());
        Ok(Self { address, home, brought: None, agent: agent.into(), patience, notice })
    }

    /// Sets how long it may be out of reach before that is an error; 0 means that it is asked once.
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

    /// Has files taken from a folder that they were brought to by hand, where it has them: by `REPOSITORY/PATH` or by the
    /// last part of their path.
    #[must_use]
    pub fn with_brought(mut self, folder: Utf8PathBuf) -> Self {
        self.brought = Some(folder);
        self
    }

    /// Puts a file at `to` and checks it. It is copied from the folder of the hub's own programs, or from one that it was
    /// brought to, if it is there as the lock says; else it is fetched. What has arrived of it stays at `part` (on the same
    /// disk) when this fails, and is gone on from: by this call when a connection breaks, and by the next one.
    ///
    /// # Errors
    /// The hub cannot be reached, asks for access that the token does not give, or has no such file; the file is another
    /// one, of which nothing stays; the disk is full; `stopped` said so. Then there is nothing at `to`.
    pub fn obtain(
        &self,
        file: &HubFile<'_>,
        part: &Utf8Path,
        to: &Utf8Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), FetchError> {
        for there in self.places(&file.at) {
            if arrived::copy(&there, to, Some(file.size), stopped)?
                .is_some_and(|found| found.0 == file.blake3)
            {
                return Ok(());
            }
        }
        let (found, length) = self.download(&file.at, Some(file.size), part, stopped)?;
        if found != file.blake3 || length != file.size {
            fs_err::remove_file(part).map_err(FetchError::io("remove", part))?;
            return Err(match length == file.size {
                true => file.mismatch(found),
                false => file.other_size(length),
            });
        }
        fs_err::rename(part, to).map_err(FetchError::io("write", to))
    }

    /// Where a file may be already.
    fn places(&self, at: &HubPath<'_>) -> impl Iterator<Item = Utf8PathBuf> {
        let brought = self.brought.as_ref();
        let name = Utf8Path::new(at.path).file_name().unwrap_or(at.path);
        let brought = brought.map(|folder| [folder.join(at.repository).join(at.path), folder.join(name)]);
        let kept = self.home.as_ref().map(|home| home.join(at.kept()));
        brought.into_iter().flatten().chain(kept)
    }

    /// The commit that a revision of a repository is: that of its main branch, where none is given.
    ///
    /// # Errors
    /// As [`obtain`](Self::obtain); what the hub answers is no commit.
    pub fn commit(
        &self,
        repository: &str,
        revision: Option<&str>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<String, FetchError> {
        let at = HubPath { repository, revision: revision.unwrap_or(MAIN), path: "its commit" };
        let (kind, name) = at.kind_and_name();
        let url = format!(
            "{}/api/{kind}/{}/revision/{}",
            self.address.base,
            encoded(name),
            revision_encoded(at.revision)
        );
        let mut pauses = Pauses::new(self.patience);
        loop {
            let (detail, wish) = match self.continued(&at, &url, 0)? {
                Answer::Later(detail, wish) => (detail, wish),
                Answer::File(mut response, _) => match response.body_mut().read_to_vec() {
                    Ok(bytes) => return commit_of(&bytes).ok_or_else(|| no_commit(&at)),
                    Err(error) => (plain(&error.to_string()), None),
                },
            };
            self.pause(&at, detail, pauses.next(wish), stopped)?;
        }
    }

    /// Fetches a file that no lock pins yet to `to`; gives its hash and its size. It is copied from the folder that it was
    /// brought to, or from that of the hub's own programs if that has this commit of it. What has arrived at `to` when this fails is gone on from by the next call.
    ///
    /// # Errors
    /// As [`obtain`](Self::obtain).
    pub fn fetch(
        &self,
        at: &HubPath<'_>,
        to: &Utf8Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(Hash, u64), FetchError> {
        for there in self.places(at) {
            if let Some(found) = arrived::copy(&there, to, None, stopped)? {
                return Ok(found);
            }
        }
        self.download(at, None, to, stopped)
    }

    /// Fetches what is missing of a file of this size, if it is known; gives the hash of all of it, and its length as far as
    /// it is not too long.
    fn download(
        &self,
        at: &HubPath<'_>,
        size: Option<u64>,
        part: &Utf8Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(Hash, u64), FetchError> {
        let url = format!(
            "{}/{}/resolve/{}/{}",
            self.address.base,
            encoded(at.repository),
            revision_encoded(at.revision),
            encoded(at.path)
        );
        let mut arrived = Arrived::open(part)?;
        let mut pauses = Pauses::new(self.patience);
        let most = size.unwrap_or(u64::MAX);
        while arrived.length < most {
            let before = arrived.length;
            let (detail, wish) = match self.continued(at, &url, arrived.length)? {
                Answer::Later(detail, wish) => (detail, wish),
                Answer::File(response, starts_over) => {
                    if starts_over {
                        arrived.start_over()?;
                    }
                    match arrived.take(response.into_body().into_reader(), most, stopped)? {
                        // It ended, at its end or before: then it is another file.
                        None => break,
                        Some(detail) => (detail, None),
                    }
                }
            };
            if arrived.length > before {
                pauses = Pauses::new(self.patience);
            }
            self.pause(at, detail, pauses.next(wish), stopped)?;
        }
        Ok((arrived.hash(), arrived.length))
    }

    /// Waits before the hub is asked again, or says that it is out of reach where there is no pause left.
    fn pause(
        &self,
        at: &HubPath<'_>,
        detail: String,
        pause: Option<Duration>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), FetchError> {
        let failed = self.out_of_reach(at, detail);
        let Some(pause) = pause else { return Err(failed) };
        self.notice.tell(&failed.to_string());
        wait(pause, stopped).ok_or(FetchError::Stopped)
    }

    fn out_of_reach(&self, at: &HubPath<'_>, detail: String) -> FetchError {
        FetchError::HubOutOfReach { file: at.name(), address: self.address.base.clone(), detail }
    }

    /// Asks for a file from a place in it on.
    fn continued(&self, at: &HubPath<'_>, url: &str, from: u64) -> Result<Answer, FetchError> {
        let mut request = self.address.authorised(self.agent.get(url));
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) if is_passing(&error) => return Ok(Answer::Later(plain(&error.to_string()), None)),
            Err(error) => return Err(self.out_of_reach(at, plain(&error.to_string()))),
        };
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let (wish, said) =
            (header("retry-after").and_then(retry_after), header("x-error-message").map(plain));
        let code = header("x-error-code").unwrap_or_default().to_owned();
        let mut said = || {
            said.clone().unwrap_or_else(|| message(&response.body_mut().read_to_vec().unwrap_or_default()))
        };
        match (status, code.as_str()) {
            (200, _) => Ok(Answer::File(response, true)),
            (206, _) => Ok(Answer::File(response, false)),
            (408 | 425 | 429 | 500 | 502..=504, _) => {
                Ok(Answer::Later(format!("{status}: {}", said()), wish))
            }
            // Without a token, the hub does not say whether there is such a repository.
            (401, "RepoNotFound" | "RevisionNotFound" | "EntryNotFound") => {
                Err(FetchError::NotOnHub { file: at.name(), status, message: said() })
            }
            (401 | 403, _) => Err(FetchError::NoAccess {
                file: at.name(),
                page: format!("{}/{}", self.address.base, at.repository),
                message: said(),
            }),
            _ => Err(FetchError::NotOnHub { file: at.name(), status, message: said() }),
        }
    }
}

/// Whether a revision is a commit in full, of which nobody has to be asked.
pub fn is_commit(revision: &str) -> bool {
    revision.len() == COMMIT && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The commit in what the hub says of a revision.
fn commit_of(bytes: &[u8]) -> Option<String> {
    let said: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let commit = said.get("sha")?.as_str()?;
    is_commit(commit).then(|| commit.to_owned())
}

fn no_commit(at: &HubPath<'_>) -> FetchError {
    let message = "the answer names no commit".to_owned();
    FetchError::NotOnHub { file: at.name(), status: 200, message }
}

/// A path as it stands in an address: whatever has a meaning there is written by its number.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let write = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(write).collect()
}

/// A revision as it stands in an address: it is one part of it, also where it holds a slash.
fn revision_encoded(revision: &str) -> String {
    encoded(revision).replace('/', "%2F")
}

/// What the hub gives.
enum Answer {
    /// The file, and whether from its start.
    File(Response<ureq::Body>, bool),
    /// Nothing now: why, and the pause that it wishes.
    Later(String, Option<Duration>),
}
