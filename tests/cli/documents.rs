//! What the documents promise is there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::repository;

/// Crate, and the crates of the workspace that it may depend on.
const ARROWS: [(&str, &[&str]); 10] = [
    ("harness/store", &[]),
    ("harness/claims", &[]),
    ("harness/import", &["assay-claims"]),
    ("harness/flow", &["assay-store"]),
    ("harness/lm", &["assay-store"]),
    ("sandbox", &["assay-store"]),
    ("harness/data", &["assay-sandbox", "assay-store"]),
    ("harness/report", &["assay-claims", "assay-flow", "assay-store"]),
    (
        "harness/study",
        &[
            "assay-claims",
            "assay-data",
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

/// Tokens exist in `lm` alone: no other crate names a token id, a vocabulary's size or the tokenizers' library.
#[test]
fn tokens_are_known_to_the_language_model_alone() {
    for (folder, _) in ARROWS.iter().filter(|(folder, _)| *folder != "harness/lm") {
        let manifest = fs::read_to_string(repository().join(folder).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("tokenizers"), "{folder} uses a tokenizer's library");
        for file in rust_files(&repository().join(folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for banned in ["token_count", "supervised_from", "token_id"] {
                assert!(!names(&text, banned), "{}: {banned}", file.display());
            }
        }
    }
}

/// The study asks what an item is checked by, never which world it is from.
#[test]
fn the_study_matches_on_no_world() {
    for file in rust_files(&repository().join("harness/study/src")) {
        let text = fs::read_to_string(&file).unwrap();
        for banned in ["Source::", "Family::Chain", "DialectSpec", "\"chain2\"", "\"embedded\""] {
            assert!(!names(&text, banned), "{}: {banned}", file.display());
        }
    }
}

/// Recipes, `assay judge` and `assay grade` judge in one way: no crate but `sandbox` starts a judge itself, but
/// for the explanation of a single sample.
#[test]
fn there_is_one_judging_path() {
    for folder in ["harness/study", "harness/data", "harness/cli"] {
        for file in rust_files(&repository().join(folder).join("src")) {
            if file.ends_with("judge/explain.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            for banned in ["judge_task", "judge_runs", "judge_until_failure", "Sandbox::new"] {
                let calibrates = banned == "Sandbox::new" && file.ends_with("cli/src/judge/mod.rs");
                assert!(!names(&text, banned) || calibrates, "{}: {banned}", file.display());
            }
        }
    }
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
            "assay" => "tests/cli",
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
    assert!(readme.contains("cargo run --release -- run table-05\n"));
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
