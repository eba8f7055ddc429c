//! Benchmarks, each against what it is compared with in the same run.
