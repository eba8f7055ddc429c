//! The files of the memo: large values, damage, kills, full disks, collection.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use assay_store::{GcPlan, GcRules, Hash, RunStatus, Store, StoreError};
use camino::{Utf8Path, Utf8PathBuf};

use crate::common::{Bench, child, child_root, key, list, noise, start};

/// Values number `i` of some name; every fifth is large.
pub(crate) fn entry(name: &str, i: u64) -> (Hash, Vec<u8>) {
    let key = key(&format!("{name} {i}"));
    let length = if i.is_multiple_of(5) { 5000 + i * 100 } else { i % 300 };
    (key, noise(i + 7, length as usize))
}

pub(crate) fn entries(name: &str, count: u64) -> (Vec<Hash>, Vec<(Hash, Vec<u8>)>) {
    let entries: Vec<_> = (0..count).map(|i| entry(name, i)).collect();
    (entries.iter().map(|(key, _)| *key).collect(), entries)
}

fn volumes(store: &Store) -> Vec<Utf8PathBuf> {
    let dir = store.root().join("memo");
    list(&dir).iter().map(|name| dir.join(name)).collect()
}

fn sql(store: &Store) -> rusqlite::Connection {
    rusqlite::Connection::open(store.root().join("index.sqlite")).unwrap()
}

/// Flips a bit of one byte of a file.
fn flip_at(path: &Utf8Path, at: u64) {
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 4]).unwrap();
}

#[test]
fn large_values_are_beside_the_index_and_come_back() {
    let bench = Bench::new();
    let (keys, entries) = entries("x", 100);
    let store = bench.store();
    store.remember(&entries).unwrap();
    // Known values are not written again.
    let size = store.stats().unwrap().memo_file_bytes;
    store.remember(&entries).unwrap();
    drop(store);
    let store = bench.store();
    let values = store.recall(&keys).unwrap();
    assert!(values.into_iter().zip(&entries).all(|(value, (_, expected))| value.as_ref() == Some(expected)));
    let stats = store.stats().unwrap();
    assert_eq!((stats.memo_values, stats.memo_file_bytes), (100, size));
    assert_eq!(stats.memo_bytes, entries.iter().map(|(_, value)| value.len() as u64).sum::<u64>());
    let large = entries.iter().map(|(_, value)| value.len() as u64).filter(|&length| length > 4096);
    assert_eq!(size, large.map(|length| 64 + length).sum::<u64>());
    let report = store.verify().unwrap().memo;
    assert!(report.is_sound() && report.strays.is_empty());
    assert_eq!((report.values, report.bytes), (100, stats.memo_bytes));
}

#[test]
fn processes_that_follow_each_other_share_a_volume() {
    let bench = Bench::new();
    for i in 0..10 {
        bench.store().remember(&[entry("x", 5 * i)]).unwrap();
    }
    assert_eq!(volumes(&bench.store()).len(), 1);
}

/// Every 37th byte, which is every byte of a header and many of each value.
#[test]
fn a_flipped_byte_anywhere_in_a_volume_is_noticed() {
    let bench = Bench::new();
    let store = bench.store();
    let (keys, entries) = entries("x", 11);
    store.remember(&entries).unwrap();
    let [volume] = &volumes(&store)[..] else { panic!() };
    let size = fs::metadata(volume).unwrap().len();
    for (trial, at) in (0..size).step_by(37).enumerate() {
        flip_at(volume, at);
        let report = store.verify().unwrap();
        assert_eq!(report.memo.damaged.len(), 1, "byte {at}");
        assert_eq!(&report.memo.damaged[0].path, volume);
        assert!(!report.is_sound());
        let values = store.recall(&keys).unwrap();
        let wrong: Vec<_> = (0..11).filter(|&i| values[i].as_ref() != Some(&entries[i].1)).collect();
        let [wrong] = wrong[..] else { panic!("{wrong:?}") };
        assert_eq!((keys[wrong], &values[wrong]), (report.memo.damaged[0].key, &None), "byte {at}");
        assert_eq!(store.memo_damaged(), trial as u64 + 1);
        assert!(store.verify().unwrap().is_sound(), "the damaged value was removed");
        // Back to the former bytes and rows.
        flip_at(volume, at);
        fs::OpenOptions::new().write(true).open(volume).unwrap().set_len(0).unwrap();
        sql(&store).execute("DELETE FROM memo", []).unwrap();
        store.remember(&entries).unwrap();
    }
}

/// Whatever a flip in the index does, no value comes back wrong; `verify` sees each that is lost, and when the store is
/// opened again all are back.
#[test]
fn a_flipped_byte_in_the_index_never_gives_a_wrong_value() {
    let bench = Bench::new();
    let (keys, entries) = entries("x", 300);
    bench.store().remember(&entries).unwrap();
    let (index, journal) = (bench.root().join("index.sqlite"), bench.root().join("journal"));
    let (sound, lines) = (fs::read(&index).unwrap(), fs::read(&journal).unwrap());
    let (mut lost, mut rebuilt) = (0, 0);
    for at in (0..sound.len()).step_by(331) {
        for file in ["index.sqlite-wal", "index.sqlite-shm", "index.damaged"] {
            let _ = fs::remove_file(bench.root().join(file));
        }
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&index, bytes).unwrap();
        fs::write(&journal, &lines).unwrap();
        let store = bench.store();
        let report = store.verify().unwrap();
        let complete = |values: &[Option<Vec<u8>>]| {
            for (value, (_, expected)) in values.iter().zip(&entries) {
                assert!(value.is_none() || value.as_ref() == Some(expected), "byte {at}");
            }
            values.iter().all(Option::is_some)
        };
        if store.rebuilt().is_some() {
            rebuilt += 1;
            assert!(report.is_sound(), "byte {at}: {report:?}");
        }
        let all_there = !report.is_sound() || complete(&store.recall(&keys).unwrap());
        assert!(all_there, "byte {at}: {report:?}");
        if !report.is_sound() {
            lost += 1;
            drop(store);
            let store = bench.store();
            assert!(store.rebuilt().is_some(), "byte {at}: {report:?}");
            assert!(store.verify().unwrap().is_sound(), "byte {at}");
            assert!(complete(&store.recall(&keys).unwrap()), "byte {at}");
        }
    }
    assert!(lost > 20 && rebuilt > 0, "{lost} flips were found by verify, {rebuilt} when opening");
}

#[test]
fn a_shortened_or_missing_volume_loses_its_values_and_nothing_else() {
    for damage in ["shortened", "emptied", "removed"] {
        let bench = Bench::new();
        let store = bench.store();
        let (keys, entries) = entries("x", 20);
        store.remember(&entries).unwrap();
        let [volume] = &volumes(&store)[..] else { panic!() };
        let file = OpenOptions::new().write(true).open(volume).unwrap();
        let (lost, size) = (4, file.metadata().unwrap().len());
        match damage {
            "shortened" => file.set_len(size - 1).unwrap(),
            "emptied" => file.set_len(0).unwrap(),
            _ => fs::remove_file(volume).unwrap(),
        }
        let lost = if damage == "shortened" { 1 } else { lost };
        assert_eq!(store.verify().unwrap().memo.damaged.len(), lost, "{damage}");
        assert_eq!(store.recall(&keys).unwrap().iter().filter(|value| value.is_none()).count(), lost);
        assert_eq!(store.memo_damaged(), lost as u64);
        store.remember(&entries).unwrap();
        let values = store.recall(&keys).unwrap();
        assert!(values.into_iter().zip(entries).all(|(value, (_, expected))| value == Some(expected)));
        assert!(store.verify().unwrap().is_sound());
    }
}

#[test]
fn a_length_beyond_reason_does_not_ask_for_memory() {
    let bench = Bench::new();
    let store = bench.store();
    for (column, size) in [("length", i64::MAX), ("length", 1 << 40), ("start", i64::MAX), ("start", -1)] {
        store.remember(&[entry("x", 0)]).unwrap();
        sql(&store).execute(&format!("UPDATE memo SET {column} = ?1"), [size]).unwrap();
        assert_eq!(store.recall(&[entry("x", 0).0]).unwrap(), [None]);
    }
    assert_eq!(store.memo_damaged(), 4);
}

/// Remembers batches until it is killed.
#[test]
fn child_remembers_until_killed() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    for i in 0.. {
        let (_, entries) = entries(&format!("{} {i}", std::process::id()), 20);
        store.remember(&entries).unwrap();
        if i == 1 {
            crate::common::at_work();
        }
    }
}

#[test]
fn a_kill_while_remembering_leaves_whole_batches() {
    let bench = Bench::new();
    for round in 0..12 {
        let mut child = start("memo_files::child_remembers_until_killed", &bench.root());
        std::thread::sleep(Duration::from_millis(round));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = bench.store();
        let report = store.verify().unwrap();
        assert!(report.is_sound() && report.memo.strays.is_empty(), "{report:?}");
        let mut batches = 0;
        loop {
            let (keys, entries) = entries(&format!("{} {batches}", child.id()), 20);
            let values = store.recall(&keys).unwrap();
            if values.iter().all(Option::is_none) {
                break;
            }
            assert!(values.into_iter().zip(entries).all(|(value, (_, expected))| value == Some(expected)));
            batches += 1;
        }
        assert!(batches >= 2, "what had returned is there");
        assert_eq!(store.memo_damaged(), 0);
    }
}

/// Remembers values of its own and the same ones as its siblings.
#[test]
fn child_shares_the_memo() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    for i in 0..20 {
        let (_, shared) = entries(&format!("shared {i}"), 20);
        let (_, own) = entries(&format!("{} {i}", std::process::id()), 20);
        store.remember(&[shared, own].concat()).unwrap();
    }
}

#[test]
fn processes_share_the_memo_also_with_a_collector() {
    let bench = Bench::new();
    let store = bench.store();
    let children: Vec<_> = (0..3)
        .map(|_| {
            child("memo_files::child_shares_the_memo", &bench.root()).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let names: Vec<_> =
        children.iter().map(|child| child.id().to_string()).chain(["shared".into()]).collect();
    // Damage and collection meanwhile: they are no run, so nothing is refused, and nothing sound is lost.
    for _ in 0..10 {
        store.gc_apply(&store.gc_plan().unwrap()).or_else(busy_is_fine).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    for name in names {
        for i in 0..20 {
            let (keys, entries) = entries(&format!("{name} {i}"), 20);
            let values = store.recall(&keys).unwrap();
            assert!(values.into_iter().zip(entries).all(|(value, (_, expected))| value == Some(expected)));
        }
    }
    assert_eq!((store.stats().unwrap().memo_values, store.memo_damaged()), (4 * 20 * 20, 0));
    assert!(store.verify().unwrap().is_sound());
}

fn busy_is_fine(error: StoreError) -> Result<assay_store::GcOutcome, StoreError> {
    if matches!(error, StoreError::Busy { .. }) { Ok(Default::default()) } else { Err(error) }
}

/// The parent has limited the size of its files.
#[test]
fn child_meets_a_full_disk() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    let before = store.stats().unwrap();
    let too_much = [(key("small"), vec![1]), (key("a"), noise(1, 10_000)), (key("large"), noise(2, 400_000))];
    let error = store.remember(&too_much).unwrap_err();
    assert!(matches!(&error, StoreError::DiskFull { path } if path.as_str().contains("/memo/")), "{error:?}");
    assert_eq!(store.stats().unwrap(), before, "all or nothing, and no bytes left behind");
    let (keys, entries) = entries("before", 20);
    let values = store.recall(&keys).unwrap();
    assert!(values.into_iter().zip(entries).all(|(value, (_, expected))| value == Some(expected)));
    store.remember(&[(key("a"), noise(1, 10_000))]).unwrap();
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn a_full_disk_stores_nothing_of_a_batch_with_large_values() {
    let bench = Bench::new();
    bench.store().remember(&entries("before", 20).1).unwrap();
    let child = child("memo_files::child_meets_a_full_disk", &bench.root());
    // Units of `ulimit -f` are 512 bytes or 1 KiB, depending on the shell: the limit is 200 or 400 KiB.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh"]).arg(child.get_program());
    limited.args(child.get_args()).envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

fn plan(store: &Store, idle_days: u64) -> GcPlan {
    let day = Duration::from_secs(24 * 60 * 60);
    store.gc_plan_with(GcRules { memo_idle: day * idle_days as u32, ..GcRules::default() }).unwrap()
}

/// Makes the last use of values older.
fn make_old(store: &Store, keys: &[Hash], days: i64) {
    for key in keys {
        sql(store).execute("UPDATE memo SET used = used - ?1 WHERE key = ?2", (days, key)).unwrap();
    }
}

#[test]
fn values_that_nobody_used_for_long_go_with_their_space() {
    let bench = Bench::new();
    let store = bench.store();
    let ((old, old_entries), (fresh, fresh_entries)) = (entries("old", 50), entries("fresh", 10));
    store.remember(&old_entries).unwrap();
    store.remember(&fresh_entries).unwrap();
    make_old(&store, &old, 91);
    let plan = self::plan(&store, 90);
    assert_eq!(plan.memo.values, 50);
    assert!(self::plan(&store, 92).is_empty());
    assert_eq!(plan, store.gc_plan().unwrap(), "90 days are the rule");
    let before = store.stats().unwrap().memo_file_bytes;
    // One is used after the plan was made, and stays.
    assert!(store.recall(&old[3..4]).unwrap()[0].is_some());
    let outcome = store.gc_apply(&plan).unwrap();
    assert_eq!((outcome.memo_values, outcome.bytes), (49, plan.bytes()));
    let left = store.stats().unwrap();
    assert_eq!(left.memo_values, 11);
    assert_eq!(before - left.memo_file_bytes, plan.memo.bytes);
    assert_eq!(left.memo_file_bytes, 2 * 64 + 5000 + 5500, "live records of a volume that shrank");
    let values = store.recall(&fresh).unwrap();
    assert!(values.into_iter().zip(fresh_entries).all(|(value, (_, expected))| value == Some(expected)));
    assert_eq!(store.recall(&old).unwrap().iter().flatten().count(), 1);
    assert!(store.verify().unwrap().memo.is_sound());

    let all = self::plan(&store, 0);
    assert_eq!(store.gc_apply(&all).unwrap().memo_values, 11);
    assert!(volumes(&store).is_empty());
    assert_eq!(store.memo_damaged(), 0);
}

#[test]
fn a_damaged_record_does_not_move_with_the_sound_ones() {
    let bench = Bench::new();
    let store = bench.store();
    let ((old, old_entries), (fresh, fresh_entries)) = (entries("old", 50), entries("fresh", 10));
    store.remember(&fresh_entries).unwrap();
    store.remember(&old_entries).unwrap();
    make_old(&store, &old, 100);
    // In the value of the first record.
    flip_at(&volumes(&store)[0], 100);
    store.gc_apply(&store.gc_plan().unwrap()).unwrap();
    assert_eq!(store.memo_damaged(), 1);
    let values = store.recall(&fresh).unwrap();
    let right =
        values.iter().zip(&fresh_entries).filter(|(value, (_, expected))| value.as_ref() == Some(expected));
    assert_eq!((right.count(), values.iter().flatten().count()), (9, 9));
    assert!(store.verify().unwrap().memo.is_sound());
}

/// A reader that looked a row up before its record moved looks again.
#[test]
fn reading_goes_on_while_records_move() {
    let bench = Bench::new();
    let store = bench.store();
    let (fresh, fresh_entries) = entries("fresh", 30);
    store.remember(&fresh_entries).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = bench.store();
        let (stop, fresh, fresh_entries) = (&stop, &fresh, &fresh_entries);
        let reading = scope.spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for (value, (_, expected)) in reader.recall(fresh).unwrap().iter().zip(fresh_entries) {
                    assert_eq!(value.as_ref(), Some(expected));
                }
            }
            reader.memo_damaged()
        });
        for round in 0..30 {
            let (old, entries) = entries(&format!("old {round}"), 60);
            store.remember(&entries).unwrap();
            make_old(&store, &old, 91);
            assert!(store.gc_apply(&store.gc_plan().unwrap()).unwrap().bytes > 0);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(reading.join().unwrap(), 0);
    });
}

#[test]
fn a_run_keeps_the_collector_out_but_not_other_writers() {
    let bench = Bench::new();
    let (store, runner) = (bench.store(), bench.store());
    let run = runner.begin_run("table").unwrap();
    store.remember(&entries("x", 10).1).unwrap();
    let outcome = store.gc_apply(&plan(&store, 0)).unwrap();
    assert_eq!((outcome.beside_runs, outcome.memo_values), (true, 0));
    runner.finish_run(&run, RunStatus::Succeeded).unwrap();
    assert_eq!(store.gc_apply(&plan(&store, 0)).unwrap().memo_values, 10);
}
