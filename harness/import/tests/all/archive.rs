//! Logs of Inspect, as archives and as JSON.

use assay_import::{Format, Options, read_log};
use serde_json::{Value, json};

use crate::support::{Folder, samples};

/// How an entry is packed.
#[derive(Clone, Copy)]
enum Packed {
    Stored,
    Deflate,
    /// In two frames.
    Zstandard,
}

/// An archive with these entries, built byte by byte (PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16).
fn archive(entries: &[(&str, String)], packed: Packed) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in entries {
        let raw = text.as_bytes();
        let (method, data): (u16, Vec<u8>) = match packed {
            Packed::Stored => (0, raw.to_vec()),
            Packed::Deflate => (8, miniz_oxide::deflate::compress_to_vec(raw, 6)),
            Packed::Zstandard => {
                let frame = |part: &[u8]| {
                    ruzstd::encoding::compress_to_vec(part, ruzstd::encoding::CompressionLevel::Fastest)
                };
                let (first, second) = raw.split_at(raw.len() / 2);
                (93, [frame(first), frame(second)].concat())
            }
        };
        let mut common = Vec::new();
        for half in [20u16, 0, method, 0, 0x21] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc32fast::hash(raw), data.len() as u32, raw.len() as u32] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        let offset = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(&data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, entries.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    for half in [count, count] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [directory.len() as u32, start] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0; 2]);
    bytes
}

fn header() -> Value {
    json!({
        "version": 2, "status": "success",
        "eval": {
            "task": "tests/birds", "model": "a/b", "created": "2026-01-01T00:00:00",
            "dataset": { "name": "birds", "samples": 2 }, "config": { "epochs": 2 },
        },
        "results": { "scores": [{ "metrics": { "accuracy": { "value": "NaN" } } }] },
    })
}

fn sample(id: Value, epoch: u32, score: Value) -> Value {
    json!({ "id": id, "epoch": epoch, "input": "?", "target": "3", "scores": { "match": { "value": score, "answer": "N" } } })
}

/// Two questions with two epochs; one sample ended with an error, one has no score.
fn four() -> Vec<Value> {
    let mut failed = sample(json!(2), 2, json!("I"));
    failed["error"] = json!({ "message": "boom" });
    vec![
        sample(json!("a"), 1, json!("C")),
        sample(json!("a"), 2, json!("I")),
        sample(json!(2), 1, json!("not")),
        failed,
    ]
}

/// JSON as Inspect writes it, with a bare NaN.
fn text(value: &Value) -> String {
    value.to_string().replace("\"not\"", "NaN").replace("\"NaN\"", "NaN")
}

fn entries(header: &Value, samples: &[Value]) -> Vec<(&'static str, String)> {
    let names = [
        "samples/a_epoch_1.json",
        "samples/a_epoch_2.json",
        "samples/2_epoch_1.json",
        "samples/2_epoch_2.json",
    ];
    let mut entries = vec![("_journal/start.json", "{}".to_owned())];
    entries.extend(names.into_iter().zip(samples.iter().map(text)));
    entries.push(("summaries.json", text(&json!(samples))));
    entries.push(("header.json", text(header)));
    entries
}

const FOUR: [&str; 4] = ["a 0 1", "a 1 0", "2 0 ? not-a-number", "2 1 ? error"];

#[test]
fn archives_are_read_however_they_are_packed() {
    for packed in [Packed::Stored, Packed::Deflate, Packed::Zstandard] {
        let log = Folder::new().read("log.eval", archive(&entries(&header(), &four()), packed)).unwrap();
        assert_eq!((log.format, samples(&log)), (Format::Inspect, FOUR.map(String::from).to_vec()));
        assert_eq!((log.model.as_deref(), log.metric.as_deref()), (Some("a/b"), Some("match")));
        assert_eq!((log.declared_questions, log.declared_samples), (Some(2), Some(2)));
    }
}

#[test]
fn samples_are_read_one_by_one_without_summaries_or_where_some_are_withdrawn() {
    let mut all = entries(&header(), &four());
    all.retain(|(name, _)| *name != "summaries.json");
    let log = Folder::new().read("log.eval", archive(&all, Packed::Deflate)).unwrap();
    let mut expected = FOUR.map(String::from).to_vec();
    expected.sort();
    assert_eq!(samples(&log), expected);

    let (mut header, mut withdrawn) = (header(), four());
    header["invalidated"] = json!(true);
    withdrawn[0]["invalidation"] = json!({ "author": "x" });
    let log =
        Folder::new().read("log.eval", archive(&entries(&header, &withdrawn), Packed::Deflate)).unwrap();
    assert!(samples(&log).contains(&"a 0 ? invalidated".to_owned()));
}

#[test]
fn a_log_in_json_is_the_same() {
    let mut log = header();
    log["samples"] = json!(four());
    let log = Folder::new().read("log.json", text(&log)).unwrap();
    assert_eq!(samples(&log), FOUR);
}

#[test]
fn values_of_inspect_are_fractions() {
    let values = ["C", "I", "P", "N", "yes", "False", "0.25"].map(Value::from);
    let all: Vec<Value> = (1..).zip(values).map(|(epoch, value)| sample(json!("a"), epoch, value)).collect();
    let mut log = header();
    log["samples"] = json!(all);
    let log = Folder::new().read("log.json", log.to_string()).unwrap();
    let scores: Vec<String> = samples(&log).iter().map(|line| line[4..].to_owned()).collect();
    assert_eq!(scores, ["1", "0", "0.5", "0", "1", "0", "0.25"]);
}

#[test]
fn several_scorers_need_a_choice_and_parts_have_names() {
    let mut one = sample(json!("a"), 1, json!("C"));
    one["scores"]["judge"] = json!({ "value": { "tone": 0.5, "facts": 1 } });
    let mut log = header();
    log["samples"] = json!([one]);
    let folder = Folder::new();
    assert_eq!(
        folder.refusal("log.json", log.to_string()),
        "log.json has several metrics: `judge/facts`, `judge/tone`, `match`"
    );
    let options = Options { metric: Some("judge/tone".to_owned()), ..Options::default() };
    assert_eq!(samples(&read_log(&folder.path("log.json"), &options).unwrap()), ["a 0 0.5"]);
}

#[test]
fn broken_archives_are_refused() {
    let folder = Folder::new();
    let whole = archive(&entries(&header(), &four()), Packed::Deflate);
    for length in [whole.len() - 1, whole.len() / 2, 30, 2] {
        let message = folder.refusal("log.eval", &whole[..length]);
        assert!(message.starts_with("log.eval: "), "{message}");
    }
    // One byte of an entry, one bit.
    let at = whole.windows(11).position(|window| window == b"header.json").unwrap() + 20;
    let mut flipped = whole.clone();
    flipped[at] ^= 1;
    assert!(folder.refusal("log.eval", &flipped).starts_with("log.eval!header.json: the entry "));

    for name in ["../evil.json", "/etc/evil.json", "samples/../../evil.json", "..\\evil.json"] {
        let mut all = entries(&header(), &four());
        all.push((name, "{}".to_owned()));
        let message = folder.refusal("log.eval", archive(&all, Packed::Stored));
        assert_eq!(message, format!("log.eval: the path of entry `{name}` leads out of the archive"));
    }
}

#[test]
fn logs_that_did_not_end_or_are_of_another_version_are_refused() {
    let folder = Folder::new();
    let with = |key: &str, value: Value| {
        let mut header = header();
        header[key] = value;
        archive(&entries(&header, &four()), Packed::Deflate)
    };
    let mut without = entries(&header(), &four());
    without.pop();
    let mut fewer = entries(&header(), &four());
    fewer.remove(1);
    let cases = [
        (with("version", json!(3)), "log.eval!header.json: the log has version 3 of its format"),
        (with("status", json!("started")), "log.eval!header.json: the evaluation has not ended"),
        (archive(&without, Packed::Stored), "log.eval: the archive has no header.json"),
        (
            archive(&fewer, Packed::Stored),
            "log.eval!summaries.json: lists 4 samples, but the archive holds 3",
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(folder.refusal("log.eval", bytes), message);
    }
}
