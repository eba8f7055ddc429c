//! Gates: claims that are tested only where the measurement gives them a fair chance.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::claim::Outcome;
use assay_claims::table::{Gate, GateLayout, Known, Layout, Table};

use crate::small::{claim, layout, measurements};

fn gate(id: &str, expression: &str) -> GateLayout {
    GateLayout { id: id.into(), text: format!("asks {id}"), expression: expression.into() }
}

/// Gates, each with a claim that needs it alone.
fn gated(gates: &[&str]) -> Layout {
    let mut layout = layout();
    layout.claims.truncate(1);
    for (at, expression) in gates.iter().enumerate() {
        let (id, of_claim) = (format!("g{at}"), format!("c{at}"));
        layout.gates.push(gate(&id, expression));
        let mut claim = claim(&of_claim, "new.one > base.one");
        claim.gates = vec![id];
        layout.claims.push(claim);
    }
    layout
}

/// The table of a layout, with figures of two models.
fn table(layout: Layout) -> Table {
    let mut measured = measurements();
    let of = |figures: &[(&str, f64)]| -> BTreeMap<String, f64> {
        figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    };
    let chain = BTreeMap::from([
        (Some(1), of(&[("solves", 93.0), ("ratio", -0.02), ("rescued:root", 10.0)])),
        (Some(2), of(&[("solves", 95.0), ("ratio", -0.04)])),
    ]);
    measured.figures.insert("chain".into(), chain);
    measured.figures.insert("once".into(), BTreeMap::from([(None, of(&[("loss", 0.0)]))]));
    Table::new(layout, measured).unwrap()
}

fn of(expression: &str) -> Gate {
    table(gated(&[expression])).gates.remove(0)
}

#[test]
fn a_gate_is_a_condition_on_point_values() {
    let base = table(gated(&[])).cells["base"]["one"].measured.clone().unwrap();
    assert!(base.low < base.value && base.value < base.high);
    let just_below = format!("base.one > {}", base.value - 1e-6);
    let just_above = format!("base.one > {}", base.value + 1e-6);
    for (expression, expected) in [
        ("chain.solves <= 40", Some(false)),
        ("chain.solves > 93.9 and chain.solves < 94.1", Some(true)),
        ("chain.solves > 94", Some(false)),
        ("chain.solves >= 94", Some(true)),
        ("chain.ratio ~ 0 within 0.03", Some(true)),
        ("chain.ratio ~ 0 within 0.02", Some(false)),
        ("chain.\"rescued:root\" > 9", Some(true)),
        ("chain.solves > 99 or chain.ratio < 0", Some(true)),
        ("chain.missing > 1", None),
        ("stranger.solves > 1", None),
        ("chain.missing > 1 and chain.solves > 99", Some(false)),
        ("chain.missing > 1 or chain.solves > 9", Some(true)),
        ("chain.missing > 1 or chain.solves > 99", None),
        ("chain.solves / once.loss > 1", None),
        // No test: the interval does not matter.
        (&just_below, Some(true)),
        (&just_above, Some(false)),
        ("new.one > base.one", Some(true)),
    ] {
        assert_eq!(of(expression).passed, expected, "{expression}");
    }
}

#[test]
fn a_gate_that_does_not_pass_says_what_was_found() {
    for (expression, note) in [
        ("chain.solves >= 15 and chain.solves <= 40", "`chain.solves` is 94.0, above 40"),
        ("chain.solves > 94", "`chain.solves` is 94.0, not above 94"),
        ("15 > chain.solves", "`chain.solves` is 94.0, not below 15"),
        ("chain.solves <= 93.96", "`chain.solves` is 94.0, above 93.96"),
        ("chain.ratio >= -0.0299", "`chain.ratio` is -0.030, below -0.0299"),
        ("chain.ratio >= -0.02999", "`chain.ratio` is -0.030, below -0.02999"),
        ("chain.ratio > -0.0296", "`chain.ratio` is -0.030, not above -0.0296"),
        ("chain.solves < 93.9999", "`chain.solves` is 94.0, not below 93.9999"),
        ("chain.solves / 3 < 31.31", "`chain.solves / 3` is 31.33, not below 31.31"),
        ("chain.ratio ~ 0 within 0.02", "`chain.ratio` is -0.030, more than 0.02 away from 0"),
        ("chain.ratio >= chain.solves", "`chain.ratio` is -0.030, below `chain.solves`, which is 94.0"),
        (
            "chain.solves < 1 or once.loss > 1",
            "`chain.solves` is 94.0, not below 1; `once.loss` is 0.000, not above 1",
        ),
        ("chain.missing > 1", "`chain.missing` was not measured"),
        ("chain.solves / once.loss > 1", "something is divided by zero in `chain.solves / once.loss`"),
    ] {
        assert_eq!(of(expression).note.as_deref(), Some(note), "{expression}");
    }
    let gate = of("chain.solves > 9 and base.one < 100 or chain.missing > 1");
    assert_eq!((gate.passed, gate.note), (Some(true), None));
    let names: Vec<&str> = gate.values.keys().map(String::as_str).collect();
    assert_eq!(names, ["base.one", "chain.missing", "chain.solves"]);
    assert_eq!((gate.values["chain.solves"], gate.values["chain.missing"]), (Some(94.0), None));
    assert_eq!(gate.claims, ["c0"]);
}

/// A claim behind a gate that does not pass is not tested, and the others share their level as if it were not there.
#[test]
fn a_claim_is_tested_where_all_of_its_gates_pass() {
    let mut plain = layout();
    plain.claims.truncate(1);
    plain.claims.push(claim("c0", "new.one > base.one"));
    let plain = table(plain);

    let passing = table(gated(&["chain.solves > 9"]));
    assert_eq!(passing.claims, plain.claims);

    let failing = table(gated(&["chain.solves < 9"]));
    let (open, tested) = (&failing.claims[1], &plain.claims[1]);
    assert_eq!((open.outcome, open.p_value, open.adjusted_p_value), (Outcome::NotTestable, None, None));
    assert_eq!(open.parts[0].estimate, tested.parts[0].estimate);
    assert_eq!(open.parts[0].printed, tested.parts[0].printed);
    assert_eq!((open.parts[0].outcome, open.parts[0].level), (Outcome::NotTestable, None));
    assert_eq!(
        open.note.as_deref(),
        Some("gate `g0` (asks g0) does not pass: `chain.solves` is 94.0, not below 9")
    );
    // Of two claims the smaller p value is multiplied by 2, alone by 1.
    let alone = &failing.claims[0];
    assert_eq!((alone.p_value, alone.adjusted_p_value), (plain.claims[0].p_value, alone.p_value));
    let level = |table: &Table| table.claims[0].parts[0].level;
    assert_eq!((level(&plain), level(&failing)), (Some(0.025), Some(0.05)));

    let unknown = table(gated(&["chain.missing < 9"]));
    assert_eq!(unknown.claims[1].outcome, Outcome::NotAttempted);
    let note = unknown.claims[1].note.as_deref().unwrap();
    assert_eq!(note, "gate `g0` (asks g0) cannot be decided: `chain.missing` was not measured");

    let mut several = gated(&["chain.missing < 9", "chain.solves > 9", "chain.solves < 9"]);
    several.claims[1].gates = vec!["g0".into(), "g1".into()];
    several.claims[2].gates = vec!["g1".into(), "g2".into(), "g0".into()];
    let several = table(several);
    assert_eq!(several.claims[1].outcome, Outcome::NotAttempted);
    assert_eq!(several.claims[2].outcome, Outcome::NotTestable, "a gate that does not pass decides");
    assert_eq!(several.claims[2].note.as_deref().unwrap().matches("gate `").count(), 2);
}

#[test]
fn a_table_with_gates_survives_json() {
    let table = table(gated(&["chain.solves < 9", "chain.missing > 1"]));
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(serde_json::from_str::<Table>(&text).unwrap(), table);
}

fn findings(layout: &Layout, known: bool) -> Vec<String> {
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let figures = set(&["loss", "rescued", "rescued:", "solves"]);
    let with_figures = set(&["chain", "once"]);
    let known = match known {
        true => Known { figures: Some(&figures), with_figures: Some(&with_figures), ..Known::default() },
        false => Known::default(),
    };
    let text = layout.check(&known).into_iter().map(|finding| {
        let suggestion = finding.suggestion.map_or(String::new(), |name| format!(" ({name})"));
        let offset = finding.offset.map_or(String::new(), |offset| format!(" @{offset}"));
        format!("{}: {}{suggestion}{offset}", finding.path, finding.message)
    });
    text.collect()
}

#[test]
fn mistakes_in_gates_are_found_before_anything_runs() {
    for (expression, expected) in [
        ("chain.solves > 1 and chain.\"rescued:root\" < 9 and base.one > 1", None),
        (
            "chain.solves > 1 and",
            Some("expected a cell (`row.column`), a number, a function, `-`, `|` or `(`, found the end @20"),
        ),
        ("chain.solve > 1", Some("there is no figure `solve` (did you mean `solves`?) @6")),
        ("chain.\"rescued:\" > 1", Some("there is no figure `rescued:` (did you mean `rescued`?) @6")),
        (
            "chain.\"solves:root\" > 1",
            Some("there is no figure `solves:root` (known here: `loss`, `rescued`, `solves`) @6"),
        ),
        (
            "chains.solves > 1",
            Some(
                "there is no row `chains` and no model `chains` that figures are known of (did you mean `chain`?) @0",
            ),
        ),
        (
            "1 < bases.one",
            Some(
                "there is no row `bases` and no model `bases` that figures are known of (did you mean `base`?) @4",
            ),
        ),
        ("base.onne > 1", Some("there is no column `onne` (did you mean `one`?) @5")),
        ("base.solves > 1", Some("there is no column `solves` (known here: `A`, `B`, `C`, `one`, `two`) @5")),
    ] {
        let found = findings(&gated(&[expression]), true);
        let expected: Vec<String> =
            expected.iter().map(|message| format!("gates[0].expression: {message}")).collect();
        assert_eq!(found, expected, "{expression}");
    }
    assert_eq!(findings(&gated(&["anything.goes > 1"]), false), [""; 0], "where nothing is known");

    type Bend = fn(&mut Layout);
    let cases: [(&str, Bend); 4] = [
        ("claims[1].gates[0]: there is no gate `g00` (did you mean `g0`?)", |l| {
            l.claims[1].gates[0] = "g00".into();
            l.claims[2].gates.push("g0".into());
        }),
        ("claims[1].gates[1]: `g0` is listed twice", |l| l.claims[1].gates.push("g0".into())),
        ("gates[1].id: `g0` is used twice", |l| l.gates[1].id = "g0".into()),
        ("gates[1].id: no claim uses gate `g1`", |l| l.claims[2].gates.clear()),
    ];
    for (expected, bend) in cases {
        let mut layout = gated(&["chain.solves > 1", "once.loss < 1"]);
        bend(&mut layout);
        assert_eq!(findings(&layout, true), [expected]);
    }
}
