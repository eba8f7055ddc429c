//! Fingerprints of the code behind each step kind.
//!
//! A step's key holds a fingerprint of the code that implements it, so that a changed implementation never
//! passes for a cached result. A group is a set of source files; its fingerprint is the hash of their code
//! without comments and blank lines, so that a better comment reruns nothing. The locked versions of the
//! libraries that do the arithmetic or run the programs count as code.

use std::fs;
use std::path::{Path, PathBuf};

struct Group {
    name: &'static str,
    paths: &'static [&'static str],
    /// Parts of the paths that no step uses.
    except: &'static [&'static str],
    packages: &'static [&'static str],
}

const GROUPS: &[Group] = &[
    Group {
        name: "LANGUAGE_MODEL",
        paths: &["../lm/src"],
        except: &[],
        packages: &["candle-core", "gemm", "pulp", "rand_chacha", "tokenizers"],
    },
    Group {
        name: "SANDBOX",
        paths: &["../../sandbox/src", "../../sandbox/guest"],
        // Steps run programs and compare; they read no benchmark's files, ask no other judge and start no
        // workers.
        except: &[
            "../../sandbox/guest/grade.py",
            "../../sandbox/src/calibrate.rs",
            "../../sandbox/src/grade",
            "../../sandbox/src/judges",
            "../../sandbox/src/pool",
            "../../sandbox/src/rows",
        ],
        packages: &["wasmtime"],
    },
    Group { name: "TASKS", paths: &["src/tasks"], except: &[], packages: &["rand_chacha"] },
    Group { name: "INFERENCE", paths: &["src/inference"], except: &[], packages: &["statrs"] },
    Group { name: "TABLE", paths: &["src/table"], except: &[], packages: &[] },
    Group {
        name: "SHARED",
        // What step files use of each other; `every_borrowed_file_is_shared` keeps the list complete.
        paths: &[
            "src/records.rs",
            "src/steps/data.rs",
            "src/steps/kind.rs",
            "src/steps/mod.rs",
            "src/steps/rows.rs",
            "src/steps/sampling.rs",
            "src/steps/train.rs",
            "src/steps/weights.rs",
        ],
        except: &[],
        packages: &[],
    },
];

/// Each file here implements step kinds of its own and gets its own fingerprint, keyed by file name.
const STEP_FILES: &str = "src/steps";

fn main() -> std::io::Result<()> {
    let mut generated = String::new();
    let lock = fs::read_to_string("../../Cargo.lock")?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    for group in GROUPS {
        let mut files = Vec::new();
        for path in group.paths {
            println!("cargo::rerun-if-changed={path}");
            collect(Path::new(path), &mut files)?;
        }
        for path in group.except {
            assert!(Path::new(path).exists(), "{path}, which is left out of a fingerprint, does not exist");
        }
        files.retain(|file| !group.except.iter().any(|path| file.starts_with(path)));
        files.sort();
        let versions: Vec<String> =
            group.packages.iter().map(|package| locked_version(&lock, package)).collect();
        let fingerprint = fingerprint(&files, &versions)?;
        generated.push_str(&format!("pub(crate) const {}: &str = \"{fingerprint}\";\n", group.name));
    }
    println!("cargo::rerun-if-changed={STEP_FILES}");
    let mut files = Vec::new();
    collect(Path::new(STEP_FILES), &mut files)?;
    files.sort();
    generated.push_str("pub(crate) const STEP_FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        generated.push_str(&format!("    (\"{name}\", \"{}\"),\n", fingerprint(&[file], &[])?));
    }
    generated.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("fingerprints.rs"), generated)
}

fn fingerprint(files: &[PathBuf], versions: &[String]) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.to_string_lossy().as_bytes()).update(&[0]);
        let text = fs::read_to_string(file)?;
        let rust = file.extension().is_some_and(|extension| extension == "rs");
        hasher.update(if rust { code_only(&text) } else { text }.as_bytes()).update(&[0]);
    }
    for version in versions {
        hasher.update(version.as_bytes()).update(&[0]);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.extension().is_some_and(|extension| ["rs", "py", "wit"].iter().any(|e| extension == *e)) {
        files.push(path.to_owned());
    }
    Ok(())
}

/// The file without whole-line `//` comments (doc comments too) and blank lines, up to its unit tests.
fn code_only(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]").next().unwrap_or(text);
    code.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// `name version checksum` of a package in `Cargo.lock`, for every version that is locked.
fn locked_version(lock: &str, package: &str) -> String {
    lock.split("[[package]]")
        .filter(|entry| entry.lines().any(|line| line == format!("name = \"{package}\"")))
        .flat_map(|entry| {
            entry.lines().filter(|line| line.starts_with("version") || line.starts_with("checksum"))
        })
        .collect::<Vec<_>>()
        .join("\n")
}
