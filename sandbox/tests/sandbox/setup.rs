//! Setting up the image: what is reused, healed or refused.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::os::unix::fs::PermissionsExt;

use crate::common::{
    cache, image, lock, lock_text, math_image, math_lock_text, numpy_image, numpy_lock_text, run,
};
use assay_fetch::FetchError;
use assay_sandbox::{
    Image, ImageLock, Limits, LinkError, RunOutcome, Sandbox, SetupError, SetupEvent, Tools,
};
use assay_store::ErrorClass;
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

/// The wheel that carries the interpreter.
const WHEEL: &str = "componentize_py-0.25.1-cp39-abi3-manylinux_2_28_x86_64.whl";

fn folder() -> (TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
    (folder, path)
}

/// A program that stands in for Python: it writes `stderr` and fails.
fn fake_python(folder: &Utf8Path, stderr: &str) -> Tools {
    python_script(folder, &format!("cat >&2 <<'END'\n{stderr}\nEND\nexit 1"))
}

/// A shell script that stands in for Python.
fn python_script(folder: &Utf8Path, script: &str) -> Tools {
    let python = folder.join("python");
    fs_err::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs_err::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    Tools::with_python(python)
}

fn no_python() -> Tools {
    Tools::with_python("/nonexistent/python3")
}

fn prepare(
    cache: &Utf8Path,
    lock: &ImageLock,
    tools: &Tools,
) -> (Result<Image, SetupError>, Vec<SetupEvent>) {
    let mut events = Vec::new();
    let image = Image::prepare(cache, lock, tools, &mut |event| events.push(event));
    (image, events)
}

/// Copies what the cache holds of the pinned image and gives the copies: the image, its compiled form and the
/// seal.
fn copy_image(to: &Utf8Path) -> [Utf8PathBuf; 3] {
    let prefix = format!("image-{}", &pinned_image()[..12]);
    let mut copies = Vec::new();
    for entry in cache().read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        let name = path.file_name().unwrap();
        if name.starts_with(&prefix) {
            fs_err::copy(&path, to.join(name)).unwrap();
            copies.push(to.join(name));
        }
    }
    [".wasm", ".compiled", ".blake3"].map(|ending| {
        let mut found = copies.iter().filter(|path| path.as_str().ends_with(ending));
        found.next().unwrap_or_else(|| panic!("no {ending} in {copies:?}")).clone()
    })
}

fn works(image: &Image) {
    let sandbox = Sandbox::new(image, Limits::default());
    let found = run(&sandbox, "import sys\nprint(sys.version.split()[0])", "").outcome;
    assert_eq!(found, RunOutcome::Completed { output: format!("{}\n", image.cpython_version()) });
}

#[test]
fn a_second_time_nothing_is_needed() {
    let Some(image) = image() else { return };
    let (again, events) = prepare(&cache(), &lock(), &no_python());
    assert_eq!(again.unwrap().identity(), image.identity());
    assert_eq!(events, []);
    assert_eq!(lock().identity(), image.identity());
}

/// The inputs are pinned, and so is what must come of them: making the image again gives the pinned bytes. A
/// lock that pins other bytes is refused, with both hashes, and nothing is kept.
#[test]
fn the_image_is_reproducible_and_another_one_is_refused() {
    if image().is_none() {
        return;
    }
    let pinned = pinned_image();
    let other = lock_text().replace(&pinned, &"0".repeat(64));
    refuses(&ImageLock::parse(&other, "other.lock").unwrap(), &pinned);
}

#[test]
fn the_math_image_is_reproducible_and_another_one_is_refused() {
    if math_image().is_none() {
        return;
    }
    let text = math_lock_text();
    let pinned = pinned_in(&text);
    let other = text.replace(&pinned, &"0".repeat(64));
    refuses(&lock().with_packages(&other, "other.lock").unwrap(), &pinned);
}

#[test]
fn the_image_with_numpy_is_reproducible_and_another_one_is_refused() {
    if numpy_image().is_none() {
        return;
    }
    let text = numpy_lock_text();
    let pinned = pinned_in(&text);
    let other = text.replace(&pinned, &"0".repeat(64));
    refuses(&ImageLock::parse(&other, "other.lock").unwrap(), &pinned);
}

fn refuses(lock: &ImageLock, pinned: &str) {
    let (_guard, path) = folder();
    fs_err::create_dir(path.join("downloads")).unwrap();
    for entry in cache().join("downloads").read_dir_utf8().unwrap() {
        let file = entry.unwrap().into_path();
        if file.is_file() {
            fs_err::copy(&file, path.join("downloads").join(file.file_name().unwrap())).unwrap();
        }
    }
    let (result, events) = prepare(&path, lock, &Tools::with_python("python3"));
    match result {
        Err(SetupError::Mismatch { expected, found, lock, .. }) => {
            assert_eq!(expected.to_string(), "0".repeat(64));
            assert_eq!(
                found.to_string(),
                pinned,
                "the image is not the pinned one: put this hash into the lockfile"
            );
            assert_eq!(lock, "other.lock");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(events, [SetupEvent::Building], "the wheels were there");
    let left: Vec<String> =
        path.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    assert!(left.iter().all(|name| name == "downloads" || name == "lock"), "{left:?}");
}

fn pinned_image() -> String {
    pinned_in(&lock_text())
}

fn pinned_in(text: &str) -> String {
    let start = text.find("[image]").unwrap();
    let hash = text[start..].find("blake3 = \"").unwrap() + start + "blake3 = \"".len();
    text[hash..hash + 64].to_owned()
}

#[test]
fn a_lock_of_packages_with_a_mistake_is_refused_with_its_place() {
    let text = math_lock_text();
    let line_of = |text: &str, part: &str| text[..text.find(part).unwrap()].matches('\n').count() + 1;
    let cases = [
        ("version = 1", "version = 3", "format 3 of this lock is not known"),
        ("guest = \"grade\"", "guest = \"grader\"", "unknown variant `grader`"),
        ("sha256 = \"e091cc3e", "sha256 = \"e091cc3x", "`sha256` is no hash"),
        ("file = \"mpmath", "file = \"/tmp/mpmath", "`file` must be a name"),
        ("[[packages]]", "[[package]]", "unknown field `package`"),
    ];
    for (from, to, message) in cases {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        let error = lock().with_packages(&changed, "x.lock").unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("x.lock", line_of(&changed, to)), "{error}");
        assert!(error.message.contains(message), "{error}");
    }
    assert_ne!(lock().with_packages(&text, "x").unwrap().identity(), lock().identity());
}

/// Files of the cache that were changed or cut are noticed, not used, and made again from what is right.
#[test]
fn a_damaged_cache_is_healed() {
    if image().is_none() {
        return;
    }
    let (_guard, path) = folder();
    let [wasm, compiled, _] = copy_image(&path);
    let mut bytes = fs_err::read(&compiled).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&compiled, &bytes).unwrap();
    let (healed, events) = prepare(&path, &lock(), &no_python());
    works(&healed.unwrap());
    assert_eq!(events, [SetupEvent::Compiling, SetupEvent::Ready]);
    // Other users may read it if they may read any other new file. They may never write it.
    let mode = |path: &Utf8Path| fs_err::metadata(path).unwrap().permissions().mode();
    fs_err::write(path.join("any"), "").unwrap();
    assert_eq!(mode(&compiled), mode(&path.join("any")) & !0o022);

    // Without the compiled form, half an image is no image either: it would have to be made again.
    fs_err::remove_file(&compiled).unwrap();
    let bytes = fs_err::read(&wasm).unwrap();
    fs_err::write(&wasm, &bytes[..bytes.len() / 2]).unwrap();
    let (refused, _) = prepare(&path, &lock(), &no_python());
    assert!(matches!(&refused, Err(SetupError::Fetch(FetchError::NoPython { .. }))), "{refused:?}");
}

#[test]
fn an_interrupted_download_is_healed() {
    if image().is_none() {
        return;
    }
    let (_guard, path) = folder();
    let downloads = path.join("downloads");
    fs_err::create_dir(&downloads).unwrap();
    let wheel = cache().join("downloads").join(WHEEL);
    let half = downloads.join(WHEEL);
    let bytes = fs_err::read(&wheel).unwrap();
    fs_err::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    // The half file is not used: a download is tried, here by something that fails.
    let (result, events) = prepare(&path, &lock(), &fake_python(&path, "ERROR: something else"));
    assert!(matches!(result, Err(SetupError::Fetch(FetchError::Download { .. }))), "{result:?}");
    assert!(matches!(events[..], [SetupEvent::Downloading { .. }]), "{events:?}");
    assert!(!half.exists());
    assert_eq!(downloads.read_dir_utf8().unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn failures_of_the_download_are_told_apart() {
    let (_guard, path) = folder();
    let kind = |error: &SetupError| match error {
        SetupError::Fetch(FetchError::NoPip { .. }) => "no pip",
        SetupError::Fetch(FetchError::Offline { .. }) => "offline",
        SetupError::Fetch(FetchError::NotOffered { .. }) => "not offered",
        SetupError::DiskFull { .. } => "disk full",
        SetupError::Fetch(FetchError::Download { .. }) => "download",
        _ => "other",
    };
    let cases = [
        ("/usr/bin/python3: No module named pip", "no pip"),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError': Temporary failure in name resolution\nERROR: No matching distribution found",
            "offline",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement\nERROR: No matching distribution found",
            "not offered",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk full",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "download"),
    ];
    for (stderr, expected) in cases {
        let error = prepare(&path, &lock(), &fake_python(&path, stderr)).0.unwrap_err();
        assert_eq!(kind(&error), expected, "{error}");
        assert!(!error.remedy().is_empty());
    }
    let error = prepare(&path, &lock(), &no_python()).0.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/python3"), "{error}");
}

/// Python imports what is in its current folder, so that must not be the user's: a file named `pip.py` would
/// be run there. A Python given as a path is still found from the user's.
#[test]
fn pip_is_run_in_an_empty_folder() {
    let (_guard, path) = folder();
    let path = path.canonicalize_utf8().unwrap();
    let seen = path.join("seen");
    let Tools { python, .. } = python_script(&path, &format!("pwd > {seen}; ls >> {seen}; exit 1"));
    let here = std::env::current_dir().unwrap();
    let python = Utf8PathBuf::from("../".repeat(here.components().count()) + python.as_str());
    let error = prepare(&path.join("cache"), &lock(), &Tools::with_python(python)).0.unwrap_err();
    assert!(matches!(error, SetupError::Fetch(FetchError::Download { .. })), "{error}");
    let seen = fs_err::read_to_string(&seen).unwrap();
    let lines: Vec<&str> = seen.lines().collect();
    assert!(lines[0].starts_with(path.join("cache/downloads/download-").as_str()), "{seen}");
    assert_eq!(lines[1..], ["requirements.txt"]);
}

/// What a killed process had begun to write is removed by the next one, and nothing else is.
#[test]
fn leftovers_of_a_killed_process_are_removed() {
    let (_guard, path) = folder();
    fs_err::create_dir_all(path.join("downloads/download-x")).unwrap();
    for file in ["write-x", "downloads/download-x/half.whl", "image-x.wasm", "downloads/x.whl"] {
        fs_err::write(path.join(file), "x").unwrap();
    }
    prepare(&path, &lock(), &no_python()).0.unwrap_err();
    for (file, stays) in [
        ("write-x", false),
        ("downloads/download-x", false),
        ("image-x.wasm", true),
        ("downloads/x.whl", true),
    ] {
        assert_eq!(path.join(file).exists(), stays, "{file}");
    }
}

fn set_mode(path: &Utf8Path, mode: u32) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives a path to another user. Only the superuser can.
fn give_away(path: &Utf8Path) -> bool {
    let given = std::os::unix::fs::chown(path, Some(54_321), None).is_ok();
    if !given {
        eprintln!("skipped: only the superuser can give {path} to another user");
    }
    given
}

/// Compiled code and its hash could both be written by whoever can write to the folder, and code runs with
/// all rights of the user. So the folder is refused before anything in it is read, and nothing is made there.
#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let (_guard, path) = folder();
    let images = path.join("images");
    fs_err::create_dir(&images).unwrap();
    let refused = |why: &str| {
        let loaded = Image::load(&images, &lock()).map(drop);
        let prepared = prepare(&images, &lock(), &no_python()).0.map(drop);
        for error in [loaded.unwrap_err(), prepared.unwrap_err()] {
            assert!(matches!(&error, SetupError::Untrusted { folder, .. } if *folder == images), "{error}");
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.class(), ErrorClass::Environment);
            assert!(error.remedy().contains("--images"));
        }
        assert_eq!(images.read_dir_utf8().unwrap().count(), 0, "nothing is made");
    };
    set_mode(&images, 0o777);
    refused("mode 777");
    set_mode(&images, 0o775);
    refused("mode 775");
    set_mode(&images, 0o755);
    if give_away(&images) {
        refused("user 54321");
    }
    // One that is made here is its owner's, whatever the umask.
    let made = path.join("deep/images");
    _ = prepare(&made, &lock(), &no_python());
    assert_eq!(fs_err::metadata(&made).unwrap().permissions().mode() & 0o022, 0);
}

/// Code that others can have written is not there, though its hash is right; nor is what a link leads to. It
/// is made anew in its place.
#[test]
fn compiled_code_that_others_can_have_written_is_not_loaded() {
    if image().is_none() {
        return;
    }
    let (_guard, path) = folder();
    let [_, compiled, seal] = copy_image(&path);
    let loads = || Image::load(&path, &lock()).unwrap().is_some();
    assert!(loads(), "the check would see it");
    for file in [&compiled, &seal] {
        for mode in [0o666, 0o664] {
            set_mode(file, mode);
            assert!(!loads(), "{file} {mode:o}");
        }
        set_mode(file, 0o644);
        assert!(loads());
        if give_away(file) {
            assert!(!loads(), "{file}");
            std::os::unix::fs::chown(file, Some(0), None).unwrap();
            assert!(loads());
        }
    }
    let elsewhere = path.join("elsewhere");
    fs_err::rename(&compiled, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &compiled).unwrap();
    assert!(!loads());
    let before = fs_err::metadata(&elsewhere).unwrap().modified().unwrap();
    let (made, events) = prepare(&path, &lock(), &no_python());
    works(&made.unwrap());
    assert_eq!(events, [SetupEvent::Compiling, SetupEvent::Ready]);
    assert!(fs_err::symlink_metadata(&compiled).unwrap().is_file());
    assert_eq!(fs_err::metadata(&elsewhere).unwrap().modified().unwrap(), before, "nothing follows the link");
    assert!(loads());
}

/// An image that is there and cannot be read, as one of another user may be, is named. Making it again would
/// fail later, on something else.
#[test]
fn an_image_that_cannot_be_read_is_named() {
    if image().is_none() {
        return;
    }
    for unreadable in [1, 2] {
        let (_guard, path) = folder();
        let file = copy_image(&path)[unreadable].clone();
        // Not even the superuser can read a folder as a file.
        fs_err::remove_file(&file).unwrap();
        fs_err::create_dir(&file).unwrap();
        let (refused, events) = prepare(&path, &lock(), &no_python());
        let error = refused.unwrap_err();
        assert!(matches!(&error, SetupError::Io { action: "read", path, .. } if *path == file), "{error}");
        assert_eq!(events, []);
    }
}

#[test]
fn an_image_is_loaded_if_it_is_there() {
    let (_guard, path) = folder();
    assert!(Image::load(&path, &lock()).unwrap().is_none());
    assert_eq!(path.read_dir_utf8().unwrap().count(), 0, "nothing is made");
    if image().is_some() {
        works(&Image::load(&cache(), &lock()).unwrap().unwrap());
    }
}

#[test]
fn the_classes_of_errors_say_who_has_to_act() {
    let (_guard, path) = folder();
    let missing = prepare(&path, &lock(), &no_python()).0.unwrap_err();
    assert_eq!(missing.class(), ErrorClass::Environment);
    let defect = LinkError::Unsupported { library: "libc.so".to_owned(), what: "a start function" };
    assert_eq!(SetupError::from(defect).class(), ErrorClass::Internal);
}

/// A Python that "downloads" something else than the pinned wheel.
#[test]
fn another_wheel_is_refused() {
    let (_guard, path) = folder();
    let python = python_script(&path, &format!("for last; do :; done\necho wrong > \"$last/{WHEEL}\""));
    let error = prepare(&path, &lock(), &python).0.unwrap_err();
    assert!(
        matches!(&error, SetupError::Fetch(FetchError::Mismatch { file, .. }) if file == WHEEL),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::Environment);
    assert_eq!(path.join("downloads").read_dir_utf8().unwrap().count(), 0);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let (_guard, path) = folder();
    let file = path.join("file");
    fs_err::write(&file, "").unwrap();
    let error = prepare(&file.join("cache"), &lock(), &no_python()).0.unwrap_err();
    assert!(matches!(&error, SetupError::Io { path, .. } if path.as_str().contains("file")), "{error}");
}

#[test]
fn a_lock_with_a_mistake_is_refused_with_its_place() {
    let text = lock_text();
    let line_of = |text: &str, part: &str| text[..text.find(part).unwrap()].matches('\n').count() + 1;
    let cases = [
        ("version = 1", "version = 2", "format 2 of this lock is not known"),
        ("cpython = ", "cpyton = ", "unknown field `cpyton`"),
        ("size = 17122694", "size = \"big\"", "invalid type: string"),
        ("kind = \"files\"", "kind = \"folder\"", "unknown variant `folder`"),
        ("blake3 = \"e016464a", "blake3 = \"E016464a", "is not a hash"),
        ("sha256 = \"8623cd8c", "sha256 = \"8623cd8x", "`sha256` is no hash"),
        ("file = \"componentize", "file = \"../componentize", "`file` must be a name"),
        ("[image]", "[image", "unclosed"),
    ];
    for (from, to, message) in cases {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        let error = ImageLock::parse(&changed, "x.lock").unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("x.lock", line_of(&changed, to)), "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.remedy().contains("restore the lockfile"));
        assert!(
            error.to_string().starts_with(&format!("x.lock:{}:{}: ", error.line, error.column)),
            "{error}"
        );
    }
    let missing = text.replacen("license = ", "# ", 1);
    assert!(ImageLock::parse(&missing, "x.lock").unwrap_err().message.contains("license"));
}

#[test]
fn the_identity_follows_the_image() {
    let text = lock_text();
    let other = ImageLock::parse(&text.replace(&pinned_image(), &"1".repeat(64)), "x").unwrap();
    assert_ne!(other.identity(), lock().identity());
    // It does not follow what cannot change a verdict.
    let same = ImageLock::parse(&text.replace("# ", "## "), "another name").unwrap();
    assert_eq!(same.identity(), lock().identity());
}
