//! Putting a report into a folder.

use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

use crate::model::{Problem, Report};
use crate::summary::{SUMMARY_STEM, Summary, summary_html, summary_markdown};
use crate::{html, markdown};

/// One file of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// Whether its bytes are new; an unchanged file is not touched.
    pub changed: bool,
    /// The blake3 hash of its bytes, in hexadecimal digits.
    pub hash: String,
}

/// The extensions of a report's files, in the order in which they are written.
const FORMS: [&str; 3] = ["md", "json", "html"];

/// The files of a report in a folder, as [`write()`] returns them: `ID.md`, `ID.json` and `ID.html`.
pub fn files(id: &str, folder: &Utf8Path) -> [Utf8PathBuf; 3] {
    FORMS.map(|extension| folder.join(format!("{id}.{extension}")))
}

/// Why a report could not be written. Files that were written before stay; none is left half-written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Its parts do not fit together.
    #[error("inconsistent report: {0}")]
    Inconsistent(#[from] Problem),
    /// The file system refused; the source names the path and the operation.
    #[error("cannot write {path}")]
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
    write_all(&report.id, [markdown(report), report.to_json(), html(report)], folder)
}

/// Finds out whether [`write()`] can be expected to succeed for a report of this id, before the hours of work whose result
/// it is to write. The folder is made if missing.
///
/// # Errors
/// [`WriteError::Io`] when the file system refuses.
pub fn probe_report(id: &str, folder: &Utf8Path) -> Result<(), WriteError> {
    files(id, folder)
        .into_iter()
        .try_for_each(|path| probe(&path).map_err(|source| WriteError::Io { path, source }))
}

/// Writes `index.md`, `index.json` and `index.html` into a folder, as [`write()`] does those of a report.
///
/// # Errors
/// [`WriteError::Io`] when the file system refuses.
pub fn write_summary(summary: &Summary, folder: &Utf8Path) -> Result<Vec<Written>, WriteError> {
    let texts = [summary_markdown(summary), summary.to_json(), summary_html(summary)];
    write_all(SUMMARY_STEM, texts, folder)
}

fn write_all(stem: &str, texts: [String; 3], folder: &Utf8Path) -> Result<Vec<Written>, WriteError> {
    let mut written = Vec::new();
    for (path, text) in files(stem, folder).into_iter().zip(texts) {
        let changed = replace(&path, text.as_bytes())
            .map_err(|source| WriteError::Io { path: path.clone(), source })?;
        written.push(Written { path, changed, hash: blake3::hash(text.as_bytes()).to_hex().to_string() });
    }
    Ok(written)
}

/// Gives a file these bytes; false when it had them. Its folder is made if missing.
///
/// A file appears whole or not at all. A link stays: the file that it leads to is replaced. What is no file,
/// such as a pipe or a device, is written to.
///
/// # Errors
/// Those of the file system; they name the path.
pub fn replace(path: &Utf8Path, bytes: &[u8]) -> io::Result<bool> {
    if is_stream(path) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes).map(|()| true);
    }
    let path = &target(path)?;
    make_folder(path)?;
    match fs::read(path) {
        Ok(old) if old == bytes => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let temporary = temporary(path);
    let outcome = fill(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if outcome.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
    }
    outcome.map(|()| true)
}

/// Finds out whether [`replace`] can be expected to succeed, before the hours of work whose result it is to
/// write. The folder is made if missing; a file that is there is not touched.
///
/// # Errors
/// Those of the file system; they name the path.
pub fn probe(path: &Utf8Path) -> io::Result<()> {
    if is_stream(path) {
        return Ok(());
    }
    let path = &target(path)?;
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, format!("{path} is a folder")));
    }
    make_folder(path)?;
    let temporary = temporary(path);
    // An empty file needs no space.
    let written = fs::File::create(&temporary).and_then(|mut file| file.write_all(b"\n"));
    let removed = fs::remove_file(&temporary);
    written.and(removed)
}

/// Where the bytes go that are written to this path: links are followed, also one that leads to what is not
/// there yet, and the folder is the real one as far as it exists. Two paths of one file have one target.
///
/// # Errors
/// Those of the file system; links that lead in a circle.
pub fn target(path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if !path.is_symlink() {
            return real_folder(&path);
        }
        let link = fs::read_link(&path)?;
        let link = Utf8PathBuf::from_path_buf(link).map_err(|link| {
            io::Error::other(format!("{path} leads to {}, which is not UTF-8", link.display()))
        })?;
        path = path.parent().unwrap_or(Utf8Path::new("")).join(link);
    }
    Err(io::Error::other(format!("{path} is a link in a circle")))
}

/// Links that are followed one after the other, as Linux does.
const MOST_LINKS: usize = 40;

/// The path with its folder as the file system knows it, as far as that is there.
fn real_folder(path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let absolute = camino::absolute_utf8(path)?;
    for folder in absolute.ancestors() {
        if let Ok(real) = folder.canonicalize_utf8() {
            let rest = absolute.strip_prefix(folder).unwrap_or(Utf8Path::new(""));
            // Joining nothing would leave a slash at the end.
            return Ok(if rest.as_str().is_empty() { real } else { real.join(rest) });
        }
    }
    Ok(absolute)
}

/// Whether it is there and neither a file nor a folder.
fn is_stream(path: &Utf8Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

fn make_folder(path: &Utf8Path) -> io::Result<()> {
    match path.parent().filter(|folder| !folder.as_str().is_empty()) {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    }
}

/// The process id keeps two writers apart; a leftover of a killed process of the same id is overwritten.
fn temporary(path: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{path}.{}.tmp", std::process::id()))
}

fn fill(path: &Utf8Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
