//! math-verify: what is certain is decided here, the rest in the sandbox.

use serde::{Deserialize, Serialize};

use super::plain::{self, Plain};
use super::{Answer, Decision, How, Meter, Question, Undecided, unreadable};

/// What math-verify looks for in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MatchType {
    /// LaTeX between dollar signs, in `\[..\]`, `\(..\)` or `\boxed{..}`.
    Latex,
    /// Numbers and arithmetic in plain text.
    Expr,
    /// One of some strings, A to D unless [`Options::strings`] names others.
    String,
}

/// What math-verify is told besides the texts. The default is its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Options {
    /// What to look for, boxed answers before all else; without it LaTeX and expressions, and boxed answers
    /// after those that are announced as final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_types: Option<Vec<MatchType>>,
    /// Decimals to which numbers are rounded; 6 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<u8>,
    /// The strings that [`MatchType::String`] looks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strings: Option<Vec<String>>,
    /// Whether a string that was found is lower-cased; it is without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowercase: Option<bool>,
    /// Whether names of variables count; they do without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Whether an inequality may equal a set where the gold answer is the set; not without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_set_relation_comp: Option<bool>,
}

/// Decimals to which math-verify rounds unless it is told.
const PRECISION: u8 = 6;

/// As published, and if that says that two answers differ, as formulas.
pub(super) fn grade(question: &Question, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    let published = grade_as_published(question, meter)?;
    let Answer::Extracted(prediction) = &question.answer else { return Ok(published) };
    let (gold, prediction) = (delimited(&question.gold), delimited(prediction));
    let is_new = question.gold != gold || question.answer != Answer::Extracted(prediction.clone());
    // Told what to look for, math-verify does as it is told.
    let is_told = question.options.match_types.is_some();
    if published.equal || published.how == How::Number || is_told || !is_new {
        return Ok(published);
    }
    let as_formulas = compare(gold, prediction, &question.options, meter)?;
    Ok(if as_formulas.equal { as_formulas } else { published })
}

/// What math-verify says of a pair as it stands, or of a response and the boxed gold answer.
pub(super) fn grade_as_published(question: &Question, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    if let Some(decision) = certain(question) {
        return Ok(decision);
    }
    let (gold, text) = match &question.answer {
        Answer::Extracted(text) => (question.gold.clone(), text),
        Answer::Response(text) => (delimited(&question.gold), text),
    };
    compare(gold, text.clone(), &question.options, meter)
}

fn compare(
    gold: String,
    text: String,
    options: &Options,
    meter: &mut Meter<'_>,
) -> Result<Decision, Undecided> {
    let options = serde_json::to_value(options).map_err(|_| unreadable())?;
    let reply = meter.call("math-verify", vec![gold.into(), text.into(), options])?;
    let (equal, gold, found): (bool, Vec<String>, Vec<String>) =
        serde_json::from_value(reply).map_err(|_| unreadable())?;
    let how = if gold.is_empty() || found.is_empty() { How::NothingFound } else { How::Symbolic };
    Ok(Decision { equal, how, extracted: found.into_iter().next_back() })
}

/// An answer in a box, unless it brings its own delimiters: an answer is mostly LaTeX without any, in which
/// math-verify would find only numbers. An escaped dollar sign is money and delimits nothing.
fn delimited(answer: &str) -> String {
    let is_delimiter = |at: usize| !answer[..at].ends_with('\\');
    let in_dollars = answer.match_indices('$').any(|(at, _)| is_delimiter(at));
    if in_dollars || ["\\boxed", "\\(", "\\["].iter().any(|mark| answer.contains(mark)) {
        return answer.to_owned();
    }
    format!("\\boxed{{{answer}}}")
}

/// What math-verify decides for certain, found without it.
fn certain(question: &Question) -> Option<Decision> {
    let Answer::Extracted(prediction) = &question.answer else { return None };
    let (gold, prediction) = (question.gold.as_str(), prediction.as_str());
    let default = vec![MatchType::Latex, MatchType::Expr];
    let kinds = question.options.match_types.as_ref().unwrap_or(&default);
    if kinds.contains(&MatchType::String) {
        return None;
    }
    let decided = |equal, how, text: &str| Some(Decision { equal, how, extracted: Some(text.to_owned()) });
    if kinds.contains(&MatchType::Expr)
        && let Some((left, right)) = Plain::read(gold).zip(Plain::read(prediction))
    {
        let equal = plain::equal(left, right, question.options.precision.unwrap_or(PRECISION))?;
        return decided(equal, How::Number, prediction);
    }
    if kinds.contains(&MatchType::Latex) && gold == prediction && is_one_formula(gold) {
        return decided(true, How::Text, inner_formula(gold));
    }
    None
}

/// Whether a text is `$..$` in which math-verify is certain to find something. It then finds the same in an
/// equal text, and equal findings are equal, as text if not as expressions.
///
/// It finds such a formula unless there is a line break or another dollar sign in it, or a backslash before
/// the last. From what it finds it removes units, layout commands and boxes; a digit outside a box survives
/// all of that, so what is left is not empty. The word "answer" would direct its search elsewhere.
fn is_one_formula(text: &str) -> bool {
    let inside = inner_formula(text);
    inside.len() + 2 == text.len()
        && inside.bytes().any(|byte| byte.is_ascii_digit())
        && !inside.contains(['$', '\n', '\r'])
        && !inside.ends_with('\\')
        && !inside.contains("box")
        && !inside.to_lowercase().contains("answer")
}

fn inner_formula(text: &str) -> &str {
    text.strip_prefix('$').and_then(|text| text.strip_suffix('$')).unwrap_or_default()
}
