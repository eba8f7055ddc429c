//! Bytes as a file of problems and as a file of samples: nothing panics, whatever they are. Bytes as an
//! argument of a call: it stays what it is.

#![no_main]

use assay_sandbox::rows::{Extraction, Problems, Tests, extract, parse_samples};
use assay_sandbox::same_json;
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
            _ = WAYS.map(|how| sample.source.program(problem, how));
        }
    }
    for how in WAYS {
        // A program is never more than what was written.
        assert!(extract(&text, how).is_none_or(|program| program.len() <= text.len()));
    }
    if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
        argument(&text);
    }
});

/// A row with one call in the form of APPS, whose argument is this JSON.
fn argument(text: &str) {
    let tests = format!(r#"{{"fn_name": "f", "inputs": [[{text}]], "outputs": [0]}}"#);
    let row = serde_json::json!({ "input_output": tests }).to_string();
    let problems = Problems::parse(&row, "problems".into()).unwrap();
    // The row nests it deeper, perhaps too deep.
    if let Ok(Tests::Calls { cases, .. }) = problems.get("1").unwrap().tests() {
        assert_eq!(cases[0].input.lines().count(), 1);
        assert!(same_json(text, &cases[0].input));
    }
}
