//! Facts about the machine and the set-up.

use std::collections::BTreeMap;

/// Facts about the machine and the set-up that can change results, by name: `isa`, `sandbox-image`.
pub type Facts = BTreeMap<String, String>;
