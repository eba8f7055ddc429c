use std::fs;
use std::os::unix::fs::MetadataExt;

use assay_store::{Hash, ObjectKind, StoreError};

use crate::common::{Bench, list, noise, object_file};

/// Below, at and above the size from which files go by link or copy and are hashed on several threads.
const SIZES: [usize; 5] = [0, 1, 1000, 1 << 20, (3 << 20) + 5];

#[test]
fn bytes_come_back_under_their_blake3_hash_as_a_read_only_file() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = store.put_bytes(b"abc").unwrap();
    // From the BLAKE3 reference implementation: `printf abc | b3sum`.
    assert_eq!(hash.to_string(), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    assert_eq!(store.read(&hash).unwrap(), b"abc");
    assert_eq!(store.kind(&hash).unwrap(), ObjectKind::File);
    let path = store.path(&hash).unwrap();
    assert_eq!(path, object_file(&store, &hash));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o444);
    assert!(store.contains(&hash));
    assert!(!store.contains(&Hash::of(b"other")));
}

#[test]
fn an_object_that_is_there_is_not_written_again() {
    let bench = Bench::new();
    let store = bench.store();
    for (i, size) in SIZES.into_iter().enumerate() {
        let bytes = noise(i as u64, size);
        let hash = store.put_bytes(&bytes).unwrap();
        let identity = |hash| {
            let metadata = fs::metadata(object_file(&store, hash)).unwrap();
            (metadata.ino(), metadata.mtime_nsec())
        };
        let before = identity(&hash);
        let file = bench.join("file");
        fs::write(&file, &bytes).unwrap();
        let scratch = store.scratch().unwrap();
        let own = scratch.path().join("own");
        fs::write(&own, &bytes).unwrap();
        assert_eq!(store.put_bytes(&bytes).unwrap(), hash);
        assert_eq!(store.put_path(&file).unwrap(), hash);
        assert_eq!(store.adopt_path(&own).unwrap(), hash);
        assert_eq!(identity(&hash), before);
        assert!(!own.exists(), "adopted");
    }
    assert_eq!(store.stats().unwrap().objects, SIZES.len() as u64);
}

#[test]
fn files_from_outside_are_copied_and_left_as_they_are() {
    let bench = Bench::new();
    let store = bench.store();
    for (i, size) in SIZES.into_iter().enumerate() {
        let bytes = noise(i as u64, size);
        let file = bench.join("file");
        fs::write(&file, &bytes).unwrap();
        let hash = store.put_path(&file).unwrap();
        assert_eq!(hash, Hash::of(&bytes));
        assert_eq!(store.read(&hash).unwrap(), bytes);
        // A later change of the file must not reach the object.
        fs::write(&file, b"changed").unwrap();
        assert_eq!(store.read(&hash).unwrap(), bytes);
        assert_eq!(fs::metadata(object_file(&store, &hash)).unwrap().mode() & 0o777, 0o444);
    }
    assert!(matches!(store.put_path(&bench.join("none")), Err(StoreError::Io { .. })));
}

#[test]
fn files_in_a_scratch_folder_are_renamed_not_copied() {
    let bench = Bench::new();
    let store = bench.store();
    let scratch = store.scratch().unwrap();
    for (i, size) in SIZES.into_iter().enumerate() {
        let path = scratch.path().join("out");
        fs::write(&path, noise(i as u64, size)).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        let hash = store.adopt_path(&path).unwrap();
        assert!(!path.exists());
        let object = fs::metadata(object_file(&store, &hash)).unwrap();
        assert_eq!((object.ino(), object.mode() & 0o777), (inode, 0o444));
        assert_eq!(store.read(&hash).unwrap(), noise(i as u64, size));
    }
}

#[test]
fn only_the_stores_own_unfinished_files_can_be_adopted() {
    let bench = Bench::new();
    let store = bench.store();
    let scratch = store.scratch().unwrap();
    let outside = bench.join("outside");
    fs::write(&outside, b"precious").unwrap();
    let sneaky = scratch.path().join("../../../index.sqlite");
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    for path in [&outside, &sneaky, &link, &store.root().join("tmp"), &store.root().join("objects")] {
        let error = store.adopt_path(path).unwrap_err();
        assert!(matches!(error, StoreError::NotInScratch { .. }), "{path}: {error:?}");
    }
    assert_eq!(fs::read(outside).unwrap(), b"precious");
    // Checkpoints are the store's own too.
    let checkpoint = store.checkpoint_dir(&Hash::of(b"key")).unwrap().join("weights");
    fs::write(&checkpoint, b"weights").unwrap();
    assert_eq!(store.adopt_path(&checkpoint).unwrap(), Hash::of(b"weights"));
}

#[test]
fn an_input_passed_on_as_output_is_recognised() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = store.put_bytes(b"as it came").unwrap();
    let scratch = store.scratch().unwrap();
    let output = scratch.path().join("output");
    store.materialize(&hash, &output).unwrap();
    // The two names are one file; renaming one onto the other would do nothing.
    assert_eq!(store.adopt_path(&output).unwrap(), hash);
    assert!(!output.exists());
    assert_eq!(store.read(&hash).unwrap(), b"as it came");
}

#[test]
fn scratch_folders_vanish_with_their_guard_and_leave_nothing() {
    let bench = Bench::new();
    let store = bench.store();
    let (one, two) = (store.scratch().unwrap(), store.scratch().unwrap());
    assert_ne!(one.path(), two.path());
    fs::write(one.path().join("file"), b"x").unwrap();
    let path = one.path().to_owned();
    drop(one);
    assert!(!path.exists());
    assert!(two.path().exists());
    drop(store);
    assert!(two.path().exists(), "a scratch folder outlives the store that gave it");
    drop(two);
    assert_eq!(list(&bench.root().join("tmp")), Vec::<String>::new());
}

#[test]
fn what_is_not_there_is_missing() {
    let bench = Bench::new();
    let store = bench.store();
    let absent = Hash::of(b"absent");
    let dest = bench.join("dest");
    for error in [
        store.read(&absent).unwrap_err(),
        store.path(&absent).unwrap_err(),
        store.kind(&absent).unwrap_err(),
        store.tree(&absent).unwrap_err(),
        store.read_in_tree(&absent, "x").unwrap_err(),
        store.materialize(&absent, &dest).unwrap_err(),
    ] {
        assert!(matches!(&error, StoreError::Missing { hash, .. } if *hash == absent), "{error:?}");
    }
    assert!(!dest.exists());
}

#[test]
fn a_relative_root_is_made_absolute() {
    let bench = Bench::new();
    bench.store();
    let roundabout = bench.join("store/../store");
    let store = assay_store::Store::open(&roundabout).unwrap();
    assert_eq!(store.root(), bench.root().canonicalize_utf8().unwrap());
}
