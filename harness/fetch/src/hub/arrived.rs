//! What arrives of a file, and stays for the next call when it breaks off.

use std::io::{Read, Write};

use assay_store::Hash;
use camino::Utf8Path;

use super::HubFile;
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

/// Copies a file, if it is the one that is wanted and can be read.
pub(super) fn copied(
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
