//! `assay lock`: pins files of the hub.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assay_fetch::{FetchError, Hub, HubPath, is_commit};
use assay_flow::{Diagnostic, Lock, Pinned};
use assay_store::{ErrorClass, Hash, Store, StoreError};
use camino::Utf8Path;
use serde_json::json;

use crate::args::{Global, LockArgs};
use crate::failure::Failure;
use crate::process::stop_on_signals;
use crate::{document, session, stdio};

/// A file that is to be pinned.
struct Wanted {
    entry: String,
    hub: String,
    path: String,
}

/// Fetches files that a lockfile names, and writes into it which bytes they are. The files stay in the store, for the run that
/// takes them, until garbage is collected. What cannot be fetched does not keep the others from being pinned.
pub(crate) fn lock(global: &Global, args: &LockArgs) -> Result<(), Failure> {
    let workspace = session::workspace(global)?;
    let lock = workspace.lock(&args.lock)?;
    let wanted = wanted(&lock, args)?;
    if wanted.is_empty() && !global.json {
        return writeln!(stdio::out(), "every entry of {} is pinned", lock.file);
    }
    let store = session::open(&session::store_path(global)?)?;
    let mut hub = session::hub()?.with_patience(PATIENCE);
    if let Some(folder) = &args.from {
        hub = hub.with_brought(folder.clone());
    }
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let path = workspace.root().join(&lock.file);
    let (mut pinned, mut failures) = (Vec::new(), Vec::new());
    let several = wanted.len() > 1;
    for one in wanted {
        if !global.json {
            stdio::say(format_args!("fetching {} of {}", one.path, one.hub));
        }
        let found = pin(&hub, &store, (&one.hub, &one.path), args.revision.as_deref(), &cancel);
        let out_of_reach = matches!(found, Err(Unpinned::OutOfReach(_)));
        let found = found.map_err(Failure::from);
        match found.and_then(|found| record(&path, &one.entry, &found).map(|()| found)) {
            Ok(found) => pinned.push((one.entry, found)),
            Err(failure @ Failure::Interrupted(_)) => return Err(failure),
            Err(failure) => {
                if several {
                    stdio::warn(format_args!("`{}` is not pinned: {failure}", one.entry));
                }
                failures.push(failure);
            }
        }
        // What one entry has waited for in vain, the others need not.
        if out_of_reach {
            break;
        }
    }
    tell(global, &lock, &pinned)?;
    // Each has been told; the first says what to do.
    failures.into_iter().next().map_or(Ok(()), Err)
}

/// Writes into a lockfile which bytes an entry is, one by one, so that what was fetched before an error is kept. The file may
/// have been edited meanwhile.
fn record(path: &Utf8Path, entry: &str, found: &Pinned) -> Result<(), Failure> {
    let text = fs_err::read_to_string(path).map_err(cannot)?;
    write(path, &found.write_into(&text, entry)?).map_err(cannot)
}

/// Says what is pinned now.
fn tell(global: &Global, lock: &Lock, pinned: &[(String, Pinned)]) -> Result<(), Failure> {
    if global.json {
        let entry = |(entry, Pinned { version, size, blake3 }): &(String, Pinned)| json!({ "entry": entry, "version": version, "size": size, "blake3": blake3.to_string() });
        let entries: Vec<_> = pinned.iter().map(entry).collect();
        return document::print(&json!({ "lock": lock.file, "pinned": entries }));
    }
    let mut out = stdio::out();
    for (entry, Pinned { version, size, blake3 }) in pinned {
        writeln!(out, "{entry}: commit {version}, {size} bytes, blake3 {blake3}")?;
    }
    match pinned.is_empty() {
        true => Ok(()),
        false => writeln!(out, "pinned in {}", lock.file),
    }
}

/// What is to be pinned: the entries that are named, or else all that are unchecked.
fn wanted(lock: &Lock, args: &LockArgs) -> Result<Vec<Wanted>, Failure> {
    let all: Vec<String> = match args.entries.is_empty() {
        true => lock.unchecked.keys().cloned().collect(),
        false => args.entries.clone(),
    };
    let of = |entry: String| -> Result<Wanted, Failure> {
        if let Some(unchecked) = lock.unchecked.get(&entry) {
            let (hub, path) = (unchecked.hub.clone(), unchecked.path.clone());
            return Ok(Wanted { entry, hub, path });
        }
        let known = lock.entry(&entry).map_err(Diagnostic::from)?;
        match (&known.hub, &known.path) {
            (Some(hub), Some(path)) => Ok(Wanted { hub: hub.clone(), path: path.clone(), entry }),
            _ => Err(Diagnostic::user(format!("`{entry}` of {} is no file of the hub", lock.file))
                .help("give it `hub` and `path`; other entries are written by hand")
                .into()),
        }
    };
    all.into_iter().map(of).collect()
}

/// Fetches a file into the store. What has arrived of it is gone on from by the next call.
fn pin(
    hub: &Hub,
    store: &Store,
    (repository, path): (&str, &str),
    revision: Option<&str>,
    cancel: &AtomicBool,
) -> Result<Pinned, Unpinned> {
    let stopped = || cancel.load(Ordering::Relaxed);
    let version = match revision.filter(|revision| is_commit(revision)) {
        Some(commit) => commit.to_owned(),
        None => hub.commit(repository, revision, &stopped)?,
    };
    let at = HubPath { repository, revision: &version, path };
    let key = Hash::of(format!("assay lock {repository} {version} {path}").as_bytes());
    let file = store.checkpoint_dir(&key)?.join("file");
    let (blake3, size) = hub.fetch(&at, &file, &stopped)?;
    let kept = store.put_path(&file)?;
    if kept != blake3 {
        let message = format!("{path} was fetched as {blake3} and is kept as {kept}");
        return Err(Failure::Internal(message).into());
    }
    store.clear_checkpoint(&key)?;
    Ok(Pinned { version, size, blake3 })
}

/// How long the hub may be out of reach: it is asked by somebody who waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a file is not pinned.
enum Unpinned {
    /// The hub is out of reach, for this file and for others.
    OutOfReach(Box<Failure>),
    /// Anything else.
    Other(Box<Failure>),
}

impl From<FetchError> for Unpinned {
    fn from(error: FetchError) -> Self {
        let out_of_reach = matches!(error, FetchError::HubOutOfReach { .. });
        let failure = Box::new(failed(error));
        if out_of_reach { Self::OutOfReach(failure) } else { Self::Other(failure) }
    }
}

impl From<StoreError> for Unpinned {
    fn from(error: StoreError) -> Self {
        Failure::from(error).into()
    }
}

impl From<Failure> for Unpinned {
    fn from(failure: Failure) -> Self {
        Self::Other(Box::new(failure))
    }
}

impl From<Unpinned> for Failure {
    fn from(unpinned: Unpinned) -> Self {
        match unpinned {
            Unpinned::OutOfReach(failure) | Unpinned::Other(failure) => *failure,
        }
    }
}

fn failed(error: FetchError) -> Failure {
    if matches!(error, FetchError::Stopped) {
        return Failure::Interrupted("interrupted; what was pinned before stays pinned".to_owned());
    }
    let remedy = error.remedy();
    let diagnostic = match error.class() {
        ErrorClass::User => Diagnostic::user(error.to_string()),
        _ => Diagnostic::environment(error.to_string()),
    };
    diagnostic.help(remedy).into()
}

fn cannot(error: std::io::Error) -> Failure {
    let help = "make the lockfile writable, or free space; the same command goes on";
    Diagnostic::environment(error.to_string()).help(help).into()
}

/// Replaces a file at once, so that nobody reads half of it.
fn write(path: &Utf8Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize_utf8()?;
    let folder = path.parent().unwrap_or(&path);
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    fresh.as_file().set_permissions(fs_err::metadata(&path)?.permissions())?;
    fresh.persist(&path).map(drop).map_err(|error| error.error)
}
