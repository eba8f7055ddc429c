//! Columns of other values than percentages in every form.

use std::collections::BTreeMap;

use assay_claims::scores::SampleScore;
use assay_claims::table::{
    ClaimLayout, Column, Evaluation, Group, Layout, Measure, Measurements, RowLayout, Table,
};
use assay_report::{Report, Run, Style, Unit, csv, html, latex, latex_macros, markdown, terminal};
use insta::assert_snapshot;

const QUESTIONS: u32 = 8;

/// Four samples a question; more tokens and fewer right ones under a higher seed.
fn evaluation(model: &str, seed: u64, tokens: u32) -> Evaluation {
    let seed_number = seed as u32;
    let name = |at: u32| format!("q{at}");
    let right = |at: u32, sample: u32| SampleScore::from((at * 5 + sample * 3 + seed_number) % 7 < 3);
    let scores = (0..QUESTIONS).map(|at| (name(at), (0..4).map(|sample| right(at, sample)).collect()));
    let length = |at: u32, sample: u32| tokens + 900 * at + 40 * sample + 70 * seed_number;
    let tokens = (0..QUESTIONS).map(|at| (name(at), (0..4).map(|sample| length(at, sample)).collect()));
    Evaluation {
        model: model.into(),
        seed: Some(seed),
        scores: [("chain5".to_owned(), scores.collect())].into(),
        tokens: [("chain5".to_owned(), tokens.collect())].into(),
        ..Evaluation::default()
    }
}

fn measurements() -> Measurements {
    let figures = |model: &str, scale: f64| {
        let one = |seed: u64| (Some(seed), BTreeMap::from([("spikes".to_owned(), scale * seed as f64)]));
        (model.to_owned(), (1..=3).map(one).collect())
    };
    Measurements {
        questions: [("chain5".to_owned(), (0..QUESTIONS).map(|at| format!("q{at}")).collect())].into(),
        samples: [("chain5".to_owned(), 4)].into(),
        evaluations: (1..=3)
            .flat_map(|seed| [evaluation("dr-sft", seed, 300), evaluation("sft", seed, 15_000)])
            .collect(),
        figures: [
            figures("sft", 0.0123),
            figures("dr-sft", 0.002),
            ("base".to_owned(), [(None, [("spikes".to_owned(), 0.5)].into())].into()),
        ]
        .into(),
        ..Measurements::default()
    }
}

fn claim(id: &str, expression: &str) -> ClaimLayout {
    ClaimLayout {
        id: id.into(),
        text: "It is longer".into(),
        expression: expression.into(),
        primary: false,
        gates: Vec::new(),
    }
}

fn row(id: &str, at: u32, printed: &[(&str, &str)]) -> RowLayout {
    RowLayout {
        id: id.into(),
        label: id.to_uppercase(),
        model: Some(id.into()),
        at: Some(at),
        printed: printed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        ..RowLayout::default()
    }
}

/// Lengths alone, beside printed ones.
fn tokens() -> Report {
    let column = Column {
        id: "AIME24".into(),
        benchmark: Some("chain5".into()),
        measure: Measure::Tokens,
        ..Column::default()
    };
    let layout = Layout {
        columns: vec![column],
        rows: vec![row("dr-sft", 1, &[("AIME24", "1270")]), row("sft", 2, &[("AIME24", "18413")])],
        claims: vec![claim("1", "sft.AIME24 > dr-sft.AIME24"), claim("2", "sft.AIME24 > 10000")],
        ..Layout::default()
    };
    let run =
        Run { id: "lengths".into(), title: "Lengths".into(), scale: "embedded".into(), ..Run::default() };
    Report::new(Table::new(layout, measurements()).unwrap(), run)
}

/// Percentages, tokens, and a figure that one row has without seeds; curves of both kinds.
pub(crate) fn mixed() -> Report {
    let place = |k: u32| Column {
        id: format!("AIME24 pass@{k}"),
        group: Some("curve".into()),
        benchmark: Some("chain5".into()),
        measure: Measure::PassAt(k),
        at: Some(k),
        ..Column::default()
    };
    let figure = Column {
        id: "Spikes".into(),
        measure: Measure::Figure("spikes".into()),
        unit: Some("nats a token".into()),
        ..Column::default()
    };
    let length = Column {
        id: "AIME24".into(),
        benchmark: Some("chain5".into()),
        measure: Measure::Tokens,
        ..Column::default()
    };
    let layout = Layout {
        groups: vec![Group { id: "curve".into(), label: "pass@k".into(), columns: Vec::new() }],
        columns: vec![place(1), place(2), place(4), length, figure],
        rows: vec![row("base", 0, &[("AIME24", "564")]), row("dr-sft", 1, &[]), row("sft", 4, &[])],
        claims: vec![
            claim("1", "sft.Spikes > dr-sft.Spikes"),
            claim("2", "sft.\"AIME24 pass@4\" > dr-sft.\"AIME24 pass@1\""),
        ],
        at_label: Some("traces a question".into()),
        ..Layout::default()
    };
    let run = Run { id: "mixed".into(), title: "Mixed".into(), scale: "embedded".into(), ..Run::default() };
    Report::new(Table::new(layout, measurements()).unwrap(), run)
}

#[test]
fn amounts_are_written_as_they_are() {
    let report = tokens();
    report.check().unwrap();
    assert_eq!(report.claims[0].parts[0].unit, Unit::Difference("tokens".into()));
    let page = html(&report);
    let body = page.split_once("<body>").unwrap().1;
    let forms = [body, &markdown(&report), &terminal(&report, Style::default(), &[]), &latex(&report)];
    for text in forms {
        for absent in ["percent", "Percent", "points", "1841300"] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
        assert!(text.contains("18413") && text.contains("18350") && text.contains("okens"), "{text}");
    }
    assert_snapshot!(markdown(&report));
    assert_snapshot!(terminal(&report, Style::default(), &[]));
    assert_snapshot!(latex(&report));
}

#[test]
fn units_stand_in_headings_where_they_differ() {
    let report = mixed();
    report.check().unwrap();
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
    assert_snapshot!(markdown(&report));
    assert_snapshot!(terminal(&report, Style { width: 160, colour: false }, &[]));
    assert_snapshot!(csv(&report));
    assert_snapshot!(latex(&report));
    let macros = latex_macros(&report);
    assert!(macros.contains("{base.Spikes}{0.5000}"), "{macros}");
    let page = html(&report);
    assert!(page.contains("percent unless a heading names another unit"), "{page}");
    assert!(page.contains("<b>0.5000</b></span>"), "a value without an interval stands alone: {page}");
}

/// A plot is told in words, and its data are in the report's JSON, which the page holds.
#[test]
fn curves_are_told_in_words() {
    let report = mixed();
    let plots = &report.diagnostics.iter().find(|section| section.title == "Curves").unwrap().plots;
    assert_eq!(plots.len(), 2);
    let page = html(&report);
    let alt = "chain5, in the place of AIME24 pass@1, AIME24 pass@2, AIME24 pass@4: pass@k, percent over k, series DR-SFT from ";
    assert!(page.contains(alt), "{page}");
    let alt = "Averages over traces a question: average, percent over traces a question (0 stands at 0.5), series pass@k from ";
    assert!(page.contains(alt), "{page}");
}
