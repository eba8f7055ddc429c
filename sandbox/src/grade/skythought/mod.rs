//! SkyThought's grader of mathematics (`math_equal` and what extracts answers for it, at commit 0d190f1).
//!
//! Text and numbers are compared here, as that grader does: its tolerance of 10⁻⁴, and its rule that a
//! hundred times or a hundredth of the number is right as well, included. What is left goes to the sandbox,
//! where expressions are read and compared by sympy.

mod text;
mod words;

use std::sync::LazyLock;

use regex::Regex;

use super::{How, Undecided, regex};
use crate::python::{float, inner, is_close, strip};

const TOLERANCE: f64 = 1e-4;

/// The last resort: whether two texts are the same expression.
pub(super) type Symbolic<'a> = dyn FnMut(&str, &str) -> Result<bool, Undecided> + 'a;

/// The answer in a whole response, in the normal form.
pub(super) fn extract(response: &str) -> String {
    // The caller of the original puts into the normal form what is in it already; that is not the same as
    // once.
    text::normalize(&text::extract(response))
}

/// The normal form of an answer.
pub(super) fn normalize(answer: &str) -> String {
    text::normalize(answer)
}

/// Whether a prediction equals the gold answer, and which of the tests said so last.
pub(super) fn equal(
    prediction: &str,
    gold: &str,
    symbolic: &mut Symbolic<'_>,
) -> Result<(bool, How), Undecided> {
    if strip(&prediction.to_lowercase()) == strip(&gold.to_lowercase()) {
        return Ok((true, How::Text));
    }
    if ["A", "B", "C", "D", "E"].contains(&gold) && clean_choice(prediction) == gold {
        return Ok((true, How::Choice));
    }
    if let Some((prediction, gold)) = number(prediction).zip(number(gold)) {
        let accepted = [gold / 100.0, gold, gold * 100.0];
        return Ok((accepted.iter().any(|item| is_close(*item, prediction, TOLERANCE)), How::Number));
    }
    if prediction.is_empty() {
        return Ok((false, How::Text));
    }
    let (prediction, gold) = (strip(prediction), strip(gold));
    let as_matrix;
    let gold = if prediction.contains("pmatrix") && !gold.contains("pmatrix") {
        as_matrix = matrices(gold);
        &as_matrix
    } else {
        gold
    };
    if without_brackets(prediction, gold) {
        return Ok((true, How::Text));
    }
    if all_parts(prediction, gold, symbolic)? || all_entries(prediction, gold, symbolic)? {
        return Ok((true, How::Parts));
    }
    if equation(prediction, gold, symbolic)? || symbolic(prediction, gold)? {
        return Ok((true, How::Symbolic));
    }
    Ok((false, How::Symbolic))
}

/// A number, with commas anywhere, or a percentage.
fn number(text: &str) -> Option<f64> {
    let text = text.replace(',', "");
    float(&text).or_else(|| {
        let text = text.strip_suffix('%')?;
        Some(float(text.strip_suffix('\\').unwrap_or(text))? / 100.0)
    })
}

/// The last of the letters A to E that stands alone, after upper-casing; else the text.
pub(super) fn clean_choice(text: &str) -> String {
    static LETTER: LazyLock<Regex> = regex!(r"\b(A|B|C|D|E)\b");
    let text = text.trim_matches('\n').trim_end_matches('.').trim_end_matches('/');
    super::choice::last_letter(&LETTER, text.trim_matches(' ').trim_start_matches(':'))
}

/// What is in braces with a comma, as matrices with single backslashes for the commas.
fn matrices(text: &str) -> String {
    static BRACES: LazyLock<Regex> = regex!(r"\{.*,.*\}");
    let matrix = |found: regex::Match<'_>| {
        let inside = found.as_str().trim_matches(['{', '}']).replace(',', "\\");
        format!("\\begin{{pmatrix}}{inside}\\end{{pmatrix}}")
    };
    BRACES.find_iter(text).map(matrix).collect::<Vec<_>>().join(", ")
}

/// Whether the texts are equal without the brackets around them and without braces and parentheses anywhere.
fn without_brackets(prediction: &str, gold: &str) -> bool {
    let within = |open: char, close: char| prediction.starts_with(open) && prediction.ends_with(close);
    let outer = (within('[', ']') && !gold.starts_with('(')) || (within('(', ')') && !gold.starts_with('['));
    let bare = |text: &str| {
        let text = if outer { text.trim_matches(['[', ']', '(', ')']) } else { text };
        text.replace(['{', '}', '(', ')'], "").to_lowercase()
    };
    bare(prediction) == bare(gold)
}

/// Tuples and intervals: as many parts, each equal to the other's. The kind of bracket does not count.
fn all_parts(prediction: &str, gold: &str, symbolic: &mut Symbolic<'_>) -> Result<bool, Undecided> {
    static BRACKETS: LazyLock<Regex> = regex!(r"^(\(|\[).+(\)|\])");
    let bracketed = |text: &str| BRACKETS.is_match(text);
    if !bracketed(prediction) || !bracketed(gold) {
        return Ok(false);
    }
    let (prediction, gold) = (inner(prediction).split(','), inner(gold).split(','));
    pairwise(prediction.collect(), gold.collect(), symbolic)
}

/// Matrices: as many rows and entries, each entry equal to the other's.
fn all_entries(prediction: &str, gold: &str, symbolic: &mut Symbolic<'_>) -> Result<bool, Undecided> {
    let rows = |text: &'_ str| -> Option<Vec<String>> {
        let begun =
            ["\\begin{pmatrix}", "\\begin{bmatrix}"].iter().find_map(|begin| text.strip_prefix(begin))?;
        // A text that is shorter than both marks cannot end after it began; the original takes nothing from
        // it.
        let inside = ["\\end{pmatrix}", "\\end{bmatrix}"].iter().find_map(|end| begun.strip_suffix(end))?;
        Some(inside.split("\\\\").map(strip).filter(|row| !row.is_empty()).map(str::to_owned).collect())
    };
    let Some((prediction, gold)) = rows(prediction).zip(rows(gold)) else { return Ok(false) };
    if prediction.len() != gold.len() {
        return Ok(false);
    }
    for (prediction, gold) in prediction.iter().zip(&gold) {
        if !pairwise(prediction.split('&').collect(), gold.split('&').collect(), symbolic)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn pairwise(prediction: Vec<&str>, gold: Vec<&str>, symbolic: &mut Symbolic<'_>) -> Result<bool, Undecided> {
    if prediction.len() != gold.len() {
        return Ok(false);
    }
    for (prediction, gold) in prediction.into_iter().zip(gold) {
        if !equal(prediction, gold, symbolic)?.0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Two equations: their differences of sides are equal up to a sign. One equation: its right side, if the
/// left is short enough to be a name.
fn equation(prediction: &str, gold: &str, symbolic: &mut Symbolic<'_>) -> Result<bool, Undecided> {
    let sides = |text: &'_ str| text.split_once('=').filter(|(_, right)| !right.contains('=')).map(owned);
    let named = |sides: &Option<(String, String)>, other: &str| {
        let (left, right) = sides.as_ref()?;
        (strip(left).chars().count() <= 2 && !other.contains('=')).then(|| right.clone())
    };
    let (prediction_sides, gold_sides) = (sides(prediction), sides(gold));
    if let (Some(prediction), Some(gold)) = (&prediction_sides, &gold_sides) {
        let difference = |(left, right): &(String, String)| format!("{} - ({})", strip(left), strip(right));
        let (prediction, gold) = (difference(prediction), difference(gold));
        return Ok(symbolic(&prediction, &gold)? || symbolic(&format!("-({prediction})"), &gold)?);
    }
    if let Some(value) = named(&prediction_sides, gold) {
        return Ok(equal(&value, gold, symbolic)?.0);
    }
    if let Some(value) = named(&gold_sides, prediction) {
        return Ok(equal(prediction, &value, symbolic)?.0);
    }
    Ok(false)
}

fn owned((left, right): (&str, &str)) -> (String, String) {
    (left.to_owned(), right.to_owned())
}
