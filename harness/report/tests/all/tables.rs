//! From a table to a report: what the recipe says appears, and nothing else.

use std::collections::BTreeMap;

use assay_claims::scores::SampleScore;
use assay_claims::table::{self, ClaimLayout, Evaluation, Layout, Measurements, RowLayout, Table};
use assay_report::{ColumnKind, Criteria, Report, Run, Source, Style, html, markdown, terminal};

/// An invented paper's table: two animals and a quoted third, on two tasks without a group.
fn layout() -> Layout {
    let column = |id: &str, benchmark: Option<&str>| table::Column {
        id: id.into(),
        benchmark: benchmark.map(str::to_owned),
        paper_questions: Some(40),
        paper_samples: Some(1),
        ..table::Column::default()
    };
    let row = |id: &str, model: Option<&str>, birds: &str| RowLayout {
        id: id.into(),
        label: format!("The {id}"),
        model: model.map(str::to_owned),
        printed: BTreeMap::from([("birds".to_owned(), birds.to_owned())]),
        ..RowLayout::default()
    };
    Layout {
        columns: vec![column("birds", Some("flight")), column("fish", None)],
        rows: vec![
            row("owl", Some("owl-1"), "52.50"),
            row("cat", Some("cat-1"), "20.00"),
            row("eel", None, "2.51"),
        ],
        claims: vec![ClaimLayout {
            id: "C1".into(),
            text: "Owls fly better".into(),
            expression: "owl.birds > cat.birds".into(),
            primary: false,
            gates: Vec::new(),
        }],
        ..Layout::default()
    }
}

fn evaluation(model: &str, right: &[bool]) -> Evaluation {
    let scores =
        right.iter().enumerate().map(|(at, right)| (format!("q{at}"), vec![SampleScore::from(*right)]));
    Evaluation {
        model: model.into(),
        scores: BTreeMap::from([("flight".to_owned(), scores.collect())]),
        ..Evaluation::default()
    }
}

fn measurements() -> Measurements {
    Measurements {
        questions: BTreeMap::from([("flight".to_owned(), (0..4).map(|at| format!("q{at}")).collect())]),
        samples: BTreeMap::from([("flight".to_owned(), 1)]),
        evaluations: vec![
            evaluation("owl-1", &[true, true, true, false]),
            evaluation("cat-1", &[false, true, false, false]),
        ],
        ..Measurements::default()
    }
}

fn run() -> Run {
    let source = |id: &str| Source {
        id: id.into(),
        step: id.into(),
        kind: "judge".into(),
        key: "00".repeat(32),
        artefact: "11".repeat(32),
        inputs: Vec::new(),
        seed: None,
        facts: BTreeMap::new(),
        prompts: BTreeMap::new(),
        challenge: None,
    };
    Run {
        id: "animals".into(),
        title: "Who flies".into(),
        scale: "tiny".into(),
        sources: vec![source("verdicts-owl"), source("verdicts-cat")],
        evidence: BTreeMap::from([("owl-1".to_owned(), vec!["verdicts-owl".to_owned()])]),
        ..Run::default()
    }
}

#[test]
fn a_table_becomes_a_report() {
    let report = Report::new(Table::new(layout(), measurements()).unwrap(), run());
    report.check().unwrap();
    assert!(
        report.columns.iter().all(|column| column.kind == ColumnKind::Benchmark),
        "no groups, no averages"
    );
    let [birds, fish] = &report.columns[..] else { panic!("{:?}", report.columns) };
    assert_eq!(
        (birds.measured_on.as_deref(), birds.questions, birds.samples),
        (Some("flight"), Some(4), Some(1))
    );
    assert_eq!((fish.measured_on.as_deref(), fish.questions, fish.samples), (None, None, None));
    let [owl, cat, eel] = &report.rows[..] else { panic!("{:?}", report.rows) };
    let measured = owl.cells["birds"].measured.as_ref().unwrap();
    assert_eq!((measured.value, measured.n), (75.0, Some(4)));
    assert_eq!(owl.cells["birds"].sources, ["verdicts-owl"]);
    assert_eq!(cat.cells["birds"].sources, [""; 0]);
    assert!(eel.cells["birds"].measured.is_none() && eel.cells["birds"].printed.is_some());
    assert!(!eel.cells.contains_key("fish"));
    assert_eq!(report.notes, ["An interval is about the choice of questions"]);
    assert!(report.diagnostics.is_empty() && report.groups.is_empty());
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
}

#[test]
fn groups_have_their_members_together_and_their_average_last() {
    let mut layout = layout();
    let group = |id: &str| table::Group { id: id.into(), label: id.to_uppercase(), columns: Vec::new() };
    layout.groups = vec![group("sea"), group("air")];
    layout.columns[0].group = Some("air".into());
    layout.columns[1].group = Some("sea".into());
    layout.columns.push(table::Column { id: "land".into(), ..table::Column::default() });
    layout.columns.push(table::Column {
        id: "bats".into(),
        group: Some("air".into()),
        ..table::Column::default()
    });
    let report = Report::new(Table::new(layout, measurements()).unwrap(), run());
    report.check().unwrap();
    let ids: Vec<&str> = report.columns.iter().map(|column| column.id.as_str()).collect();
    assert_eq!(ids, ["birds", "bats", "air", "fish", "sea", "land"]);
    let averages: Vec<&str> = report
        .columns
        .iter()
        .filter(|column| column.kind == ColumnKind::Average)
        .map(|column| column.label.as_str())
        .collect();
    assert_eq!(averages, ["Avg", "Avg"]);
}

#[test]
fn what_was_overridden_is_said() {
    let run = Run {
        overrides: vec!["evaluation.samples=1".into()],
        criteria: Some(Criteria { hash: "ab".repeat(32), files: Vec::new(), history: Vec::new() }),
        ..run()
    };
    let layout = Layout { history: vec!["Nothing was known.".into()], ..layout() };
    let report = Report::new(Table::new(layout, measurements()).unwrap(), run);
    assert_eq!(report.notes[1], "Overridden for this run: evaluation.samples=1");
    assert_eq!(
        report.criteria.unwrap().history,
        ["Nothing was known."],
        "what was known is the recipe's to say"
    );
}

/// Printed values alone make a page of printed values: no word of models, seeds or intervals.
#[test]
fn a_page_of_printed_values_speaks_of_nothing_else() {
    let mut layout = layout();
    layout.rows.iter_mut().for_each(|row| row.model = None);
    layout.columns.iter_mut().for_each(|column| column.benchmark = None);
    layout.claims.clear();
    let run = Run { id: "animals".into(), title: "Who flies".into(), scale: "none".into(), ..Run::default() };
    let report = Report::new(Table::new(layout, Measurements::default()).unwrap(), run);
    report.check().unwrap();
    let page = html(&report);
    let body = page.split_once("<body>").unwrap().1;
    for text in [body, &markdown(&report), &terminal(&report, Style::default(), &[])] {
        for absent in
            ["interval", "recomputed", "seed", "posterior", "Qwen", "multiple choice", "measured here"]
        {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
        assert!(text.contains("52.50") && text.contains("off the grid"), "{text}");
    }
}

/// Measured values alone: no page speaks of printed values that are not there.
#[test]
fn a_page_of_measured_values_names_no_printed_one() {
    let mut layout = layout();
    layout.rows.pop();
    layout.rows.iter_mut().for_each(|row| row.printed.clear());
    let report = Report::new(Table::new(layout, measurements()).unwrap(), run());
    report.check().unwrap();
    let page = html(&report);
    assert!(
        page.contains("<title>Who flies</title>")
            && page.contains("<caption>Recomputed at tiny scale</caption>")
    );
    let body = page.split_once("<body>").unwrap().1;
    for text in [body, &markdown(&report), &terminal(&report, Style::default(), &[])] {
        for absent in ["67.80", "printed", "single seeds", "posterior", "Qwen"] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
        assert!(text.contains("75.0"), "{text}");
    }
}
