//! A report with one of everything, to be bent by the tests.

use std::collections::BTreeMap;

use assay_report::*;

pub(crate) fn estimate(value: f64) -> Quantity {
    let per_seed = BTreeMap::from([(1, value - 1.5), (2, value + 1.5)]);
    Quantity {
        value,
        low: value - 3.0,
        high: value + 3.0,
        standard_error: Some(1.5),
        question_error: Some(0.9),
        seed_error: Some(1.2),
        per_seed,
        n: Some(800),
    }
}

pub(crate) fn printed(text: &str, check: PrintedCheck) -> Option<Printed> {
    let note = (check != PrintedCheck::Consistent).then(|| "no count of right answers gives it".to_owned());
    Some(Printed { text: text.into(), check, note })
}

fn column(id: &str, label: &str, kind: ColumnKind) -> Column {
    Column {
        id: id.into(),
        label: label.into(),
        kind,
        group: Some("g".into()),
        measured_on: (kind == ColumnKind::Benchmark).then(|| "sums".into()),
        measure: None,
        unit: None,
        questions: Some(100),
        samples: Some(4),
        paper_questions: Some(12_000),
        paper_samples: None,
    }
}

fn row(id: &str, label: &str, cells: [Cell; 2]) -> Row {
    let [first, second] = cells;
    Row {
        id: id.into(),
        label: label.into(),
        printed_label: Some(format!("{label}-7B")),
        assurance: None,
        anew: None,
        seeds: vec![1, 2],
        cells: BTreeMap::from([("a".to_owned(), first), ("mean".to_owned(), second)]),
    }
}

fn cell(value: f64, text: &str, check: PrintedCheck, source: &str) -> Cell {
    Cell { measured: Some(estimate(value)), printed: printed(text, check), sources: vec![source.into()] }
}

fn source(id: &str) -> Source {
    Source {
        id: id.into(),
        step: format!("verdicts-{id}"),
        kind: "judge".into(),
        key: "0123456789abcdef".repeat(4),
        artefact: "fedcba9876543210".repeat(4),
        inputs: Vec::new(),
        seed: Some(1),
        facts: BTreeMap::from([("judge".to_owned(), "v1".to_owned())]),
        prompts: BTreeMap::new(),
        challenge: None,
    }
}

/// What verdicts were made from.
fn made(id: &str, kind: &str, inputs: &[&str]) -> Source {
    let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
    Source { step: id.into(), kind: kind.into(), seed: None, inputs, ..source(id) }
}

fn claim() -> Claim {
    Claim {
        id: "T1.1".into(),
        text: "New beats old".into(),
        expression: "new.mean > old.mean".into(),
        outcome: Outcome::Holds,
        primary: true,
        p_value: Some(0.012),
        adjusted_p_value: Some(0.012),
        printed_holds: Some(true),
        parts: vec![Part {
            label: "new.mean − old.mean".into(),
            cells: vec![
                CellId { row: "new".into(), column: "mean".into() },
                CellId { row: "old".into(), column: "mean".into() },
            ],
            unit: Unit::Points,
            threshold: Threshold::Above { bound: 0.0 },
            estimate: Some(estimate(8.0)),
            printed: Some(7.25),
            level: Some(0.025),
            detectable_effect: Some(4.2),
            power: None,
            least_tolerance: None,
            without_seed: BTreeMap::new(),
            bounds: None,
            outcome: Outcome::Holds,
        }],
        rule: Some("the interval lies above the threshold".into()),
        note: Some("Two seeds only.".into()),
    }
}

fn gate() -> Gate {
    Gate {
        id: "fair".into(),
        text: "Old leaves room".into(),
        expression: "old.mean < 40 and chain.pi-solves < 90".into(),
        passed: Some(true),
        values: BTreeMap::from([("old.mean".into(), Some(20.5)), ("chain.pi-solves".into(), Some(64.25))]),
        claims: vec!["T1.1".into()],
        note: None,
    }
}

fn questions() -> ColumnQuestions {
    let scores = |sums: [f64; 2]| RowScores {
        samples: 4,
        sums: sums.to_vec(),
        failures: BTreeMap::from([("q1".to_owned(), 1)]),
    };
    let sample = |row: &str, number, answer: Option<&str>, verdict: &str| Sample {
        row: row.into(),
        seed: Some(1),
        number,
        thought: "two, I <think>".into(),
        answer: answer.map(str::to_owned),
        verdict: verdict.into(),
    };
    ColumnQuestions {
        column: "a".into(),
        scores: QuestionScores {
            questions: vec!["q1".into(), "q2".into()],
            rows: BTreeMap::from([("old".into(), scores([1.0, 2.5])), ("new".into(), scores([3.0, 4.0]))]),
        },
        shown: vec![ShownQuestion {
            id: "q1".into(),
            text: "1 + 1?".into(),
            references: vec!["2".into()],
            samples: vec![
                sample("old", 0, Some("3"), "wrong-answer"),
                sample("new", 0, Some("2"), "pass"),
                sample("new", 1, None, "judge-failure"),
            ],
        }],
    }
}

fn section() -> Section {
    let point = |x, y| PlotPoint { x, y, interval: Some((y - 1.0, y + 1.0)) };
    Section {
        title: "Lengths".into(),
        text: "How long answers are.".into(),
        tables: vec![DataTable {
            caption: Some("By row".into()),
            header: vec![
                Heading { label: "Row".into(), decimals: None },
                Heading { label: "Tokens".into(), decimals: Some(1) },
                Heading { label: "Count".into(), decimals: None },
            ],
            rows: vec![
                vec![Datum::Text("old".into()), Datum::Number(12.34), Datum::Integer(-3)],
                vec![Datum::Text("new".into()), Datum::Estimate(estimate(9.0)), Datum::Empty],
            ],
        }],
        plots: vec![Plot {
            title: "Growth".into(),
            x: Axis { label: "samples".into(), logarithmic: true },
            y: Axis { label: "percent".into(), logarithmic: false },
            series: vec![
                Series {
                    label: "old".into(),
                    style: SeriesStyle::Line,
                    points: vec![point(1.0, 10.0), point(8.0, 30.0)],
                },
                Series { label: "new".into(), style: SeriesStyle::Points, points: vec![point(2.0, 20.0)] },
            ],
        }],
    }
}

/// Two rows, a benchmark and an average, one claim, one section.
pub(crate) fn report() -> Report {
    Report {
        format: Format,
        id: "small".into(),
        title: "A small table".into(),
        caption: "Old and new on sums.".into(),
        paper: "arXiv:0000.00000v1".into(),
        locator: "Table 1".into(),
        scale: "tiny".into(),
        recipe: Some("small".into()),
        overrides: vec!["sizes.a=1 2".into()],
        confidence: 0.95,
        notes: vec!["Made up.".into()],
        groups: vec![Group { id: "g".into(), label: "Sums".into(), columns: Vec::new() }],
        columns: vec![
            column("a", "SUM10", ColumnKind::Benchmark),
            column("mean", "Average", ColumnKind::Average),
        ],
        rows: vec![
            row(
                "old",
                "Old",
                [
                    cell(20.0, "41.20", PrintedCheck::Consistent, "old"),
                    cell(20.5, "41.30", PrintedCheck::Contradicted, "old"),
                ],
            ),
            row(
                "new",
                "New",
                [
                    cell(28.0, "48.33", PrintedCheck::OffTheGrid, "new"),
                    cell(28.5, "48.45", PrintedCheck::NotAttempted, "new"),
                ],
            ),
        ],
        claims: vec![claim()],
        gates: vec![gate()],
        questions: vec![questions()],
        samples_chosen: Some("Shown: the first question.".into()),
        diagnostics: vec![section()],
        criteria: Some(Criteria {
            hash: "ab".repeat(32),
            files: vec![
                CriteriaFile {
                    file: "recipes/criteria/small.toml".into(),
                    hash: "cd".repeat(32),
                    first_commit: Some("0123456789abcdef0123456789abcdef01234567".into()),
                },
                CriteriaFile {
                    file: "recipes/criteria/tiny.toml".into(),
                    hash: "ef".repeat(32),
                    first_commit: None,
                },
            ],
            history: vec!["Nothing was known.".into()],
        }),
        facts: BTreeMap::from([("judge".to_owned(), "v1".to_owned())]),
        sources: vec![
            made("model", "train", &[]),
            made("answers-old", "generate", &["model"]),
            made("answers-new", "generate", &["model"]),
            Source { inputs: vec!["answers-old".into()], ..source("old") },
            Source { inputs: vec!["answers-new".into()], ..source("new") },
        ],
    }
}

/// Calls a function on every text of a report that may hold anything (ids have their own rules).
pub(crate) fn for_each_text(report: &mut Report, mut f: impl FnMut(&mut String)) {
    report.overrides.iter_mut().chain(&mut report.recipe).for_each(&mut f);
    let texts =
        [&mut report.title, &mut report.caption, &mut report.paper, &mut report.locator, &mut report.scale];
    texts.into_iter().for_each(&mut f);
    report.notes.iter_mut().for_each(&mut f);
    report.groups.iter_mut().for_each(|group| f(&mut group.label));
    for column in &mut report.columns {
        f(&mut column.label);
        column.measured_on.iter_mut().for_each(&mut f);
    }
    for row in &mut report.rows {
        f(&mut row.label);
        row.printed_label.iter_mut().for_each(&mut f);
        for printed in row.cells.values_mut().filter_map(|cell| cell.printed.as_mut()) {
            f(&mut printed.text);
            printed.note.iter_mut().for_each(&mut f);
        }
    }
    report.samples_chosen.iter_mut().for_each(&mut f);
    for question in report.questions.iter_mut().flat_map(|questions| &mut questions.shown) {
        f(&mut question.text);
        question.references.iter_mut().for_each(&mut f);
        for sample in &mut question.samples {
            [&mut sample.thought, &mut sample.verdict].into_iter().chain(&mut sample.answer).for_each(&mut f);
        }
    }
    for claim in &mut report.claims {
        f(&mut claim.id);
        f(&mut claim.text);
        f(&mut claim.expression);
        claim.rule.iter_mut().chain(&mut claim.note).for_each(&mut f);
        claim.parts.iter_mut().for_each(|part| f(&mut part.label));
    }
    for gate in &mut report.gates {
        [&mut gate.id, &mut gate.text, &mut gate.expression].into_iter().for_each(&mut f);
        gate.claims.iter_mut().chain(&mut gate.note).for_each(&mut f);
    }
    for section in &mut report.diagnostics {
        f(&mut section.title);
        f(&mut section.text);
        for table in &mut section.tables {
            table.caption.iter_mut().for_each(&mut f);
            table.header.iter_mut().for_each(|heading| f(&mut heading.label));
            for datum in table.rows.iter_mut().flatten() {
                if let Datum::Text(text) = datum {
                    f(text);
                }
            }
        }
        for plot in &mut section.plots {
            [&mut plot.title, &mut plot.x.label, &mut plot.y.label].into_iter().for_each(&mut f);
            plot.series.iter_mut().for_each(|series| f(&mut series.label));
        }
    }
    for source in &mut report.sources {
        [&mut source.step, &mut source.kind, &mut source.key, &mut source.artefact]
            .into_iter()
            .for_each(&mut f);
        source.facts.values_mut().chain(source.prompts.values_mut()).for_each(&mut f);
    }
    report.facts.values_mut().for_each(&mut f);
    if let Some(criteria) = &mut report.criteria {
        criteria.history.iter_mut().for_each(&mut f);
        criteria.files.iter_mut().for_each(|file| f(&mut file.file));
        f(&mut criteria.hash);
    }
}
