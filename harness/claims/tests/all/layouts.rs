//! Mistakes in a layout, each with its place.

use std::collections::BTreeSet;

use assay_claims::table::{Column, Known, Layout, Measure, NamedMean};

use crate::small::{claim, layout};

fn known(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn column(id: &str) -> Column {
    Column { id: id.into(), group: Some("one".into()), ..Column::default() }
}

/// The only column of the second group.
fn figure(id: &str, name: &str) -> Column {
    Column { group: Some("two".into()), measure: Measure::Figure(name.into()), ..column(id) }
}

/// `path: message (suggestion) @offset` of each finding.
fn findings(layout: &Layout) -> Vec<String> {
    let models = known(&["the-base-model", "the-old-model", "the-new-model"]);
    let benchmarks = known(&["a", "b", "c"]);
    let figures = known(&["spikes", "steps"]);
    let found = layout.check(&Known {
        models: Some(&models),
        benchmarks: Some(&benchmarks),
        figures: Some(&figures),
        ..Known::default()
    });
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
    let cases: [(&str, Bend); 30] = [
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
        ("columns[0].measure.pass-at: is 0, but must be at least 1", |l| {
            l.columns[0].measure = Measure::PassAt(0);
        }),
        ("columns[1].benchmark: `a` stands in two columns of pass@4", |l| {
            l.columns[0].measure = Measure::PassAt(4);
            l.columns[1] = Column { benchmark: Some("a".into()), measure: Measure::PassAt(4), ..column("B") };
        }),
        ("columns[1].at: is the place of column `A` on `a` too", |l| {
            l.columns[0].at = Some(4);
            l.columns[1] = Column {
                benchmark: Some("a".into()),
                measure: Measure::PassAt(4),
                at: Some(4),
                ..column("B")
            };
        }),
        (
            "columns[2].benchmark: stands beside the measure `figure`: a figure is of the row's model, not of a benchmark",
            |l| l.columns[2].measure = Measure::Figure("spikes".into()),
        ),
        ("columns[2].measure.figure: there is no figure `spike` (did you mean `spikes`?)", |l| {
            l.columns[2] = figure("C", "spike");
        }),
        ("columns[3].measure.figure: `steps` stands in two columns", |l| {
            l.columns[2] = figure("C", "steps");
            l.columns.push(Column { group: None, ..figure("D", "steps") });
        }),
        (
            "columns[2].unit: is `tokens`, but the column's measured values are percentages, which need no unit",
            |l| {
                l.columns[2].unit = Some("tokens".into());
                l.rows.iter_mut().for_each(|row| drop(row.averages.remove("two")));
            },
        ),
        ("groups[0].id: an average is of values of one kind, but `A` is in percent and `B` in tokens", |l| {
            l.columns[1].measure = Measure::Tokens
        }),
        (
            "means[0].columns: an average is of values of one kind, but `A` is in percent and `C` without a unit",
            |l| {
                l.columns[2] = figure("C", "spikes");
                l.means.push(NamedMean { id: "both".into(), columns: vec!["A".into(), "C".into()] });
            },
        ),
        ("rows[2].at: is the place of row `base` too: rows of one block have different places", |l| {
            (l.rows[0].at, l.rows[2].at) = (Some(0), Some(0));
        }),
        (
            "rows[1].averages.two: `5O` is not a decimal number such as 45.41, with at most 15 digits, 9 of them after the point",
            |l| {
                l.columns[2] = figure("C", "spikes");
                l.rows[1].averages.insert("two".into(), "5O".into());
            },
        ),
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

/// Two measures of one benchmark, two blocks with the same places, and averages of amounts of one unit are no mistakes.
#[test]
fn measures_that_go_together_have_no_findings() {
    let mut layout = layout();
    layout.columns[0].at = Some(1);
    let second =
        Column { benchmark: Some("a".into()), measure: Measure::PassAt(4), at: Some(4), ..column("A4") };
    layout.columns.push(second);
    layout.columns[2].measure = Measure::Tokens;
    layout.columns.push(Column { group: Some("two".into()), unit: Some("tokens".into()), ..column("D") });
    layout.rows[0].printed.insert("D".into(), "18413".into());
    layout.rows[0].averages.insert("two".into(), "9000.5".into());
    for (row, block) in layout.rows.iter_mut().zip(["x", "y", "z"]) {
        (row.at, row.block) = (Some(2), Some(block.into()));
    }
    assert_eq!(findings(&layout), [""; 0]);
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
