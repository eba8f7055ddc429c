//! What arrives of a file, and stays for the next call when it breaks off.

use std::io::{Read, Write};

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use crate::error::FetchError;
use crate::http::plain;

/// Bytes that are read before it is looked whether to stop.
const PIECE: usize = 1 << 18;

/// What has arrived of a file.
pub(super) struct Arrived<'p> {
    path: &'p Utf8Path,
    file: fs_err::File,
    pub(super) length: u64,
    /// Of all that has arrived.
    hasher: blake3::Hasher,
}

impl<'p> Arrived<'p> {
    /// What an earlier call has left, or nothing.
    pub(super) fn open(path: &'p Utf8Path) -> Result<Self, FetchError> {
        let options = || fs_err::OpenOptions::new().create(true).append(true).read(true).open(path);
        let mut file = options().map_err(FetchError::io("create", path))?;
        let mut hasher = blake3::Hasher::new();
        let length = std::io::copy(&mut file, &mut hasher).map_err(FetchError::io("read", path))?;
        Ok(Self { path, file, length, hasher })
    }

    /// The hash of all that has arrived.
    pub(super) fn hash(&self) -> Hash {
        self.hasher.finalize().into()
    }

    pub(super) fn start_over(&mut self) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(FetchError::io("write", self.path))?;
        (self.length, self.hasher) = (0, blake3::Hasher::new());
        Ok(())
    }

    /// Takes in what arrives, of `size` bytes in all; why it broke off, if it did. What is longer is not read to its end.
    pub(super) fn take(
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

/// Copies a file that may be there to `to`, if it can be read and is of this size; gives its hash and its size. Nothing is at
/// `to` before all of it is.
pub(super) fn copy(
    from: &Utf8Path,
    to: &Utf8Path,
    size: Option<u64>,
    stopped: &dyn Fn() -> bool,
) -> Result<Option<(Hash, u64)>, FetchError> {
    let Ok(file) = fs_err::File::open(from) else { return Ok(None) };
    let length = file.metadata().map_or(0, |there| if there.is_file() { there.len() } else { 0 });
    if length == 0 || size.is_some_and(|size| size != length) {
        return Ok(None);
    }
    let aside = Utf8PathBuf::from(format!("{to}.copy"));
    let mut arrived = Arrived::open(&aside)?;
    arrived.start_over()?;
    // What cannot be read there to its end is fetched.
    let broken = arrived.take(file, length, stopped)?.is_some();
    let found = (arrived.hash(), arrived.length);
    if broken || found.1 != length {
        fs_err::remove_file(&aside).map_err(FetchError::io("remove", &aside))?;
        return Ok(None);
    }
    fs_err::rename(&aside, to).map_err(FetchError::io("write", to))?;
    Ok(Some(found))
}
