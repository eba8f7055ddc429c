//! What a machine has too little of, or does not allow: space, files of a size, a store that can be written. A command goes
//! on where that loses nothing, else it ends with one clear error.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::world::{Finished, World, copy};

const JUDGE: [&str; 5] = ["judge", "problems.jsonl", "samples.jsonl", "--out", "out.jsonl"];
const GRADE: [&str; 4] = ["grade", "rows.jsonl", "--out", "out.jsonl"];
const RUN: [&str; 4] = ["run", "table-05", "--scale", "tiny"];
const SAMPLES: usize = 40;

fn fill(world: World) -> World {
    fs::write(world.path("problems.jsonl"), r#"{"id": "sum", "tests": [{"input": "1 2", "output": "3"}]}"#)
        .unwrap();
    let sample = |n: usize| {
        let code = format!("print({n} - {n} + 3)");
        format!("{}\n", json!({ "sample_id": n.to_string(), "question_id": "sum", "code": code }))
    };
    fs::write(world.path("samples.jsonl"), (0..SAMPLES).map(sample).collect::<String>()).unwrap();
    let row = |n: usize| {
        format!("{}\n", json!({ "id": n, "gold": format!("$x+{n}$"), "prediction": format!("${n}+x$") }))
    };
    fs::write(world.path("rows.jsonl"), (0..SAMPLES).map(row).collect::<String>()).unwrap();
    world
}

/// The lines of the file of results.
fn results(world: &World) -> usize {
    fs::read_to_string(world.path("out.jsonl")).map_or(0, |text| text.lines().count())
}

pub(crate) fn one_error(ended: &Finished) {
    let stderr = ended.stderr();
    assert_eq!(stderr.matches("error: ").count(), 1, "{stderr}");
    assert!(stderr.contains("help: ") && !stderr.contains("panicked"), "{stderr}");
}

/// A disk of its own, of this size, with everything in a folder on it; gone when it is dropped. Only the superuser can
/// have one.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(crate) fn new(folder: PathBuf, size: &str) -> Option<Self> {
        let before = folder.with_extension("before");
        if folder.exists() {
            fs::rename(&folder, &before).unwrap();
        }
        fs::create_dir(&folder).unwrap();
        let size = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&folder).output();
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            eprintln!("skipped: only the superuser can mount a disk at {}", folder.display());
            return None;
        }
        let disk = Self { folder };
        if before.exists() {
            copy(&before, &disk.folder);
        }
        Some(disk)
    }

    pub(crate) fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        assert!(Command::new("mount").args(["-o", &how]).arg(&self.folder).status().unwrap().success());
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::create(self.folder.join("filling")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

/// Nothing can be kept in a store that cannot be written, and nothing of the results is lost by that.
#[test]
fn judging_and_grading_go_on_with_a_store_that_cannot_be_written() {
    let world = fill(World::new());
    world.run(&["store", "stats"]).either_way();
    let rows = world.read("samples.jsonl");
    let first = rows.lines().next().unwrap();
    fs::write(world.path("first.jsonl"), first).unwrap();
    world.run(&["judge", "problems.jsonl", "first.jsonl"]).succeeds();
    let Some(disk) = Disk::new(world.path(".assay"), "64m") else { return };
    disk.remount("ro");
    for arguments in [&JUDGE[..], &GRADE] {
        _ = fs::remove_file(world.path("out.jsonl"));
        let ended = world.run(arguments).succeeds().says(&["warning: ", "are not kept"]);
        assert_eq!(ended.stderr().matches("warning").count(), 1, "{}", ended.stderr());
        assert_eq!(results(&world), SAMPLES);
    }
    // What the store knows is used all the same, and nothing is to be said where all is known.
    let known = world.run(&["judge", "problems.jsonl", "first.jsonl"]).succeeds().says(&["1 known"]);
    assert!(!known.stderr().contains("warning"), "{}", known.stderr());
}

#[test]
fn judging_and_grading_go_on_with_a_store_that_fills_up() {
    let world = fill(World::new());
    world.run(&["judge", "problems.jsonl", "samples.jsonl"]).succeeds();
    for arguments in [&JUDGE[..], &GRADE] {
        let Some(disk) = Disk::new(world.path("store"), "8m") else { return };
        world.run(&["judge", "problems.jsonl", "samples.jsonl", "--store", "store"]).succeeds();
        disk.fill();
        let arguments = [arguments, &["--store", "store", "--fuel", "7000000000"]].concat();
        let ended = world.run(&arguments).succeeds().says(&["warning: ", "are not kept"]);
        assert_eq!(ended.stderr().matches("warning").count(), 1, "{}", ended.stderr());
        assert_eq!(results(&world), SAMPLES);
        fs::remove_file(world.path("out.jsonl")).unwrap();
        drop(disk);
        fs::remove_dir(world.path("store")).unwrap();
    }
}

/// A run that has nothing to do needs no store that can be written, and its report goes where it can.
#[test]
fn a_cached_run_prints_and_writes_its_report_from_a_store_that_cannot_be_written() {
    let world = World::finished();
    let report = world.read("reports/tiny/table-05.json");
    let printed = world.run(&RUN).succeeds().stdout();
    let Some(disk) = Disk::new(world.path(".assay"), "256m") else { return };
    disk.remount("ro");
    fs::remove_dir_all(world.path("reports/tiny")).unwrap();
    assert_eq!(world.run(&RUN).succeeds().stdout(), printed);
    assert_eq!(world.read("reports/tiny/table-05.json"), report);
    world.run(&[&RUN[..], &["--out", "elsewhere"]].concat()).succeeds();
    assert_eq!(world.read("elsewhere/table-05.json"), report);
    // Where reports go cannot be written either: it is printed.
    let reports = Disk::new(world.path("reports"), "64m").unwrap();
    fs::remove_dir_all(world.path("reports/tiny")).unwrap();
    reports.remount("ro");
    let alone = world.run(&RUN).succeeds().says(&["warning", "printed alone"]).stdout();
    assert!(alone.lines().count() > 10, "{alone}");
    // What would have to run cannot.
    let refused = world.run(&[&RUN[..], &["--set", "evaluation.samples=3"]].concat()).fails_with(3);
    one_error(&refused);
}

/// Every command that has to write ends with one error of the environment.
#[test]
fn a_disk_that_is_full_to_the_last_byte_is_the_environments_fault() {
    let world = fill(World::finished());
    let Some(disk) = Disk::new(world.path("disk"), "1m") else { return };
    disk.fill();
    let commands: [&[&str]; 8] = [
        &["run", "table-05", "--scale", "tiny", "--store", "disk/store"],
        &["plan", "table-05", "--scale", "tiny", "--store", "disk/store"],
        &["run", "table-05", "--scale", "tiny", "--out", "disk/reports"],
        &["judge", "problems.jsonl", "samples.jsonl", "--out", "disk/out.jsonl", "--store", "none"],
        &["grade", "rows.jsonl", "--out", "disk/out.jsonl", "--store", "none"],
        &["judge", "problems.jsonl", "samples.jsonl", "--images", "disk/images"],
        &["report", "reports/tiny/table-05.json", "--html", "disk/page.html"],
        &["report", "--all", "--from", "reports/tiny"],
    ];
    let reports = Disk::new(world.path("reports"), "64m").unwrap();
    reports.fill();
    for arguments in commands {
        one_error(&world.run(arguments).fails_with(3));
    }
    assert!(!world.path("none").exists(), "there was work before the results' place was looked at");
}

/// A limit on the size of files is an error like a full disk, and never ends a command by a signal.
#[test]
fn a_limit_on_the_size_of_files_is_the_environments_fault() {
    let world = fill(World::finished());
    for blocks in ["0", "16", "128", "512", "4096"] {
        for arguments in [&JUDGE[..], &GRADE, &RUN, &[&RUN[..], &["--set", "evaluation.samples=3"]].concat()]
        {
            _ = fs::remove_file(world.path("out.jsonl"));
            let ended = world.command_after(&format!("ulimit -f {blocks}"), arguments).output().unwrap();
            let (code, stderr) = (ended.status.code(), String::from_utf8_lossy(&ended.stderr));
            assert!(matches!(code, Some(0 | 3)), "{blocks} {arguments:?}: {code:?}\n{stderr}");
            assert!(!stderr.contains("panicked"), "{blocks} {arguments:?}\n{stderr}");
            assert_eq!(code == Some(3), stderr.contains("error"), "{blocks} {arguments:?}\n{stderr}");
            if code == Some(0) && arguments.contains(&"out.jsonl") {
                assert_eq!(results(&world), SAMPLES, "{blocks} {arguments:?}\n{stderr}");
            }
        }
    }
}

/// A limit on memory is told as one, whatever it is that does not fit: threads, the store, or the work.
#[test]
fn a_limit_on_memory_is_the_environments_fault() {
    let world = fill(World::finished());
    for kib in [100_000, 150_000, 200_000, 300_000, 400_000] {
        let arguments = [&RUN[..], &["--set", "evaluation.samples=3"]].concat();
        let ended = world.command_after(&format!("ulimit -v {kib}"), &arguments).output().unwrap();
        let (code, stderr) = (ended.status.code(), String::from_utf8_lossy(&ended.stderr));
        assert!(matches!(code, Some(0 | 3)), "{kib}: {code:?}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{kib}\n{stderr}");
        assert_eq!(code == Some(3), stderr.contains("error: "), "{kib}\n{stderr}");
    }
}
