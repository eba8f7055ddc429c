//! Second implementations to compare with: a calculator for texts, an evaluator for programs, and sample
//! statistics.

use assay_data::embedded::{Exclusions, Family, Question};
use assay_data::{Draws, Item, Pending, pending, verdict_of_any};
use assay_sandbox::grade::decide;
use assay_sandbox::{Finding, Job, Verdict};

/// Draws of one family, each from a stream of its own.
pub(crate) fn draw(family: Family, count: u64) -> Vec<Question> {
    (0..count).map(|index| Question::draw(family, &mut Draws::numbered("test", 1, index))).collect()
}

/// Excludes these questions.
pub(crate) fn excluding(questions: &[Question]) -> Exclusions {
    Exclusions::new(&questions.iter().map(Question::item).collect::<Vec<_>>())
}

/// What is said of an answer without running anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Right,
    Wrong,
    Malformed,
    /// This program has to be run.
    Run(String),
}

pub(crate) fn said(item: &Item, answer: &str) -> Said {
    let verdict = match pending(item, Some(answer)) {
        Pending::Decided(verdict) => verdict,
        Pending::Jobs(jobs) => match jobs.as_slice() {
            [Job::Judge(task)] => return Said::Run(task.program.clone()),
            jobs => {
                let findings = jobs.iter().map(|job| match job {
                    Job::Grade { grader, question } => Finding::Graded(decide(*grader, question).unwrap()),
                    Job::Judge(_) => panic!("{jobs:?}"),
                });
                verdict_of_any(&findings.collect::<Vec<_>>())
            }
        },
    };
    match verdict {
        Verdict::Pass => Said::Right,
        Verdict::WrongAnswer => Said::Wrong,
        Verdict::CompileError => Said::Malformed,
        other => panic!("{other:?}"),
    }
}

/// Whether a share is what it should be, within 4.5 standard deviations.
pub(crate) fn assert_share(what: &str, hits: usize, of: usize, expected: f64) {
    let share = hits as f64 / of as f64;
    let tolerance = 4.5 * (expected * (1.0 - expected) / of as f64).sqrt();
    assert!((share - expected).abs() <= tolerance, "{what}: {share:.4} of {of}, expected {expected}");
}

/// The operations of a calculation without parentheses: `12+30*2` is 12, then + 30, then * 2.
pub(crate) fn operations(text: &str) -> (i64, Vec<(char, i64)>) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (start, mut rest) = (text[..end].parse().unwrap(), &text[end..]);
    let mut operations = Vec::new();
    while let Some(op) = rest.chars().next() {
        rest = &rest[1..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        operations.push((op, rest[..end].parse().unwrap()));
        rest = &rest[end..];
    }
    (start, operations)
}

/// All values that a calculation runs through, from left to right, as fractions (numerator, denominator).
pub(crate) fn running_values(text: &str) -> Vec<(i64, i64)> {
    let (start, operations) = operations(text);
    let mut values = vec![(start, 1)];
    for (op, operand) in operations {
        let &(p, q) = values.last().unwrap();
        values.push(match op {
            '+' => (p + operand * q, q),
            '-' => (p - operand * q, q),
            '*' => (p * operand, q),
            '/' => (p, q * operand),
            '%' => {
                assert_eq!(p % q, 0);
                ((p / q).rem_euclid(operand), 1)
            }
            _ => panic!("{op} in {text}"),
        });
    }
    values
}

/// The value of an integer or fraction.
pub(crate) fn fraction(text: &str) -> (i64, i64) {
    match text.split_once('/') {
        Some((p, q)) => (p.parse().unwrap(), q.parse().unwrap()),
        None => (text.parse().unwrap(), 1),
    }
}

pub(crate) fn same((p, q): (i64, i64), (r, s): (i64, i64)) -> bool {
    p * s == r * q
}

/// Evaluates integers, x, + - *, unary minus and parentheses by recursive descent; `None` if the text is
/// anything else.
pub(crate) fn evaluate(expression: &str, x: i64) -> Option<i64> {
    fn sum(rest: &mut &[u8], x: i64) -> Option<i64> {
        let mut value = product(rest, x)?;
        while let Some(&op @ (b'+' | b'-')) = rest.first() {
            *rest = &rest[1..];
            let term = product(rest, x)?;
            value = if op == b'+' { value.checked_add(term)? } else { value.checked_sub(term)? };
        }
        Some(value)
    }
    fn product(rest: &mut &[u8], x: i64) -> Option<i64> {
        let mut value = atom(rest, x)?;
        while rest.first() == Some(&b'*') {
            *rest = &rest[1..];
            value = value.checked_mul(atom(rest, x)?)?;
        }
        Some(value)
    }
    fn atom(rest: &mut &[u8], x: i64) -> Option<i64> {
        let (&first, tail) = rest.split_first()?;
        match first {
            b'x' => {
                *rest = tail;
                Some(x)
            }
            b'-' => {
                *rest = tail;
                atom(rest, x)?.checked_neg()
            }
            b'(' => {
                *rest = tail;
                let value = sum(rest, x)?;
                *rest = rest.strip_prefix(b")")?;
                Some(value)
            }
            _ => {
                let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
                let (digits, tail) = rest.split_at(end);
                *rest = tail;
                std::str::from_utf8(digits).ok()?.parse().ok()
            }
        }
    }
    let mut rest = expression.as_bytes();
    let value = sum(&mut rest, x)?;
    rest.is_empty().then_some(value)
}

#[test]
fn the_evaluator_evaluates() {
    for (expression, value) in [
        ("7", Some(7)),
        ("x*x-x+3", Some(15)),
        ("x*(x-1)-9", Some(3)),
        ("2+3*x", Some(14)),
        ("-x+1", Some(-3)),
        ("x+", None),
        ("(x", None),
        ("xx", None),
        ("", None),
    ] {
        assert_eq!(evaluate(expression, 4), value, "{expression}");
    }
}
