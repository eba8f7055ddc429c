//! Mistakes in a layout, each with its place.

use std::collections::BTreeSet;

use assay_claims::table::{Known, Layout};

use crate::small::{claim, layout};

fn known(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// `path: message (suggestion) @offset` of each finding.
fn findings(layout: &Layout) -> Vec<String> {
    let models = known(&["the-base-model", "the-old-model", "the-new-model"]);
    let benchmarks = known(&["a", "b", "c"]);
    let found = layout.check(&Known { models: Some(&models), benchmarks: Some(&benchmarks) });
    let text = found.into_iter().map(|finding| {
        let suggestion = finding.suggestion.map_or(String::new(), |name| format!(" ({name})"));
        let offset = finding.offset.map_or(String::new(), |offset| format!(" @{offset}"));
        format!("{}: {}{suggestion}{offset}", finding.path, finding.message)
    });
    text.collect()
}

#[test]
fn a_sound_layout_has_no_findings() {
    assert_eq!(findings(&layout()), [""; 0]);
    assert_eq!(layout().check(&Known::default()), []);
}

#[test]
fn each_mistake_is_found_where_it_is() {
    type Bend = fn(&mut Layout);
    let cases: [(&str, Bend); 19] = [
        ("groups[1].id: `one` is used twice", |l| {
            l.groups[1].id = "one".into();
        }),
        ("groups[1].id: `C` is a column's name too", |l| {
            l.groups[1].id = "C".into();
            l.columns[2].group = Some("C".into());
        }),
        ("groups[1].id: group `two` has no column", |l| l.columns[2].group = Some("one".into())),
        ("columns[1].id: `A` is used twice", |l| {
            l.columns[1].id = "A".into();
        }),
        ("columns[0].group: there is no group `onee` (did you mean `one`?)", |l| {
            l.columns[0].group = Some("onee".into())
        }),
        ("columns[0].benchmark: there is no benchmark `chain` (known here: `a`, `b`, `c`)", |l| {
            l.columns[0].benchmark = Some("chain".into());
        }),
        ("columns[1].benchmark: `a` stands in two columns", |l| l.columns[1].benchmark = Some("a".into())),
        ("columns[0].paper_questions: is 0, but must be at least 1", |l| {
            l.columns[0].paper_questions = Some(0);
        }),
        ("columns[2].paper_samples: is 0, but must be at least 1", |l| l.columns[2].paper_samples = Some(0)),
        ("rows[2].id: `base` is used twice", |l| {
            l.rows[2].id = "base".into();
        }),
        (
            "rows[1].model: no verdicts on model `the-odl-model` are among the table's inputs (did you mean \
             `the-old-model`?)",
            |l| l.rows[1].model = Some("the-odl-model".into()),
        ),
        ("rows[0]: holds neither a model nor imported nor printed values", |l| {
            l.rows[0].model = None;
            l.rows[0].printed.clear();
            l.rows[0].averages.clear();
        }),
        ("rows[0].printed.MATH500: unknown key `MATH500` (known here: `A`, `B`, `C`)", |l| {
            l.rows[0].printed.insert("MATH500".into(), "1.0".into());
        }),
        ("rows[0].averages.\"o.ne\": unknown key `o.ne` (did you mean `one`?)", |l| {
            l.rows[0].averages.insert("o.ne".into(), "1.0".into());
        }),
        (
            "rows[1].printed.B: `5O.0` is not a decimal number such as 45.41, with at most 15 digits, 9 of them after \
             the point",
            |l| drop(l.rows[1].printed.insert("B".into(), "5O.0".into())),
        ),
        ("rows[1].averages.one: 145.00 is not a percentage", |l| {
            l.rows[1].averages.insert("one".into(), "145.00".into());
        }),
        ("claims[4].id: `1` is used twice", |l| l.claims.push(claim("1", "new.A > 0"))),
        ("claims[0].expression: expected `>`, `<`, `>=`, `<=` or `~`, found the end @7", |l| {
            l.claims[0].expression = "new.one".into();
        }),
        ("claims[0].expression: there is no column `onne` (did you mean `one`?) @14", |l| {
            l.claims[0].expression = "new.one > old.onne".into();
        }),
    ];
    for (expected, bend) in cases {
        let mut layout = layout();
        bend(&mut layout);
        assert_eq!(findings(&layout), [expected]);
    }
}

/// A name that is used twice leaves another name without its entry: that is one mistake.
#[test]
fn a_repeated_name_hides_unknown_names_of_its_list_and_nothing_else() {
    let mut layout = layout();
    layout.rows[2].id = "base".into();
    layout.rows[0].printed.insert("D".into(), "1.0".into());
    layout.claims.push(claim("9", "new.A >"));
    let found = findings(&layout);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "rows[2].id: `base` is used twice");
    assert_eq!(found[1], "rows[0].printed.D: unknown key `D` (known here: `A`, `B`, `C`)");
    assert!(found[2].starts_with("claims[4].expression: expected"), "{found:?}");
}

#[test]
fn all_mistakes_are_found_at_once() {
    let found = findings(&Layout { claims: vec![claim("1", "a.b > ")], ..Layout::default() });
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("claims[0].expression: expected a cell"), "{found:?}");
    assert!(found[1].starts_with("columns: is empty") && found[2].starts_with("rows: is empty"), "{found:?}");
}
