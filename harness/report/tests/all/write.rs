//! Writing to disk: whole files, and only when they change.

use assay_report::{Problem, WriteError, probe, replace, target, write};
use camino::{Utf8Path, Utf8PathBuf};

use super::small;

fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let guard = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(guard.path().join("reports/tiny")).unwrap();
    (guard, path)
}

fn names(folder: &Utf8Path) -> Vec<String> {
    let mut names: Vec<_> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_unchanged_report_touches_no_file() {
    let (_guard, folder) = folder();
    let report = small::report();
    let first = write(&report, &folder).unwrap();
    assert_eq!(
        first.iter().map(|file| (file.path.file_name(), file.changed)).collect::<Vec<_>>(),
        [(Some("small.md"), true), (Some("small.json"), true), (Some("small.html"), true)]
    );
    assert_eq!(names(&folder), ["small.html", "small.json", "small.md"], "no temporary file stays");
    let old = |path: &Utf8Path| path.metadata().unwrap().modified().unwrap();
    let times: Vec<_> = first.iter().map(|file| old(&file.path)).collect();

    let second = write(&report, &folder).unwrap();
    assert!(second.iter().all(|file| !file.changed));
    assert_eq!(times, second.iter().map(|file| old(&file.path)).collect::<Vec<_>>());
}

#[test]
fn only_what_differs_is_replaced() {
    let (_guard, folder) = folder();
    let report = small::report();
    write(&report, &folder).unwrap();
    fs_err::write(folder.join("small.md"), "something else").unwrap();
    let again = write(&report, &folder).unwrap();
    assert_eq!(again.iter().map(|file| file.changed).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(fs_err::read_to_string(folder.join("small.md")).unwrap(), assay_report::markdown(&report));
}

#[test]
fn an_id_cannot_lead_out_of_the_folder() {
    let (_guard, folder) = folder();
    let mut report = small::report();
    report.id = "../escaped".into();
    let error = write(&report, &folder).unwrap_err();
    assert!(matches!(error, WriteError::Inconsistent(Problem::Id { .. })), "{error}");
    assert!(!folder.exists(), "nothing is made for a bad report");
}

#[test]
fn a_refusal_names_the_path() {
    let (_guard, folder) = folder();
    // A folder stands where the file should be: this fails for every user, also for root.
    fs_err::create_dir_all(folder.join("small.json")).unwrap();
    let error = write(&small::report(), &folder).unwrap_err().to_string();
    assert!(error.contains("small.json"), "{error}");
    assert_eq!(names(&folder), ["small.json", "small.md"], "no temporary file stays");

    fs_err::write(folder.join("file"), "").unwrap();
    let error = write(&small::report(), &folder.join("file")).unwrap_err().to_string();
    assert!(error.contains("tiny/file"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_stays() {
    use std::os::unix::fs::FileTypeExt;
    let (_guard, folder) = folder();
    fs_err::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    assert!(replace(&pipe, b"rows").unwrap());
    assert_eq!(reader.join().unwrap(), b"rows");
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_its_file_is_replaced() {
    use std::os::unix::fs::symlink;
    let (_guard, folder) = folder();
    fs_err::create_dir_all(folder.join("real")).unwrap();
    // A link to a link, one of them in another folder, to a file that is not there at first.
    symlink("real/second", folder.join("first")).unwrap();
    symlink("file", folder.join("real/second")).unwrap();
    let first = folder.join("first");
    for bytes in [b"one", b"two"] {
        assert!(replace(&first, bytes).unwrap());
        assert!(first.is_symlink() && folder.join("real/second").is_symlink());
        assert_eq!(fs_err::read(folder.join("real/file")).unwrap(), bytes);
    }
    assert_eq!(target(&first).unwrap(), target(&folder.join("real/../real/file")).unwrap());
    symlink("circle", folder.join("circle")).unwrap();
    assert!(replace(&folder.join("circle"), b"").unwrap_err().to_string().contains("circle"));
}

#[test]
fn what_could_not_be_written_is_known_before() {
    let (_guard, folder) = folder();
    probe(&folder.join("new/file")).unwrap();
    assert!(folder.join("new").is_dir() && names(&folder.join("new")).is_empty());
    assert!(probe(&folder.join("new")).unwrap_err().to_string().contains("is a folder"));
    fs_err::write(folder.join("file"), "kept").unwrap();
    probe(&folder.join("file")).unwrap();
    assert_eq!(fs_err::read_to_string(folder.join("file")).unwrap(), "kept");
    assert!(probe(&folder.join("file/in")).unwrap_err().to_string().contains("file"));
}
