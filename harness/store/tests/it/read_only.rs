//! Stores that cannot be written. The superuser ignores permissions, so the checks run in a child process
//! that gives its rights up.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::time::{Duration, SystemTime};

use assay_store::{ErrorClass, Hash, Store, StoreError};
use camino::Utf8Path;

use crate::common::{Bench, action, child, child_root, key, set_mode};

/// Runs a test of this binary as a user for whom permissions count.
fn without_rights(test: &str, root: &Utf8Path) {
    let bench = Bench::new();
    set_mode(&bench.join("."), 0o755);
    let mut command = child(test, root);
    let superuser = fs::metadata(bench.join(".")).unwrap().uid() == 0;
    if superuser {
        // The build folder may be closed to others, so the test program moves out of it: by a link where
        // possible, as a program that another thread's child still has open for writing cannot be started.
        let program = bench.join("program");
        if fs::hard_link(command.get_program(), &program).is_err() {
            fs::copy(command.get_program(), &program).unwrap();
        }
        set_mode(&program, 0o755);
        let mut moved = std::process::Command::new(&program);
        moved.args(command.get_args()).envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
        command = moved;
        const NOBODY: u32 = 65534;
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = loop {
        match command.current_dir("/").output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => break output.unwrap(),
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child test was not found");
}

/// Sets the permissions of a folder and everything below it.
fn set_modes(path: &Utf8Path, dirs: u32, files: u32) {
    if path.is_dir() {
        set_mode(path, 0o755);
        for entry in path.read_dir_utf8().unwrap() {
            set_modes(entry.unwrap().path(), dirs, files);
        }
        set_mode(path, dirs);
    } else {
        set_mode(path, files);
    }
}

/// A store with one of everything, put long ago, in a folder that others may enter.
fn filled() -> Bench {
    let bench = Bench::new();
    set_mode(&bench.join("."), 0o755);
    let store = bench.store();
    let run = store.begin_run("before").unwrap();
    let output = store.put_bytes(b"stored before").unwrap();
    action(&store, run, "step", "k", output);
    store.remember(&[(key("s"), b"value".to_vec()), (key("l"), vec![7; 5000])]).unwrap();
    store.append_event(&run, "{}").unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(24 * 60 * 60);
    fs::File::open(store.path(&output).unwrap()).unwrap().set_modified(long_ago).unwrap();
    bench
}

fn assert_read_only<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Environment);
    assert!(error.remedy().contains("writable"), "{}", error.remedy());
}

#[test]
fn child_reads_but_cannot_write() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    assert!(store.is_read_only());
    let found = store.action(&key("k")).unwrap().unwrap();
    assert_eq!(store.read(&found.output).unwrap(), b"stored before");
    assert_eq!(store.recall(&[key("s"), key("l")]).unwrap(), [Some(b"value".to_vec()), Some(vec![7; 5000])]);
    let run = store.runs().unwrap().remove(0);
    assert_eq!(store.events(&run.id).unwrap(), ["{}"]);
    assert!(store.verify().unwrap().is_sound());
    assert_eq!(store.stats().unwrap().objects, 1);

    assert_eq!(store.put_bytes(b"stored before").unwrap(), found.output, "nothing to write");
    assert_read_only(store.put_bytes(b"new"));
    assert_read_only(store.scratch());
    assert_read_only(store.begin_run("new"));
    assert_read_only(store.record_action(&found));
    assert_read_only(store.remember(&[(key("t"), vec![])]));
    assert_read_only(store.remember(&[(key("t"), vec![0; 5000])]));
    assert_read_only(store.append_event(&run.id, "{}"));
    assert_read_only(store.pin(&run.id, &[found.output]));
    assert_read_only(store.checkpoint_dir(&key("k")));
    assert_read_only(store.clear_checkpoint(&key("k")));
    assert_read_only(store.lease(&key("k")));
    assert_read_only(store.forget(&found.output));
    assert_read_only(store.gc_apply(&store.gc_plan().unwrap()));
}

#[test]
fn a_read_only_store_can_be_read_and_says_why_it_cannot_be_written() {
    // Files that may be written in folders that may not, too: SQLite finds out only when it makes a second
    // file.
    for files in [0o444, 0o666] {
        let bench = filled();
        set_modes(&bench.root(), 0o555, files);
        without_rights("read_only::child_reads_but_cannot_write", &bench.root());
        set_modes(&bench.root(), 0o755, 0o644);
    }
}

#[test]
fn child_cannot_write_objects() {
    let Some(root) = child_root() else { return };
    let store = Store::open(&root).unwrap();
    assert!(!store.is_read_only(), "all but the objects can be written");
    let error = store.put_bytes(b"new").unwrap_err();
    assert!(
        matches!(&error, StoreError::ReadOnly { path } if path.as_str().contains("/objects")),
        "{error:?}"
    );
    assert!(store.action(&key("k")).unwrap().is_some());
    assert!(store.remember(&[(key("t"), vec![])]).is_ok());
}

#[test]
fn a_folder_of_objects_that_cannot_be_written_is_named() {
    let bench = filled();
    set_modes(&bench.root(), 0o777, 0o666);
    set_modes(&bench.root().join("objects"), 0o555, 0o444);
    without_rights("read_only::child_cannot_write_objects", &bench.root());
    set_modes(&bench.root(), 0o755, 0o644);
}

#[test]
fn child_does_not_read_a_stale_index() {
    let Some(root) = child_root() else { return };
    let error = Store::open(&root).unwrap_err();
    assert!(matches!(&error, StoreError::ReadOnly { path } if path.as_str().ends_with("-wal")), "{error:?}");
}

#[test]
fn changes_that_wait_in_the_log_of_a_read_only_index_are_not_ignored() {
    let bench = Bench::new();
    set_mode(&bench.join("."), 0o755);
    let store = bench.store();
    store.begin_run("in the log").unwrap();
    let copy = bench.folder("copy", &[]);
    for name in ["format", "index.sqlite", "index.sqlite-wal"] {
        fs::copy(bench.root().join(name), copy.join(name)).unwrap();
    }
    set_modes(&copy, 0o555, 0o444);
    without_rights("read_only::child_does_not_read_a_stale_index", &copy);
    set_modes(&copy, 0o755, 0o644);
    assert_eq!(Store::open(&copy).unwrap().runs().unwrap().len(), 1);
}

#[test]
fn child_cannot_create_the_index() {
    let Some(root) = child_root() else { return };
    assert_read_only(Store::open(&root));
}

#[test]
fn a_read_only_store_without_an_index_is_named() {
    let bench = filled();
    fs::remove_file(bench.root().join("index.sqlite")).unwrap();
    set_modes(&bench.root(), 0o555, 0o444);
    without_rights("read_only::child_cannot_create_the_index", &bench.root());
    set_modes(&bench.root(), 0o755, 0o644);
}

#[test]
fn child_cannot_create() {
    let Some(root) = child_root() else { return };
    assert_read_only(Store::open(&root));
}

#[test]
fn a_store_in_a_read_only_folder_cannot_be_created() {
    let bench = Bench::new();
    set_mode(&bench.join("."), 0o555);
    without_rights("read_only::child_cannot_create", &bench.join("new/store"));
    set_mode(&bench.join("."), 0o755);
    assert!(!bench.join("new").exists());
}

#[test]
fn a_file_where_a_folder_belongs_is_named() {
    let bench = Bench::new();
    let store = bench.store();
    let shard = store.root().join("objects").join(&Hash::of(b"x").to_string()[..2]);
    fs::write(&shard, b"in the way").unwrap();
    let error = store.put_bytes(b"x").unwrap_err();
    assert!(error.to_string().contains(shard.as_str()), "{error}");
    assert_eq!(error.class(), ErrorClass::Environment);
    fs::remove_file(&shard).unwrap();
    assert!(store.put_bytes(b"x").is_ok(), "nothing is lost");
}
