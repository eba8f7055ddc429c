use std::fs;

use assay_store::{ErrorClass, Store, StoreError};

use crate::common::{Bench, list, overwrite};

#[test]
fn a_newer_layout_is_refused_and_left_untouched() {
    let bench = Bench::new();
    drop(bench.store());
    fs::write(bench.root().join("format"), "assay-store 7\n").unwrap();
    let before = list(&bench.root());
    for open in [Store::open, Store::open_existing] {
        let error = open(&bench.root()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("format 7") && text.contains("up to 3"), "{text}");
        assert!(error.remedy().contains("newer version"), "{}", error.remedy());
        assert_eq!(error.class(), ErrorClass::Environment);
        assert!(matches!(error, StoreError::NewerFormat { part: "layout", found: 7, supported: 3, .. }));
    }
    assert_eq!(list(&bench.root()), before);
}

#[test]
fn an_older_layout_is_refused_with_a_remedy_and_left_untouched() {
    let bench = Bench::new();
    drop(bench.store());
    fs::write(bench.root().join("format"), "assay-store 2\n").unwrap();
    // Version 2 had no journal.
    fs::remove_file(bench.root().join("journal")).unwrap_or_default();
    let before = list(&bench.root());
    for open in [Store::open, Store::open_existing] {
        let error = open(&bench.root()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("format 2") && text.contains("reads format 3"), "{text}");
        let remedy = error.remedy();
        assert!(
            remedy.contains(&format!("remove {}", bench.root().canonicalize_utf8().unwrap())),
            "{remedy}"
        );
        assert_eq!(error.class(), ErrorClass::Environment);
        assert!(
            matches!(&error, StoreError::OlderFormat { part: "layout", found: 2, supported: 3, .. }),
            "{error:?}"
        );
    }
    assert_eq!(list(&bench.root()), before);
    // The remedy.
    fs::remove_dir_all(bench.root()).unwrap();
    bench.store();
}

#[test]
fn a_format_file_that_is_lost_or_damaged_is_restored() {
    for damage in [None, Some(""), Some("assay-store 7\n"), Some("assay-stose 3\n"), Some("assay-store 1\n")]
    {
        let bench = Bench::new();
        let store = bench.store();
        let hash = store.put_bytes(b"x").unwrap();
        store.begin_run("run").unwrap();
        drop(store);
        let format = bench.root().join("format");
        match damage {
            None => fs::remove_file(&format).unwrap(),
            Some(text) => overwrite(&format, text.as_bytes()),
        }
        let store = bench.store();
        assert_eq!(fs::read_to_string(&format).unwrap(), "assay-store 3\n", "{damage:?}");
        assert_eq!(store.read(&hash).unwrap(), b"x");
        assert_eq!(store.runs().unwrap().len(), 1);
    }
}

#[test]
fn a_path_that_is_too_long_is_refused_as_such() {
    let bench = Bench::new();
    let root = |length: usize| {
        let mut root = bench.root();
        while root.as_str().len() + 202 < length {
            root.push("a".repeat(200));
        }
        let rest = length - root.as_str().len() - 1;
        root.join("b".repeat(rest))
    };
    Store::open(&root(490)).unwrap().begin_run("run").unwrap();
    let error = Store::open(&root(491)).unwrap_err();
    assert!(matches!(error, StoreError::PathTooLong { limit: 490, .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::User);
}

#[test]
fn a_folder_with_other_things_does_not_become_a_store() {
    let bench = Bench::new();
    let documents = bench.folder("documents", &[("thesis.tex", b"")]);
    let error = Store::open(&documents).unwrap_err();
    assert!(
        matches!(error, StoreError::NotAStore { .. }) && error.to_string().contains("thesis.tex"),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::User);
    assert_eq!(list(&documents), ["thesis.tex"]);
    fs::write(bench.join("file"), b"").unwrap();
    assert!(Store::open(&bench.join("file")).is_err());
    for garbage in ["", "assay-store", "assay-store x\n", "assay-store 0\n", "other 1\n"] {
        let dir = bench.join("garbage");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("format"), garbage).unwrap();
        let error = Store::open(&dir).unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. }), "{garbage:?}: {error:?}");
        assert_eq!(list(&dir), ["format"]);
    }
}

#[test]
fn an_existing_store_can_be_asked_for() {
    let bench = Bench::new();
    let error = Store::open_existing(&bench.root()).unwrap_err();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error:?}");
    assert!(!bench.root().exists());
    let empty = bench.folder("empty", &[]);
    assert!(matches!(Store::open_existing(&empty), Err(StoreError::NotAStore { .. })));
    assert!(list(&empty).is_empty());
    drop(bench.store());
    assert!(Store::open_existing(&bench.root()).is_ok());
}

/// A kill while the store is made leaves one of these; the next open completes it.
#[test]
fn a_store_that_was_half_made_is_completed() {
    for keep in [&[][..], &["tmp"], &["tmp", "format"], &["tmp", "format", "active.lock", "index.sqlite"]] {
        let bench = Bench::new();
        drop(bench.store());
        for entry in bench.root().read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            if keep.contains(&entry.file_name()) {
                continue;
            }
            if entry.path().is_dir() {
                fs::remove_dir_all(entry.path()).unwrap();
            } else {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        if keep.last() == Some(&"index.sqlite") {
            fs::write(bench.root().join("index.sqlite"), b"").unwrap();
        }
        let store = bench.store();
        let hash = store.put_bytes(b"x").unwrap();
        store.begin_run("run").unwrap();
        assert_eq!(store.read(&hash).unwrap(), b"x", "{keep:?}");
    }
}

#[test]
fn many_may_create_the_same_store_at_once() {
    for _ in 0..5 {
        let bench = Bench::new();
        let root = bench.root();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| Store::open(&root).unwrap().put_bytes(b"x").unwrap()))
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
        });
        assert!(bench.store().verify().unwrap().is_sound());
    }
}
