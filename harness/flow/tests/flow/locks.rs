//! Lockfiles through their public face. What is wrong with one is in the corpus.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_flow::{Lock, LockEntry, LockError, Pinned, UncheckedEntry, Workspace};
use assay_store::Hash;

use crate::support::Project;

fn entry(text: &str) -> LockEntry {
    LockEntry {
        blake3: Hash::of(text.as_bytes()),
        size: 3,
        version: None,
        sha256: None,
        licence: None,
        source: None,
        package: None,
        file: None,
        hub: None,
        path: None,
        at: None,
    }
}

fn unchecked() -> UncheckedEntry {
    let (hub, path) = ("datasets/maker/name".to_owned(), "rows.jsonl".to_owned());
    UncheckedEntry { hub, path, licence: Some("MIT".to_owned()), source: None }
}

fn written(lock: &Lock) -> Lock {
    let project = Project::new();
    project.write("lockfiles/x.lock", &lock.to_toml());
    let mut read = Workspace::new(project.root()).lock("x.lock").unwrap();
    assert!(read.entries.values().all(|entry| entry.at.is_some()));
    read.entries.values_mut().for_each(|entry| entry.at = None);
    read
}

#[test]
fn what_is_written_reads_back() {
    let full = LockEntry {
        version: Some("1.0 \"beta\"\\\n\u{1}".into()),
        sha256: Some("ab".repeat(32)),
        licence: Some("MIT".into()),
        source: Some("a page".into()),
        package: Some("a-package".into()),
        file: Some("a_package-1.0-py3-none-any.whl".into()),
        hub: Some("datasets/maker/name".into()),
        path: Some("data/rows.parquet".into()),
        ..entry("full")
    };
    let lock = Lock {
        file: "lockfiles/x.lock".into(),
        entries: [("plain".into(), entry("plain")), ("with space.dot".into(), full)].into(),
        unchecked: [("later".into(), unchecked())].into(),
    };
    assert_eq!(written(&lock), lock);
    let empty = Lock { file: "lockfiles/x.lock".into(), ..Lock::default() };
    assert_eq!(written(&empty), empty);
}

#[test]
fn a_mismatch_names_everything_and_a_remedy() {
    let entries = [("base".into(), entry("a"))].into();
    let unchecked = [("later".into(), unchecked())].into();
    let lock = Lock { file: "lockfiles/x.lock".into(), entries, unchecked };
    let (a, b) = (Hash::of(b"a"), Hash::of(b"b"));
    assert_eq!(lock.verify("base", &a), Ok(()));
    let error = lock.verify("base", &b).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`base` is not what lockfiles/x.lock says: expected blake3 {a}, found {b}")
    );
    assert!(error.remedy().contains(&b.to_string()));
    let error = lock.verify("bas", &b).unwrap_err();
    assert!(matches!(error, LockError::Unknown { .. }));
    assert_eq!(error.remedy(), "did you mean `base`?");
    let error = lock.entry("later").unwrap_err();
    assert!(matches!(error, LockError::Unchecked { .. }));
    assert_eq!(error.remedy(), "`assay lock x.lock` fetches what is unchecked from the hub, and pins it");
    let LockError::Unchecked { file, .. } = error else { panic!("{error}") };
    let names = ["sooner", "later"].map(str::to_owned).into();
    let several = LockError::Unchecked { file, names }.to_string();
    assert_eq!(
        several,
        "2 entries of lockfiles/x.lock are unchecked: nobody has pinned which bytes are meant by `later`, `sooner`"
    );
}

/// Comments and the order of entries are the user's.
#[test]
fn what_is_pinned_is_written_into_the_text_that_is_there() {
    let text = "# Ours.\nformat = 1\n\n[entries.b] # first\nhub = \"datasets/m/n\"\npath = \"x\" # the file\n\n[entries.a]\n\
                hub = \"m/n\"\npath = \"y\"\n";
    let pinned = Pinned { version: "0".repeat(40), size: 3, blake3: Hash::of(b"b") };
    let written = pinned.write_into(text, "b").unwrap();
    let added = format!("version = \"{}\"\nsize = 3\nblake3 = \"{}\"\n", "0".repeat(40), Hash::of(b"b"));
    assert_eq!(written, text.replace("# the file\n", &format!("# the file\n{added}")));
    // Pinned anew, it has the new values in the old places.
    let newer = Pinned { size: 4, ..pinned.clone() };
    assert_eq!(newer.write_into(&written, "b").unwrap(), written.replace("size = 3", "size = 4"));
    assert!(pinned.write_into(text, "c").is_err());
    let project = Project::new();
    project.write("lockfiles/x.lock", &written);
    let read = Workspace::new(project.root()).lock("x.lock").unwrap();
    assert_eq!((read.entries.len(), read.unchecked.len()), (1, 1));
    assert_eq!(read.entry("b").unwrap().blake3, Hash::of(b"b"));
}
