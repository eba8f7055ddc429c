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

    #[test]
    fn every_file_and_group_counts() {
        assert_ne!(of("train", &[]), of("teacher", &[]));
        assert_ne!(of("train", &[LANGUAGE_MODEL]), of("train", &[SANDBOX]));
    }
}
