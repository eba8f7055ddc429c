//! Fingerprints of the code behind each step kind, computed when the crate is built (see `build.rs`).

use assay_store::{Hash, Hasher};

include!(concat!(env!("OUT_DIR"), "/fingerprints.rs"));

/// The fingerprint of a step kind implemented in `src/steps/FILE.rs` on top of the given groups of code.
///
/// The helpers shared by all steps always count.
pub(crate) fn of(file: &str, groups: &[&str]) -> Hash {
    let own = STEP_FILES.iter().find(|(name, _)| *name == file).map_or("", |(_, fingerprint)| fingerprint);
    let mut hasher = Hasher::new("assay step code 1");
    hasher.str("file", own).str("shared", SHARED);
    for group in groups {
        hasher.str("group", group);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `use super::NAME` in a step file makes NAME part of the step's code.
    #[test]
    fn every_borrowed_file_is_shared() {
        let steps = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/steps");
        let build = include_str!("../build.rs");
        let mut borrowed = 0;
        for entry in std::fs::read_dir(steps).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            for line in text.lines().filter_map(|line| line.strip_prefix("use super::")) {
                let file = line.split(':').next().unwrap_or_default();
                assert!(build.contains(&format!("\"src/steps/{file}.rs\"")), "{file}.rs is not in SHARED");
                borrowed += 1;
            }
        }
        assert!(borrowed > 10);
    }

    #[test]
    fn every_file_and_group_counts() {
        assert_ne!(of("train", &[]), of("teacher", &[]));
        assert_ne!(of("train", &[LANGUAGE_MODEL]), of("train", &[SANDBOX]));
    }
}
