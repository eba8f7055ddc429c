//! The JSON form: stable, strict, exact.

use assay_report::*;
use proptest::prelude::*;

use super::{EXAMPLE, example, small};

#[test]
fn the_example_is_in_canonical_form() {
    assert_eq!(example().to_json(), EXAMPLE);
}

#[test]
fn reading_gives_back_what_was_written() {
    let report = small::report();
    let text = report.to_json();
    assert_eq!(Report::from_json(&text).unwrap(), report);
    assert!(text.ends_with("}\n"));
}

/// Reads the small report with one piece of its text replaced and gives the error.
fn changed(from: &str, to: &str) -> String {
    let text = small::report().to_json();
    assert!(text.contains(from), "{from:?} is not in {text}");
    Report::from_json(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn what_is_not_understood_is_refused() {
    let cases = [
        (
            "\"confidence\": 0.95",
            "\"confidence\": 0.95, \"colour\": 1",
            "malformed report: unknown field `colour`",
        ),
        (
            "\"scale\": \"tiny\"",
            "\"scale\": 3",
            "malformed report: invalid type: integer `3`, expected a string",
        ),
        ("\"kind\": \"above\"", "\"kind\": \"near\"", "malformed report: unknown variant `near`"),
        ("\"bound\": 0.0,", "\"bound\": 0.0, \"margin\": 1.0,", "malformed report: unknown field `margin`"),
        ("\"outcome\": \"holds\"", "\"outcome\": \"ok\"", "malformed report: unknown variant `ok`"),
        ("\"low\": 17.0,", "", "malformed report: missing field `low`"),
        (
            "assay-report 3",
            "assay-report 4",
            "format version 4, this program reads up to 3: update the program",
        ),
        ("assay-report 3", "assay-report 2", "format version 2, this program reads 3: make the report again"),
        ("assay-report 3", "assay-report two", "not a report"),
        ("assay-report 3", "assay-plan 2", "not a report"),
        (
            "\"format\": \"assay-report 3\",",
            "",
            "not a report: `format` should be \"assay-report 3\" (missing field",
        ),
        ("{", "", "not a report"),
    ];
    for (from, to, expected) in cases {
        let error = changed(from, to);
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
    assert!(changed("\"scale\": \"tiny\"", "\"scale\": 3").contains("at line "), "place is told");
}

/// A newer report is known as such even when nothing else in it is understood.
#[test]
fn newer_reports_are_named() {
    let error = Report::from_json(r#"{"format": "assay-report 7", "pages": []}"#).unwrap_err();
    assert!(matches!(error, ReadError::Newer { found: 7 }), "{error}");
}

#[test]
fn parts_that_do_not_fit_are_told() {
    type Bend = fn(&mut Report);
    let cases: [(&str, Bend); 20] = [
        ("report id \"../x\": use letters", |report| report.id = "../x".into()),
        ("report id \".x\": use letters", |report| report.id = ".x".into()),
        ("confidence: 95 is not between 0 and 1", |report| report.confidence = 95.0),
        ("two columns have the id \"a\"", |report| report.columns[1].id = "a".into()),
        ("two rows have the id \"old\"", |report| report.rows[1].id = "old".into()),
        ("two claims have the id \"T1.1\"", |report| report.claims.push(report.claims[0].clone())),
        ("two gates have the id \"fair\"", |report| report.gates.push(report.gates[0].clone())),
        ("gate \"fair\" refers to the claim \"T9\", which does not exist", |report| {
            report.gates[0].claims.push("T9".into());
        }),
        ("gate \"fair\": NaN is not a finite number", |report| {
            report.gates[0].values.insert("old.mean".into(), Some(f64::NAN));
        }),
        ("column \"a\" refers to the group \"x\", which does not exist", |report| {
            report.columns[0].group = Some("x".into());
        }),
        ("row \"old\" refers to the column \"b\", which does not exist", |report| {
            report.rows[0].cells.insert("b".into(), Cell::default());
        }),
        ("cell old.a refers to the source \"x\", which does not exist", |report| {
            report.rows[0].cells.get_mut("a").unwrap().sources = vec!["x".into()];
        }),
        ("source \"new\" refers to the source \"x\", which does not exist", |report| {
            report.sources[4].inputs.push("x".into());
        }),
        ("source \"model\" is made from itself: model <- new <- answers-new <- model", |report| {
            report.sources[0].inputs.push("new".into());
        }),
        ("claim \"T1.1\" refers to the row \"x\", which does not exist", |report| {
            report.claims[0].parts[0].cells[0].row = "x".into();
        }),
        ("cell old.a: NaN is not a finite number", |report| {
            report.rows[0].cells.get_mut("a").unwrap().measured.as_mut().unwrap().value = f64::NAN;
        }),
        ("claim \"T1.1\": the interval [3, 2] ends before it begins", |report| {
            let estimate = report.claims[0].parts[0].estimate.as_mut().unwrap();
            (estimate.low, estimate.high) = (3.0, 2.0);
        }),
        ("section \"Lengths\": row 2 has 2 cells for 3 headings", |report| {
            report.diagnostics[0].tables[0].rows[1].pop();
        }),
        ("plot \"Growth\": 0 cannot stand on the logarithmic axis \"samples\"", |report| {
            report.diagnostics[0].plots[0].series[0].points[0].x = 0.0;
        }),
        ("the columns of group \"g\" do not stand together", |report| {
            let mut apart = report.columns[0].clone();
            apart.id = "c".into();
            report.columns[1].group = None;
            report.columns.push(apart);
        }),
    ];
    for (expected, bend) in cases {
        let mut report = small::report();
        report.check().unwrap();
        bend(&mut report);
        assert_eq!(report.check().unwrap_err().to_string().split(',').next(), expected.split(',').next());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Not a bit of a number is lost, so that a report may be read and written any number of times.
    #[test]
    fn numbers_are_exact(numbers in prop::array::uniform4(-1e3..1e3f64), seed: u64) {
        let mut report = small::report();
        let (low, high) = (numbers[0].min(numbers[1]), numbers[0].max(numbers[1]));
        let estimate = report.rows[0].cells.get_mut("a").unwrap().measured.as_mut().unwrap();
        (estimate.value, estimate.low, estimate.high) = (numbers[2], low, high);
        estimate.per_seed.insert(seed, numbers[3]);
        let text = report.to_json();
        let read = Report::from_json(&text).unwrap();
        prop_assert_eq!(read.to_json(), text);
        prop_assert_eq!(read, report);
    }
}
