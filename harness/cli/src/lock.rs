//! `assay lock`: pins files of the hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_fetch::{FetchError, Hub, HubPath};
use assay_flow::{Diagnostic, Lock, Pinned};
use assay_store::Store;
use camino::Utf8PathBuf;
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

/// Fetches files that a lockfile names, and writes into it which bytes they are. The store keeps the files, so that a run need
/// not fetch them again.
pub(crate) fn lock(global: &Global, args: &LockArgs) -> Result<(), Failure> {
    let workspace = session::workspace(global)?;
    let lock = workspace.lock(&args.lock)?;
    let wanted = wanted(&lock, args)?;
    if wanted.is_empty() && !global.json {
        return writeln!(stdio::out(), "every entry of {} is pinned", lock.file);
    }
    let store = session::open(&session::store_path(global)?)?;
    let hub = session::hub()?;
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let path = workspace.root().join(&lock.file);
    let mut pinned = Vec::new();
    for Wanted { entry, hub: repository, path: member } in wanted {
        if !global.json {
            stdio::say(format_args!("fetching {member} of {repository}"));
        }
        let at = (repository.as_str(), member.as_str());
        let found = pin(&hub, &store, at, args.revision.as_deref(), &cancel)?;
        // One by one, so that what was fetched before an error is kept. The file may have been edited meanwhile.
        let text = fs_err::read_to_string(&path).map_err(cannot)?;
        let text = found.write_into(&text, &entry)?;
        write(&path, &text).map_err(cannot)?;
        pinned.push((entry, found));
    }
    if global.json {
        let entries: Vec<_> = pinned
            .iter()
            .map(|(entry, Pinned { version, size, blake3 })| {
                json!({ "entry": entry, "version": version, "size": size, "blake3": blake3.to_string() })
            })
            .collect();
        return document::print(&json!({ "lock": lock.file, "pinned": entries }));
    }
    let mut out = stdio::out();
    for (entry, Pinned { version, size, blake3 }) in &pinned {
        writeln!(out, "{entry}: commit {version}, {size} bytes, blake3 {blake3}")?;
    }
    writeln!(out, "pinned in {}", lock.file)
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

/// Fetches a file into the store.
fn pin(
    hub: &Hub,
    store: &Store,
    (repository, path): (&str, &str),
    revision: Option<&str>,
    cancel: &AtomicBool,
) -> Result<Pinned, Failure> {
    let stopped = || cancel.load(Ordering::Relaxed);
    let version = hub.commit(repository, revision, &stopped).map_err(failed)?;
    let scratch = store.scratch()?;
    let file = scratch.path().join("file");
    let at = HubPath { repository, revision: &version, path };
    let (blake3, size) = hub.fetch(&at, &file, &stopped).map_err(failed)?;
    let kept = store.put_path(&file)?;
    if kept != blake3 {
        return Err(Failure::Internal(format!("{path} was fetched as {blake3} and is kept as {kept}")));
    }
    Ok(Pinned { version, size, blake3 })
}

fn failed(error: FetchError) -> Failure {
    if matches!(error, FetchError::Stopped) {
        return Failure::Interrupted("interrupted; what was pinned before stays pinned".to_owned());
    }
    let remedy = error.remedy();
    let diagnostic = match error.class() {
        assay_store::ErrorClass::User => Diagnostic::user(error.to_string()),
        _ => Diagnostic::environment(error.to_string()),
    };
    diagnostic.help(remedy).into()
}

fn cannot(error: std::io::Error) -> Failure {
    Diagnostic::environment(error.to_string()).into()
}

/// Replaces a file at once, so that nobody reads half of it.
fn write(path: &Utf8PathBuf, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("lock.new");
    fs_err::write(&fresh, text)?;
    fs_err::rename(&fresh, path)
}
