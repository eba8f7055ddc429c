//! Wheels: what is there is used if it is right, else it is fetched, and what is fetched is checked.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use assay_fetch::{FetchError, Fetcher, Tags, Tools, Wheel};
use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

const FILE: &str = "thing-1.0-py3-none-any.whl";

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    (folder, path)
}

fn wheel(bytes: &[u8]) -> Wheel<'static> {
    Wheel {
        package: "thing",
        release: "1.0",
        file: FILE,
        size: bytes.len() as u64,
        sha256: "00",
        blake3: Hash::of(bytes),
        tags: Tags::ANY,
        lock: "x.lock",
    }
}

/// A program in Python's place that counts its calls and puts `content` where pip would put the wheel.
fn python(folder: &Utf8Path, content: &str) -> Utf8PathBuf {
    let path = folder.join("python");
    let script = format!(
        "#!/bin/sh\necho call >> {folder}/calls\nfor last; do :; done\nprintf '{content}' > \"$last/{FILE}\"\n"
    );
    fs_err::write(&path, script).unwrap();
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn calls(folder: &Utf8Path) -> usize {
    fs_err::read_to_string(folder.join("calls")).map_or(0, |calls| calls.lines().count())
}

#[test]
fn a_wheel_is_fetched_once_and_again_if_it_is_damaged() {
    let (_guard, folder) = folder();
    let python = python(&folder, "right");
    let tools = Tools::with_python(&python);
    let fetcher = Fetcher { tools: &tools, stopped: &|| false };
    let (wheel, downloads) = (wheel(b"right"), folder.join("downloads"));
    let mut told = 0;
    let path = fetcher.obtain(&downloads, &wheel, &mut || told += 1).unwrap();
    assert_eq!((path.as_path(), calls(&folder), told), (downloads.join(FILE).as_path(), 1, 1));
    fetcher.obtain(&downloads, &wheel, &mut || told += 1).unwrap();
    assert_eq!((calls(&folder), told), (1, 1), "it is there");
    fs_err::write(&path, "righ").unwrap();
    fetcher.obtain(&downloads, &wheel, &mut || told += 1).unwrap();
    assert_eq!((calls(&folder), told), (2, 2), "it was cut short");
    assert_eq!(fs_err::read(&path).unwrap(), b"right");
}

#[test]
fn a_wheel_that_was_brought_by_hand_is_not_fetched() {
    let (_guard, folder) = folder();
    let python = python(&folder, "right");
    let brought = folder.join("brought");
    fs_err::create_dir_all(&brought).unwrap();
    fs_err::write(brought.join(FILE), "right").unwrap();
    let tools = Tools { brought: Some(brought.clone()), ..Tools::with_python(&python) };
    let fetcher = Fetcher { tools: &tools, stopped: &|| false };
    let path = fetcher.obtain(&folder.join("downloads"), &wheel(b"right"), &mut || {}).unwrap();
    assert_eq!((fs_err::read(path).unwrap(), calls(&folder)), (b"right".to_vec(), 0));
    fs_err::write(brought.join(FILE), "other").unwrap();
    fetcher.obtain(&folder.join("more"), &wheel(b"right"), &mut || {}).unwrap();
    assert_eq!(calls(&folder), 1, "another file of that name is passed over");
}

#[test]
fn another_file_than_the_pinned_one_is_refused_and_not_kept() {
    let (_guard, folder) = folder();
    let python = python(&folder, "wrong");
    let tools = Tools::with_python(&python);
    let fetcher = Fetcher { tools: &tools, stopped: &|| false };
    let downloads = folder.join("downloads");
    let error = fetcher.obtain(&downloads, &wheel(b"right"), &mut || {}).unwrap_err();
    assert!(matches!(&error, FetchError::Mismatch { file, lock, .. } if file == FILE && lock == "x.lock"));
    assert!(!error.is_out_of_reach());
    assert_eq!(downloads.read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn what_was_stopped_is_not_fetched() {
    let (_guard, folder) = folder();
    let python = python(&folder, "right\nsleep 60");
    fs_err::write(&python, "#!/bin/sh\nsleep 60\n").unwrap();
    let tools = Tools::with_python(&python);
    let fetcher = Fetcher { tools: &tools, stopped: &|| true };
    let error = fetcher.obtain(&folder.join("downloads"), &wheel(b"right"), &mut || {}).unwrap_err();
    assert!(matches!(error, FetchError::Stopped), "{error}");
}

#[test]
fn a_machine_without_python_says_so() {
    let (_guard, folder) = folder();
    let tools = Tools::with_python("/nonexistent/python3");
    let fetcher = Fetcher { tools: &tools, stopped: &|| false };
    let error = fetcher.obtain(&folder.join("downloads"), &wheel(b"right"), &mut || {}).unwrap_err();
    assert!(matches!(error, FetchError::NoPython { .. }) && error.is_out_of_reach(), "{error}");
}

#[test]
fn files_are_read_out_of_a_wheel() {
    const MAKE: &str = "import gzip, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n  z.writestr('a/b.txt', 'plain')\n  z.writestr('a/c.txt.gz', gzip.compress(b'packed'))";
    let (_guard, folder) = folder();
    let path = folder.join(FILE);
    if !Command::new("python3").args(["-c", MAKE, path.as_str()]).status().is_ok_and(|made| made.success()) {
        eprintln!("skipped: there is no python3");
        return;
    }
    let tools = Tools::with_python("python3");
    let fetcher = Fetcher { tools: &tools, stopped: &|| false };
    assert_eq!(fetcher.member(&path, "a/b.txt").unwrap(), b"plain");
    assert_eq!(fetcher.member(&path, "a/c.txt.gz").unwrap(), b"packed");
    let error = fetcher.member(&path, "a/d.txt").unwrap_err();
    assert!(matches!(&error, FetchError::NoMember { member, .. } if member == "a/d.txt"), "{error}");
    fs_err::write(&path, "no archive").unwrap();
    assert!(matches!(fetcher.member(&path, "a/b.txt"), Err(FetchError::NoMember { .. })));
}
