use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use assay_store::{Hash, ObjectKind, Store, StoreError};
use camino::Utf8Path;

use crate::common::{Bench, list, noise, object_file, write_files};

const FILES: [(&str, &[u8]); 4] =
    [("config.json", b"{}"), ("data/a.jsonl", b"a\n"), ("data/deep/er/b", b""), ("z ü.txt", b"a\n")];

/// The relative paths and contents of the files below `dir`.
fn contents(dir: &Utf8Path) -> Vec<(String, Vec<u8>)> {
    let files = list(dir).into_iter().filter(|path| dir.join(path).is_file());
    files.map(|path| (path.clone(), fs::read(dir.join(&path)).unwrap())).collect()
}

#[test]
fn a_folder_comes_back_as_it_was() {
    let bench = Bench::new();
    let store = bench.store();
    let folder = bench.folder("in", &FILES);
    fs::write(folder.join("large"), noise(1, 2 << 20)).unwrap();
    let hash = store.put_path(&folder).unwrap();
    assert_eq!(store.kind(&hash).unwrap(), ObjectKind::Tree);
    let out = bench.join("new/parents/out");
    store.materialize(&hash, &out).unwrap();
    assert_eq!(contents(&out), contents(&folder));
    assert_eq!(store.read_in_tree(&hash, "data/a.jsonl").unwrap(), b"a\n");
    assert_eq!(fs::read(store.path_in_tree(&hash, "large").unwrap()).unwrap(), noise(1, 2 << 20));
    // A manifest lists what it holds.
    let tree = store.tree(&hash).unwrap();
    let names: Vec<_> = tree.iter().map(|(path, entry)| (path, entry.size)).collect();
    assert_eq!(
        names,
        [("config.json", 2), ("data/a.jsonl", 2), ("data/deep/er/b", 0), ("large", 2 << 20), ("z ü.txt", 2)]
    );
    assert_eq!(tree.size(), (2 << 20) + 6);
}

#[test]
fn the_hash_depends_on_names_and_bytes_only() {
    let bench = Bench::new();
    let store = bench.store();
    let one = store.put_path(&bench.folder("one", &FILES)).unwrap();
    let mut reversed = FILES;
    reversed.reverse();
    let scratch = store.scratch().unwrap();
    let two = scratch.path().join("two");
    write_files(&two, &reversed);
    fs::create_dir(two.join("empty")).unwrap();
    assert_eq!(store.adopt_path(&two).unwrap(), one, "adopted, other order, with an empty folder");
    assert!(!two.exists());
    let mut renamed = FILES;
    renamed[0].0 = "config2.json";
    assert_ne!(store.put_path(&bench.folder("renamed", &renamed)).unwrap(), one);
    let mut changed = FILES;
    changed[0].1 = b"[]";
    assert_ne!(store.put_path(&bench.folder("changed", &changed)).unwrap(), one);
}

#[test]
fn an_empty_folder_is_a_tree_too() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = store.put_path(&bench.folder("empty", &[])).unwrap();
    store.materialize(&hash, &bench.join("out")).unwrap();
    assert!(bench.join("out").is_dir());
    assert_eq!(store.tree(&hash).unwrap().iter().count(), 0);
}

#[test]
fn materialized_files_are_links_to_the_objects() {
    let bench = Bench::new();
    let store = bench.store();
    let tree = store.put_path(&bench.folder("in", &FILES)).unwrap();
    let file = store.put_bytes(b"{}").unwrap();
    store.materialize(&tree, &bench.join("tree")).unwrap();
    store.materialize(&file, &bench.join("some/file")).unwrap();
    let inode = |path: &Utf8Path| fs::metadata(path).unwrap().ino();
    let object = inode(&object_file(&store, &file));
    assert_eq!(inode(&bench.join("tree/config.json")), object);
    assert_eq!(inode(&bench.join("some/file")), object);
    fs::remove_dir_all(bench.join("tree")).unwrap();
    assert!(store.verify().unwrap().is_sound(), "removing what was materialized harms nothing");
}

#[test]
fn an_existing_destination_is_left_alone() {
    let bench = Bench::new();
    let store = bench.store();
    let tree = store.put_path(&bench.folder("in", &FILES)).unwrap();
    let file = store.put_bytes(b"new").unwrap();
    let taken = bench.join("taken");
    fs::write(&taken, b"old").unwrap();
    let dangling = bench.join("dangling");
    std::os::unix::fs::symlink(bench.join("nowhere"), &dangling).unwrap();
    for hash in [&tree, &file] {
        for dest in [&taken, &dangling, &bench.join("in")] {
            let error = store.materialize(hash, dest).unwrap_err();
            assert!(matches!(&error, StoreError::DestinationExists { path } if path == dest), "{error:?}");
        }
    }
    assert_eq!(fs::read(taken).unwrap(), b"old");
}

#[test]
fn odd_entries_are_refused_before_anything_is_taken() {
    type Make = fn(&Utf8Path);
    let cases: [(&str, Make); 6] = [
        ("symbolic link", |dir| std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap()),
        ("symbolic link", |dir| std::os::unix::fs::symlink("/etc", dir.join("link")).unwrap()),
        ("neither a file", |dir| drop(std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap())),
        ("control character", |dir| fs::write(dir.join("two\nlines"), b"").unwrap()),
        ("backslash", |dir| fs::write(dir.join("a\\b"), b"").unwrap()),
        ("not UTF-8", |dir| {
            let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
            fs::write(dir.as_std_path().join(name), b"").unwrap();
        }),
    ];
    let bench = Bench::new();
    let store = bench.store();
    for (reason, make) in cases {
        let scratch = store.scratch().unwrap();
        let dir = scratch.path().join("out");
        write_files(&dir, &FILES);
        make(&dir.join("data"));
        let error = store.adopt_path(&dir).unwrap_err();
        assert!(matches!(error, StoreError::Unsupported { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(store.stats().unwrap().objects, 0, "{reason}");
        assert!(dir.join("config.json").exists());
    }
}

#[test]
fn a_file_with_the_bytes_of_a_manifest_is_a_file() {
    let bench = Bench::new();
    let store = bench.store();
    let tree = store.put_path(&bench.folder("in", &FILES)).unwrap();
    let manifest = store.read(&tree).unwrap();
    let file = store.put_bytes(&manifest).unwrap();
    assert_ne!(file, tree);
    assert_eq!(store.kind(&file).unwrap(), ObjectKind::File);
    store.materialize(&file, &bench.join("out")).unwrap();
    assert_eq!(fs::read(bench.join("out")).unwrap(), manifest);
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn files_and_trees_are_not_confused() {
    let bench = Bench::new();
    let store = bench.store();
    let tree = store.put_path(&bench.folder("in", &FILES)).unwrap();
    let file = store.put_bytes(b"x").unwrap();
    assert!(matches!(store.path(&tree), Err(StoreError::WrongKind { found: "tree", .. })));
    assert!(matches!(store.tree(&file), Err(StoreError::WrongKind { found: "file", .. })));
    assert!(matches!(store.read_in_tree(&file, "a"), Err(StoreError::WrongKind { .. })));
    let error = store.read_in_tree(&tree, "data").unwrap_err();
    assert!(matches!(error, StoreError::NotInTree { .. }), "a folder is no file: {error:?}");
}

/// Puts a manifest that this program would not write, under its right hash.
fn forge(store: &Store, body: &str) -> Hash {
    let manifest = format!("assay-tree 1\n{body}");
    let mut hasher = blake3::Hasher::new_derive_key("assay-store tree manifest v1");
    let hash = Hash::from_bytes(*hasher.update(manifest.as_bytes()).finalize().as_bytes());
    let path = object_file(store, &hash);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, manifest).unwrap();
    hash
}

#[test]
fn a_forged_manifest_cannot_write_outside_the_destination() {
    let bench = Bench::new();
    let store = bench.store();
    let member = store.put_bytes(b"evil").unwrap();
    let honest = forge(&store, &format!("{member} 4 fine\n"));
    store.materialize(&honest, &bench.join("out/honest")).unwrap();
    for path in ["../escaped", "a/../../escaped", "/tmp/assay-escaped", "a/./b"] {
        let hash = forge(&store, &format!("{member} 4 {path}\n"));
        let dest = bench.join("out/forged");
        let error = store.materialize(&hash, &dest).unwrap_err();
        assert!(matches!(error, StoreError::BadManifest { line: 2, .. }), "{path}: {error:?}");
        assert!(!dest.exists() && !bench.join("out/escaped").exists() && !bench.join("escaped").exists());
    }
    let report = store.verify().unwrap();
    assert_eq!(report.corrupt.len(), 4, "verify names them: {report:?}");
}
