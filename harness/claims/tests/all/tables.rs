//! From what was found to a table.

use std::collections::BTreeMap;

use assay_claims::Assurance;
use assay_claims::claim::Outcome;
use assay_claims::printed::PrintedCheck;
use assay_claims::scores::{SampleScore, ScoresError};
use assay_claims::section::Datum;
use assay_claims::table::{
    Column, Evaluation, Layout, Measurements, Rounding, RowLayout, Table, TableError, Threshold, Unit,
};
use serde_json::Value;

use crate::small::{claim, layout, measurements};

/// Everything that is expected, numbers up to the last digits, which depend on the C library.
#[track_caller]
fn same(found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().for_each(|(key, value)| same(found.get(key).unwrap_or(&Value::Null), value));
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len());
            found.iter().zip(expected).for_each(|(found, expected)| same(found, expected));
        }
        (Value::Number(found), Value::Number(expected)) => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((found - expected).abs() <= 1e-13 * expected.abs().max(1.0), "{found} {expected}");
        }
        _ => assert_eq!(found, expected),
    }
}

/// Numbers that were computed once and must not move: cells, their errors by question, values by seed, margins, lengths.
#[test]
fn a_table_comes_out_as_it_always_did() {
    let expected: Value = serde_json::from_str(include_str!("../data/table.json")).unwrap();
    let table = Table::new(layout(), measurements()).unwrap();
    let found = serde_json::to_value(&table).unwrap();
    same(&found["cells"], &expected["cells"]);
    same(&found["claims"], &expected["claims"]);
    for (row, lengths) in ["base", "old", "new"].iter().zip(&table.sections[0].tables[0].rows) {
        assert_eq!(lengths[0], Datum::Text(row.to_uppercase()));
        for (column, length) in ["A", "B", "C"].iter().zip(&lengths[1..]) {
            assert_eq!(*length, Datum::Number(expected["lengths"][row][column].as_f64().unwrap()));
        }
    }
    assert_eq!(serde_json::from_value::<Table>(found).unwrap(), table);
}

#[test]
fn what_follows_from_the_numbers_is_said() {
    let mut layout = layout();
    layout.notes = vec!["The recipe's own.".into()];
    let table = Table::new(layout, measurements()).unwrap();
    assert_eq!(
        table.notes,
        [
            "Small.",
            "The recipe's own.",
            "An interval is about the choice of questions and of training seeds (2 of them: 1, 2); the part of the seeds \
             is pooled over the trained rows of the table, as if they varied alike. So few \
             seeds settle no claim about trained models",
            "The judge failed on 5 samples; they count neither as right nor as wrong, and a claim that their verdicts could \
             change is open",
        ]
    );
    assert_eq!(table.seeds, [1, 2]);
    assert_eq!(table.claims[1].rule.as_deref().unwrap().split(' ').next(), Some("holds"));
}

fn printed(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect()
}

/// An invented table without models, groups, claims that were measured, or anything else of another paper.
#[test]
fn a_table_may_hold_printed_values_only() {
    let column = |id: &str, questions| Column {
        id: id.into(),
        paper_questions: questions,
        paper_samples: Some(1),
        ..Column::default()
    };
    let row = |id: &str, values: &[(&str, &str)]| RowLayout {
        id: id.into(),
        label: id.into(),
        printed: printed(values),
        ..RowLayout::default()
    };
    let layout = Layout {
        columns: vec![column("birds", Some(40)), column("fish", None)],
        rows: vec![row("owl", &[("birds", "52.50"), ("fish", "10.1")]), row("cat", &[("birds", "52.51")])],
        claims: vec![claim("C1", "owl.birds > cat.birds"), claim("C2", "owl.fish > 10")],
        ..Layout::default()
    };
    assert_eq!(layout.check(&Default::default()), []);
    let table = Table::new(layout, Measurements::default()).unwrap();
    let check = |row: &str, column: &str| table.cells[row][column].printed.as_ref().unwrap().check;
    assert_eq!(check("owl", "birds"), PrintedCheck::Consistent);
    assert_eq!(check("cat", "birds"), PrintedCheck::OffTheGrid);
    assert_eq!(check("owl", "fish"), PrintedCheck::NotAttempted);
    assert!(!table.cells["cat"].contains_key("fish"), "an empty cell is left out");
    assert!(table.cells.values().flat_map(BTreeMap::values).all(|cell| cell.measured.is_none()));
    let claims: Vec<_> = table.claims.iter().map(|c| (c.outcome, c.printed_holds)).collect();
    assert_eq!(claims, [(Outcome::NotAttempted, Some(false)), (Outcome::NotAttempted, Some(true))]);
    assert_eq!((&table.notes[..], &table.sections[..], &table.seeds[..]), (&[][..], &[][..], &[][..]));
}

/// A quoted row beside measured ones, a column that nothing is measured on, and a model of no row.
#[test]
fn measured_and_printed_rows_stand_side_by_side() {
    let mut layout = layout();
    layout.rows[0].model = None;
    layout.columns[1].benchmark = None;
    layout.claims.push(claim("5", "new.A > old.A"));
    let table = Table::new(layout, measurements()).unwrap();
    let whole = Table::new(self::layout(), measurements()).unwrap();
    let measured = |row: &str, column: &str| table.cells[row][column].measured.clone();
    assert_eq!(measured("base", "A"), None);
    assert_eq!(measured("new", "B"), None);
    assert_eq!(measured("new", "one"), None, "a member of the average is not measured");
    assert_eq!(measured("new", "A"), whole.cells["new"]["A"].measured);
    assert_eq!(measured("new", "two"), whole.cells["new"]["two"].measured);
    assert_eq!(table.cells["base"]["A"].printed, whole.cells["base"]["A"].printed);
    let outcomes: Vec<_> = table.claims.iter().map(|claim| claim.outcome).collect();
    assert_eq!(outcomes[0], Outcome::NotAttempted);
    assert_eq!(outcomes[1], whole.claims[1].outcome);
    assert_eq!(outcomes[2], Outcome::NotAttempted);
    assert!(outcomes[4] != Outcome::NotAttempted);
    assert!(table.notes.iter().any(|note| note.contains("failed on 4 samples")), "{:?}", table.notes);
    let lengths = &table.sections[0].tables[0];
    assert_eq!((lengths.header.len(), lengths.rows.len()), (3, 2));
}

/// Graded scores: the mean over questions of their means, with the variance of these means. By hand, for question means
/// of 0.5, 1, 0 and 0.25: mean 0.4375, variance 0.1823, standard error 0.2135.
#[test]
fn graded_scores_have_means_and_intervals_like_verdicts() {
    let table = |of: [[f64; 2]; 4]| {
        let score = |fraction: &f64| SampleScore::new(*fraction).unwrap();
        let scores =
            (0..).zip(&of).map(|(at, samples)| (format!("q{at}"), samples.iter().map(score).collect()));
        let evaluation = Evaluation {
            model: "m".into(),
            scores: BTreeMap::from([("b".to_owned(), scores.collect())]),
            ..Evaluation::default()
        };
        let row =
            RowLayout { id: "r".into(), label: "R".into(), model: Some("m".into()), ..RowLayout::default() };
        let column = Column { id: "B".into(), benchmark: Some("b".into()), ..Column::default() };
        let layout = Layout { columns: vec![column], rows: vec![row], ..Layout::default() };
        let measured = Measurements {
            questions: BTreeMap::from([("b".to_owned(), (0..4).map(|at| format!("q{at}")).collect())]),
            evaluations: vec![evaluation],
            ..Measurements::default()
        };
        Table::new(layout, measured).unwrap()
    };
    let graded = table([[0.25, 0.75], [1.0, 1.0], [0.0, 0.0], [0.5, 0.0]]);
    let cell = graded.cells["r"]["B"].measured.clone().unwrap();
    assert!(
        (cell.value - 43.75).abs() < 1e-9 && (cell.standard_error.unwrap() - 21.35).abs() < 0.005,
        "{cell:?}"
    );
    assert_eq!(cell.n, Some(8));
    let scores = &graded.question_scores["B"].rows["r"];
    assert_eq!((scores.samples, &scores.sums[..]), (2, &[1.0, 2.0, 0.0, 0.5][..]));

    // Wilson's interval is for verdicts: one fraction everywhere is no proportion of right samples.
    let width = |table: &Table| table.cells["r"]["B"].measured.as_ref().unwrap().half_width();
    assert_eq!(width(&table([[0.5, 0.5]; 4])), 0.0);
    assert!(width(&table([[1.0, 1.0]; 4])) > 20.0);
}

/// A quantity is shown in its own unit, beside the constant that it is compared with.
#[test]
fn claims_have_the_unit_and_the_threshold_of_their_words() {
    let above = |bound| Threshold::Above { bound };
    let below = |bound| Threshold::Below { bound };
    let within = |margin| Threshold::Within { margin };
    let cases = [
        ("new.A > old.A", Unit::Points, above(0.0), 1.0, 0.0),
        ("new.A < old.A", Unit::Points, above(0.0), 1.0, 0.0),
        ("new.A > 50", Unit::Percent, above(50.0), 1.0, 50.0),
        ("50 < new.A", Unit::Percent, above(50.0), 1.0, 50.0),
        ("new.A < 90", Unit::Percent, below(90.0), -1.0, 90.0),
        ("90 >= new.A", Unit::Percent, below(90.0), -1.0, 90.0),
        ("new.A - old.A > 3", Unit::Points, above(3.0), 1.0, 3.0),
        ("(new.A - base.A) / base.A > 0.3", Unit::Ratio, above(0.3), 1.0, 0.3),
        ("new.A / base.A > new.B / base.B", Unit::Ratio, above(0.0), 1.0, 0.0),
        ("new.A / 2 > old.A", Unit::Points, above(0.0), 1.0, 0.0),
        ("slope(base.A at 1, new.A at 2) > 1", Unit::Points, above(1.0), 1.0, 1.0),
        ("avg(new.A, new.B) ~ 60 within 40", Unit::Points, within(40.0), 1.0, 0.0),
        ("new.A ~ old.A within 20", Unit::Points, within(20.0), 1.0, 0.0),
        ("new.A / base.A ~ 4 within 1", Unit::Ratio, within(1.0), 1.0, 0.0),
    ];
    let mut layout = layout();
    layout.claims = cases.iter().map(|case| claim(case.0, case.0)).collect();
    let table = Table::new(layout, measurements()).unwrap();
    let cell = |row: &str, column: &str| table.cells[row][column].measured.as_ref().unwrap().value;
    for ((text, unit, threshold, sign, offset), claim) in cases.iter().zip(&table.claims) {
        let part = &claim.parts[0];
        assert_eq!((&part.unit, part.threshold), (unit, *threshold), "{text}");
        let parsed: assay_claims::claim::Claim = text.parse().unwrap();
        let comparison = &parsed.alternatives[0][0];
        let cells = comparison.cells();
        let values: Vec<f64> = cells.iter().map(|id| cell(&id.row, &id.column)).collect();
        let expected = sign * comparison.margin(&cells, &values).value + offset;
        let found = part.estimate.as_ref().unwrap();
        assert!((found.value - expected).abs() < 1e-9, "{text}: {found:?}");
        assert!(found.low <= found.value && found.value <= found.high, "{text}: {found:?}");
    }
}

/// A model that is not trained for each seed is evaluated once, with more samples: its seeds are none, and its k is said.
#[test]
fn a_row_may_have_another_number_of_samples() {
    let mut measured = measurements();
    for scores in measured.evaluations[0].scores.values_mut().flat_map(BTreeMap::values_mut) {
        scores.extend(scores.clone());
    }
    let mut layout = layout();
    layout.rows[0].stand_in = Some("a base".into());
    let table = Table::new(layout, measured).unwrap();
    assert_eq!(table.samples["a"], 4);
    assert_eq!(
        table.row_samples["base"],
        BTreeMap::from([("a".into(), 8), ("b".into(), 8), ("c".into(), 8)])
    );
    assert_eq!(table.row_samples.len(), 1);
    let note = "`base` (a base, in the place of BASE) has 8 samples a question on every benchmark, where other rows have 4 under each seed";
    assert!(table.notes.iter().any(|said| said == note), "{:?}", table.notes);
    assert_eq!(table.sections[0].tables[0].rows[0][0], Datum::Text("a base, in the place of BASE".into()));
}

/// Values recomputed from the authors' own samples follow from them, or are contradicted by them.
#[test]
fn recomputed_values_are_held_against_the_printed_ones() {
    let of = |printed: &str, rounding| {
        let mut layout = layout();
        layout.rounding = rounding;
        layout.rows[1].printed.insert("A".into(), printed.into());
        let level = |row: &str| (row.to_owned(), Assurance::RecomputedFromTheAuthorsSamples);
        let table = Table::new(layout, measurements()).unwrap().with_assurance([level("old")].into());
        let printed = table.cells["old"]["A"].printed.clone().unwrap();
        (printed.check, printed.note.unwrap_or_default())
    };
    // 38 of 96 right: 39.5833.
    for (text, rounding, check, words) in [
        ("39.58", None, PrintedCheck::OffTheGrid, "give 39.5833, which agrees"),
        ("39.59", None, PrintedCheck::OffTheGrid, "give 39.5833, which agrees"),
        ("39.59", Some(Rounding::Once), PrintedCheck::Contradicted, "39.59 is printed: 0.0067 apart"),
        (
            "40.0",
            None,
            PrintedCheck::Contradicted,
            "40.0 is printed: 0.4167 apart, where 0.1000 can be explained",
        ),
        ("81.4", None, PrintedCheck::Contradicted, "81.4 is printed: 41.8167 apart"),
    ] {
        let (found, note) = of(text, rounding);
        assert_eq!(found, check, "{text}: {note}");
        assert!(note.contains(words), "{text}: {note}");
    }
    let untouched = Table::new(layout(), measurements()).unwrap();
    let other = untouched.clone().with_assurance([("old".to_owned(), Assurance::ReJudged)].into());
    assert_eq!(other.cells, untouched.cells, "another level says nothing about the printed value");
}

#[test]
fn what_each_row_scored_on_each_question_is_kept() {
    let table = Table::new(layout(), measurements()).unwrap();
    let of = |column: &str, row: &str| &table.question_scores[column].rows[row];
    let old = of("B", "old");
    assert_eq!((old.samples, old.sums.len(), old.failures["b03"]), (8, 12, 2));
    let mean = old.sums.iter().zip(&table.question_scores["B"].questions);
    let mean: f64 =
        mean.map(|(sum, id)| sum / (8.0 - old.failures.get(id).copied().unwrap_or(0) as f64)).sum();
    let cell = table.cells["old"]["B"].measured.as_ref().unwrap();
    assert!((mean / 12.0 * 100.0 - cell.value).abs() < 1.0, "{mean} {}", cell.value);
    let mut unmeasured = layout();
    unmeasured.columns[1].benchmark = None;
    assert!(!Table::new(unmeasured, measurements()).unwrap().question_scores.contains_key("B"));
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let mut without = measurements();
    without.evaluations[1].scores.get_mut("c").unwrap().values_mut().for_each(Vec::clear);
    let error = Table::new(layout(), without.clone()).unwrap_err();
    let message = "the judge failed on every sample of model the-old-model on c: there is no score for it";
    assert_eq!(error.to_string(), message);
    without.evaluations[1].scores.get_mut("c").unwrap().get_mut("c07").unwrap().push(SampleScore::RIGHT);
    let error = Table::new(layout(), without).unwrap_err();
    assert!(error.to_string().starts_with("row `old` has scores on 1 question of column `C`"), "{error}");
    let mut lacking = measurements();
    lacking.evaluations[1].scores.get_mut("c").unwrap().remove("c07");
    let error = Table::new(layout(), lacking).unwrap_err();
    assert!(matches!(error, TableError::Scores(ScoresError::MissingQuestion { .. })), "{error}");
    // Nobody knows which questions the benchmark has.
    let mut unknown = measurements();
    unknown.questions.remove("c");
    let error = Table::new(layout(), unknown).unwrap_err();
    assert!(matches!(error, TableError::Scores(ScoresError::UnknownColumn { .. })), "{error}");
    let mut unequal = measurements();
    unequal.evaluations[2].seed = Some(3);
    let error = Table::new(layout(), unequal).unwrap_err();
    assert!(matches!(error, TableError::Scores(ScoresError::SeedsDiffer { .. })), "{error}");
}
