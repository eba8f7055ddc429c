//! From a model's text to an answer in SkyThought's form.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::words;
use crate::grade::regex;
use crate::python::strip;

/// Finds the answer in the text of a whole response and puts it into the normal form: the last `\boxed`, else
/// what follows "he answer is" or "final answer is", else the last number. Empty if there is none.
pub(super) fn extract(response: &str) -> String {
    static NUMBER: LazyLock<Regex> = regex!(r"-?\d*\.?\d+");
    static LINE_BREAK: LazyLock<Regex> = regex!(r"\n\s*");
    // The syllable is what some models end a number with.
    let response = response.replace("ки", "");
    let found = if let Some(answer) = in_minerva_form(&response) {
        answer.to_owned()
    } else if let Some((_, after)) = response.rsplit_once("boxed") {
        match boxed(after) {
            Some(answer) => answer,
            None => return String::new(),
        }
    } else if let Some((_, after)) = response.rsplit_once("he answer is") {
        strip(after).to_owned()
    } else if let Some((_, after)) = response.rsplit_once("final answer is") {
        strip(after).to_owned()
    } else if let Some((_, after)) = response.split_once("答案是") {
        let answer = after.split("答案是").next().unwrap_or_default();
        strip(strip(answer).split("\n\n").next().unwrap_or_default()).to_owned()
    } else {
        let response = response.replace(',', "");
        let last = NUMBER.find_iter(&response).last();
        last.map_or_else(String::new, |number| number.as_str().to_owned())
    };
    let found = replace_all(&LINE_BREAK, &found, "");
    let found = found.strip_prefix(':').unwrap_or(&found);
    let found = found.strip_suffix('.').unwrap_or(found);
    let found = found.strip_suffix('/').unwrap_or(found);
    normalize(found)
}

fn in_minerva_form(response: &str) -> Option<&str> {
    let (_, after) = response.split_once("final answer is $")?;
    response.contains("$. I hope").then(|| strip(after.split("$. I hope").next().unwrap_or_default()))
}

/// What stands in the braces after `boxed`, or up to the next dollar sign if there are none; `None` at the
/// text's end.
fn boxed(after: &str) -> Option<String> {
    let mut chars = after.chars();
    if chars.next()? != '{' {
        return Some(strip(after.split('$').next().unwrap_or_default()).to_owned());
    }
    let mut depth = 1;
    let mut answer = String::new();
    for c in chars {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        answer.push(c);
    }
    Some(answer)
}

/// The normal form of an answer: its units, signs of currency and percent, layout commands and spaces are
/// gone, numbers in words are digits, short fractions are written out, and a list of integers is sorted.
///
/// The order of the steps is part of the grader, and so are its oddities: "and" and "inf" are removed or
/// replaced inside words as well.
pub(super) fn normalize(answer: &str) -> String {
    let mut text = strip(answer).replace('\n', "");
    text.truncate(text.trim_end_matches('.').len());
    let text = with_common_commands(&text);
    let text = without_units_and_dollars(&text);
    let text = without_names_of_variables(&text);
    let text = with_common_symbols(&text);
    let text = without_zeros_after_the_point(&text);
    if text.is_empty() { text } else { with_arranged_numbers(text) }
}

/// Rewrites LaTeX commands for layout: one kind of matrix, fraction and comparison; no `\left`, `\right` or
/// escaped braces.
fn with_common_commands(text: &str) -> String {
    static ARRAY_BEGIN: LazyLock<Regex> = regex!(r"\\begin\{array\}\{.*?\}");

    let text = text.replace("\\!", "");
    let text = replace_all(&ARRAY_BEGIN, &text, r"\begin{pmatrix}").replace(r"\end{array}", r"\end{pmatrix}");
    let pairs = [
        ("bmatrix", "pmatrix"),
        ("tfrac", "frac"),
        ("dfrac", "frac"),
        (r"\neq", r"\ne"),
        (r"\leq", r"\le"),
        (r"\geq", r"\ge"),
        (r"\left", ""),
        (r"\right", ""),
        (r"\{", "{"),
        (r"\}", "}"),
    ];
    replace_each(text, &pairs)
}

/// Puts numbers in words into digits, and removes units, signs of degrees and dollars, and the parentheses of
/// inline mathematics.
fn without_units_and_dollars(text: &str) -> String {
    static TEXT_WORD: LazyLock<Regex> = regex!(r"\\text\{([a-zA-Z]+)\}");
    static SQUARED_UNIT: LazyLock<Regex> = regex!(r"(cm|inches)\}\^2");

    let in_digits = |found: &Captures<'_>| words::number(&found[1]).unwrap_or_else(|| found[0].to_owned());
    let text = TEXT_WORD.replace_all(text, in_digits);
    let text = without_final_text(replace_all(&SQUARED_UNIT, &text, "$1}"));
    let gone = [r"^{\circ}", r"^\circ", r"\$", "$", r"\(", r"\)"];
    let text = replace_each(text, &gone.map(|gone| (gone, "")));
    words::number(&text).unwrap_or(text)
}

/// Takes text out of `\text{}`, and removes `x=`, `x\in` and `x\to`, likewise for y and z.
fn without_names_of_variables(text: &str) -> String {
    static TEXT: LazyLock<Regex> = regex!(r"\\text\{(.*?)\}");

    let text = replace_all(&TEXT, text, "$1");
    let gone = ["x=", "y=", "z=", r"x\in", r"y\in", r"z\in", r"x\to", r"y\to", r"z\to"];
    replace_each(text, &gone.map(|gone| (gone, "")))
}

/// Writes the empty set, the real numbers, infinity, the imaginary unit and a leading zero in one way, and
/// removes signs of percent, "and", `\mathbf` and `\mbox{}` with its content.
fn with_common_symbols(text: &str) -> String {
    static BOX: LazyLock<Regex> = regex!(r"\\mbox\{.*?\}");

    let pairs = [
        (r"\emptyset", "{}"),
        (r"(-\infty,\infty)", r"\mathbb{R}"),
        (r"\%", ""),
        ("%", ""),
        (" .", " 0."),
        ("{.", "{0."),
        ("infinity", r"\infty"),
    ];
    let mut text = replace_each(text.to_owned(), &pairs);
    if !text.contains(r"\infty") {
        text = text.replace("inf", r"\infty");
    }
    text = replace_each(text, &[(r"+\inity", r"\infty"), ("and", ""), (r"\mathbf", "")]);
    text = replace_all(&BOX, &text, "");
    if text.contains('j') && !text.contains('i') {
        text = text.replace('j', "i");
    }
    text
}

fn without_zeros_after_the_point(text: &str) -> String {
    static ZEROS_INSIDE: LazyLock<Regex> = regex!(r"(\d+)\.0*([^\d])");
    static ZEROS_AT_END: LazyLock<Regex> = regex!(r"(\d+)\.0*$");

    replace_all(&ZEROS_AT_END, &replace_all(&ZEROS_INSIDE, text, "$1$2"), "$1")
}

/// Takes the right side of a short equation, removes spaces, puts braces around the operands of roots and
/// fractions, and sorts a list of integers.
fn with_arranged_numbers(mut text: String) -> String {
    static BARE_ROOT: LazyLock<Regex> = regex!(r"\\sqrt(\w+)");

    if text.starts_with('.') {
        text.insert(0, '0');
    }
    if let Some((left, right)) = text.split_once('=')
        && !right.contains('=')
        && left.chars().count() <= 2
    {
        text = right.to_owned();
    }
    text = replace_all(&BARE_ROOT, &text, r"\sqrt{$1}").replace(' ', "");
    text = long_fractions(&text).unwrap_or(text);
    text = slash_as_fraction(&text).unwrap_or(text);
    text = without_stray_backslashes(&text);
    text = text.strip_suffix("thgrade").unwrap_or(&text).to_owned();
    sorted_integers(&text).unwrap_or(text)
}

/// Replaces the first of each pair by the second, one pair after the other.
fn replace_each(text: String, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

fn replace_all(pattern: &Regex, text: &str, by: &str) -> String {
    pattern.replace_all(text, by).into_owned()
}

/// Cuts from the first `\text{` on if the text ends with a brace, and spaces, unless nothing would be left.
fn without_final_text(text: String) -> String {
    let cut = if text.ends_with('}') { text.split("\\text{").next().unwrap_or_default() } else { &text };
    match strip(cut) {
        "" => text,
        left => left.to_owned(),
    }
}

/// Braces around the operands of `\frac12` and the like, or `None` if one is too short to have operands.
fn long_fractions(text: &str) -> Option<String> {
    let mut parts = text.split("\\frac");
    let mut long = parts.next()?.to_owned();
    for part in parts {
        long.push_str("\\frac");
        if part.starts_with('{') {
            long.push_str(part);
            continue;
        }
        let mut chars = part.chars();
        let (upper, lower) = (chars.next()?, chars.next()?);
        match lower {
            '{' => long.push_str(&format!("{{{upper}}}{{")),
            _ => long.push_str(&format!("{{{upper}}}{{{lower}}}")),
        }
        long.push_str(chars.as_str());
    }
    Some(long)
}

/// `\frac{a}{b}` for a text that is `a/b`, where each is an integer in its usual form or has a root in it.
fn slash_as_fraction(text: &str) -> Option<String> {
    let (upper, lower) = text.split_once('/')?;
    let fits = |part: &str| part.contains("sqrt") || is_plain_integer(part);
    (!lower.contains('/') && fits(upper) && fits(lower)).then(|| format!("\\frac{{{upper}}}{{{lower}}}"))
}

/// Whether Python's `str(int(text))` is the text itself.
fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (!digits.starts_with('0') || text == "0")
}

/// Removes a backslash before an integer that ends there.
fn without_stray_backslashes(text: &str) -> String {
    static INTEGER: LazyLock<Regex> = regex!(r"^-?\d+(\\|\)|,|\]|$)");
    let stray = |after: &str| INTEGER.is_match(after);
    text.char_indices().filter(|(at, c)| *c != '\\' || !stray(&text[at + 1..])).map(|(_, c)| c).collect()
}

/// A list of integers without brackets, in ascending order.
fn sorted_integers(text: &str) -> Option<String> {
    let mut numbers = Vec::new();
    for part in text.split(',') {
        let part = strip(part);
        let digits = part.strip_prefix('-').unwrap_or(part);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // As long as wanted, so compared as text: sign, number of digits, digits.
        let digits = digits.trim_start_matches('0');
        numbers.push((part.starts_with('-') && !digits.is_empty(), digits.to_owned()));
    }
    numbers.sort_by(|(left_negative, left), (right_negative, right)| {
        let ascending = (left.len(), left).cmp(&(right.len(), right));
        let by_size = if *left_negative { ascending.reverse() } else { ascending };
        right_negative.cmp(left_negative).then(by_size)
    });
    let texts: Vec<String> = numbers
        .into_iter()
        .map(|(negative, digits)| match (negative, digits.as_str()) {
            (_, "") => "0".to_owned(),
            (true, digits) => format!("-{digits}"),
            (false, digits) => digits.to_owned(),
        })
        .collect();
    Some(texts.join(","))
}
