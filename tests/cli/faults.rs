//! Damage and refusals of the machine: one clear error with the remedy, or a repair; never a loss.

use std::fs;
use std::path::PathBuf;

use crate::world::World;

/// A damaged object is named, not used, and made anew.
#[test]
fn a_corrupt_object_is_named_and_recomputed() {
    let world = World::finished();
    let report = world.read("reports/tiny/table-05.json");
    // The output of the last step: what every run reads.
    let log = world.run(&["why", "table-05", "--scale", "tiny"]).succeeds().stdout();
    let hash = log.lines().find_map(|line| line.trim().strip_prefix("output ")).unwrap();
    let object = object(&world, hash);
    make_writable(&object);
    let mut bytes = fs::read(&object).unwrap();
    bytes[0] ^= 1;
    fs::write(&object, bytes).unwrap();

    let damaged = world.run(&["store", "verify"]).fails_with(3);
    assert!(damaged.stdout().contains(hash), "{}", damaged.stdout());
    let plan = world.run(&["plan", "table-05", "--scale", "tiny"]).succeeds().stdout();
    assert!(plan.contains("corrupt"), "{plan}");
    assert_eq!(world.executed(&["table-05", "--scale", "tiny"]), ["table-05"]);
    world.run(&["store", "verify"]).succeeds();
    assert_eq!(world.read("reports/tiny/table-05.json"), report);
}

/// An index that is damaged is made anew from its journal: nothing that was finished runs again.
#[test]
fn a_damaged_index_is_made_anew_and_nothing_runs_again() {
    let world = World::finished();
    let report = world.read("reports/tiny/table-05.json");
    let index = world.path(".assay/index.sqlite");
    let mut bytes = fs::read(&index).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].iter_mut().take(8192).for_each(|byte| *byte = 0x55);
    fs::write(&index, bytes).unwrap();
    let verified = world.run(&["store", "verify"]).fails_with(3);
    verified.prints(&["index: "]).says(&["the next command makes it anew from its journal"]);
    world.run(&["runs"]).succeeds().prints(&["table-05"]).says(&[
        "warning",
        "made anew from",
        "corrupt/index-",
    ]);
    assert!(world.executed(&["table-05", "--scale", "tiny"]).is_empty());
    world.run(&["store", "verify"]).succeeds();
    assert_eq!(world.read("reports/tiny/table-05.json"), report);
}

#[test]
fn a_damaged_journal_is_named_and_written_anew() {
    let world = World::finished();
    let journal = world.path(".assay/journal");
    let mut bytes = fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let verified = world.run(&["store", "verify"]).fails_with(3);
    verified.prints(&["journal: "]).says(&["the next run writes it anew"]);
    assert!(world.executed(&["table-05", "--scale", "tiny"]).is_empty());
    world.run(&["store", "verify"]).succeeds();
}

/// Steps that were thought to be cached join those that are counted when their outputs turn out to be damaged.
#[test]
fn no_more_steps_are_done_than_there_are() {
    let world = World::finished();
    for folder in fs::read_dir(world.path(".assay/objects")).unwrap() {
        for object in fs::read_dir(folder.unwrap().path()).unwrap() {
            let object = object.unwrap().path();
            make_writable(&object);
            let mut bytes = fs::read(&object).unwrap();
            bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            fs::write(&object, bytes).unwrap();
        }
    }
    let stderr = world.run(&["run", "table-05", "--scale", "tiny"]).succeeds().stderr();
    let counter = |line: &str| -> Option<(usize, usize)> {
        let (done, total) = line.strip_prefix('[')?.split_once(']')?.0.split_once('/')?;
        Some((done.trim().parse().ok()?, total.parse().ok()?))
    };
    let counted: Vec<(usize, usize)> = stderr.lines().filter_map(counter).collect();
    assert!(counted.len() > 2, "{stderr}");
    assert!(counted.iter().all(|(done, total)| done <= total), "{stderr}");
    let (done, total) = counted[counted.len() - 1];
    assert_eq!((done, total), (counted.len(), counted.len()), "{stderr}");
}

#[test]
fn a_store_of_a_newer_format_is_left_alone() {
    let world = World::finished();
    // The journal says the format too; a damaged format file is restored from it.
    for file in ["format", "journal"] {
        let path = world.path(".assay").join(file);
        let text = fs::read_to_string(&path).unwrap();
        make_writable(&path);
        fs::write(&path, text.replacen("assay-store 3", "assay-store 9", 1)).unwrap();
    }
    world.run(&["run", "table-05", "--scale", "tiny"]).fails_with(3).says(&["newer", "help"]);
    assert!(world.read(".assay/format").contains("assay-store 9"));
}

#[test]
fn a_store_that_cannot_be_made_is_the_environments_fault() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    world.run(&["run", "table-05", "--scale", "tiny", "--store", "file/store"]).fails_with(3).says(&["help"]);
}

#[test]
fn a_changed_checkpoint_is_not_used() {
    let world = World::new();
    let weights = world.path("recipes/models/base-m/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    world.run(&["run", "table-05", "--scale", "tiny"]).fails_with(1).says(&[
        "base-m is not what base.lock says",
        "help",
        "restore",
    ]);
}

#[test]
fn an_image_that_is_not_the_locked_one_is_refused() {
    let world = World::new();
    let lock = "lockfiles/python-image.lock";
    let text = world.read(lock);
    let hash = text.split("[image]").nth(1).and_then(|rest| rest.split('"').nth(1)).unwrap();
    world.edit(lock, hash, &hash.replace(|c: char| c != '0', "0"));
    world.run(&["run", "table-05", "--scale", "tiny"]).fails_with(3).says(&["image", "help"]);
}

fn object(world: &World, hash: &str) -> PathBuf {
    world.path(".assay/objects").join(&hash[..2]).join(&hash[2..])
}

#[expect(clippy::permissions_set_readonly_false, reason = "the test damages a read-only file")]
fn make_writable(path: &std::path::Path) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
}
