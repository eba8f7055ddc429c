//! Numbers in words, as word2number 1.1 reads them.

use crate::python::float_text;

fn value(word: &str) -> Option<u64> {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    if let Some(at) = SMALL.iter().position(|small| *small == word) {
        return Some(at as u64);
    }
    if let Some(at) = TENS.iter().position(|tens| *tens == word) {
        return Some(20 + 10 * at as u64);
    }
    match word {
        "hundred" => Some(100),
        "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        "billion" => Some(1_000_000_000),
        _ => None,
    }
}

/// The number that a text says, as Python would print it, or `None` where the library raises. Words that are
/// no part of a number are passed over, so a sentence with one number in it is that number.
pub(super) fn number(text: &str) -> Option<String> {
    let text = text.replace('-', " ").to_lowercase();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits = text.trim_start_matches('0');
        return Some(if digits.is_empty() { "0".to_owned() } else { digits.to_owned() });
    }
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| *word == "point" || value(word).is_some()).collect();
    let count = |wanted: &str| words.iter().filter(|word| **word == wanted).count();
    if words.is_empty() || ["thousand", "million", "billion", "point"].iter().any(|word| count(word) > 1) {
        return None;
    }
    let (whole, decimals) = match words.iter().position(|word| *word == "point") {
        Some(at) => (&words[..at], &words[at + 1..]),
        None => (&words[..], &[][..]),
    };
    let total = whole_part(whole)?;
    if decimals.is_empty() {
        return Some(total.to_string());
    }
    let mut digits = "0.".to_owned();
    for word in decimals {
        match value(word) {
            Some(digit @ 0..10) => digits.push_str(&digit.to_string()),
            _ => return Some(total.to_string()),
        }
    }
    Some(float_text(total as f64 + digits.parse::<f64>().ok()?))
}

fn whole_part(words: &[&str]) -> Option<u64> {
    let place = |wanted: &str| words.iter().position(|word| *word == wanted);
    let (billion, million, thousand) = (place("billion"), place("million"), place("thousand"));
    let misplaced = |smaller: Option<usize>, larger: Option<usize>| {
        smaller.zip(larger).is_some_and(|(smaller, larger)| smaller < larger)
    };
    if misplaced(thousand, million) || misplaced(thousand, billion) || misplaced(million, billion) {
        return None;
    }
    match words {
        [] => return Some(0),
        [word] => return value(word),
        _ => {}
    }
    let mut total = 0;
    let mut start = 0;
    for (at, unit) in [(billion, 1_000_000_000), (million, 1_000_000), (thousand, 1_000)] {
        if let Some(at) = at {
            total += group(words.get(start..at)?)? * unit;
            start = at + 1;
        }
    }
    if start < words.len() {
        total += group(&words[start..])?;
    }
    Some(total)
}

/// The library's rule for what stands before a unit, flaw included: it looks at the number of words, not at
/// what they are.
fn group(words: &[&str]) -> Option<u64> {
    let numbers: Vec<u64> = words.iter().filter_map(|word| value(word)).collect();
    Some(match numbers[..] {
        [] => return None,
        [hundreds, hundred, tens, ones] => hundreds * hundred + tens + ones,
        [hundreds, hundred, rest] => hundreds * hundred + rest,
        [left, right] if left == 100 || right == 100 => left * right,
        [left, right] => left + right,
        [first, ..] => first,
    })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn words_become_numbers() {
        let cases = [
            ("five", Some("5")),
            ("Twenty-one", Some("21")),
            ("two million twenty three thousand and forty nine", Some("2023049")),
            ("one hundred and five", Some("105")),
            ("two apples", Some("2")),
            ("007", Some("7")),
            ("zero", Some("0")),
            ("two point three", Some("2.3")),
            ("point zero", Some("0.0")),
            ("two point ten", Some("2")),
            ("three billion", Some("3000000000")),
            ("twenty one two", Some("22")),
            ("-5", None),
            ("", None),
            ("thousand million", None),
            ("thousand thousand", None),
            ("thousand five", None),
            ("thousand", Some("1000")),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text).as_deref(), expected, "{text:?}");
        }
    }
}
