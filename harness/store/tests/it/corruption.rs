use std::fs;

use assay_store::{ErrorClass, Hash, Holder, Store, StoreError};
use camino::Utf8Path;

use crate::common::{Bench, action, flip_byte, noise, object_file, overwrite};

/// A way to damage the file of an object.
type Damage = (&'static str, fn(&Utf8Path));

fn damages() -> [Damage; 4] {
    [
        ("a flipped bit", flip_byte),
        ("truncated", |path| overwrite(path, &fs::read(path).unwrap()[..10])),
        ("longer", |path| overwrite(path, &[fs::read(path).unwrap(), b"x".to_vec()].concat())),
        ("emptied", |path| overwrite(path, b"")),
    ]
}

fn assert_corrupt(result: Result<impl std::fmt::Debug, StoreError>, hash: &Hash, store: &Store) {
    match result {
        Err(error @ StoreError::Corrupt { .. }) => {
            let text = error.to_string();
            assert!(text.contains(&hash.to_string()), "{text}");
            assert!(text.contains(object_file(store, hash).as_str()), "{text}");
            assert_eq!(error.class(), ErrorClass::Environment);
            assert!(error.remedy().contains("run again"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_file_is_named_not_used_and_healed_by_putting_it_again() {
    for size in [100, 2 << 20] {
        for (name, damage) in damages() {
            let bench = Bench::new();
            let bytes = noise(7, size);
            let hash = bench.store().put_bytes(&bytes).unwrap();
            let store = bench.store();
            damage(&object_file(&store, &hash));
            assert_corrupt(store.read(&hash), &hash, &store);
            assert_corrupt(store.path(&hash), &hash, &store);
            assert_corrupt(store.kind(&hash), &hash, &store);
            assert_corrupt(store.materialize(&hash, &bench.join("out")), &hash, &store);
            assert!(!bench.join("out").exists(), "{name}");
            // No need to forget it first.
            assert_eq!(store.put_bytes(&bytes).unwrap(), hash, "{name}");
            assert_eq!(store.read(&hash).unwrap(), bytes);
            assert!(store.verify().unwrap().is_sound());
            assert_eq!(store.stats().unwrap().set_aside, 1, "the damaged bytes are kept for inspection");
        }
    }
}

#[test]
fn damage_after_a_verification_is_noticed_by_the_same_process() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = store.put_bytes(&noise(1, 5000)).unwrap();
    store.path(&hash).unwrap();
    flip_byte(&object_file(&store, &hash));
    assert_corrupt(store.path(&hash), &hash, &store);
}

#[test]
fn a_forgotten_output_makes_its_action_run_again() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("test").unwrap();
    let scratch = store.scratch().unwrap();
    let make = || {
        let dir = scratch.path().join("out");
        crate::common::write_files(&dir, &[("a", b"aaaa"), ("sub/b", b"bbbb")]);
        store.adopt_path(&dir).unwrap()
    };
    let tree = make();
    let recorded = action(&store, run, "train", "k", tree);
    let member = Hash::of(b"bbbb");
    for damaged in [member, tree] {
        flip_byte(&object_file(&store, &damaged));
        assert_corrupt(store.materialize(&tree, &bench.join("out")), &damaged, &store);
        assert_corrupt(store.read_in_tree(&tree, "sub/b"), &damaged, &store);
        assert!(store.forget(&damaged).unwrap());
        assert!(matches!(store.read(&damaged), Err(StoreError::Missing { .. })));
        assert_eq!(store.action(&recorded.key).unwrap(), None);
        let report = store.verify().unwrap();
        assert_eq!((report.corrupt.len(), report.missing.len()), (0, 1));
        assert_eq!(report.missing[0].hash, damaged);
        assert_eq!(make(), tree);
        assert_eq!(store.action(&recorded.key).unwrap().as_ref(), Some(&recorded));
        assert!(store.verify().unwrap().is_sound());
    }
    // The message says which file of the tree it was.
    flip_byte(&object_file(&store, &member));
    let text = store.materialize(&tree, &bench.join("out")).unwrap_err().to_string();
    assert!(text.contains("`sub/b`"), "{text}");
}

#[test]
fn forget_leaves_a_sound_object_in_place() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = store.put_bytes(b"sound").unwrap();
    assert!(!store.forget(&hash).unwrap());
    assert_eq!(store.read(&hash).unwrap(), b"sound");
    assert!(!store.forget(&Hash::of(b"absent")).unwrap());
}

#[test]
fn verify_names_every_damage_and_who_needs_it() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("test").unwrap();
    let tree =
        store.put_path(&bench.folder("in", &[("model/weights", b"weights"), ("config", b"config")])).unwrap();
    let (file, loose, gone) = (
        store.put_bytes(b"file").unwrap(),
        store.put_bytes(b"loose").unwrap(),
        store.put_bytes(b"gone").unwrap(),
    );
    for i in 0..50 {
        store.put_bytes(&noise(i, 3000)).unwrap();
    }
    action(&store, run, "train", "k1", tree);
    action(&store, run, "tasks", "k2", file);
    store.pin(&run, &[file, gone]).unwrap();
    assert!(store.verify().unwrap().is_sound());

    let weights = Hash::of(b"weights");
    for hash in [&weights, &file, &loose] {
        flip_byte(&object_file(&store, hash));
    }
    fs::remove_file(object_file(&store, &gone)).unwrap();
    fs::write(store.root().join("objects/README"), b"not an object").unwrap();

    let report = store.verify().unwrap();
    assert!(!report.is_sound());
    assert_eq!(report.objects, 55);
    let mut expected = [
        (weights, vec!["`model/weights` of the output of step train".to_owned()]),
        (file, vec!["the output of step tasks".to_owned(), format!("the report of run {run}")]),
        (loose, vec![]),
    ];
    expected.sort();
    let found: Vec<_> = report
        .corrupt
        .iter()
        .map(|damage| (damage.hash, damage.wanted_by.iter().map(ToString::to_string).collect::<Vec<_>>()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(report.missing.len(), 1);
    assert_eq!(report.missing[0].hash, gone);
    assert_eq!(report.missing[0].wanted_by[0].holder, Holder::Run { id: run });
    assert_eq!(report.strays, [store.root().join("objects/README")]);
    assert!(report.index.is_empty());
}
