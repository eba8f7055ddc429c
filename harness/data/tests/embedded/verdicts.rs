//! The verifier, against hand-made cases and exact arithmetic.

use crate::oracle::{Said, draw, said};
use assay_data::embedded::{Domain, Family, Question, Truth};
use proptest::prelude::*;
use std::sync::LazyLock;

/// A question of a family with this truth, found by drawing.
fn question(family: Family, wanted: &str) -> Question {
    let truth = |question: &Question| match question.truth() {
        Truth::Number(value) => value.to_string(),
        Truth::Choice { letter, value } => format!("{letter}{value}"),
        Truth::Either([one, other]) => format!("{one},{other}"),
        Truth::Program(program) => format!("{}{:+}", program.shape.text(), program.offset),
    };
    draw(family, 20_000).into_iter().find(|question| truth(question) == wanted).unwrap()
}

fn assert_checks(question: &Question, cases: &[(&str, Said)]) {
    for (answer, expected) in cases {
        assert_eq!(&said(&question.item(), answer), expected, "{:?} to {}", answer, question.text());
    }
}

#[test]
fn numbers_are_compared_exactly() {
    use Said::{Right, Wrong};
    const NOT_A_NUMBER: Said = Said::Malformed;
    const EMPTY: Said = Said::Malformed;
    assert_checks(
        &question(Family::Chain2, "35"),
        &[
            ("35", Right),
            ("x=35", Right),
            ("12+30-7=35", Right),
            ("34=35", Right),
            ("35=34", Wrong),
            ("35.0", Right),
            ("035", Right),
            ("70/2", Right),
            ("35/1", Right),
            ("34", Wrong),
            ("-35", Wrong),
            ("35.00000000000000000000000000001", Wrong),
            ("", EMPTY),
            ("35=", EMPTY),
            ("+35", NOT_A_NUMBER),
            ("--35", NOT_A_NUMBER),
            ("35.", NOT_A_NUMBER),
            (".5", NOT_A_NUMBER),
            ("3.5.1", NOT_A_NUMBER),
            ("35/0", NOT_A_NUMBER),
            ("70/-2", NOT_A_NUMBER),
            ("70/2/1", NOT_A_NUMBER),
            ("70.0/2", NOT_A_NUMBER),
            ("30+5", NOT_A_NUMBER),
            ("a35", NOT_A_NUMBER),
            ("35;", NOT_A_NUMBER),
            ("-", NOT_A_NUMBER),
            ("/", NOT_A_NUMBER),
            (&"9".repeat(400), Wrong),
            (&format!("{}35", "0".repeat(400)), Right),
            (&format!("35{0}/1{0}", "0".repeat(400)), Right),
            (&format!("35{0}/1{0}", "9".repeat(400)), Wrong),
        ],
    );
    assert_checks(
        &question(Family::Linear, "5/2"),
        &[
            ("5/2", Right),
            ("10/4", Right),
            ("2.5", Right),
            ("x=2.500", Right),
            ("2", Wrong),
            ("-5/2", Wrong),
            ("2.05", Wrong),
        ],
    );
    assert_checks(
        &question(Family::Mod, "0"),
        &[("0", Right), ("-0", Right), ("0/7", Right), ("0.00", Right), ("1", Wrong)],
    );
}

#[test]
fn a_choice_is_named_by_letter_or_value() {
    use Said::{Right, Wrong};
    const NOT_A_CHOICE: Said = Said::Malformed;
    assert_checks(
        &question(Family::Mc1, "c42"),
        &[
            ("c", Right),
            ("42", Right),
            ("84/2", Right),
            ("12+30=42", Right),
            ("a", Wrong),
            ("41", Wrong),
            ("c42", NOT_A_CHOICE),
            ("f", NOT_A_CHOICE),
            ("cc", NOT_A_CHOICE),
            ("", Said::Malformed),
        ],
    );
}

#[test]
fn programs_go_to_python_unless_they_cannot() {
    let run = |expression: &str| Said::Run(format!("def f(x):\n    return {expression}\n"));
    let refused = Said::Malformed;
    assert_checks(
        &question(Family::CodeE, "x*2+5"),
        &[
            ("x*2+5", run("x*2+5")),
            ("f=x+x+5", run("x+x+5")),
            // Wrong, or not even Python: for the judge to say.
            ("x*3", run("x*3")),
            ("x*", run("x*")),
            ("9**9**9**9**9", run("9**9**9**9**9")),
            ("12345678901234567890", run("12345678901234567890")),
            ("123456789012345678901", refused.clone()),
            ("", Said::Malformed),
            ("x*2+a", refused.clone()),
            ("x;x", refused.clone()),
            ("x*2.0", refused.clone()),
            ("x,x", refused.clone()),
            ("x*2\n", refused.clone()),
        ],
    );
}

#[test]
fn only_code_has_hidden_tests() {
    for family in Family::ALL {
        let tests = draw(family, 1)[0].tests().len();
        assert_eq!(tests, if family.domain() == Domain::Code { 16 } else { 0 });
    }
}

static NUMBER_QUESTIONS: LazyLock<Vec<Question>> = LazyLock::new(|| {
    [Family::Linear, Family::Mod].into_iter().flat_map(|family| draw(family, 200)).collect()
});

/// Numbers in every notation, with their exact values as fractions.
fn notations() -> impl Strategy<Value = (String, i128, i128)> {
    let signed = |negative: bool, text: String| if negative { format!("-{text}") } else { text };
    let sign = |negative: bool| if negative { -1 } else { 1 };
    prop_oneof![
        (any::<bool>(), 0..200i128).prop_map(move |(n, p)| (signed(n, p.to_string()), sign(n) * p, 1)),
        (any::<bool>(), 0..200i128, 1..40i128).prop_map(move |(n, p, q)| (
            signed(n, format!("{p}/{q}")),
            sign(n) * p,
            q
        )),
        (any::<bool>(), 0..60i128, 0..1000i128, 0..4usize).prop_map(move |(n, whole, fraction, zeros)| {
            let text = format!("{whole}.{fraction:03}{}", "0".repeat(zeros));
            (signed(n, text), sign(n) * (whole * 1000 + fraction), 1000)
        }),
        // The same magnitudes with 30 more digits above and below.
        (0..200i128, 1..40i128).prop_map(|(p, q)| (format!("{p}{0}/{q}{0}", "0".repeat(30)), p, q)),
    ]
}

proptest! {
    #[test]
    fn a_number_is_right_exactly_when_it_equals_the_truth((text, p, q) in notations(), which in 0..400usize) {
        let question = &NUMBER_QUESTIONS[which];
        let Truth::Number(truth) = question.truth() else { panic!() };
        let (r, s) = (i128::from(truth.numerator()), i128::from(truth.denominator()));
        let (item, expected) = (question.item(), if p * s == r * q { Said::Right } else { Said::Wrong });
        prop_assert_eq!(said(&item, &text), expected);
        // The truth itself in this notation's denominator.
        prop_assert_eq!(said(&item, &format!("{}/{}", r * q, s * q)), Said::Right);
    }

    #[test]
    fn no_answer_breaks_the_verifier(answer in ".*", vocabulary in "[0-9+*/%=()x;,:>!?.abcd|f-]{0,40}") {
        for family in Family::ALL {
            let question = &draw(family, 1)[0];
            for answer in [&answer, &vocabulary] {
                if let Said::Run(program) = said(&question.item(), answer) {
                    let expression = program.strip_prefix("def f(x):\n    return ").unwrap();
                    let expression = expression.strip_suffix('\n').unwrap();
                    prop_assert!(expression.len() <= 20 && !expression.contains(['=', 'a', '\n', ' ']));
                }
            }
        }
    }
}
