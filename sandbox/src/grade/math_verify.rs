//! math-verify: what is certain is decided here, the rest in the sandbox.

use serde::{Deserialize, Serialize};

use super::bare::{Bare, delimited, differ_in_base};
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

/// With answers alone as formulas (see [`alone`]), and with what runs out of fuel or memory laid at its door
/// (see [`at_fault`]).
pub(super) fn grade(question: &Question, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    // Told what to look for, math-verify does as it is told.
    let is_told = question.options.match_types.is_some();
    let decision = match &question.answer {
        Answer::Extracted(prediction) if !is_told => alone(question, prediction, meter),
        _ => as_it_stands(question, meter),
    };
    let decision = match decision {
        Err(why @ (Undecided::OutOfFuel | Undecided::OutOfMemory)) => at_fault(question, why, meter)?,
        decided => decided?,
    };
    let answer = match &question.answer {
        Answer::Extracted(prediction) => prediction,
        Answer::Response(_) => decision.extracted.as_ref().unwrap_or(&question.gold),
    };
    let equal = decision.equal && !differ_in_base(&question.gold, answer);
    Ok(Decision { equal, ..decision })
}

/// What math-verify says of a pair as it stands, or of a response and the boxed gold answer. What it has no
/// time for is not equal to it.
pub(super) fn grade_as_published(question: &Question, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    match as_it_stands(question, meter) {
        Err(why) => given_up(&why).ok_or(why),
        decided => decided,
    }
}

fn as_it_stands(question: &Question, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    if let Some(decision) = certain(question) {
        return Ok(decision);
    }
    let (gold, text) = match &question.answer {
        Answer::Extracted(text) => (question.gold.clone(), text),
        Answer::Response(text) => (delimited(&question.gold), text),
    };
    Ok(compare(gold, text.clone(), &question.options, meter)?.decision)
}

/// Grades an answer alone.
///
/// Two texts that are formulas from end to end are equal if the formulas are. If there are words in them, the
/// words of one must be among those of the other, and what is left must be equal as formulas; without
/// anything left, the words must be the same. If one of them is neither, the prediction is searched for an
/// answer as a whole response is, and is compared with the gold answer as a formula; or, if that has words, as
/// it stands.
fn alone(question: &Question, prediction: &str, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    let (gold, answer) = (Bare::of(&question.gold), Bare::of(prediction));
    let mut compare =
        |gold: &str, text: &str, options: &Options| compare(gold.to_owned(), text.to_owned(), options, meter);
    if let Some(decision) = certain(question) {
        return Ok(decision);
    }
    let options = &question.options;
    if gold.is_reply || (gold.is_delimited && answer.is_delimited) {
        if gold.is_delimited && !answer.is_delimited && answer.words.is_empty() {
            return Ok(compare(gold.text, &answer.boxed(), options)?.decision);
        }
        return Ok(compare(gold.text, answer.text, options)?.decision);
    }
    if !answer.is_reply
        && let Some(decision) = as_formulas(&gold, &answer, options, &mut compare)?
    {
        return Ok(decision);
    }
    let searched = compare(&gold.boxed(), answer.text, options)?.decision;
    if searched.equal || gold.words.is_empty() {
        return Ok(searched);
    }
    Ok(compare(gold.text, answer.text, options)?.decision)
}

/// Compares two texts, the gold one first.
type Comparing<'a> = dyn FnMut(&str, &str, &Options) -> Result<Compared, Undecided> + 'a;

/// Whether two answers are equal as formulas, with words or without; `None` if one is no formula.
fn as_formulas(
    gold: &Bare<'_>,
    answer: &Bare<'_>,
    options: &Options,
    compare: &mut Comparing<'_>,
) -> Result<Option<Decision>, Undecided> {
    let options = Options { match_types: Some(vec![MatchType::Latex]), ..options.clone() };
    let whole = compare(&gold.boxed(), &answer.boxed(), &options)?;
    let has_words = !gold.words.is_empty() || !answer.words.is_empty();
    if whole.decision.equal || (whole.are_read && !has_words) {
        return Ok(Some(whole.decision));
    }
    if !has_words {
        return Ok(None);
    }
    let different = Decision { equal: false, ..whole.decision };
    let rests = match (gold.boxed_rest(), answer.boxed_rest()) {
        (Some(gold), Some(answer)) => Some((gold, answer)),
        (None, None) => {
            return Ok(Some(Decision { equal: gold.words == answer.words, how: How::Text, ..different }));
        }
        _ => None,
    };
    if !gold.shares_words(answer) {
        return Ok(Some(different));
    }
    let Some((gold_rest, answer_rest)) = rests else { return Ok(None) };
    if gold.is_list() && answer.is_list() {
        return Ok(Some(Decision { equal: gold.parts() == answer.parts(), how: How::Parts, ..different }));
    }
    let rest = compare(&gold_rest, &answer_rest, &options)?;
    let is_decided = rest.decision.equal || (rest.are_read && !gold.words.is_empty());
    Ok(is_decided.then_some(rest.decision))
}

/// Whose fault it is that a comparison ran out of fuel or memory. Gold answer and answer are each compared
/// with a zero. If the gold answer takes more than half of what the comparison had, the machine cannot judge
/// any answer by it, and nothing is known. If only the answer does, it is not right: what only burns time
/// must not go uncounted. If neither does, it is the two together that are hard, and nothing is known.
fn at_fault(question: &Question, why: Undecided, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    let had = meter.last_fuel;
    let mut is_heavy =
        |gold: &str, text: &str| match compare(gold.to_owned(), text.to_owned(), &question.options, meter) {
            Err(failure @ Undecided::JudgeFailure(_)) => Err(failure),
            Err(_) => Ok(true),
            Ok(_) => Ok(why == Undecided::OutOfFuel && meter.last_fuel > had / 2),
        };
    if is_heavy(&delimited(&question.gold), ZERO)? {
        return Err(why);
    }
    let is_to_blame = match &question.answer {
        Answer::Extracted(prediction) => is_heavy(ZERO, &delimited(prediction))?,
        Answer::Response(response) => is_heavy(ZERO, response)?,
    };
    if is_to_blame { given_up(&why).ok_or(why) } else { Err(why) }
}

/// What a gold answer or an answer is compared with to see what it costs by itself.
const ZERO: &str = "\\boxed{0}";

/// The decision against an answer whose comparison ran out of fuel or memory.
fn given_up(why: &Undecided) -> Option<Decision> {
    let how = match why {
        Undecided::OutOfFuel => How::OutOfFuel,
        Undecided::OutOfMemory => How::OutOfMemory,
        Undecided::JudgeFailure(_) => return None,
    };
    Some(Decision { equal: false, how, extracted: None })
}

/// What came of a comparison.
struct Compared {
    decision: Decision,
    /// Whether both texts were read as expressions, not only found.
    are_read: bool,
}

fn compare(
    gold: String,
    text: String,
    options: &Options,
    meter: &mut Meter<'_>,
) -> Result<Compared, Undecided> {
    let options = serde_json::to_value(options).map_err(|_| unreadable())?;
    let reply = meter.call("math-verify", vec![gold.into(), text.into(), options])?;
    let (equal, gold, found, gold_is_read, text_is_read): (bool, Vec<String>, Vec<String>, bool, bool) =
        serde_json::from_value(reply).map_err(|_| unreadable())?;
    let how = if gold.is_empty() || found.is_empty() { How::NothingFound } else { How::Symbolic };
    let decision = Decision { equal, how, extracted: found.into_iter().next_back() };
    Ok(Compared { decision, are_read: gold_is_read && text_is_read })
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
