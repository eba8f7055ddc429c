//! From what was found to a table.

use std::collections::BTreeMap;

use assay_claims::claim::Outcome;
use assay_claims::printed::PrintedCheck;
use assay_claims::scores::ScoresError;
use assay_claims::section::Datum;
use assay_claims::table::{Column, Layout, Measurements, RowLayout, Table, TableError};
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
            "An interval is about the choice of questions and of training seeds (2 of them: 1, 2); the part of the seeds is \
             pooled over the trained rows of the table",
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

#[test]
fn what_does_not_fit_together_is_refused() {
    let mut without = measurements();
    without.evaluations[1].outcomes.get_mut("c").unwrap().get_mut("c07").unwrap().clear();
    let error = Table::new(layout(), without).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the judge failed on every sample of question c07 by model the-old-model: there is no score for it"
    );
    let mut lacking = measurements();
    lacking.evaluations[1].outcomes.get_mut("c").unwrap().remove("c07");
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
