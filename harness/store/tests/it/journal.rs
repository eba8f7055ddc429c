//! An index that is damaged, gone or behind is made anew from the journal; a journal that is, from the index.

use std::fs::{self, OpenOptions};
use std::io::Write;

use assay_store::{RunId, RunStatus, Store};
use camino::{Utf8Path, Utf8PathBuf};

use crate::common::{Bench, action, key, list, noise, overwrite};

/// A store with something of everything that an index holds.
fn fill(store: &Store) -> RunId {
    let first = store.begin_run("table").unwrap();
    for i in 0..20u64 {
        let output = store.put_bytes(&noise(i, 50)).unwrap();
        action(store, first, &format!("step {}", i % 15), &format!("key {i}"), output);
    }
    store.append_event(&first, "{\"step\":\"train\"}").unwrap();
    store.pin(&first, &[assay_store::Hash::of(&noise(3, 50))]).unwrap();
    store.finish_run(&first, RunStatus::Succeeded).unwrap();
    let second = store.begin_run("other").unwrap();
    store.touch_actions(&second, &[key("key 4"), key("key 1"), key("no such key")]).unwrap();
    store.append_event(&second, "{}").unwrap();
    let values: Vec<_> = (0..100u64).map(|i| (key(&format!("v{i}")), noise(i, 60 * i as usize))).collect();
    store.remember(&values).unwrap();
    let gone = store.begin_run("removed").unwrap();
    store.finish_run(&gone, RunStatus::Failed).unwrap();
    store.remove_run(&gone).unwrap();
    store.finish_run(&second, RunStatus::Failed).unwrap();
    second
}

/// Everything that the store says of itself.
fn contents(store: &Store) -> String {
    let keys: Vec<_> = (0..20).map(|i| key(&format!("key {i}"))).collect();
    let actions: Vec<_> = keys.iter().map(|key| store.action(key).unwrap()).collect();
    let latest: Vec<_> = (0..15).map(|i| store.latest_action(&format!("step {i}")).unwrap()).collect();
    let runs = store.runs().unwrap();
    let events: Vec<_> = runs.iter().map(|run| store.events_after(&run.id, 0).unwrap()).collect();
    let pins: Vec<_> = runs.iter().map(|run| store.pins(&run.id).unwrap()).collect();
    let values: Vec<_> = (0..100).map(|i| key(&format!("v{i}"))).collect();
    let values = store.recall(&values).unwrap();
    assert!(
        values.iter().enumerate().all(|(i, value)| value.as_deref() == Some(&noise(i as u64, 60 * i)[..]))
    );
    let garbage = store.gc_plan_with(crate::common::no_grace()).unwrap();
    format!("{actions:?} {latest:?} {runs:?} {events:?} {pins:?} {garbage:?}")
}

fn index_files(bench: &Bench) -> [Utf8PathBuf; 3] {
    ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"].map(|name| bench.root().join(name))
}

fn remove_index(bench: &Bench) {
    for file in index_files(bench) {
        let _ = fs::remove_file(file);
    }
}

type Damage = (&'static str, fn(&Utf8Path));

#[test]
fn a_damaged_index_is_set_aside_and_made_anew() {
    let damages: [Damage; 5] = [
        ("file is not a database", |index| {
            let mut bytes = fs::read(index).unwrap();
            bytes[..64].fill(0x55);
            fs::write(index, bytes).unwrap();
        }),
        ("", |index| fs::write(index, &fs::read(index).unwrap()[..5000]).unwrap()),
        ("version", |index| {
            rusqlite::Connection::open(index).unwrap().pragma_update(None, "user_version", 0).unwrap();
        }),
        ("version", |index| {
            rusqlite::Connection::open(index).unwrap().pragma_update(None, "user_version", 259).unwrap();
        }),
        ("", |index| {
            rusqlite::Connection::open(index).unwrap().execute_batch("DROP TABLE position").unwrap();
        }),
    ];
    for (reason, damage) in damages {
        let bench = Bench::new();
        let store = bench.store();
        fill(&store);
        let before = contents(&store);
        drop(store);
        damage(&bench.root().join("index.sqlite"));
        let store = bench.store();
        let rebuilt = store.rebuilt().unwrap();
        assert!(rebuilt.reason.contains(reason) && rebuilt.damaged == 0, "{rebuilt:?}");
        assert!(rebuilt.changes > 20 && rebuilt.set_aside.is_file(), "{rebuilt:?}");
        assert!(store.verify().unwrap().is_sound(), "{reason}");
        // What was set aside is garbage.
        assert_eq!(list(&bench.root().join("corrupt")).len() as u64, store.stats().unwrap().set_aside);
        fs::remove_dir_all(bench.root().join("corrupt")).unwrap();
        assert_eq!(contents(&store), before, "{reason}");
        drop(store);
        assert!(bench.store().rebuilt().is_none(), "once");
    }
}

#[test]
fn a_missing_index_is_made_from_the_journal() {
    let bench = Bench::new();
    let store = bench.store();
    fill(&store);
    let before = contents(&store);
    drop(store);
    remove_index(&bench);
    let store = bench.store();
    assert_eq!(contents(&store), before);
    assert!(store.verify().unwrap().is_sound());
}

/// As after a power cut, or when a copy of the index is put back.
#[test]
fn an_index_that_is_behind_catches_up() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("early").unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    drop(store);
    let copy = fs::read(bench.root().join("index.sqlite")).unwrap();
    let store = bench.store();
    fill(&store);
    let before = contents(&store);
    drop(store);
    remove_index(&bench);
    fs::write(bench.root().join("index.sqlite"), copy).unwrap();
    // Half a line, as a kill leaves it.
    let mut journal = OpenOptions::new().append(true).open(bench.root().join("journal")).unwrap();
    journal.write_all(b"0123456789abcdef {\"change\":\"beg").unwrap();
    let store = bench.store();
    // The first change brings them together.
    let run = store.begin_run("late").unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    store.remove_run(&run).unwrap();
    assert_eq!(contents(&store), before);
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn a_journal_that_is_lost_or_cut_or_damaged_is_written_anew() {
    let damages: [Damage; 4] = [
        ("removed", |journal| fs::remove_file(journal).unwrap()),
        ("cut", |journal| overwrite(journal, &fs::read(journal).unwrap()[..1000])),
        ("emptied", |journal| overwrite(journal, b"")),
        ("flipped", |journal| {
            let mut bytes = fs::read(journal).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            overwrite(journal, &bytes);
        }),
    ];
    for (name, damage) in damages {
        let bench = Bench::new();
        let store = bench.store();
        fill(&store);
        let before = contents(&store);
        damage(&bench.root().join("journal"));
        let report = store.verify().unwrap();
        assert!(
            report.journal.len() == 1 && report.index.is_empty() && !report.is_sound(),
            "{name}: {report:?}"
        );
        drop(store);
        let store = bench.store();
        let run = store.begin_run("next").unwrap();
        store.finish_run(&run, RunStatus::Succeeded).unwrap();
        store.remove_run(&run).unwrap();
        assert!(store.verify().unwrap().is_sound(), "{name}");
        drop(store);
        remove_index(&bench);
        assert_eq!(contents(&bench.store()), before, "{name}");
    }
}

/// A kill after the journal was written anew, before the index knew of it.
#[test]
fn a_journal_that_was_written_anew_before_a_kill_is_sound() {
    let bench = Bench::new();
    let store = bench.store();
    fill(&store);
    let before = contents(&store);
    let journal = bench.root().join("journal");
    let text = fs::read_to_string(&journal).unwrap();
    let (header, rest) = text.split_once('\n').unwrap();
    let name = header.rsplit(' ').next().unwrap();
    let other = format!("{}{}", &name[1..], &name[..1]);
    assert_ne!(name, other);
    overwrite(&journal, format!("{}\n{rest}", header.replace(name, &other)).as_bytes());
    assert!(store.verify().unwrap().is_sound());
    let run = store.begin_run("next").unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    store.remove_run(&run).unwrap();
    assert!(store.verify().unwrap().is_sound());
    assert_eq!(contents(&store), before);
}

/// Damage in both: what the sound lines say is there, and nothing wrong.
#[test]
fn a_damaged_line_takes_only_its_own_change_with_it() {
    let bench = Bench::new();
    let store = bench.store();
    fill(&store);
    drop(store);
    let journal = bench.root().join("journal");
    let text = fs::read_to_string(&journal).unwrap();
    let line = text.lines().position(|line| line.contains("finished")).unwrap();
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(
            |(number, text)| {
                if number == line { text.replacen("step 0", "step 1", 1) } else { text.to_owned() }
            },
        )
        .collect();
    overwrite(&journal, (lines.join("\n") + "\n").as_bytes());
    remove_index(&bench);
    let store = bench.store();
    let known = (0..20).filter(|i| store.action(&key(&format!("key {i}"))).unwrap().is_some()).count();
    assert_eq!((known, store.runs().unwrap().len()), (19, 2));
    let run = store.begin_run("next").unwrap();
    store.finish_run(&run, RunStatus::Succeeded).unwrap();
    assert!(store.verify().unwrap().is_sound());
}

/// Rows that were changed behind the back of the program are found, and put right.
#[test]
fn a_changed_row_is_found_and_put_right() {
    for change in [
        "UPDATE actions SET output = zeroblob(32) WHERE step = 'step 3'",
        "UPDATE actions SET step = 'other' WHERE step = 'step 3'",
        "DELETE FROM pins",
        "UPDATE runs SET status = 'succeeded'",
        "UPDATE events SET json = '[]' WHERE seq = 1",
        "DELETE FROM run_actions",
        "UPDATE memo SET used = used + 1",
    ] {
        let bench = Bench::new();
        let store = bench.store();
        fill(&store);
        let before = contents(&store);
        drop(store);
        rusqlite::Connection::open(bench.root().join("index.sqlite")).unwrap().execute(change, []).unwrap();
        let report = bench.store().verify().unwrap();
        assert!(!report.index.is_empty() && !report.is_sound(), "{change}: {report:?}");
        let store = bench.store();
        assert!(store.rebuilt().is_some() && store.verify().unwrap().is_sound(), "{change}");
        fs::remove_dir_all(bench.root().join("corrupt")).unwrap();
        assert_eq!(contents(&store), before, "{change}");
    }
}

#[test]
fn collection_shortens_the_journal_and_the_index_can_still_be_made_from_it() {
    let bench = Bench::new();
    let store = bench.store();
    fill(&store);
    for _ in 0..200 {
        let run = store.begin_run("short").unwrap();
        store.append_event(&run, "{\"something\":\"long enough\"}").unwrap();
        store.finish_run(&run, RunStatus::Succeeded).unwrap();
        store.remove_run(&run).unwrap();
    }
    let length = || fs::metadata(bench.root().join("journal")).unwrap().len();
    let before = length();
    store.gc_apply(&store.gc_plan().unwrap()).unwrap();
    assert!(length() + 50_000 < before, "{} {before}", length());
    let now = contents(&store);
    assert!(store.verify().unwrap().is_sound());
    drop(store);
    remove_index(&bench);
    assert_eq!(contents(&bench.store()), now);
}

/// An old copy of the index, or one that has lost its last changes, does not take the journal's place.
#[test]
fn an_index_of_another_journal_is_made_anew_from_the_one_that_is_there() {
    for damage in ["a copy from before a collection", "no position", "no position and no rows"] {
        let bench = Bench::new();
        let store = bench.store();
        let run = store.begin_run("early").unwrap();
        let early = store.put_bytes(b"early").unwrap();
        action(&store, run, "early", "early", early);
        store.finish_run(&run, RunStatus::Succeeded).unwrap();
        drop(store);
        let copy = fs::read(bench.root().join("index.sqlite")).unwrap();
        let store = bench.store();
        store.gc_apply(&store.gc_plan().unwrap()).unwrap();
        fill(&store);
        let before = contents(&store);
        drop(store);
        if damage == "a copy from before a collection" {
            remove_index(&bench);
            fs::write(bench.root().join("index.sqlite"), &copy).unwrap();
        } else {
            let index = rusqlite::Connection::open(bench.root().join("index.sqlite")).unwrap();
            index.execute("DELETE FROM position", []).unwrap();
            if damage.ends_with("rows") {
                index.execute_batch("DELETE FROM actions; DELETE FROM runs; DELETE FROM memo").unwrap();
            }
        }
        let store = bench.store();
        let run = store.begin_run("late").unwrap();
        store.finish_run(&run, RunStatus::Succeeded).unwrap();
        store.remove_run(&run).unwrap();
        assert_eq!(contents(&store), before, "{damage}");
        assert!(store.verify().unwrap().is_sound(), "{damage}");
    }
}

/// The index is made anew while another process has the former one open.
#[test]
fn who_had_the_former_index_open_goes_on_in_the_new_one() {
    let bench = Bench::new();
    let former = bench.store();
    let run = fill(&former);
    fs::write(bench.root().join("index.damaged"), "").unwrap();
    let other = bench.store();
    assert!(other.rebuilt().is_some());
    former.append_event(&run, "{\"by\":\"former\"}").unwrap();
    other.append_event(&run, "{\"by\":\"other\"}").unwrap();
    former.remember(&[(key("late"), b"late".to_vec())]).unwrap();
    for store in [&former, &other, &bench.store()] {
        assert_eq!(store.events(&run).unwrap()[1..], ["{\"by\":\"former\"}", "{\"by\":\"other\"}"]);
        assert_eq!(store.recall(&[key("late")]).unwrap(), [Some(b"late".to_vec())]);
        assert!(store.verify().unwrap().is_sound());
    }
}

#[test]
fn a_store_that_is_removed_while_it_is_open_says_so() {
    let bench = Bench::new();
    let store = bench.store();
    let run = store.begin_run("run").unwrap();
    fs::remove_dir_all(bench.root()).unwrap();
    let error = store.append_event(&run, "{}").unwrap_err();
    assert!(matches!(error, assay_store::StoreError::Gone { .. }), "{error:?}");
}
