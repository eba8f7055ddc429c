//! Putting a report into a folder.

use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

use crate::model::{Problem, Report};
use crate::{html, markdown};

/// One file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// Whether its bytes are new; an unchanged file is not touched.
    pub changed: bool,
}

/// Why a report could not be written. Files that were written before stay; none is left half-written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Its parts do not fit together.
    #[error("inconsistent report: {0}")]
    Inconsistent(#[from] Problem),
    /// The file system refused; the source names the path and the operation.
    #[error("report {path}: {source}")]
    Io {
        /// The file or folder to be written.
        path: Utf8PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes `ID.md`, `ID.json` and `ID.html` into a folder, which is made if missing, and returns them in that
/// order.
///
/// A file appears whole or not at all (temporary name, synced, renamed), and is left alone when it already
/// has these bytes.
///
/// # Errors
/// [`WriteError`] when the report fails [`Report::check`] or the file system refuses.
pub fn write(report: &Report, folder: &Utf8Path) -> Result<Vec<Written>, WriteError> {
    report.check()?;
    let files = [("md", markdown(report)), ("json", report.to_json()), ("html", html(report))];
    let mut written = Vec::new();
    for (extension, text) in files {
        let path = folder.join(format!("{}.{extension}", report.id));
        let changed = replace(&path, text.as_bytes())
            .map_err(|source| WriteError::Io { path: path.clone(), source })?;
        written.push(Written { path, changed });
    }
    Ok(written)
}

/// Gives a file these bytes; false when it had them. Its folder is made if missing.
///
/// A file appears whole or not at all. What is no file, such as a pipe or a device, is written to.
///
/// # Errors
/// Those of the file system; they name the path.
pub fn replace(path: &Utf8Path, bytes: &[u8]) -> io::Result<bool> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    if path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes).map(|()| true);
    }
    match fs::read(path) {
        Ok(old) if old == bytes => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The process id keeps two writers apart; a leftover of a killed process of the same id is overwritten.
    let temporary = Utf8PathBuf::from(format!("{path}.{}.tmp", std::process::id()));
    let outcome = fill(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if outcome.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
    }
    outcome.map(|()| true)
}

fn fill(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
