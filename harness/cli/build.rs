//! Hashes the source that this program is made from: what makes a report names the version of what a report is made with.
//!
//! Reports that were composed by the same source from the same artefacts are the same bytes, so that they need not be
//! composed again. All source counts, not only that of reports: what is left out by mistake would show an old report.

use std::env;
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// From here to the repository's root.
const ROOT: &str = "../..";

/// The versions of all packages, and how they are built.
const WORKSPACE: [&str; 2] = ["Cargo.lock", "Cargo.toml"];

/// What the program is not made from.
const OTHERS: [&str; 3] = ["tests", "target", "__pycache__"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(ROOT);
    let mut files: Vec<PathBuf> = WORKSPACE.iter().map(|file| root.join(file)).collect();
    let mut crates = entries(&root.join("harness"))?;
    crates.push(root.join("sandbox"));
    for part in crates.into_iter().filter(|part| part.is_dir()) {
        // Not the crate's own folder: its time moves with its tests.
        entries(&part)?.iter().try_for_each(|path| collect(path, &mut files))?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    Command::new(env::var("RUSTC")?).arg("-vV").output()?.stdout.hash(&mut hasher);
    env::var("TARGET")?.hash(&mut hasher);
    for file in &files {
        file.hash(&mut hasher);
        fs::read(file)?.hash(&mut hasher);
        println!("cargo::rerun-if-changed={}", file.display());
    }
    println!("cargo::rustc-env=ASSAY_SOURCE={:016x}", hasher.finish());
    Ok(())
}

/// The files at or below a path.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    // Files that are added or removed change the time of the folder.
    println!("cargo::rerun-if-changed={}", path.display());
    entries(path)?.iter().try_for_each(|path| collect(path, files))
}

/// What is in a folder, but for what the program is not made from.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    // What starts with a dot is an editor's or the system's.
    let hidden = |path: &Path| path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let of_program = |path: &PathBuf| !hidden(path) && !OTHERS.iter().any(|name| path.ends_with(name));
    Ok(paths.collect::<io::Result<Vec<_>>>()?.into_iter().filter(of_program).collect())
}
