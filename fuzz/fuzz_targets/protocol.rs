//! Bytes as what a guest or a worker answers: replies, values, output, lines.

#![no_main]

use assay_sandbox::{fuzzing, same_json, same_output};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fuzzing::reply(bytes, false, 8);
    fuzzing::reply(bytes, true, usize::MAX);

    if let Some(line) = fuzzing::line(bytes) {
        assert_eq!(fuzzing::line(line.as_bytes()), Some(line));
    }
    let most = bytes.len() % 3;
    assert!(fuzzing::results(bytes, most) <= most);

    let text = String::from_utf8_lossy(bytes);
    fuzzing::lock(&text);
    let mut texts = text.splitn(3, '\0');
    let [a, b, c] = [(); 3].map(|()| texts.next().unwrap_or_default());
    values(a);
    assert!(same_output(a, a));
    // A key that occurs twice may be in the expected value only.
    let rules: [fn(&str, &str) -> bool; 2] = [same_output, same_json];
    for same in &rules[..if text.contains('{') { 1 } else { 2 }] {
        assert_eq!(same(a, b), same(b, a));
        assert!(!(same(a, b) && same(b, c)) || same(a, c));
    }
});

/// What another reader of JSON reads is read here, as the same value; what it does not read is refused here,
/// but for what Python's JSON has beyond the standard.
fn values(text: &str) {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => {
            assert!(same_json(text, text));
            // Beyond 64 bits the other reader is not exact.
            let digits = |run: &str| run.len() < 19;
            if text.split(|letter: char| !letter.is_ascii_digit()).all(digits) {
                assert!(same_json(text, &value.to_string()));
            }
        }
        Err(error) => {
            let message = error.to_string();
            let python = ["NaN", "Infinity", "\\u"].iter().any(|more| text.contains(more))
                || message.starts_with("number out of range")
                || message.starts_with("recursion limit exceeded");
            assert!(python || !same_json(text, text), "{message}");
        }
    }
}
