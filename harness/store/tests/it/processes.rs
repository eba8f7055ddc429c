//! Several processes on one store, and what a kill leaves behind.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assay_store::{RunStatus, Store};
use camino::Utf8Path;

use crate::common::{
    Bench, action, at_work, child, child_root, key, list, no_grace, noise, start, write_files,
};

/// Does everything that a run does, over and over, until it is killed.
#[test]
fn child_works_until_killed() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    let run = store.begin_run("to be killed").unwrap();
    for i in 0.. {
        let salt = u64::from(std::process::id()) << 32 | i;
        let small = store.put_bytes(&noise(salt, 100)).unwrap();
        let scratch = store.scratch().unwrap();
        let tree = scratch.path().join("out");
        write_files(&tree, &[("small", &noise(salt + 1, 5000)), ("sub/large", &noise(salt + 2, 2 << 20))]);
        let checkpoint = store.checkpoint_dir(&key(&salt.to_string())).unwrap();
        fs::write(checkpoint.join("state"), noise(salt, 1000)).unwrap();
        let tree = store.adopt_path(&tree).unwrap();
        action(&store, run, "small", &format!("small {salt}"), small);
        action(&store, run, "tree", &salt.to_string(), tree);
        store.clear_checkpoint(&key(&salt.to_string())).unwrap();
        store.pin(&run, &[tree]).unwrap();
        store.append_event(&run, &format!("{{\"n\":{i}}}")).unwrap();
        let samples: Vec<_> = (0..50).map(|j| (key(&format!("{salt} {j}")), vec![j; 50])).collect();
        store.remember(&samples).unwrap();
        if i == 1 {
            at_work();
        }
    }
}

#[test]
fn a_kill_at_any_instant_leaves_a_sound_store() {
    let bench = Bench::new();
    for round in 0..8 {
        let mut child = start("processes::child_works_until_killed", &bench.root());
        std::thread::sleep(Duration::from_millis(3 * round));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = bench.store();
        assert_eq!(list(&bench.root().join("tmp")), Vec::<String>::new(), "leftovers are removed");
        let report = store.verify().unwrap();
        assert!(report.is_sound() && report.strays.is_empty(), "{report:?}");
        let run = &store.runs().unwrap()[0];
        assert_eq!((run.status, run.ended_ms), (RunStatus::Interrupted, None));
        let events = store.events_after(&run.id, 0).unwrap();
        assert!(events.len() >= 2);
        assert!(
            events
                .iter()
                .enumerate()
                .all(|(i, (seq, json))| { *seq == i as u64 + 1 && *json == format!("{{\"n\":{i}}}") })
        );
        assert_eq!(store.stats().unwrap().memo_values % 50, 0, "a batch is stored whole or not at all");
        let latest = store.latest_action("tree").unwrap().unwrap();
        assert_eq!(store.action(&latest.key).unwrap().as_ref(), Some(&latest), "recorded means there");
    }
    let store = bench.store();
    assert_eq!(store.runs().unwrap().len(), 8);
    let plan = store.gc_plan_with(no_grace()).unwrap();
    store.gc_apply(&plan).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert!(list(&bench.root().join("runs")).is_empty() && list(&bench.root().join("leases")).is_empty());
}

/// Puts the same objects as its siblings, and samples and events of its own.
#[test]
fn child_shares_a_store() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    let run = store.begin_run("sibling").unwrap();
    for i in 0..40 {
        let object = store.put_bytes(&noise(i, 3000)).unwrap();
        let scratch = store.scratch().unwrap();
        let tree = scratch.path().join("tree");
        write_files(&tree, &[("a", &noise(i, 3000)), ("b", &noise(i + 1000, 100))]);
        let tree = store.adopt_path(&tree).unwrap();
        action(&store, run, &format!("step {i}"), &format!("key {i}"), tree);
        store
            .remember(&[(key(&i.to_string()), noise(i, 20)), (key(&format!("{run} {i}")), vec![1])])
            .unwrap();
        store.append_event(&run, &i.to_string()).unwrap();
        assert_eq!(store.read(&object).unwrap(), noise(i, 3000));
    }
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
}

#[test]
fn processes_share_a_store() {
    let bench = Bench::new();
    let children: Vec<_> = (0..3)
        .map(|_| {
            child("processes::child_shares_a_store", &bench.root()).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = bench.store();
    let stats = store.stats().unwrap();
    assert_eq!((stats.objects, stats.actions, stats.memo_values), (120, 40, 40 + 120));
    assert_eq!((stats.runs, stats.events, stats.set_aside), (3, 120, 0));
    assert!(store.verify().unwrap().is_sound());
    for run in store.runs().unwrap() {
        assert_eq!(run.status, RunStatus::Succeeded);
        assert_eq!(store.events(&run.id).unwrap(), (0..40).map(|i| i.to_string()).collect::<Vec<_>>());
    }
}

/// Holds everything that a process can hold.
#[test]
fn child_holds_on_until_killed() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    let _run = store.begin_run("holding").unwrap();
    let _lease = store.lease(&key("leased")).unwrap();
    let scratch = store.scratch().unwrap();
    fs::write(scratch.path().join("precious"), b"unfinished").unwrap();
    at_work();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn what_a_living_process_holds_is_left_alone_and_a_dead_ones_is_freed() {
    let bench = Bench::new();
    let mut child = start("processes::child_holds_on_until_killed", &bench.root());
    let precious =
        |root: &Utf8Path| list(&root.join("tmp")).iter().filter(|path| path.ends_with("/precious")).count();
    let store = bench.store();
    assert_eq!(precious(&bench.root()), 1);
    assert!(store.try_lease(&key("leased")).unwrap().is_none());
    assert_eq!(store.runs().unwrap()[0].status, RunStatus::Running);
    assert!(store.gc_apply(&store.gc_plan().unwrap()).unwrap().beside_runs);
    assert_eq!(precious(&bench.root()), 1);
    assert_eq!(store.runs().unwrap()[0].status, RunStatus::Running);

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store.try_lease(&key("leased")).unwrap().is_some());
    assert_eq!(store.runs().unwrap()[0].status, RunStatus::Interrupted);
    assert!(!store.gc_apply(&store.gc_plan().unwrap()).unwrap().beside_runs);
    drop(store);
    bench.store();
    assert_eq!(precious(&bench.root()), 0);
}

/// A process that is being started has a copy of every open file for an instant, locked ones too.
#[test]
fn processes_started_meanwhile_do_not_keep_a_run_alive() {
    let bench = Bench::new();
    let store = bench.store();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Command::new("true").status().unwrap();
            }
        });
        let outcomes: Vec<_> = (0..200)
            .map(|_| {
                let run = store.begin_run("short").unwrap();
                store.finish_run(&run, RunStatus::Succeeded).unwrap();
                store.gc_apply(&store.gc_plan().unwrap())
            })
            .collect();
        done.store(true, Ordering::Relaxed);
        for outcome in outcomes {
            assert!(!outcome.unwrap().beside_runs);
        }
    });
}
