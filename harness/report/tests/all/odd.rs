//! Reports at the edges: nothing measured, nothing claimed, one row, labels of any length.

use std::collections::BTreeMap;

use assay_report::*;
use insta::assert_snapshot;

use super::small;

fn all(report: &Report) -> String {
    report.check().unwrap();
    let body = html(report);
    let body = body.split_once("<body>").unwrap().1;
    let style = Style { width: 80, colour: false };
    format!("{}\n=====\n{}\n=====\n{body}", terminal(report, style, &[]), markdown(report))
}

/// Only what the form asks for.
fn bare() -> Report {
    let mut report = small::report();
    report.notes.clear();
    report.groups.clear();
    report.claims.clear();
    report.gates.clear();
    report.questions.clear();
    report.samples_chosen = None;
    report.diagnostics.clear();
    report.criteria = None;
    report.facts.clear();
    report.sources.clear();
    report.recipe = None;
    report.overrides.clear();
    report.columns.clear();
    report.rows.clear();
    report
}

#[test]
fn nothing_at_all() {
    assert_snapshot!(all(&bare()));
}

#[test]
fn missing_cells() {
    let mut report = small::report();
    report.claims.clear();
    report.gates.clear();
    report.diagnostics.clear();
    report.rows[0].cells.clear();
    if let Some(cell) = report.rows[1].cells.get_mut("a") {
        cell.measured = None;
    }
    if let Some(cell) = report.rows[1].cells.get_mut("mean") {
        cell.printed = None;
        cell.sources.clear();
    }
    assert_snapshot!(all(&report));
}

#[test]
fn one_row_one_column_no_group() {
    let mut report = small::report();
    report.claims.clear();
    report.gates.clear();
    report.diagnostics.clear();
    report.groups.clear();
    report.columns.truncate(1);
    report.rows.truncate(1);
    report.questions.clear();
    report.columns[0].group = None;
    report.columns[0].measured_on = None;
    report.rows[0].cells.remove("mean");
    report.rows[0].printed_label = None;
    report.rows[0].seeds.clear();
    assert_snapshot!(all(&report));
}

#[test]
fn very_long_labels() {
    let mut report = small::report();
    report.columns[0].label = "A benchmark with an uncommonly long name that nobody abbreviates".into();
    report.rows[0].label = "a-model-whose-name-was-made-by-joining-all-of-its-settings-with-hyphens".into();
    report.rows[1].label = "A row that is described in a whole sentence, with a comma and an end.".into();
    report.claims[0].text = "long ".repeat(40);
    report.claims[0].parts[0].label = "(new.mean + new.mean) / 2 − (old.mean + old.mean) / 2".into();
    report.diagnostics.clear();
    assert_snapshot!(all(&report));
}

/// Gates that pass, do not pass, and cannot be decided.
fn gates() -> Vec<Gate> {
    let gate = small::report().gates.remove(0);
    let make = |id: &str, passed, value, note: Option<&str>| Gate {
        id: id.into(),
        passed,
        values: BTreeMap::from([("chain.log-ratio".to_owned(), value)]),
        claims: vec!["C1".into(), "C6".into()],
        note: note.map(str::to_owned),
        ..gate.clone()
    };
    vec![
        make("g1", Some(true), Some(-0.0123), None),
        make("g2", Some(false), Some(1234.5), Some("`chain.log-ratio` is 1234.5, above 40")),
        make("g3", None, None, Some("`chain.log-ratio` was not measured")),
    ]
}

#[test]
fn claims_of_every_outcome_threshold_and_unit() {
    let mut report = small::report();
    report.diagnostics.clear();
    report.gates = gates();
    let template = report.claims[0].clone();
    let part = template.parts[0].clone();
    let make = |id: &str, outcome, unit, threshold, estimate: Option<Quantity>| {
        let part = Part {
            unit,
            threshold,
            estimate,
            outcome,
            printed: None,
            detectable_effect: None,
            power: None,
            least_tolerance: None,
            without_seed: BTreeMap::new(),
            bounds: None,
            cells: Vec::new(),
            ..part.clone()
        };
        Claim {
            id: id.into(),
            outcome,
            parts: vec![part],
            printed_holds: None,
            rule: None,
            note: None,
            ..template.clone()
        }
    };
    let at = |value| Some(small::estimate(value));
    report.claims = vec![
        make("C1", Outcome::Holds, Unit::Points, Threshold::Below { bound: -1.0 }, at(-8.0)),
        make("C2", Outcome::Reversed, Unit::Percent, Threshold::Above { bound: 50.0 }, at(30.0)),
        make("C3", Outcome::Open, Unit::Ratio, Threshold::Within { margin: 4.0 }, at(2.0)),
        make("C4", Outcome::NotAttempted, Unit::Points, Threshold::Within { margin: 2.0 }, None),
        Claim { id: "C5".into(), parts: Vec::new(), outcome: Outcome::NotAttempted, ..template.clone() },
        make("C6", Outcome::NotTestable, Unit::Points, Threshold::Above { bound: 0.0 }, at(6.0)),
    ];
    assert!(latex_macros(&report).contains("{outcome}{C6}{not testable here}"));
    assert_snapshot!(all(&report));
}

/// A power close to zero is said in words.
#[test]
fn a_claim_that_could_hardly_be_confirmed_says_so() {
    let with = |power: f64| {
        let mut report = small::report();
        let part = &mut report.claims[0].parts[0];
        part.threshold = Threshold::Within { margin: 2.0 };
        (part.detectable_effect, part.least_tolerance, part.power) = (None, Some(4.9), Some(power));
        markdown(&report)
    };
    let text = with(0.001);
    assert!(text.contains("; even a true difference of zero would hardly be confirmed: power 0 %"), "{text}");
    let text = with(0.64);
    assert!(text.contains(" (power 64 %)") && !text.contains("hardly"), "{text}");
}

#[test]
fn rules_that_differ_name_their_claims() {
    let mut report = small::report();
    let mut other = report.claims[0].clone();
    other.id = "T1.2".into();
    other.rule = Some("the interval lies within the margin".into());
    report.claims.push(other);
    for text in [terminal(&report, Style::default(), &[]), markdown(&report), html(&report)] {
        assert!(
            text.contains("T1.1: the interval lies above") && text.contains("T1.2: the interval lies within"),
            "{text}"
        );
    }
}

/// Renderers are given what they are given: a report that fails its check must not bring them down.
#[test]
fn unchecked_numbers_and_references_are_survived() {
    let mut report = small::report();
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0];
    for (index, number) in odd.iter().enumerate() {
        let other = odd[(index + 1) % odd.len()];
        let estimate = Quantity { value: *number, low: other, high: *number, ..small::estimate(1.0) };
        report.claims[0].parts[0].estimate = Some(estimate.clone());
        report.claims[0].parts[0].threshold = Threshold::Within { margin: *number };
        report.claims[0].parts[0].printed = Some(other);
        report.diagnostics[0].plots[0].series[0].points[0] =
            PlotPoint { x: *number, y: other, interval: Some((other, *number)) };
        report.diagnostics[0].tables[0].rows[0].pop();
        let cell = Cell { measured: Some(estimate), printed: None, sources: vec!["nowhere".into()] };
        report.rows[0].cells.insert("mean".into(), cell);
        assert!(report.check().is_err());
        for width in [0, 1, 80, usize::MAX] {
            terminal(&report, Style { width, colour: false }, &[]);
        }
        markdown(&report);
        html(&report);
        report.to_json();
    }
}
