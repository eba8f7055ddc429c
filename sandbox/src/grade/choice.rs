//! Which letter a response chooses.

use std::sync::LazyLock;

use regex::Regex;

use super::regex;
use crate::python::strip;

/// SkyThought's rule for four options: the last of A to D that stands alone, after upper-casing, so that the
/// article "a" is a choice of A. Without one, the text itself.
pub(super) fn by_skythought(response: &str) -> String {
    static LETTER: LazyLock<Regex> = regex!(r"\b(A|B|C|D)\b");
    last_letter(&LETTER, response)
}

/// The last match in the upper-cased text, else the text without spaces and full stops around it.
pub(super) fn last_letter(letter: &Regex, text: &str) -> String {
    let upper = text.to_uppercase();
    if let Some(found) = letter.find_iter(&upper).last() {
        return found.as_str().to_owned();
    }
    strip(text).trim_matches('.').trim_end_matches('.').trim_end_matches('/').to_owned()
}

/// MMLU-Pro's rules for up to ten options, which SkyThought uses too: the first "answer is (X)", else the
/// first line with an "Answer: X" and the last of that line, else the last of A to J that stands alone.
pub(super) fn by_mmlu_pro(response: &str) -> Option<String> {
    static IS: LazyLock<Regex> = regex!(r"answer is \(?([A-J])\)?");
    static COLON: LazyLock<Regex> = regex!(r".*[aA]nswer:\s*([A-J])");
    static ALONE: LazyLock<Regex> = regex!(r"\b[A-J]\b");
    let first = |pattern: &Regex| Some(pattern.captures(response)?.get(1)?.as_str().to_owned());
    let last = || Some(ALONE.find_iter(response).last()?.as_str().to_owned());
    first(&IS).or_else(|| first(&COLON)).or_else(last)
}

/// What there is to say of a gold answer that is none of the letters up to `last`, though letters are compared.
pub(super) fn doubt(gold: &str, last: char) -> Option<String> {
    let mut letters = gold.chars();
    let is_letter = letters.next().is_some_and(|letter| ('A'..=last).contains(&letter));
    (!is_letter || letters.next().is_some())
        .then(|| format!("the gold answer `{gold}` is none of the letters A to {last}"))
}
