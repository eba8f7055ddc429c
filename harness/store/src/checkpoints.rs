//! Checkpoints: what an unfinished action has saved, in a folder that outlives a kill.
//!
//! The store only keeps the folder. It does not know when the files in it are complete, so it cannot verify
//! them: whoever writes them also writes their hashes, checks them before going on from them, and falls back
//! to an older checkpoint or to the start if they are damaged. [`Store::verify`] does not read them.

use std::fs;
use std::io;

use camino::Utf8PathBuf;

use crate::{Hash, Result, Store, StoreError, durable};

impl Store {
    /// The checkpoint folder of an action, created if it is not there. The caller writes and replaces files
    /// in it as it likes, and verifies them; [`Store::lease`] keeps other processes out.
    pub fn checkpoint_dir(&self, key: &Hash) -> Result<Utf8PathBuf> {
        self.require_writable()?;
        let dir = self.layout().checkpoint(key);
        durable::create_dir(&dir)?;
        Ok(dir)
    }

    /// Removes the checkpoint folder of an action, if there is one. A kill leaves either all of it or none.
    pub fn clear_checkpoint(&self, key: &Hash) -> Result<()> {
        let dir = self.layout().checkpoint(key);
        let doomed = self.session()?.fresh_path();
        match fs::rename(&dir, &doomed) {
            Ok(()) => durable::remove_dir(&doomed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::write("remove", &dir, error)),
        }
    }
}
