use std::collections::BTreeSet;

use assay_claims::claim::{
    BinaryOperator, Cell, Claim, Comparison, Expression, ParseErrorKind, Relation, Span,
};
use assay_claims::scores::CellId;
use proptest::prelude::*;

#[test]
fn claims_print_in_canonical_form() {
    for (text, expected) in [
        ("acc.math > sft.math", "acc.math > sft.math"),
        ("acc.general - l.general>0", "acc.general - l.general > 0"),
        ("acc.math~gml.math within 2", "acc.math ~ gml.math within 2"),
        ("acc.LCB-E < sft-1k.MATH500", "acc.LCB-E < sft-1k.MATH500"),
        ("\"7B-1K\".math > \"a b\".\"and\"", "\"7B-1K\".math > \"a b\".\"and\""),
        ("\"acc\".\"math\" > 45.5", "acc.math > 45.5"),
        ("(acc.math - base.math) / base.math > 1.6", "(acc.math - base.math) / base.math > 1.6"),
        ("a.x - (b.x - c.x) > ((0))", "a.x - (b.x - c.x) > 0"),
        ("(a.x - b.x) - c.x > -(1 + 2) * 3", "a.x - b.x - c.x > -(1 + 2) * 3"),
        ("a.x / (b.x / c.x) > a.x / b.x / c.x", "a.x / (b.x / c.x) > a.x / b.x / c.x"),
        ("a.x > b.x and\n b.x > c.x", "a.x > b.x and b.x > c.x"),
        ("a.x- b.x > - -1", "a.x - b.x > --1"),
        ("a.x>=b.x and c.x<=1", "a.x >= b.x and c.x <= 1"),
        ("a.x > b.x or b.x > c.x and d.x > 0", "a.x > b.x or b.x > c.x and d.x > 0"),
        ("|a.x - b.x| * 2 > 3", "|a.x - b.x| * 2 > 3"),
        ("| a.x - b.x |<2.5", "a.x ~ b.x within 2.5"),
        ("|a.x|<=2.5", "a.x ~ 0 within 2.5"),
        ("avg( a.x ,b.x)>1", "avg(a.x, b.x) > 1"),
        ("avg(a.math) > 1", "avg(a.math) > 1"),
        ("slope(a.x at 1,b.x at 2, c.x at 4) > 0", "slope(a.x at 1, b.x at 2, c.x at 4) > 0"),
        ("ranks(a.x, b.x, c.x)", "a.x > b.x and b.x > c.x"),
        ("avg.x > slope.x and ranks.x > 0", "avg.x > slope.x and ranks.x > 0"),
        ("\"or\".x > \"at\".x", "\"or\".x > \"at\".x"),
    ] {
        let claim: Claim = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(claim.to_string(), expected);
    }
}

#[test]
fn operators_bind_as_in_arithmetic() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("8 - 4 - 2", 2.0),
        ("8 / 4 / 2", 1.0),
        ("-2 * 3 + 10", 4.0),
        ("2 * -3", -6.0),
        ("1.25 + 0.75", 2.0),
        ("|1 - 3| * 2", 4.0),
        ("avg(1, 2, 6)", 3.0),
        ("slope(1 at 1, 4 at 2, 7 at 4)", 3.0),
        ("slope(5 at 8, 1 at 2)", 2.0),
    ] {
        let expression: Expression = text.parse().unwrap();
        assert_eq!(expression.evaluate(&[], &[]).value, expected, "{text}");
    }
}

/// Where the fault lies, and what is said about it.
#[test]
fn mistakes_are_located_and_explained() {
    for (text, span, message) in [
        ("", (0, 0), "expected a cell (`row.column`), a number, a function, `-`, `|` or `(`, found the end"),
        ("acc.math", (8, 8), "expected `>`, `<`, `>=`, `<=` or `~`, found the end"),
        (
            "acc.math >",
            (10, 10),
            "expected a cell (`row.column`), a number, a function, `-`, `|` or `(`, found the end",
        ),
        ("acc > sft", (4, 5), "expected `.` and a column after the row, found `>`"),
        (
            "acc.500 > 1",
            (4, 7),
            "expected a column (in quotes, if it starts with a digit), found the number 500",
        ),
        (
            "acc.math-sft.math > 0",
            (4, 12),
            "a subtraction needs spaces around its minus: a dash inside a word belongs to the name `math-sft`",
        ),
        ("acc.math.x > 0", (8, 9), "expected an operator after the cell, found `.`"),
        ("acc.math ~ l.math", (17, 17), "expected `within` and a number of percentage points, found the end"),
        (
            "acc.math ~ l.math within x",
            (25, 26),
            "expected a number of percentage points, found the name `x`",
        ),
        (
            "a.x > b.x > c.x",
            (10, 11),
            "comparisons do not chain: write `a > b and b > c`, or `ranks(a, b, c)`",
        ),
        (
            "a.x > b.x xor b.x > c.x",
            (10, 13),
            "expected `and`, `or` or the end of the claim, found the name `xor`",
        ),
        ("a.x == b.x", (4, 5), "unexpected character `=`"),
        ("max(a.x, b.x) > 0", (0, 3), "there is no function `max`: there are avg, slope and ranks"),
        ("slope(a.x at 1) > 0", (0, 5), "`slope` needs at least two points"),
        ("slope(a.x at 2, b.x at 2) > 0", (0, 5), "a slope needs points at different places"),
        (
            "slope(a.x at 0, b.x at 2) > 0",
            (13, 14),
            "a slope is over the logarithm to base 2 of what stands behind `at`: it must be above 0",
        ),
        ("slope(a.x, b.x) > 0", (9, 10), "expected an operator, or `at` and a number, found `,`"),
        ("ranks(a.x)", (0, 5), "`ranks` needs at least two values"),
        ("ranks(a.x, b.x) > 0", (16, 17), "expected `and`, `or` or the end of the claim, found `>`"),
        ("avg(a.x > 0", (8, 9), "expected `,`, an operator or `)`, found `>`"),
        ("|a.x > 0", (5, 6), "expected an operator or `|`, found `>`"),
        ("(a.x > 1", (5, 6), "expected an operator or `)`, found `>`"),
        ("a.\"x > 1", (2, 8), "this quoted name has no closing `\"`"),
        ("a.\"\" > 1", (2, 4), "a name cannot be empty"),
        ("a.x > ä", (6, 8), "unexpected character `ä`"),
        (
            "a.x ~ b.x within 0",
            (0, 18),
            "a tolerance must be above 0: no measurement finds two values to be the same",
        ),
        (
            "a.x > 1 and 0 > |a.x - b.x|",
            (12, 27),
            "a tolerance must be above 0: no measurement finds two values to be the same",
        ),
        ("a.x > 0 and 1 > 2", (12, 17), "a comparison needs at least one cell (`row.column`)"),
    ] {
        let error = text.parse::<Claim>().unwrap_err();
        assert_eq!((error.span.start, error.span.end), span, "{text}: {error}");
        assert_eq!(error.to_string(), message, "{text}");
    }
}

/// A distance below a number is a claim of similarity, whichever side it stands on.
#[test]
fn distances_below_a_number_are_similarities() {
    for text in ["|a.x - b.x| < 2", "|a.x - b.x| <= 2", "2 > |a.x - b.x|", "2 >= |a.x - b.x|"] {
        assert_eq!(text.parse::<Claim>().unwrap().to_string(), "a.x ~ b.x within 2", "{text}");
    }
    for text in ["|a.x - b.x| > 2", "2 < |a.x - b.x|"] {
        assert_eq!(text.parse::<Claim>().unwrap().to_string(), text);
    }
}

/// Bounds of an expression over every corner of its cells' ranges, and beyond them where it is not monotone.
#[test]
fn ranges_hold_every_value() {
    for (text, low, high) in [
        ("a.x - b.x", -30.0, 20.0),
        ("|a.x - b.x|", 0.0, 30.0),
        ("|a.x - 70|", 20.0, 40.0),
        ("avg(a.x, b.x) * 2 - a.x", 10.0, 80.0),
        ("a.x / b.x", 0.5, 5.0 / 3.0),
        ("a.x * -1", -50.0, -30.0),
        ("slope(a.x at 1, b.x at 2)", -20.0, 30.0),
        ("1 / (a.x - b.x)", f64::NEG_INFINITY, f64::INFINITY),
    ] {
        let expression: Expression = text.parse().unwrap();
        let ranges: Vec<(f64, f64)> = expression
            .cells()
            .iter()
            .map(|cell| if cell.row == "a" { (30.0, 50.0) } else { (30.0, 60.0) })
            .collect();
        assert_eq!(expression.range(&expression.cells(), &ranges), (low, high), "{text}");
    }
}

#[test]
fn size_is_limited() {
    let deep = |n: usize| format!("{}a.x{} > 0", "(".repeat(n), ")".repeat(n)).parse::<Claim>();
    assert!(deep(64).is_ok());
    assert_eq!(deep(65).unwrap_err().kind, ParseErrorKind::TooDeep);
    assert_eq!(
        format!("{}a.x > 0", "-".repeat(65)).parse::<Claim>().unwrap_err().kind,
        ParseErrorKind::TooDeep
    );
    let long = |n: usize| format!("a.x{} > 0", "+1".repeat(n)).parse::<Claim>();
    assert!(long(2000).is_ok());
    assert_eq!(long(3000).unwrap_err().kind, ParseErrorKind::TooLong);
    let huge = format!("a.x > {}", "9".repeat(400)).parse::<Claim>().unwrap_err();
    assert_eq!(huge.kind, ParseErrorKind::NumberTooLarge);
}

#[test]
fn unknown_names_come_with_the_likely_one() {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    let (rows, columns) = (set(&["acc", "gml", "sft-1k"]), set(&["math", "LCB-E", "LCB-M"]));
    let claim: Claim = "acc.math > sft1k.LCB-X and gml.zzz > 0".parse().unwrap();
    let unknown = claim.check_names(&rows, &columns);
    let found: Vec<_> = unknown.iter().map(|u| (u.to_string(), u.span.start)).collect();
    assert_eq!(
        found,
        [
            ("unknown row `sft1k`; did you mean `sft-1k`?".to_owned(), 11),
            ("unknown column `LCB-X`; did you mean `LCB-E`?".to_owned(), 17),
            ("unknown column `zzz`".to_owned(), 31),
        ]
    );
    assert_eq!(unknown[0].known, ["acc", "gml", "sft-1k"]);
    assert!("acc.math > gml.LCB-M".parse::<Claim>().unwrap().check_names(&rows, &columns).is_empty());
}

#[test]
fn cells_are_listed_once_in_order() {
    let claim: Claim = "b.x - a.y > b.x and a.x > 0".parse().unwrap();
    let cells: Vec<_> = claim.cells().into_iter().map(|c| format!("{}.{}", c.row, c.column)).collect();
    assert_eq!(cells, ["b.x", "a.y", "a.x"]);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-zA-Z0-9_-]{0,6}",
        "[^\"]{1,6}",
        Just("and".to_owned()),
        Just("within".to_owned()),
        Just("or".to_owned()),
        Just("at".to_owned())
    ]
}

fn cell() -> impl Strategy<Value = Expression> {
    let span = Span { start: 0, end: 0 };
    (name(), name()).prop_map(move |(row, column)| {
        Expression::Cell(Cell { id: CellId { row, column }, row_span: span, column_span: span })
    })
}

fn expression() -> impl Strategy<Value = Expression> {
    let number = (0u32..10_000, 0u32..4)
        .prop_map(|(n, digits)| Expression::Number(f64::from(n) / 10f64.powi(digits as i32)));
    let leaf = prop_oneof![number, cell()];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let operator = prop::sample::select(vec![
            BinaryOperator::Add,
            BinaryOperator::Subtract,
            BinaryOperator::Multiply,
            BinaryOperator::Divide,
        ]);
        prop_oneof![
            inner.clone().prop_map(|e| Expression::Negate(Box::new(e))),
            inner.clone().prop_map(|e| Expression::Absolute(Box::new(e))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expression::Average),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expression::Slope(vec![(a, 1.0), (b, 2.5)])),
            (operator, inner.clone(), inner).prop_map(|(op, l, r)| Expression::Binary(
                op,
                Box::new(l),
                Box::new(r)
            )),
        ]
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    let relation = prop_oneof![
        Just(Relation::Above),
        Just(Relation::Below),
        Just(Relation::AtLeast),
        Just(Relation::AtMost),
        (0.1..50.0).prop_map(Relation::Within)
    ];
    let comparison =
        (cell(), expression(), relation, any::<bool>()).prop_map(|(cell, other, relation, first)| {
            let (left, right) = if first { (cell, other) } else { (other, cell) };
            Comparison { left, relation, right }
        });
    let alternative = prop::collection::vec(comparison, 1..4);
    prop::collection::vec(alternative, 1..3).prop_map(|alternatives| Claim { alternatives })
}

/// The same expression without the places of its names.
fn unplaced(expression: &Expression) -> Expression {
    match expression {
        Expression::Number(value) => Expression::Number(*value),
        Expression::Cell(cell) => {
            let span = Span { start: 0, end: 0 };
            Expression::Cell(Cell { id: cell.id.clone(), row_span: span, column_span: span })
        }
        Expression::Negate(inner) => Expression::Negate(Box::new(unplaced(inner))),
        Expression::Absolute(inner) => Expression::Absolute(Box::new(unplaced(inner))),
        Expression::Average(terms) => Expression::Average(terms.iter().map(unplaced).collect()),
        Expression::Slope(points) => {
            Expression::Slope(points.iter().map(|(term, at)| (unplaced(term), *at)).collect())
        }
        Expression::Binary(operator, left, right) => {
            Expression::Binary(*operator, Box::new(unplaced(left)), Box::new(unplaced(right)))
        }
    }
}

proptest! {
    #[test]
    fn printed_claims_parse_to_themselves(claim in claim()) {
        let text = claim.to_string();
        let parsed: Claim = text.parse().map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(parsed.to_string(), text.as_str());
        let unplaced = |c: &Comparison| Comparison {
            left: unplaced(&c.left),
            relation: c.relation,
            right: unplaced(&c.right),
        };
        let found: Vec<Vec<Comparison>> =
            parsed.alternatives.iter().map(|all| all.iter().map(unplaced).collect()).collect();
        let normal = |c: &Comparison| matches!(
            (&c.left, c.relation, &c.right),
            (Expression::Absolute(_), Relation::Below | Relation::AtMost, Expression::Number(_))
                | (Expression::Number(_), Relation::Above | Relation::AtLeast, Expression::Absolute(_))
        );
        if !claim.comparisons().any(normal) {
            prop_assert_eq!(&found, &claim.alternatives, "{}", text);
        }
    }

    /// Spans point at the names, in the caller's bytes.
    #[test]
    fn spans_point_at_names(claim in claim()) {
        let text = claim.to_string();
        let unknown = text.parse::<Claim>().unwrap().check_names(&BTreeSet::new(), &BTreeSet::new());
        for name in unknown {
            let found = &text[name.span.start..name.span.end];
            prop_assert!(found == name.name || found == format!("\"{}\"", name.name), "{} {}", found, name.name);
        }
    }

    #[test]
    fn reading_never_panics(text in ".{0,60}") {
        if let Err(error) = text.parse::<Claim>() {
            prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?}");
        }
    }

    #[test]
    fn reading_words_and_signs_never_panics(text in "([a-c.,|><=~()+*/ -]|and|or|at|avg|slope|ranks|within|\"|1.5){0,30}") {
        if let Err(error) = text.parse::<Claim>() {
            prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?}");
        }
    }

    /// Derivatives against central differences.
    #[test]
    fn derivatives_are_those_of_the_value(expression in expression(), at in prop::collection::vec(5.0..95.0, 24)) {
        let cells = expression.cells();
        let at = &at[..cells.len()];
        let exact = expression.evaluate(&cells, at);
        prop_assume!(exact.value.is_finite() && exact.value.abs() < 1e6);
        for i in 0..cells.len() {
            let moved = |step: f64| {
                let mut at = at.to_vec();
                at[i] += step;
                expression.evaluate(&cells, &at).value
            };
            let (coarse, fine) =
                ((moved(1e-4) - moved(-1e-4)) / 2e-4, (moved(1e-5) - moved(-1e-5)) / 2e-5);
            // Skip points next to a pole, where the difference quotient itself has not settled.
            prop_assume!((coarse - fine).abs() < 1e-4 * (1.0 + fine.abs()));
            prop_assert!((exact.gradient[i] - fine).abs() < 1e-3 * (1.0 + fine.abs() + exact.value.abs()), "{}", expression);
        }
    }
}
