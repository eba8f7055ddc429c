//! Temporary files of a process, and their removal after its death.
//!
//! A store that writes owns the folder `tmp/NAME` and holds the lock `tmp/NAME.lock`. Everything unfinished
//! lives in that folder. A process that opens the store removes the folders whose lock nobody holds, and so
//! never one of a living process.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

use crate::lock::{HeldLock, Wait};
use crate::{Result, RunId, StoreError, durable};

const LOCK_SUFFIX: &str = ".lock";

/// The temporary folder of one open store.
#[derive(Debug)]
pub(crate) struct Session {
    dir: Utf8PathBuf,
    // Released last: while it is held, nobody else touches the folder.
    _lock: HeldLock,
}

impl Session {
    /// Creates a folder of a fresh name under `tmp`, which must exist.
    pub(crate) fn start(tmp: &Utf8Path) -> Result<Self> {
        let name = RunId::fresh().to_string();
        let lock_path = tmp.join(format!("{name}{LOCK_SUFFIX}"));
        let lock = HeldLock::acquire(&lock_path, Wait::Yes)
            .map_err(|error| StoreError::write("lock", &lock_path, error))?
            .ok_or_else(|| StoreError::Busy { root: tmp.to_owned(), what: "its scratch lock is taken" })?;
        let dir = tmp.join(name);
        durable::create_dir(&dir)?;
        Ok(Self { dir, _lock: lock })
    }

    pub(crate) fn dir(&self) -> &Utf8Path {
        &self.dir
    }

    /// A name in the folder that nothing has yet.
    pub(crate) fn fresh_path(&self) -> Utf8PathBuf {
        self.dir.join(RunId::fresh().to_string())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next process that opens the store.
        let _ = durable::remove_dir(&self.dir);
    }
}

/// Removes what dead processes left under `tmp`.
pub(crate) fn sweep(tmp: &Utf8Path) -> Result<()> {
    for (name, path, _) in durable::entries(tmp)? {
        let Some(stem) = name.strip_suffix(LOCK_SUFFIX) else { continue };
        let dead = HeldLock::take_over(&path).map_err(|error| StoreError::write("lock", &path, error))?;
        if let Some(lock) = dead {
            durable::remove_dir(&tmp.join(stem))?;
            drop(lock);
        }
    }
    Ok(())
}

/// A fresh, empty folder inside the store, on the file system of its objects, removed when dropped.
///
/// [`Store::adopt_path`](crate::Store::adopt_path) turns a file or folder made in it into an object by
/// renaming.
#[derive(Debug)]
pub struct Scratch {
    path: Utf8PathBuf,
    // Dropped in this order: the folder, then the hold on the folder around it.
    _dir: TempDir,
    _session: Arc<Session>,
}

impl Scratch {
    pub(crate) fn create(session: Arc<Session>) -> Result<Self> {
        let failed = |error| StoreError::write("create a folder in", &session.dir, error);
        let dir = tempfile::Builder::new().prefix("scratch-").tempdir_in(&session.dir).map_err(failed)?;
        let path =
            Utf8PathBuf::from_path_buf(dir.path().to_owned()).map_err(|path| StoreError::Unsupported {
                path: path.to_string_lossy().into_owned(),
                reason: "its name is not UTF-8",
            })?;
        Ok(Self { path, _dir: dir, _session: session })
    }

    /// The folder, as an absolute path.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}
