//! What the documents promise is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::repository;

/// Crate, and the crates of the workspace that it may depend on.
const ARROWS: [(&str, &[&str]); 11] = [
    ("harness/store", &[]),
    ("harness/claims", &[]),
    ("harness/import", &["assay-claims"]),
    ("harness/flow", &["assay-store"]),
    ("harness/lm", &["assay-fetch", "assay-store"]),
    ("harness/fetch", &["assay-store"]),
    ("sandbox", &["assay-fetch", "assay-store"]),
    ("harness/data", &["assay-sandbox", "assay-store"]),
    ("harness/report", &["assay-claims", "assay-flow", "assay-store"]),
    (
        "harness/study",
        &[
            "assay-claims",
            "assay-data",
            "assay-fetch",
            "assay-flow",
            "assay-import",
            "assay-lm",
            "assay-sandbox",
            "assay-store",
        ],
    ),
    (
        "harness/cli",
        &[
            "assay-claims",
            "assay-data",
            "assay-fetch",
            "assay-flow",
            "assay-import",
            "assay-lm",
            "assay-report",
            "assay-sandbox",
            "assay-store",
            "assay-study",
        ],
    ),
];

#[test]
fn crates_depend_in_one_direction() {
    for (folder, allowed) in ARROWS {
        let manifest = fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
        for line in manifest.lines().filter(|line| line.starts_with("assay-")) {
            let name = line.split('.').next().unwrap();
            assert!(allowed.contains(&name), "{folder} may not depend on {name}");
        }
    }
}

/// What only code about tokens names, wherever it stands in a longer name.
const OF_TOKENS: [&str; 6] =
    ["token_count", "supervised_from", "token_id", "Tokenizer", "character_tokenizer", "vocab_size"];

/// Tokens exist in `lm` alone: no other crate names a token id, a vocabulary's size or the tokenizers' library.
#[test]
fn tokens_are_known_to_the_language_model_alone() {
    for (folder, _) in ARROWS.iter().filter(|(folder, _)| *folder != "harness/lm") {
        let manifest = fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("tokenizers"), "{folder} uses a tokenizer's library");
        for file in rust_files(&repository().join(folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for banned in OF_TOKENS {
                assert!(!text.contains(banned), "{}: {banned}", file.display());
            }
        }
    }
}

/// Files of the study that may name the embedded world, with what they may take from it: `pretrain` learns that world's
/// corpus, and the errors of `data` are told apart by where they come from.
const OF_THE_WORLD: [(&str, &[&str]); 2] = [
    (
        "steps/pretrain.rs",
        &[
            "Corpus",
            "Curriculum",
            "Exclusions",
            "MAX_DOCUMENT_SYMBOLS",
            "Phase",
            "TaskError",
            "WorkedMix",
            "vocabulary",
        ],
    ),
    ("steps/data.rs", &["TaskError"]),
];

/// The study asks what an item is checked by, never which world it is from.
#[test]
fn the_study_matches_on_no_world() {
    let study = repository().join("harness/study/src");
    for file in rust_files(&study) {
        let text = fs::read_to_string(&file).unwrap();
        for banned in ["Source::", "Family::Chain", "DialectSpec", "\"chain2\"", "\"embedded\""] {
            assert!(!names(&text, banned), "{}: {banned}", file.display());
        }
        let allowed = OF_THE_WORLD.iter().find(|(known, _)| study.join(known) == file);
        let allowed = allowed.map(|(_, names)| *names).unwrap_or_default();
        for name in taken_from(&text, "assay_data").filter(|name| *name == "embedded") {
            assert!(!allowed.is_empty(), "{}: {name}", file.display());
        }
        for name in taken_from(&text, "embedded") {
            assert!(allowed.contains(&name), "{}: embedded::{name}", file.display());
        }
    }
}

/// The functions and types that judge, grade or run a program at once. They are public for the tests and benchmarks
/// that compare them with their originals.
const JUDGES_AT_ONCE: [&str; 6] = ["judge", "judge_task", "decide", "Sandbox", "fuzzing", "*"];

/// The explanation of a single sample, and the command that prepares it and measures how much fuel a second is.
const EXCUSED: [&str; 2] = ["cli/src/judge/explain.rs", "cli/src/judge/mod.rs"];

/// Recipes, `assay judge` and `assay grade` judge in one way: no crate but `sandbox` starts a judge or a grader
/// itself.
#[test]
fn there_is_one_judging_path() {
    for folder in ["harness/study", "harness/data", "harness/cli"] {
        for file in rust_files(&repository().join(folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let excused = EXCUSED.iter().any(|known| file.ends_with(known));
            for name in taken_from(&text, "assay_sandbox") {
                assert!(excused || !JUDGES_AT_ONCE.contains(&name), "{}: {name}", file.display());
            }
            // An item is valid if its check accepts its references, which is decided without an interpreter.
            let validates = file.ends_with("data/src/validate.rs");
            if !taken_from(&text, "assay_sandbox").any(|name| name == "grade") {
                continue;
            }
            // The function has the name of its module.
            for name in taken_from(&text, "grade").filter(|name| !(validates && *name == "decide")) {
                assert!(!["grade", "decide", "*"].contains(&name), "{}: grade::{name}", file.display());
            }
        }
    }
}

/// The names that a text takes from a module: what follows `MODULE::`, in braces or not, to any depth.
fn taken_from<'t>(text: &'t str, module: &str) -> impl Iterator<Item = &'t str> {
    let start = format!("{module}::");
    let found: Vec<&str> = text
        .match_indices(&start)
        .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .flat_map(|(at, _)| {
            let rest = &text[at + start.len()..];
            let end = match rest.starts_with('{') {
                true => rest.find(';').unwrap_or(rest.len()),
                false => {
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(rest.len())
                }
            };
            rest[..end].split(|c: char| !c.is_alphanumeric() && c != '_' && c != '*')
        })
        .filter(|name| !name.is_empty())
        .collect();
    found.into_iter()
}

#[test]
fn names_taken_from_a_module_are_found() {
    let found = |text| taken_from(text, "m").collect::<Vec<_>>();
    assert_eq!(found("use m::{a, b::{c}};\nm::d(x); um::e; m::*;"), ["a", "b", "c", "d", "*"]);
}

/// Prints are banned by lints; the environment and the exit are looked for here.
#[test]
fn libraries_do_not_print() {
    for (folder, _) in ARROWS.iter().filter(|(folder, _)| *folder != "harness/cli") {
        for file in rust_files(&repository().join(folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for banned in
                ["println!", "eprintln!", "env::var", "env::set_var", "process::exit", "current_dir()"]
            {
                let found =
                    code.lines().find(|line| line.contains(banned) && !line.trim_start().starts_with("//"));
                assert!(found.is_none(), "{}: {}", file.display(), found.unwrap_or_default());
            }
        }
    }
}

/// Every `crate: test` in ARCHITECTURE.md is a test of that crate.
#[test]
fn invariants_are_held_by_tests_that_exist() {
    let text = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let mut named = 0;
    for quoted in text.split('`').skip(1).step_by(2) {
        let Some((name, test)) = quoted.split_once(": ").filter(|(name, _)| name.starts_with("assay")) else {
            continue;
        };
        let folder = match name {
            "assay" => "tests",
            "assay-sandbox" => "sandbox",
            _ => &format!("harness/{}", name.trim_start_matches("assay-")),
        };
        let defined = format!("fn {test}(");
        let found = rust_files(&repository().join(folder))
            .iter()
            .any(|file| fs::read_to_string(file).unwrap().contains(&defined));
        assert!(found, "ARCHITECTURE.md names `{quoted}`, which is not in {folder}");
        named += 1;
    }
    assert!(named >= 15, "only {named} tests are named");
}

/// The two commands of the README are those that `.ci/run` and this suite use.
#[test]
fn the_readme_has_its_two_commands() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(readme.contains("cargo run --release -- run table-05 --set \"runs.subset=[1,2,3]\"\n"));
    let tests = "cargo test --release --workspace\n";
    assert!(readme.contains(tests));
    assert!(fs::read_to_string(repository().join(".ci/run")).unwrap().contains(tests));
}

/// Whether the text has this name, not as the end of a longer one.
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
