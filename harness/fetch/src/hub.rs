//! Files of repositories on the Hugging Face hub, or on a server that speaks as it does.

use std::io::{Read, Write};
use std::time::Duration;

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};
use ureq::Agent;
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;

use crate::error::FetchError;
use crate::http::{Address, HttpError, Notice, Pauses, is_passing, message, plain, retry_after, wait};

/// How long the hub may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// How long it may take to begin an answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long nothing may arrive of a file before the connection counts as broken.
const READ: Duration = Duration::from_secs(60);
/// Bytes that are read before it is looked whether to stop.
const PIECE: usize = 1 << 18;
/// Most redirections from the hub to where a file is.
const REDIRECTIONS: u32 = 5;

/// A file that a lock pins: a path in a repository, at a revision.
#[derive(Clone, Copy, Debug)]
pub struct HubFile<'a> {
    /// The repository: `datasets/MAKER/NAME` of data, `MAKER/NAME` of a model.
    pub repository: &'a str,
    /// A commit, in full.
    pub revision: &'a str,
    /// The file's path in the repository.
    pub path: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its hash.
    pub blake3: Hash,
    /// Name of the lock, for messages.
    pub lock: &'a str,
}

impl HubFile<'_> {
    /// How messages call it.
    fn name(&self) -> String {
        format!("{} of {} at {}", self.path, self.repository, self.revision)
    }

    /// Where the hub's own programs keep it, below their folder.
    fn kept(&self) -> String {
        let (kind, name) = match self.repository.split_once('/') {
            Some(("datasets", name)) => ("datasets", name),
            _ => ("models", self.repository),
        };
        format!("hub/{kind}--{}/snapshots/{}/{}", name.replace('/', "--"), self.revision, self.path)
    }

    fn other_size(&self, found: u64) -> FetchError {
        let (file, lock) = (self.name(), self.lock.to_owned());
        FetchError::OtherSize { file, expected: self.size, found, lock }
    }

    fn mismatch(&self, found: Hash) -> FetchError {
        let (file, lock) = (self.name(), self.lock.to_owned());
        FetchError::Mismatch { file, expected: self.blake3, found, lock }
    }
}

/// The hub, as this machine reaches it.
#[derive(Clone, Debug)]
pub struct Hub {
    address: Address,
    home: Option<Utf8PathBuf>,
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
        Ok(Self { address, home, agent: agent.into(), patience: Self::PATIENCE, notice: Notice::default() })
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

    /// Puts a file at `to` and checks it. It is copied from the folder of the hub's own programs if it is there as the lock
    /// says; else it is fetched. What has arrived of it stays at `part` (on the same disk) when this fails, and is gone on
    /// from: by this call when a connection breaks, and by the next one.
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
        let kept = self.home.as_ref().map(|home| home.join(file.kept())).filter(|kept| kept.is_file());
        let copied = kept.map_or(Ok(false), |kept| copied(&kept, part, file, stopped))?;
        if !copied {
            let (found, length) = self.download(file, part, stopped)?;
            if found != file.blake3 || length != file.size {
                fs_err::remove_file(part).map_err(FetchError::io("remove", part))?;
                return Err(match length == file.size {
                    true => file.mismatch(found),
                    false => file.other_size(length),
                });
            }
        }
        fs_err::rename(part, to).map_err(FetchError::io("write", to))
    }

    /// Fetches what is missing of a file; gives the hash of all of it, and its length as far as it is not too long.
    fn download(
        &self,
        file: &HubFile<'_>,
        part: &Utf8Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(Hash, u64), FetchError> {
        let url = format!(
            "{}/{}/resolve/{}/{}",
            self.address.base,
            encoded(file.repository),
            encoded(file.revision),
            encoded(file.path)
        );
        let mut arrived = Arrived::open(part)?;
        let mut pauses = Pauses::new(self.patience);
        while arrived.length < file.size {
            let before = arrived.length;
            let (detail, wish) = match self.continued(file, &url, arrived.length)? {
                Answer::Later(detail, wish) => (detail, wish),
                Answer::File(response, starts_over) => {
                    if starts_over {
                        arrived.start_over()?;
                    }
                    match arrived.take(response.into_body().into_reader(), file.size, stopped)? {
                        // It ended, at its end or before: then it is another file.
                        None => break,
                        Some(detail) => (detail, None),
                    }
                }
            };
            if arrived.length > before {
                pauses = Pauses::new(self.patience);
            }
            let failed = self.out_of_reach(file, detail);
            let Some(pause) = pauses.next(wish) else { return Err(failed) };
            self.notice.tell(&failed.to_string());
            wait(pause, stopped).ok_or(FetchError::Stopped)?;
        }
        Ok((arrived.hash(), arrived.length))
    }

    fn out_of_reach(&self, file: &HubFile<'_>, detail: String) -> FetchError {
        FetchError::HubOutOfReach { file: file.name(), address: self.address.base.clone(), detail }
    }

    /// Asks for a file from a place in it on.
    fn continued(&self, file: &HubFile<'_>, url: &str, from: u64) -> Result<Answer, FetchError> {
        let mut request = self.address.authorised(self.agent.get(url));
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) if is_passing(&error) => return Ok(Answer::Later(plain(&error.to_string()), None)),
            Err(error) => return Err(self.out_of_reach(file, plain(&error.to_string()))),
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
                Err(FetchError::NotOnHub { file: file.name(), status, message: said() })
            }
            (401 | 403, _) => Err(FetchError::NoAccess {
                file: file.name(),
                page: format!("{}/{}", self.address.base, file.repository),
                message: said(),
            }),
            _ => Err(FetchError::NotOnHub { file: file.name(), status, message: said() }),
        }
    }
}

/// A path as it stands in an address: whatever has a meaning there is written by its number.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let write = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(write).collect()
}

/// What the hub gives.
enum Answer {
    /// The file, and whether from its start.
    File(Response<ureq::Body>, bool),
    /// Nothing now: why, and the pause that it wishes.
    Later(String, Option<Duration>),
}

/// What has arrived of a file.
struct Arrived<'p> {
    path: &'p Utf8Path,
    file: fs_err::File,
    length: u64,
    /// Of all that has arrived.
    hasher: blake3::Hasher,
}

impl<'p> Arrived<'p> {
    /// What an earlier call has left, or nothing.
    fn open(path: &'p Utf8Path) -> Result<Self, FetchError> {
        let options = || fs_err::OpenOptions::new().create(true).append(true).read(true).open(path);
        let mut file = options().map_err(FetchError::io("create", path))?;
        let mut hasher = blake3::Hasher::new();
        let length = std::io::copy(&mut file, &mut hasher).map_err(FetchError::io("read", path))?;
        Ok(Self { path, file, length, hasher })
    }

    /// The hash of all that has arrived.
    fn hash(&self) -> Hash {
        self.hasher.finalize().into()
    }

    fn start_over(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(FetchError::io("write", self.path))?;
        (self.length, self.hasher) = (0, blake3::Hasher::new());
        Ok(())
    }

    /// Takes in what arrives, of `size` bytes in all; why it broke off, if it did. What is longer is not read to its end.
    fn take(
        &mut self,
        mut arriving: impl Read,
        size: u64,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<String>, FetchError> {
        let mut piece = vec![0; PIECE];
        while self.length <= size {
            if stopped() {
                return Err(FetchError::Stopped);
            }
            match arriving.read(&mut piece) {
                Ok(0) => return Ok(None),
                Ok(read) => {
                    self.file.write_all(&piece[..read]).map_err(FetchError::io("write", self.path))?;
                    self.hasher.update(&piece[..read]);
                    self.length += read as u64;
                }
                Err(error) => return Ok(Some(plain(&error.to_string()))),
            }
        }
        Ok(None)
    }
}

/// Copies a file, if it is the one that is wanted and can be read.
fn copied(
    from: &Utf8Path,
    to: &Utf8Path,
    file: &HubFile<'_>,
    stopped: &dyn Fn() -> bool,
) -> Result<bool, FetchError> {
    let Ok(reader) = fs_err::File::open(from) else { return Ok(false) };
    let mut arrived = Arrived::open(to)?;
    arrived.start_over()?;
    // What cannot be read there to its end is fetched.
    arrived.take(reader, file.size, stopped)?;
    let right = arrived.length == file.size && arrived.hash() == file.blake3;
    if !right {
        fs_err::remove_file(to).map_err(FetchError::io("remove", to))?;
    }
    Ok(right)
}
