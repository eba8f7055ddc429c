//! A store in a temporary folder, ways to damage it, and child processes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assay_store::{Action, GcRules, Hash, RunId, Store};
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

/// A temporary folder with room for a store and other files.
pub(crate) struct Bench {
    dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A path beside the store.
    pub(crate) fn join(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.dir.path()).unwrap().join(name)
    }

    pub(crate) fn root(&self) -> Utf8PathBuf {
        self.join("store")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.root()).unwrap()
    }

    /// Writes files below a fresh folder beside the store.
    pub(crate) fn folder(&self, name: &str, files: &[(&str, &[u8])]) -> Utf8PathBuf {
        let dir = self.join(name);
        fs::create_dir(&dir).unwrap();
        write_files(&dir, files);
        dir
    }
}

pub(crate) fn write_files(dir: &Utf8Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Where the layout puts an object.
pub(crate) fn object_file(store: &Store, hash: &Hash) -> Utf8PathBuf {
    let hex = hash.to_string();
    store.root().join("objects").join(&hex[..2]).join(&hex[2..])
}

/// Changes the byte in the middle of a file, as a failing disk would.
pub(crate) fn flip_byte(path: &Utf8Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    overwrite(path, &bytes);
}

/// Overwrites a read-only file in place.
pub(crate) fn overwrite(path: &Utf8Path, bytes: &[u8]) {
    let read_only = fs::metadata(path).unwrap().permissions();
    set_mode(path, 0o644);
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, read_only).unwrap();
}

pub(crate) fn set_mode(path: &Utf8Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// All paths below `dir`, relative to it.
pub(crate) fn list(dir: &Utf8Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            found.push(entry.path().strip_prefix(dir).unwrap().to_string());
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Rules of garbage collection that spare nothing for being new.
pub(crate) fn no_grace() -> GcRules {
    GcRules { grace: Duration::ZERO, ..GcRules::default() }
}

/// A key, for tests that do not care which.
pub(crate) fn key(name: &str) -> Hash {
    Hash::of(name.as_bytes())
}

pub(crate) fn action(store: &Store, run: RunId, step: &str, key_name: &str, output: Hash) -> Action {
    let action = Action {
        key: key(key_name),
        step: step.to_owned(),
        output,
        description: format!("{step} with {key_name}").into_bytes(),
        run,
    };
    store.record_action(&action).unwrap();
    action
}

/// `len` bytes that differ for each `seed`.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

const CHILD_ROOT: &str = "ASSAY_STORE_TEST_CHILD_ROOT";

/// Runs one test of this binary in a process of its own, which finds the store by [`child_root`].
pub(crate) fn child(test: &str, root: &Utf8Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--quiet"]).env(CHILD_ROOT, root);
    command
}

/// The store of the parent process; `None` in a process that is nobody's child, where the test does nothing.
pub(crate) fn child_root() -> Option<Utf8PathBuf> {
    std::env::var(CHILD_ROOT).ok().map(Utf8PathBuf::from)
}

/// Starts a child and waits until it says that it is at work.
pub(crate) fn start(test: &str, root: &Utf8Path) -> Child {
    let mut child = child(test, root);
    let mut child = child.arg("--nocapture").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("at work")), "the child died");
    child
}

#[expect(clippy::print_stdout, reason = "the parent waits for it")]
pub(crate) fn at_work() {
    println!("at work");
}
