//! Bad files.

use assay_data::{DataError, Fault, read_items};
use assay_store::ErrorClass;
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::{item, workspace};

fn error(test: &str, bytes: &[u8]) -> DataError {
    let folder = workspace(test, &[("data/items.jsonl", bytes)]);
    read_items(&folder.join("data/items.jsonl"), Utf8Path::new("data/items.jsonl")).unwrap_err()
}

/// An error of the item in line 2, which begins like this.
fn assert_refused(test: &str, bad: Value, complaint: &str) {
    let good = json!({"id": "q0", "benchmark": "b", "question": "?", "references": ["1"], "check": {"kind": "exact"}});
    let error = error(test, format!("{good}\n{bad}\n").as_bytes());
    let message = error.to_string();
    let (place, said) = message.split_once(": ").unwrap();
    assert!(said.starts_with(complaint), "{error}");
    // A line that is not even of the form of an item has a place in the line as well.
    let in_line = place.strip_prefix("data/items.jsonl:2").unwrap();
    match &error {
        DataError::Form { .. } => assert!(in_line[1..].parse::<usize>().unwrap() > 0, "{error}"),
        _ => assert_eq!(in_line, "", "{error}"),
    }
    assert_eq!(error.class(), ErrorClass::User);
    assert!(!error.remedy().is_empty());
}

fn without(field: &str) -> Value {
    let mut item = item(json!({"kind": "exact"}), &["1"]);
    item.as_object_mut().unwrap().remove(field);
    item
}

#[test]
fn lines_that_are_no_items_are_named() {
    let exact = || json!({"kind": "exact"});
    let mut more = item(exact(), &["1"]);
    more["colour"] = "red".into();
    let mut nameless = item(exact(), &["1"]);
    nameless["id"] = " ".into();
    let unknown = "unknown variant `vote`, expected one of `exact`, `grade`, `choice`, `tests`";
    for (test, bad, complaint) in [
        ("check", item(json!({"kind": "vote"}), &["1"]), unknown),
        ("no-kind", item(json!({}), &["1"]), "missing field `kind`"),
        ("exact-more", item(json!({"kind": "exact", "trim": true}), &["1"]), "unknown field `trim`"),
        (
            "grade-more",
            item(json!({"kind": "grade", "grader": "rational", "x": 1}), &["1"]),
            "unknown field `x`",
        ),
        (
            "grader",
            item(json!({"kind": "grade", "grader": "sympy"}), &["1"]),
            "unknown variant `sympy`, expected one of `math-verify`, `math-verify-published`, `skythought`",
        ),
        ("field", more, "unknown field `colour`"),
        ("no-question", without("question"), "missing field `question`"),
        ("no-id", nameless, "item ` `: its `id` is empty"),
        ("no-reference", item(exact(), &[]), "item `q1`: it has no reference"),
        ("no-object", json!([1]), "invalid"),
    ] {
        assert_refused(test, bad, complaint);
    }
    let error = error("syntax", b"{\"id\": \"q1\",\n");
    assert_eq!(error.to_string(), "data/items.jsonl:1:12: EOF while parsing a value");
}

#[test]
fn a_reference_that_its_own_check_refuses_is_named_when_the_file_is_read() {
    let refuses = |reference: &str, verdict: &str| {
        format!("item `q1`: its own check refuses the reference {reference:?}: {verdict}")
    };
    let choice = json!({"kind": "choice", "labels": ["A", "B"], "values": ["1", "2"]});
    let program =
        json!({"expression": {"function": "f", "parameter": "x", "characters": "x+1", "longest": 3}});
    let case = json!({"input": "1", "output": "2", "public": false});
    let tests = json!({"calls": {"function": "f", "cases": [case]}});
    let expression = json!({"kind": "tests", "program": program, "tests": tests});
    for (test, check, references, reference, verdict) in [
        ("own-exact", json!({"kind": "exact"}), &["1", " 2"][..], " 2", "wrong-answer"),
        ("own-rational", json!({"kind": "grade", "grader": "rational"}), &["ten"], "ten", "compile-error"),
        ("own-letter", json!({"kind": "grade", "grader": "choice-mmlu-pro"}), &["K"], "K", "compile-error"),
        ("own-choice", choice, &["3"], "3", "compile-error"),
        ("own-long", expression.clone(), &["x+1+1"], "x+1+1", "compile-error"),
        ("own-character", expression, &["x+2"], "x+2", "compile-error"),
    ] {
        assert_refused(test, item(check, references), &refuses(reference, verdict));
    }
}

#[test]
fn checks_that_cannot_work_are_refused() {
    let choice =
        |labels: &[&str], values: &[&str]| json!({"kind": "choice", "labels": labels, "values": values});
    let program = |name: &str| {
        let program =
            json!({"expression": {"function": name, "parameter": "x", "characters": "x", "longest": 3}});
        let case = json!({"input": "1", "output": "2", "public": false});
        json!({"kind": "tests", "program": program, "tests": {"calls": {"function": name, "cases": [case]}}})
    };
    let none = json!({"kind": "tests", "program": "plain", "tests": {"scripts": []}});
    for (test, check, complaint) in [
        ("one-option", choice(&["A"], &[]), "there are fewer than two"),
        ("two-values", choice(&["A", "B"], &["1"]), "not every label has a value"),
        ("same-label", choice(&["A", "A"], &[]), "two labels or values are the same"),
        ("spaced-label", choice(&["A", " B"], &[]), "one is empty, or has space around it"),
        ("no-tests", none, "it has no tests"),
        ("no-name", program("f(x):\n import os #"), "is not a name in Python"),
    ] {
        let folder = workspace(test, &[("data/items.jsonl", item(check, &["A"]).to_string().as_bytes())]);
        let read = read_items(&folder.join("data/items.jsonl"), Utf8Path::new("data/items.jsonl"));
        match read.unwrap_err() {
            DataError::Item { id, fault, .. } => {
                assert!(id == "q1" && fault.to_string().contains(complaint), "{fault}");
                assert_eq!(matches!(fault, Fault::NoTests), test == "no-tests");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn two_items_of_one_id_are_both_named() {
    let line = item(json!({"kind": "exact"}), &["1"]).to_string();
    let error = error("twice", format!("{line}\n\n{line}\n").as_bytes());
    assert_eq!(error.to_string(), "data/items.jsonl:3: a second item `q1`; the first is in line 1");
}

#[test]
fn files_that_are_none_are_named() {
    let line = item(json!({"kind": "exact"}), &["1"]).to_string();
    let bytes = [line.as_bytes(), b"\n\"\xff\"\n"].concat();
    assert_eq!(error("encoding", &bytes).to_string(), "data/items.jsonl:2: the line is not UTF-8");
    assert_eq!(
        error("empty", b"\n \n").to_string(),
        "data/items.jsonl holds nothing; expected one JSON object a line"
    );
    let absent = read_items(Utf8Path::new("/nowhere/x.jsonl"), Utf8Path::new("x.jsonl")).unwrap_err();
    assert!(matches!(absent, DataError::Read { .. }) && absent.class() == ErrorClass::User);
    assert_eq!(absent.to_string(), "cannot read x.jsonl");
}
