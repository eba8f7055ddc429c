//! Where `assay judge` and `assay grade` keep what they find.

use assay_sandbox::JudgingError;
use assay_store::{ErrorClass, Store, StoreError};
use camino::Utf8Path;
use tempfile::TempDir;

use crate::args::Global;
use crate::failure::Failure;
use crate::session::{self, store_path};
use crate::stdio::warn;

/// The store, or a folder that goes with this command, where there is no space to open the store or no right to make it.
pub(crate) struct Findings {
    pub(crate) store: Store,
    passing: Option<TempDir>,
}

impl Findings {
    /// Opens the store. `what` is what is not kept where it cannot be opened, such as `grades`.
    pub(crate) fn open(global: &Global, what: &str) -> Result<Self, Failure> {
        let error = match session::open(&store_path(global)?) {
            Ok(store) => return Ok(Self { store, passing: None }),
            Err(error) if is_refusal(&error) => error,
            Err(error) => return Err(error.into()),
        };
        let refused =
            || Failure::refused("make a temporary folder", "free some space, or name another with TMPDIR");
        let folder = TempDir::new().map_err(refused())?;
        // Where not even that has a store, the first error is the one worth telling.
        let store = Utf8Path::from_path(folder.path()).and_then(|path| Store::open(path).ok());
        let Some(store) = store else { return Err(error.into()) };
        warn(format_args!("{what} are not kept: {error}"));
        Ok(Self { store, passing: Some(folder) })
    }

    /// Why judging did not end, with what the store has of `what`.
    pub(crate) fn failure(&self, error: JudgingError, what: &str) -> Failure {
        match error {
            JudgingError::Stopped { .. } if self.passing.is_some() => {
                Failure::Interrupted(format!("interrupted; no {what} are kept"))
            }
            JudgingError::Stopped { kept, jobs } => Failure::Interrupted(format!(
                "interrupted; {kept} of {jobs} {what} are kept, and the same command goes on from there"
            )),
            error => error.into(),
        }
    }
}

/// Whether the machine refuses space or the right to write, which says nothing against what is in the store.
fn is_refusal(error: &StoreError) -> bool {
    match error {
        StoreError::ReadOnly { .. } | StoreError::DiskFull { .. } => true,
        StoreError::Index { .. } => error.class() == ErrorClass::Environment,
        _ => false,
    }
}
