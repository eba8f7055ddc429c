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

#[test]
fn a_store_of_a_newer_format_is_left_alone() {
    let world = World::finished();
    let format = world.path(".assay/format");
    let text = fs::read_to_string(&format).unwrap();
    make_writable(&format);
    let newer = text.replace(char::is_numeric, "9");
    fs::write(&format, &newer).unwrap();
    world.run(&["run", "table-05", "--scale", "tiny"]).fails_with(3).says(&["newer", "help"]);
    assert_eq!(fs::read_to_string(&format).unwrap(), newer);
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
    let weights = world.path("recipes/models/embedded-base/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    world.run(&["run", "table-05", "--scale", "tiny"]).fails_with(1).says(&[
        "embedded-base is not what base.lock says",
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
