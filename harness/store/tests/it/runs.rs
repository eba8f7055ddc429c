use std::collections::BTreeSet;

use assay_store::{ErrorClass, RunStatus, StoreError};

use crate::common::Bench;

#[test]
fn a_run_is_recorded_from_start_to_end() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("table-05 --scale embedded").unwrap();
    let seen = &store.runs().unwrap()[0];
    assert_eq!((seen.id, seen.status, seen.ended_ms), (run, RunStatus::Running, None));
    store.append_event(&run, r#"{"n":1}"#).unwrap();
    store.append_event(&run, r#"{"n":2}"#).unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    drop(store);
    let store = bench.store();
    let seen = store.find_run(run.as_str()).unwrap();
    assert_eq!((seen.title.as_str(), seen.status), ("table-05 --scale embedded", RunStatus::Succeeded));
    assert!(seen.ended_ms.unwrap() >= seen.started_ms && seen.started_ms > 1_600_000_000_000);
    assert_eq!(store.events(&run).unwrap(), [r#"{"n":1}"#, r#"{"n":2}"#]);
    assert_eq!(store.events_after(&run, 1).unwrap(), [(2, r#"{"n":2}"#.to_owned())]);
}

#[test]
fn runs_are_listed_newest_first() {
    let bench = Bench::new();
    let store = bench.store();
    let ids: Vec<_> = (0..5).map(|i| store.begin_run(&format!("run {i}")).unwrap()).collect();
    let listed: Vec<_> = store.runs().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(listed, ids.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_run_that_nobody_works_on_reads_as_interrupted() {
    let bench = Bench::new();
    let (store, watcher) = (bench.store(), bench.store());
    let (left, ended) = (store.begin_run("left").unwrap(), store.begin_run("ended").unwrap());
    store.finish_run(&ended, RunStatus::Failed).unwrap();
    assert_eq!(watcher.find_run(left.as_str()).unwrap().status, RunStatus::Running);
    drop(store);
    assert_eq!(watcher.find_run(left.as_str()).unwrap().status, RunStatus::Interrupted);
    assert_eq!(watcher.find_run(ended.as_str()).unwrap().status, RunStatus::Failed);
    assert_eq!(watcher.runs().unwrap()[1].status, RunStatus::Interrupted);
}

#[test]
fn short_unique_prefixes_name_a_run() {
    let bench = Bench::new();
    let store = bench.store();
    // Ids have sixteen possible first letters, so two of seventeen share theirs.
    let ids: Vec<_> = (0..17).map(|_| store.begin_run("run").unwrap()).collect();
    let mut letters = BTreeSet::new();
    let shared = ids.iter().map(|id| &id.as_str()[..1]).find(|letter| !letters.insert(*letter)).unwrap();
    let error = store.find_run(shared).unwrap_err();
    let expected: Vec<_> = ids.iter().rev().filter(|id| id.as_str().starts_with(shared)).copied().collect();
    assert!(error.to_string().contains(expected[0].as_str()), "{error}");
    assert_eq!(error.class(), ErrorClass::User);
    assert!(matches!(error, StoreError::AmbiguousRun { candidates, .. } if candidates == expected));
    for id in &ids {
        let prefix = store.run_prefix(id).unwrap();
        assert!(prefix.len() >= 4);
        assert_eq!(store.find_run(&prefix).unwrap().id, *id);
    }
    for unknown in ["", "a", "%", "_", "K", "kkkkkkkkkkkkkkkkk", "' OR 1=1 --"] {
        let error = store.find_run(unknown).unwrap_err();
        assert!(matches!(error, StoreError::UnknownRun { .. }), "{unknown}: {error:?}");
    }
}

#[test]
fn only_known_runs_take_events_pins_and_ends() {
    let (bench, other) = (Bench::new(), Bench::new());
    let store = bench.store();
    let stranger = other.store().begin_run("elsewhere").unwrap();
    let object = store.put_bytes(b"x").unwrap();
    for error in [
        store.append_event(&stranger, "{}").unwrap_err(),
        store.pin(&stranger, &[object]).unwrap_err(),
        store.finish_run(&stranger, RunStatus::Succeeded).unwrap_err(),
        store.events(&stranger).unwrap_err(),
        store.remove_run(&stranger).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::UnknownRun { .. }), "{error:?}");
    }
}

#[test]
fn events_are_json_and_pins_are_there() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("run").unwrap();
    for bad in ["", "{", "{} {}", "nope"] {
        assert!(matches!(store.append_event(&run, bad), Err(StoreError::BadEvent(_))), "{bad}");
    }
    assert!(store.events(&run).unwrap().is_empty());
    let (there, absent) = (store.put_bytes(b"x").unwrap(), assay_store::Hash::of(b"absent"));
    assert!(matches!(store.pin(&run, &[there, absent]), Err(StoreError::Missing { .. })));
    assert!(store.pins(&run).unwrap().is_empty());
    store.pin(&run, &[there]).unwrap();
    store.pin(&run, &[there]).unwrap();
    assert_eq!(store.pins(&run).unwrap(), [there]);
}

#[test]
fn threads_and_handles_append_events_without_gaps() {
    let bench = Bench::new();
    let (one, two) = (bench.store(), bench.store());
    let run = one.begin_run("run").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = if thread % 2 == 0 { &one } else { &two };
            let run = &run;
            scope.spawn(move || {
                for i in 0..50 {
                    store.append_event(run, &format!("[{thread},{i}]")).unwrap();
                }
            });
        }
    });
    let events = two.events_after(&run, 0).unwrap();
    assert_eq!(events.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
    for thread in 0..4 {
        let own: Vec<_> = events
            .iter()
            .filter(|(_, json)| json.starts_with(&format!("[{thread},")))
            .map(|(_, json)| json.clone())
            .collect();
        assert_eq!(own, (0..50).map(|i| format!("[{thread},{i}]")).collect::<Vec<_>>());
    }
}

#[test]
fn a_removed_run_leaves_nothing_but_its_objects() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("run").unwrap();
    let object = store.put_bytes(b"x").unwrap();
    store.append_event(&run, "{}").unwrap();
    store.pin(&run, &[object]).unwrap();
    assert!(matches!(store.remove_run(&run), Err(StoreError::Busy { .. })), "it is alive");
    store.finish_run(&run, RunStatus::Failed).unwrap();
    store.remove_run(&run).unwrap();
    assert!(store.runs().unwrap().is_empty());
    assert_eq!(store.stats().unwrap().events, 0);
    assert!(store.pins(&run).unwrap().is_empty());
    assert!(store.contains(&object));
}
