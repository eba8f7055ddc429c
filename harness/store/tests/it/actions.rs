use std::fs;

use assay_store::{Action, StoreError};

use crate::common::{Bench, action, key, object_file};

#[test]
fn an_action_is_found_by_its_key_also_after_reopening() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("test").unwrap();
    let output = store.put_bytes(b"output").unwrap();
    let recorded = action(&store, run, "estimators/final-acc[seed=1]", "k", output);
    assert_eq!(store.action(&key("k")).unwrap().as_ref(), Some(&recorded));
    assert_eq!(store.action(&key("other")).unwrap(), None);
    drop(store);
    let store = bench.store();
    assert_eq!(store.action(&key("k")).unwrap(), Some(recorded));
}

#[test]
fn the_latest_action_of_a_step_is_the_one_recorded_or_used_last() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("test").unwrap();
    let output = store.put_bytes(b"output").unwrap();
    let latest = |step: &str| store.latest_action(step).unwrap().map(|action| action.key);
    assert_eq!(latest("a"), None);
    action(&store, run, "a", "a1", output);
    action(&store, run, "b", "b1", output);
    action(&store, run, "a", "a2", output);
    assert_eq!((latest("a"), latest("b")), (Some(key("a2")), Some(key("b1"))));
    // Back to the former parameters: nothing runs, but this is now what the step last gave.
    store.touch_actions(&run, &[key("a1"), key("b1"), key("unknown")]).unwrap();
    assert_eq!((latest("a"), latest("b")), (Some(key("a1")), Some(key("b1"))));
    action(&store, run, "a", "a2", output);
    assert_eq!(latest("a"), Some(key("a2")));
    // It is there to explain a rerun even if its output has gone.
    fs::remove_file(object_file(&store, &output)).unwrap();
    assert_eq!(latest("a"), Some(key("a2")));
    assert_eq!(store.action(&key("a2")).unwrap(), None);
}

#[test]
fn recording_a_key_again_replaces_the_action() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("test").unwrap();
    let (one, two) = (store.put_bytes(b"1").unwrap(), store.put_bytes(b"2").unwrap());
    action(&store, run, "a", "k", one);
    action(&store, run, "a", "k", two);
    assert_eq!(store.action(&key("k")).unwrap().unwrap().output, two);
    assert_eq!(store.stats().unwrap().actions, 1);
}

#[test]
fn an_action_without_its_whole_output_is_neither_recorded_nor_found() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("test").unwrap();
    let tree = store.put_path(&bench.folder("in", &[("a", b"a"), ("b", b"b")])).unwrap();
    let incomplete = Action { key: key("k"), step: "s".into(), output: tree, description: vec![], run };
    store.record_action(&incomplete).unwrap();
    fs::remove_file(object_file(&store, &key("b"))).unwrap();
    assert_eq!(store.action(&key("k")).unwrap(), None);
    assert!(matches!(store.record_action(&incomplete), Err(StoreError::Missing { .. })));
    store.put_bytes(b"b").unwrap();
    assert_eq!(store.action(&key("k")).unwrap(), Some(incomplete));
}

#[test]
fn one_holder_at_a_time_works_on_an_action() {
    let bench = Bench::new();
    let (one, two) = (bench.store(), bench.store());
    let lease = one.try_lease(&key("k")).unwrap().unwrap();
    assert!(two.try_lease(&key("k")).unwrap().is_none());
    assert!(two.try_lease(&key("other")).unwrap().is_some());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| two.lease(&key("k")).map(|_| ()));
        drop(lease);
        waiter.join().unwrap().unwrap();
    });
    assert!(one.try_lease(&key("k")).unwrap().is_some());
}

#[test]
fn a_checkpoint_folder_stays_until_it_is_cleared() {
    let bench = Bench::new();
    let store = bench.store();
    let dir = store.checkpoint_dir(&key("k")).unwrap();
    fs::write(dir.join("step-100"), b"weights").unwrap();
    drop(store);
    let store = bench.store();
    assert_eq!(store.checkpoint_dir(&key("k")).unwrap(), dir);
    assert_eq!(fs::read(dir.join("step-100")).unwrap(), b"weights");
    assert_eq!((store.stats().unwrap().checkpoints, store.stats().unwrap().checkpoint_bytes), (1, 7));
    store.clear_checkpoint(&key("k")).unwrap();
    assert!(!dir.exists());
    store.clear_checkpoint(&key("k")).unwrap();
    assert_eq!(store.stats().unwrap().checkpoints, 0);
}
