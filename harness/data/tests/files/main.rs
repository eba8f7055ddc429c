//! Items and demonstrations from files and from the embedded world, and what becomes of bad ones.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod judging;
mod published;
mod refused;
mod schema;
mod sources;
mod verdicts;

use assay_data::Item;
use camino::Utf8PathBuf;
use serde_json::{Value, json};

/// A workspace of this test, with these files in it.
pub(crate) fn workspace(test: &str, files: &[(&str, &[u8])]) -> Utf8PathBuf {
    let folder = Utf8PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs_err::create_dir_all(folder.join("data")).unwrap();
    for (name, bytes) in files {
        fs_err::write(folder.join(name), bytes).unwrap();
    }
    folder
}

pub(crate) fn item(check: Value, references: &[&str]) -> Value {
    json!({"id": "q1", "benchmark": "b", "question": "What?", "references": references, "check": check})
}

pub(crate) fn parsed(item: Value) -> Item {
    serde_json::from_value(item).unwrap()
}
