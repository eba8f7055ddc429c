use std::fs;

use assay_store::{ErrorClass, Store, StoreError};

use crate::common::{Bench, list};

#[test]
fn a_newer_layout_is_refused_and_left_untouched() {
    let bench = Bench::new();
    drop(bench.store());
    fs::write(bench.root().join("format"), "assay-store 7\n").unwrap();
    let before = list(&bench.root());
    for open in [Store::open, Store::open_existing] {
        let error = open(&bench.root()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("format 7") && text.contains("up to 2"), "{text}");
        assert!(error.remedy().contains("newer version"), "{}", error.remedy());
        assert_eq!(error.class(), ErrorClass::Environment);
        assert!(matches!(error, StoreError::NewerFormat { part: "layout", found: 7, supported: 2, .. }));
    }
    assert_eq!(list(&bench.root()), before);
}

#[test]
fn an_older_layout_or_index_is_refused_with_a_remedy_and_left_untouched() {
    for part in ["layout", "index"] {
        let bench = Bench::new();
        drop(bench.store());
        if part == "layout" {
            fs::write(bench.root().join("format"), "assay-store 1\n").unwrap();
        } else {
            let index = rusqlite::Connection::open(bench.root().join("index.sqlite")).unwrap();
            index.pragma_update(None, "user_version", 1).unwrap();
        }
        let before = list(&bench.root());
        for open in [Store::open, Store::open_existing] {
            let error = open(&bench.root()).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("format 1") && text.contains("reads format 2"), "{text}");
            let remedy = error.remedy();
            assert!(
                remedy.contains(&format!("remove {}", bench.root().canonicalize_utf8().unwrap())),
                "{remedy}"
            );
            assert_eq!(error.class(), ErrorClass::Environment);
            assert!(
                matches!(&error, StoreError::OlderFormat { part: p, found: 1, supported: 2, .. } if *p == part),
                "{error:?}"
            );
        }
        assert_eq!(list(&bench.root()), before);
        // The remedy.
        fs::remove_dir_all(bench.root()).unwrap();
        bench.store();
    }
}

#[test]
fn a_newer_index_is_refused_and_left_untouched() {
    let bench = Bench::new();
    let hash = bench.store().put_bytes(b"x").unwrap();
    let index = bench.root().join("index.sqlite");
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let before = fs::read(&index).unwrap();
    let error = Store::open(&bench.root()).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerFormat { part: "index", found: 9, supported: 2, .. }),
        "{error:?}"
    );
    assert_eq!(fs::read(&index).unwrap(), before);
    // The right version reads it again.
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(bench.store().read(&hash).unwrap(), b"x");
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
