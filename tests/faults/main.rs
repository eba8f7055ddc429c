//! A campaign of faults: damaged files, kills, full disks, several processes. Each trial ends in the right bytes, or in one
//! clear error and in the right bytes after its remedy.
//!
//! Trials follow from a seed. `ASSAY_FAULT_TRIALS` sets how many each test makes, and `ASSAY_FAULT_SEED` the first seed; a
//! failed trial names its own. docs/reliability.md has the numbers of a long campaign.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../cli/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the commands")]
mod world;

mod damage;
mod disks;
mod kills;
mod prepared;
mod processes;
mod random;
