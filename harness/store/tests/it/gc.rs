use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use assay_store::{GcPlan, Hash, RunStatus, Store};
use camino::Utf8Path;

use crate::common::{Bench, action, flip_byte, key, no_grace, object_file};

/// A plan that spares nothing for being new.
fn plan(store: &Store) -> GcPlan {
    store.gc_plan_with(no_grace()).unwrap()
}

fn doomed(plan: &GcPlan) -> Vec<Hash> {
    plan.objects.iter().map(|garbage| garbage.hash).collect()
}

fn sorted(mut hashes: Vec<Hash>) -> Vec<Hash> {
    hashes.sort();
    hashes
}

fn make_old(path: &Utf8Path, age: Duration) {
    File::open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn what_nothing_refers_to_goes_and_nothing_else() {
    let bench = Bench::new();
    let store = bench.store();
    let put = |text: &str| store.put_bytes(text.as_bytes()).unwrap();
    let run = store.begin_run("table").unwrap();
    let tree =
        store.put_path(&bench.folder("in", &[("a", b"shared"), ("b", b"only in the old tree")])).unwrap();
    let newer = store.put_path(&bench.folder("in2", &[("a", b"shared")])).unwrap();
    let (pinned, loose) = (put("pinned"), put("loose"));
    action(&store, run, "report", "r1", pinned);
    store.pin(&run, &[pinned]).unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    // A later run of the same title supersedes the outputs of the first.
    let run = store.begin_run("table").unwrap();
    action(&store, run, "train", "t1", tree);
    let run2 = store.begin_run("table").unwrap();
    action(&store, run2, "train", "t2", newer);
    action(&store, run2, "report", "r2", put("new report"));
    store.finish_run(&run, RunStatus::Failed).unwrap();
    store.finish_run(&run2, RunStatus::Succeeded).unwrap();
    store.remember(&[(key("sample"), b"dear".to_vec())]).unwrap();

    let plan = plan(&store);
    assert_eq!(doomed(&plan), sorted(vec![tree, key("only in the old tree"), loose]));
    assert_eq!(plan.actions, [key("t1")]);
    let sizes: u64 =
        doomed(&plan).iter().map(|hash| fs::metadata(object_file(&store, hash)).unwrap().len()).sum();
    assert_eq!(plan.bytes(), sizes);
    assert_eq!(store.gc_plan().unwrap().spared_as_new, 3, "an hour's grace by default");
    assert!(store.gc_plan().unwrap().is_empty());

    let outcome = store.gc_apply(&plan).unwrap();
    assert_eq!((outcome.objects, outcome.actions, outcome.bytes), (3, 1, sizes));
    assert!(outcome.spared.is_empty());
    for hash in doomed(&plan) {
        assert!(!store.contains(&hash));
    }
    assert!(store.verify().unwrap().is_sound());
    assert_eq!(store.read(&pinned).unwrap(), b"pinned");
    assert!(store.action(&key("r1")).unwrap().is_some(), "the action of a pinned output still serves");
    assert_eq!(store.read_in_tree(&newer, "a").unwrap(), b"shared");
    assert_eq!(store.recall(&[key("sample")]).unwrap(), [Some(b"dear".to_vec())]);
    assert!(self::plan(&store).is_empty());
}

#[test]
fn pinned_trees_keep_their_files() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("table").unwrap();
    let tree = store.put_path(&bench.folder("in", &[("a/b", b"member")])).unwrap();
    store.pin(&run, &[tree]).unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    assert!(plan(&store).is_empty());
    store.remove_run(&run).unwrap();
    assert_eq!(doomed(&plan(&store)), sorted(vec![tree, key("member")]));
}

#[test]
fn the_last_success_of_each_title_keeps_what_it_used() {
    let bench = Bench::new();
    let store = bench.store();
    let run = |title: &str, status, name: Option<&str>| {
        let run = store.begin_run(title).unwrap();
        if let Some(name) = name {
            if store.action(&key(name)).unwrap().is_some() {
                store.touch_actions(&run, &[key(name)]).unwrap();
            } else {
                action(&store, run, "train", name, store.put_bytes(name.as_bytes()).unwrap());
            }
        }
        store.finish_run(&run, status).unwrap();
    };
    run("--scale gpu", RunStatus::Succeeded, Some("gpu"));
    run("--scale small", RunStatus::Succeeded, Some("small"));
    assert!(plan(&store).is_empty(), "two scales in turn");
    run("--scale gpu", RunStatus::Failed, None);
    assert!(plan(&store).is_empty(), "a failure that got nowhere");
    run("--scale gpu", RunStatus::Succeeded, Some("gpu"));
    run("--scale small", RunStatus::Succeeded, Some("other"));
    assert_eq!(doomed(&plan(&store)), [key("small")]);
}

#[test]
fn objects_that_were_put_lately_are_spared_with_their_files() {
    let bench = Bench::new();
    let store = bench.store();
    let folder = bench.folder("in", &[("a", b"member")]);
    let tree = store.put_path(&folder).unwrap();
    let old = store.put_bytes(b"old").unwrap();
    for hash in [&key("member"), &old] {
        make_old(&object_file(&store, hash), 2 * DAY);
    }
    let plan = store.gc_plan().unwrap();
    assert_eq!(doomed(&plan), [old], "the member is as old, but its tree is new");
    assert_eq!((plan.spared_as_new, plan.rules.grace), (2, Duration::from_secs(3600)));
    // Putting it again makes it new, though nothing is written.
    store.put_bytes(b"old").unwrap();
    assert!(store.gc_plan().unwrap().is_empty());
    assert_eq!(store.gc_apply(&plan).unwrap().spared, [old]);
    assert_eq!(store.read(&old).unwrap(), b"old");
    make_old(&object_file(&store, &tree), 2 * DAY);
    make_old(&object_file(&store, &old), 2 * DAY);
    assert_eq!(doomed(&store.gc_plan().unwrap()), sorted(vec![tree, key("member"), old]));
}

#[test]
fn what_became_needed_after_the_plan_survives_and_new_garbage_waits_for_the_next_plan() {
    let bench = Bench::new();
    let store = bench.store();
    let (needed, garbage) = (store.put_bytes(b"needed").unwrap(), store.put_bytes(b"garbage").unwrap());
    let plan = plan(&store);
    let run = store.begin_run("table").unwrap();
    action(&store, run, "s", "k", needed);
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    let later = store.put_bytes(b"later").unwrap();
    let outcome = store.gc_apply(&plan).unwrap();
    assert_eq!((outcome.objects, outcome.spared), (1, vec![needed]));
    assert!(store.contains(&needed) && store.contains(&later) && !store.contains(&garbage));
}

#[test]
fn beside_a_run_only_what_no_run_can_need_goes() {
    let bench = Bench::new();
    let (store, runner) = (bench.store(), bench.store());
    let (orphan, old, new) = (
        store.put_bytes(b"orphan").unwrap(),
        store.put_bytes(b"old").unwrap(),
        store.put_bytes(b"new").unwrap(),
    );
    for (name, output) in [("k1", old), ("k2", new)] {
        let run = store.begin_run("table").unwrap();
        action(&store, run, "s", name, output);
        store.finish_run(&run, RunStatus::Succeeded).unwrap();
    }
    for name in ["held", "free"] {
        let run = store.begin_run("other").unwrap();
        action(&store, run, name, name, new);
        store.finish_run(&run, RunStatus::Succeeded).unwrap();
        fs::write(store.checkpoint_dir(&key(name)).unwrap().join("weights"), b"12345").unwrap();
    }
    let plan = plan(&store);
    let mut planned: Vec<_> = plan.objects.iter().map(|garbage| garbage.hash).collect();
    planned.sort();
    let mut expected = [orphan, old];
    expected.sort();
    assert_eq!(planned, expected);
    let run = runner.begin_run("table").unwrap();
    let lease = runner.lease(&key("held")).unwrap();
    let outcome = store.gc_apply(&plan).unwrap();
    assert!(outcome.beside_runs);
    assert_eq!((outcome.objects, outcome.actions, outcome.checkpoints), (1, 0, 1));
    assert_eq!(outcome.spared, [old]);
    assert!(!store.contains(&orphan) && store.contains(&old) && store.contains(&new));
    assert!(store.action(&key("k1")).unwrap().is_some());
    drop(lease);
    runner.finish_run(&run, RunStatus::Succeeded).unwrap();
    let outcome = store.gc_apply(&plan).unwrap();
    assert!(!outcome.beside_runs);
    assert_eq!((outcome.objects, outcome.actions, outcome.checkpoints), (1, 1, 1));
}

/// An object that another process puts again between plan and deletion stays.
#[test]
fn beside_a_run_an_object_that_was_put_again_stays() {
    let bench = Bench::new();
    let (store, runner) = (bench.store(), bench.store());
    let hash = store.put_bytes(b"orphan").unwrap();
    make_old(&object_file(&store, &hash), 2 * DAY);
    let plan = store.gc_plan().unwrap();
    assert_eq!(plan.objects.len(), 1);
    let _run = runner.begin_run("table").unwrap();
    runner.put_bytes(b"orphan").unwrap();
    assert_eq!(store.gc_apply(&plan).unwrap().objects, 0);
    assert_eq!(store.read(&hash).unwrap(), b"orphan");
}

#[test]
fn checkpoints_of_finished_or_abandoned_actions_go() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("table").unwrap();
    for name in ["unfinished", "finished", "abandoned"] {
        fs::write(store.checkpoint_dir(&key(name)).unwrap().join("weights"), b"12345").unwrap();
    }
    let output = store.put_bytes(b"x").unwrap();
    action(&store, run, "s", "finished", output);
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    let abandoned = store.checkpoint_dir(&key("abandoned")).unwrap();
    make_old(&abandoned.join("weights"), 31 * DAY);
    make_old(&abandoned, 31 * DAY);
    let plan = plan(&store);
    let found: Vec<_> = plan.checkpoints.iter().map(|garbage| (garbage.hash, garbage.bytes)).collect();
    let mut expected = vec![(key("finished"), 5), (key("abandoned"), 5)];
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(store.gc_apply(&plan).unwrap().checkpoints, 2);
    assert_eq!(store.stats().unwrap().checkpoints, 1);
    assert!(store.checkpoint_dir(&key("unfinished")).unwrap().join("weights").exists());
}

#[test]
fn corrupt_objects_that_were_set_aside_go() {
    let bench = Bench::new();
    let store = bench.store();
    let hash = store.put_bytes(b"some bytes").unwrap();
    flip_byte(&object_file(&store, &hash));
    store.forget(&hash).unwrap();
    let plan = store.gc_plan().unwrap();
    assert_eq!((plan.set_aside.len(), plan.bytes()), (1, 10));
    assert_eq!(store.gc_apply(&plan).unwrap().set_aside, 1);
    assert_eq!(store.stats().unwrap().set_aside, 0);
}

#[test]
fn actions_whose_output_is_gone_go_except_the_latest_which_explains_reruns() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("table").unwrap();
    let (one, two) = (store.put_bytes(b"1").unwrap(), store.put_bytes(b"2").unwrap());
    action(&store, run, "s", "k1", one);
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    let run = store.begin_run("table").unwrap();
    action(&store, run, "s", "k2", two);
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    for hash in [&one, &two] {
        fs::remove_file(object_file(&store, hash)).unwrap();
    }
    let plan = plan(&store);
    assert_eq!(plan.actions, [key("k1")]);
    store.gc_apply(&plan).unwrap();
    assert_eq!(store.latest_action("s").unwrap().unwrap().key, key("k2"));
}

#[test]
fn a_damaged_tree_does_not_stop_the_collection() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("table").unwrap();
    let garbage = store.put_bytes(b"garbage").unwrap();
    let kept = store.put_bytes(b"kept").unwrap();
    let folder = bench.folder("in", &[("a", b"member")]);
    let tree = store.put_path(&folder).unwrap();
    action(&store, run, "s", "k", tree);
    action(&store, run, "t", "l", kept);
    fs::write(store.checkpoint_dir(&key("k")).unwrap().join("weights"), b"12345").unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    flip_byte(&object_file(&store, &tree));
    let outcome = store.gc_apply(&plan(&store)).unwrap();
    assert!(!store.contains(&garbage) && store.contains(&kept));
    // Nobody knows any more that it belongs to the tree; what made the tree makes it again.
    assert!(!store.contains(&assay_store::Hash::of(b"member")));
    assert_eq!((outcome.objects, outcome.checkpoints), (2, 0));
    assert_eq!(store.put_path(&folder).unwrap(), tree);
    assert!(store.action(&key("k")).unwrap().is_some());
}
