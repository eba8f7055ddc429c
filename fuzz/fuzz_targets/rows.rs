//! Bytes as a file of problems and as a file of samples: nothing panics, whatever they are.

#![no_main]

use assay_sandbox::rows::{Extraction, Problems, extract, parse_samples};
use libfuzzer_sys::fuzz_target;

const WAYS: [Extraction; 3] = [Extraction::Assay, Extraction::LiveCodeBench, Extraction::SkyThought];

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let problems = Problems::parse(&text, "problems".into()).unwrap_or_default();
    for id in problems.ids() {
        // An id that is listed is one that is found.
        _ = problems.get(id).unwrap().tests();
    }
    for sample in parse_samples(&text, "samples".into()).unwrap_or_default() {
        assert!(!sample.id.is_empty());
        for problem in problems.ids().filter_map(|id| problems.get(id)) {
            WAYS.map(|how| sample.source.program(problem, how));
        }
    }
    for how in WAYS {
        // A program is never more than what was written.
        assert!(extract(&text, how).is_none_or(|program| program.len() <= text.len()));
    }
});
