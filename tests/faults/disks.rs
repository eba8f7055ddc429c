//! Full disks: small file systems in memory, where they can be mounted.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::prepared::{REPORT, RUN, finished, fresh, make_old, right};
use crate::random::{Random, Tally, trials};
use crate::world::{World, copy};

/// A small file system in a folder, unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, said on standard error, where this user cannot mount.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn mount(folder: PathBuf, kibibytes: u64) -> Option<Self> {
        fs::create_dir_all(&folder).unwrap();
        let size = format!("size={kibibytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: this user cannot mount a small file system");
        None
    }

    fn resize(&self, kibibytes: u64) {
        let size = format!("remount,size={kibibytes}k");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }

    /// Takes all the room that is left, to the last byte.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; size]).is_ok() {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_is_named_and_with_more_room_the_run_goes_on() {
    let mut tally = Tally::default();
    let right = right();
    for seed in trials(3) {
        let world = fresh();
        let mut random = Random::new("disks", seed);
        let Some(disk) = Disk::mount(world.path(".assay"), 300 + random.below(6000)) else { return };
        let output = world.command(&RUN).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            let code = output.status.code();
            assert!(matches!(code, Some(1 | 3)), "seed {seed}: {code:?}\n{error}");
            assert!(error.contains("no space left") && error.contains("help"), "seed {seed}: {error}");
        }
        tally.count(format!("ended with {:?}", output.status.code()));
        disk.resize(200_000);
        world.run(&RUN).succeeds();
        assert!(world.read(REPORT) == right.report, "seed {seed}: the report is another one");
        world.run(&["store", "verify"]).succeeds();
    }
    tally.print("disks");
}

#[test]
fn collection_works_on_a_disk_that_is_full_to_the_last_byte() {
    let world: World = fresh();
    let Some(disk) = Disk::mount(world.path(".assay"), 100_000) else { return };
    copy(&finished().path(".assay"), &world.path(".assay"));
    // Another value gives results that replace those of the first, which are then garbage.
    world.run(&["run", "table-05", "--scale", "tiny"]).succeeds();
    make_old(&world);
    disk.fill();
    let full = world.run(&["run", "table-05", "--scale", "tiny", "--set", "reasoner.epochs=3"]);
    full.fails_with(3).says(&["no space left", "store gc"]);
    world.run(&["store", "gc", "--yes"]).succeeds().prints(&["deleted"]);
    fs::remove_file(world.path(".assay/filler")).unwrap();
    world.run(&["store", "verify"]).succeeds();
    world.run(&["run", "table-05", "--scale", "tiny", "--set", "reasoner.epochs=3"]).succeeds();
}
