//! Files of repositories on the Hugging Face hub, or on a server that speaks as it does.

use std::io::{Read, Write};
use std::time::Duration;

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};
use ureq::Agent;
use ureq::http::Response;

use crate::error::FetchError;
use crate::http::{Address, HttpError, Pauses, message, plain, retry_after, wait};

/// How long the hub may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// How long it may take to begin an answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a file may take to arrive.
const ARRIVE: Duration = Duration::from_secs(24 * 3600);
/// Bytes that are read before it is looked whether to stop.
const PIECE: usize = 1 << 18;
/// Most redirections from the hub to where a file is.
const REDIRECTIONS: u32 = 5;

/// A file that a lock pins: a path in a repository, at a revision.
#[derive(Clone, Copy, Debug)]
pub struct HubFile<'a> {
    /// The repository: `datasets/MAKER/NAME` of data, `MAKER/NAME` of a model.
    pub repository: &'a str,
    /// A commit.
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

    fn mismatch(&self, found: Hash) -> FetchError {
        let (file, lock) = (self.name(), self.lock.to_owned());
        FetchError::Mismatch { file, expected: self.blake3, found, lock }
    }
}

/// The hash of a file.
fn hash(path: &Utf8Path) -> Result<Hash, FetchError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path).map_err(FetchError::io("read", path))?;
    Ok(hasher.finalize().into())
}

/// The hub, as this machine reaches it.
#[derive(Clone, Debug)]
pub struct Hub {
    address: Address,
    home: Option<Utf8PathBuf>,
    agent: Agent,
    patience: Duration,
}

impl Hub {
    /// Where the hub is.
    pub const ADDRESS: &str = "https://huggingface.co";
    /// How long the hub may be out of reach before that is an error.
    pub const PATIENCE: Duration = Duration::from_secs(120);

    /// The hub at an address, [`ADDRESS`](Self::ADDRESS) or that of a mirror. `token` is sent to it, and to no server that
    /// it redirects to. `home` is the folder in which the hub's own programs keep what they have fetched (`HF_HOME`).
    ///
    /// # Errors
    /// [`HttpError::Address`] if it is no address of HTTP, or the token cannot stand in a header.
    pub fn new(address: &str, token: Option<&str>, home: Option<Utf8PathBuf>) -> Result<Self, HttpError> {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTIONS)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ARRIVE))
            .user_agent(crate::http::USER_AGENT)
            .build();
        let address = Address::new(address, token)?;
        Ok(Self { address, home, agent: agent.into(), patience: Self::PATIENCE })
    }

    /// Sets how long it may be out of reach before that is an error; 0 means that it is asked once.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Puts a file at `to`, which must not exist, and checks it. It is copied from the folder of the hub's own programs if
    /// it is there as the lock says; else it is fetched, and a connection that breaks is taken up where it broke.
    ///
    /// # Errors
    /// The hub cannot be reached, asks for access that the token does not give, or has no such file; the file is another
    /// one; the disk is full; `stopped` said so. Then there is nothing at `to`.
    pub fn obtain(
        &self,
        file: &HubFile<'_>,
        to: &Utf8Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), FetchError> {
        if let Some(kept) =
            self.home.as_ref().map(|home| home.join(file.kept())).filter(|kept| kept.is_file())
            && hash(&kept)? == file.blake3
        {
            fs_err::copy(&kept, to).map_err(FetchError::io("write", to))?;
            return Ok(());
        }
        let result = self.download(file, to, stopped).and_then(|()| match hash(to)? {
            found if found == file.blake3 => Ok(()),
            found => Err(file.mismatch(found)),
        });
        if result.is_err() {
            // At worst it stays until its folder goes.
            _ = fs_err::remove_file(to);
        }
        result
    }

    fn download(
        &self,
        file: &HubFile<'_>,
        to: &Utf8Path,
        stopped: &dyn Fn() -> bool,
    ) -> Result<(), FetchError> {
        let url =
            format!("{}/{}/resolve/{}/{}", self.address.base, file.repository, file.revision, file.path);
        let mut written = fs_err::File::create(to).map_err(FetchError::io("create", to))?;
        let (mut length, mut pauses) = (0, Pauses::new(self.patience));
        loop {
            let begun_at = length;
            let (detail, wish) = match self.continued(file, &url, length)? {
                Answer::Later(detail, wish) => (detail, wish),
                Answer::File(response, starts_over) => {
                    if starts_over && length > 0 {
                        written = fs_err::File::create(to).map_err(FetchError::io("create", to))?;
                        length = 0;
                    }
                    match copied(response, &mut written, to, &mut length, stopped)? {
                        None => return Ok(()),
                        Some(detail) => (detail, None),
                    }
                }
            };
            if length > begun_at {
                pauses = Pauses::new(self.patience);
            }
            let out_of_reach = || FetchError::HubOutOfReach {
                file: file.name(),
                address: self.address.base.clone(),
                detail,
            };
            let pause = pauses.next(wish).ok_or_else(out_of_reach)?;
            wait(pause, stopped).ok_or(FetchError::Stopped)?;
        }
    }

    /// Asks for a file from a place in it on.
    fn continued(&self, file: &HubFile<'_>, url: &str, from: u64) -> Result<Answer, FetchError> {
        let mut request = self.address.authorised(self.agent.get(url));
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return Ok(Answer::Later(plain(&error.to_string()), None)),
        };
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let (wish, said) =
            (header("retry-after").and_then(retry_after), header("x-error-message").map(plain));
        let mut said = || {
            said.clone().unwrap_or_else(|| message(&response.body_mut().read_to_vec().unwrap_or_default()))
        };
        match status {
            200 => Ok(Answer::File(response, true)),
            206 => Ok(Answer::File(response, false)),
            408 | 425 | 429 | 500..=599 => Ok(Answer::Later(format!("{status}: {}", said()), wish)),
            401 | 403 => Err(FetchError::NoAccess {
                file: file.name(),
                page: format!("{}/{}", self.address.base, file.repository),
                message: said(),
            }),
            _ => Err(FetchError::NotOnHub { file: file.name(), status, message: said() }),
        }
    }
}

/// What the hub gives.
enum Answer {
    /// The file, and whether from its start.
    File(Response<ureq::Body>, bool),
    /// Nothing now: why, and the pause that it wishes.
    Later(String, Option<Duration>),
}

/// Writes what arrives; why it broke off, if it did.
fn copied(
    response: Response<ureq::Body>,
    written: &mut fs_err::File,
    to: &Utf8Path,
    length: &mut u64,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<String>, FetchError> {
    let mut arriving = response.into_body().into_reader();
    let mut piece = vec![0; PIECE];
    loop {
        if stopped() {
            return Err(FetchError::Stopped);
        }
        match arriving.read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(read) => {
                written.write_all(&piece[..read]).map_err(FetchError::io("write", to))?;
                *length += read as u64;
            }
            Err(error) => return Ok(Some(plain(&error.to_string()))),
        }
    }
}
