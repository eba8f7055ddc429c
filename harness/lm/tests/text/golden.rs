//! Tokenizers of published models, against what the `tokenizers` library for Python gave.
#![expect(clippy::print_stderr, reason = "says that a test was skipped")]

use assay_lm::Tokenizer;
use assay_lm::sample::Stops;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
    decoded: String,
}

/// A folder beside the checkout that not everybody has.
fn folder(name: &str) -> Option<Utf8PathBuf> {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tokenizers").join(name);
    if !folder.exists() {
        eprintln!("skipped: there is no {folder}");
        return None;
    }
    Some(folder)
}

/// The stretch of `length` characters in the middle of a text.
fn middle(text: &str, length: usize) -> String {
    text.chars().skip(text.chars().count().saturating_sub(length) / 2).take(length).collect()
}

#[test]
fn texts_are_encoded_and_decoded_as_published_and_stops_are_found_in_them() {
    for name in ["qwen3", "smollm2"] {
        let Some(folder) = folder(name) else { return };
        let tokenizer = Tokenizer::open(&folder.join("tokenizer.json")).unwrap();
        let rows = std::fs::read_to_string(folder.join("encodings.jsonl")).unwrap();
        let rows: Vec<Row> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
        assert!(rows.len() > 200, "{name}: {}", rows.len());
        for Row { text, ids, decoded } in &rows {
            assert_eq!(&tokenizer.encode(text).unwrap(), ids, "{name}: {text}");
            assert_eq!(&tokenizer.decode(ids).unwrap(), decoded, "{name}: {text}");
            for length in [1, 2, 5, 19] {
                let stop = middle(decoded, length);
                if stop.is_empty() || stop.contains('\u{fffd}') {
                    continue;
                }
                let stops = Stops::new(&tokenizer, std::slice::from_ref(&stop)).unwrap();
                let mut seen = stops.start();
                let mut found = ids.iter().map(|id| stops.push(&mut seen, *id).unwrap());
                let last = found.position(|found| found.is_some()).unwrap();
                let written = tokenizer.decode(&ids[..=last]).unwrap();
                assert!(written.contains(&stop), "{name}: {stop:?} in {text}");
                assert!(
                    !tokenizer.decode(&ids[..last]).unwrap().contains(&stop),
                    "{name}: {stop:?} in {text}"
                );
            }
        }
        assert!(tokenizer.single("<|im_end|>").is_some());
        assert_eq!(tokenizer.single("<|end_of_thought|>"), None);
    }
}
