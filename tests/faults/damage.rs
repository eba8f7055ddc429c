//! Damage to every kind of file of a store.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kills::done_again;
use crate::prepared::{GRADE, JUDGE, REPORT, RUN, interrupted, right, run_until_right};
use crate::random::{Random, Tally, trials};
use crate::world::World;

#[test]
fn damaged_files_are_noticed_and_what_they_held_is_made_anew() {
    let mut tally = Tally::default();
    for seed in trials(12) {
        let world = interrupted();
        let mut random = Random::new("damage", seed);
        let (kind, file) = victim(&world, &mut random);
        let how = damage(&file, &mut random);
        let failures = std::panic::catch_unwind(|| {
            let found = recover(&world);
            // Neither has any step of its own: each is made anew from the other.
            if kind.starts_with("index") || kind == "journal" {
                assert_eq!(done_again(&world), Vec::<String>::new());
            }
            found
        });
        match failures {
            Ok(found) => tally.count(format!("{kind} {how}: {found}")),
            Err(error) => {
                let kept = world.path("");
                // The workspace stays, for someone to look at.
                std::mem::forget(world);
                panic!("seed {seed}, {kind} {how}: {file:?} in {kept:?}: {}", message(&*error));
            }
        }
    }
    tally.print("damage");
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

/// Does all work again; it must end in the right bytes. Says who noticed the damage.
fn recover(world: &World) -> &'static str {
    let failures =
        run_until_right(world, &RUN) + run_until_right(world, &JUDGE) + run_until_right(world, &GRADE);
    assert!(world.read(REPORT) == right().report, "the report is another one");
    assert!(world.read("verdicts.jsonl") == right().verdicts, "the verdicts are others");
    assert!(world.read("grades.jsonl") == right().grades, "the grades are others");
    let verified = world.command(&["store", "verify"]).output().unwrap();
    match (verified.status.code(), failures) {
        (Some(0), 0) => "put right or harmless",
        (Some(0), _) => "an error, then put right",
        (Some(3), _) => {
            // What nothing needs any more stays damaged; what a command can repair is repaired by the next one.
            run_until_right(world, &RUN);
            let text = String::from_utf8_lossy(&verified.stdout).into_owned();
            assert!(text.lines().count() > 1, "verify does not say what is damaged");
            let again = world.run(&["store", "verify"]).either_way().stdout();
            assert!(!again.contains("index: ") && !again.contains("journal: "), "{again}");
            "found by verify"
        }
        (code, _) => panic!("verify ended with {code:?}: {}", String::from_utf8_lossy(&verified.stderr)),
    }
}

/// A kind of file, and a file of this kind.
fn victim(world: &World, random: &mut Random) -> (String, PathBuf) {
    let root = world.path(".assay");
    let mut kinds = std::collections::BTreeMap::<String, Vec<PathBuf>>::new();
    let mut pending = vec![root.clone()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let held_by_nobody = ["tmp", "runs", "leases"].iter().any(|name| folder.ends_with(name));
            if path.is_dir() {
                pending.push(path);
            } else if held_by_nobody {
                // Locks, and files of a process that is dead.
            } else {
                kinds.entry(kind(&root, &path)).or_default().push(path);
            }
        }
    }
    let names: Vec<String> = kinds.keys().cloned().collect();
    let kind = random.choice(&names).clone();
    kinds.get_mut(&kind).unwrap().sort();
    let file = random.choice(&kinds[&kind]).clone();
    (kind, file)
}

/// What tells files of a store apart: their folder, and their names in it where these say something.
fn kind(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    if first == "checkpoints" {
        return format!("checkpoint {}", relative.file_name().unwrap().to_string_lossy());
    }
    first
}

/// Damages a file; says how.
fn damage(file: &Path, random: &mut Random) -> &'static str {
    let bytes = fs::read(file).unwrap();
    let length = bytes.len() as u64;
    let ways = ["flipped", "flipped", "flipped", "cut", "removed", "overwritten"];
    let how = *random.choice(&ways);
    // As root or not, a file that is read-only is replaced.
    fs::remove_file(file).unwrap();
    let mut damaged = bytes;
    match how {
        "removed" => return how,
        "cut" => damaged.truncate(random.below(length) as usize),
        "overwritten" => {
            let start = random.below(length) as usize;
            damaged[start..].iter_mut().take(512).for_each(|byte| *byte = 0x55);
        }
        _ if length > 0 => damaged[random.below(length) as usize] ^= 1 << random.below(8),
        _ => damaged.push(1),
    }
    fs::write(file, damaged).unwrap();
    how
}
