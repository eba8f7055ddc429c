//! A summary of two small reports.

use assay_report::*;
use insta::assert_snapshot;
use serde_json::Value;

use super::small;

/// Two tables: the first with a primary claim that holds, one that was not attempted and one that is not testable, the second with two claims that
/// were found, one of them barely.
fn reports() -> Vec<Report> {
    let mut first = small::report();
    first.id = "table-a".into();
    first.claims[0].p_value = Some(0.01);
    let mut missing = first.claims[0].clone();
    missing.id = "T1.2".into();
    missing.outcome = Outcome::NotAttempted;
    missing.primary = false;
    (missing.p_value, missing.adjusted_p_value, missing.parts[0].estimate) = (None, None, None);
    let mut barred = missing.clone();
    (barred.id, barred.outcome) = ("T1.3".into(), Outcome::NotTestable);
    barred.note =
        Some("gate `fair` (Old leaves room) does not pass: `old.mean` is 41.0, not below 40".into());
    first.claims.push(missing);
    first.claims.push(barred);
    let mut second = small::report();
    (second.id, second.title, second.locator) =
        ("table-b".into(), "Another <table>".into(), "Table 2".into());
    second.claims[0].id = "T2.1".into();
    second.claims[0].outcome = Outcome::Reversed;
    second.claims[0].p_value = Some(0.04);
    let mut weak = second.claims[0].clone();
    (weak.id, weak.primary, weak.p_value) = ("T2.2".into(), false, Some(0.2));
    weak.outcome = Outcome::Holds;
    second.claims.push(weak);
    // The order of the files of a folder means nothing.
    vec![second, first]
}

fn summary() -> Summary {
    Summary::new(&reports()).unwrap()
}

/// Benjamini and Hochberg by hand. Over the primary claims p = 0.01, 0.04: 0.02, 0.04. Over all p = 0.01, 0.04, 0.2, the
/// claim that was not attempted left out: 0.03, 0.06, 0.2.
#[test]
fn p_values_are_adjusted_over_all_tables() {
    let close = |found: Option<f64>, expected: Option<f64>| match (found, expected) {
        (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found} {expected}"),
        (found, expected) => assert_eq!(found, expected),
    };
    let summary = summary();
    let expected = [
        ("T1.1", Some(0.02), Some(0.03), Some(true)),
        ("T1.2", None, None, None),
        ("T1.3", None, None, None),
        ("T2.1", Some(0.04), Some(0.06), Some(false)),
        ("T2.2", None, Some(0.2), Some(false)),
    ];
    assert_eq!(summary.claims.len(), expected.len());
    for (claim, (id, among_primary, among_all, stands)) in summary.claims.iter().zip(expected) {
        assert_eq!((claim.claim.id.as_str(), claim.stands()), (id, stands));
        close(claim.among_primary, among_primary);
        close(claim.among_all, among_all);
    }
}

#[test]
fn each_table_has_its_outcomes_and_its_primary_claim() {
    let summary = summary();
    let ids: Vec<&str> = summary.tables.iter().map(|table| table.id.as_str()).collect();
    assert_eq!(ids, ["table-a", "table-b"]);
    let second = &summary.tables[1];
    let primary = second.primary.as_ref().unwrap();
    assert_eq!((primary.id.as_str(), primary.outcome), ("T2.1", Outcome::Reversed));
    assert_eq!(
        second.outcomes.iter().map(|(o, n)| (*o, *n)).collect::<Vec<_>>(),
        [(Outcome::Reversed, 1), (Outcome::Holds, 1)]
    );
    assert_eq!(second.hash, reports()[0].hash());
    assert_eq!((second.wall_seconds, second.cpu_seconds), (None, None));
}

#[test]
fn a_summary_in_every_form() {
    let mut summary = summary();
    summary.tables[0].wall_seconds = Some(90.0);
    summary.tables[0].cpu_seconds = Some(150.0);
    let hash = summary.tables[0].hash.clone();
    let page = summary_html(&summary);
    let body = page.split_once("<body>").unwrap().1;
    let text = summary_terminal(&summary, Style { width: 80, colour: false });
    assert_snapshot!(
        format!("{text}\n=====\n{}\n=====\n{body}", summary_markdown(&summary)).replace(&hash, "HASH")
    );
    assert!(page.contains("default-src 'none'") && !page.contains("<script"));
    assert!(body.contains("href=\"table-b.html#claim-T2.1\""), "{body}");
}

#[test]
fn the_json_form_fits_its_schema_and_reads_back() {
    let summary = summary();
    let json: Value = serde_json::from_str(&summary.to_json()).unwrap();
    let schema: Value = serde_json::from_str(&summary_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert_eq!(validator.iter_errors(&json).map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(json["tables"][1]["outcomes"]["reversed"], 1);
    assert_eq!(serde_json::from_value::<Summary>(json).unwrap(), summary);
}

#[test]
fn reports_that_do_not_belong_together_are_refused() {
    type Bend = fn(&mut Vec<Report>);
    let cases: [(Bend, &str); 4] = [
        (|reports| reports.clear(), "there is no report to sum up"),
        (|reports| reports[0].id = "table-a".into(), "two reports have the id \"table-a\""),
        (
            |reports| reports[0].scale = "huge".into(),
            "the reports are of two scales: table-a is of `tiny`, table-b of `huge`",
        ),
        (|reports| reports[0].confidence = 0.9, "the intervals of table-a and table-b have different levels"),
    ];
    for (bend, message) in cases {
        let mut reports = reports();
        bend(&mut reports);
        assert_eq!(Summary::new(&reports).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_summary_is_written_beside_the_reports() {
    let folder = tempfile::tempdir().unwrap();
    let folder = camino::Utf8Path::from_path(folder.path()).unwrap();
    let written = write_summary(&summary(), folder).unwrap();
    let names: Vec<_> = written.iter().map(|file| (file.path.file_name().unwrap(), file.changed)).collect();
    assert_eq!(names, [("index.md", true), ("index.json", true), ("index.html", true)]);
    assert!(write_summary(&summary(), folder).unwrap().iter().all(|file| !file.changed));
}
