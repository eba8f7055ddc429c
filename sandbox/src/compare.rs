//! Whether a text is the expected one. All comparison is on the host: expected answers never enter a guest.

use crate::python::{is_space, strip};

/// Compares what a script wrote with what it should have written, by the rules of the LiveCodeBench
/// benchmark.
///
/// Space, as Python knows it, at the ends of the text and of each line does not count. A line is right if its
/// text is, or if both lines consist of decimal numbers that are equal in value, one by one (`1.0` is `1`,
/// `1e3` is `1000`); there is no tolerance.
pub fn same_output(expected: &str, actual: &str) -> bool {
    fn lines(text: &str) -> impl Iterator<Item = &str> {
        strip(text).split('\n').map(strip)
    }
    // Line by line and number by number: what a hostile program wrote is never taken apart as a whole, which
    // would cost many times its size.
    all_pairs(lines(expected), lines(actual), |expected, actual| {
        expected == actual || same_numbers(expected, actual)
    })
}

fn same_numbers(expected: &str, actual: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split(is_space).filter(|word| !word.is_empty())
    }
    all_pairs(words(expected), words(actual), |expected, actual| {
        Decimal::parse(expected).is_some_and(|expected| Decimal::parse(actual) == Some(expected))
    })
}

/// Whether both have the same number of items and all pairs of items in order are `same`.
fn all_pairs<'a>(
    mut expected: impl Iterator<Item = &'a str>,
    mut actual: impl Iterator<Item = &'a str>,
    same: impl Fn(&str, &str) -> bool,
) -> bool {
    loop {
        match (expected.next(), actual.next()) {
            (Some(expected), Some(actual)) if same(expected, actual) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// A decimal number in a form that is the same for equal values: no leading or trailing zeros in its digits.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    /// Power of ten of the last digit; 0 for zero.
    exponent: i64,
}

impl Decimal {
    /// Reads the numbers that Python's `decimal.Decimal` reads, but for NaN, which equals nothing: a sign,
    /// digits with a point, an exponent, underscores anywhere; or infinity. Exponents beyond 18 digits are
    /// not read.
    fn parse(text: &str) -> Option<Self> {
        let text = text.replace('_', "");
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(&text)),
        };
        if rest.eq_ignore_ascii_case("inf") || rest.eq_ignore_ascii_case("infinity") {
            return Some(Decimal { negative, digits: "inf".to_owned(), exponent: 0 });
        }
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(&digits) || !all_digits(unsigned) || unsigned.len() > 18 {
            return None;
        }
        let significant = digits.trim_end_matches('0');
        let dropped = (digits.len() - significant.len()) as i64;
        let exponent = exponent.parse::<i64>().ok()? - fraction.len() as i64 + dropped;
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Decimal { negative: false, digits: String::new(), exponent: 0 });
        }
        Some(Decimal { negative, digits: significant.to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_compared_line_by_line() {
        let same = [
            ("1\n2\n", "1\n2"),
            ("a b", "  a b  \n\n"),
            ("1\n2", "1  \r\n 2"),
            ("1.0", "1"),
            ("1e3 2", "1000   2.00"),
            ("+5 007 1_000", "5 7 1000"),
            ("-0.0", "0"),
            ("0e999999", "0"),
            ("", "\n"),
            ("120", "1.2e2"),
            (".5 5.", "0.5 5"),
            ("1\u{1c}\n\u{1f}1 2", "1\n1.0\u{1d}2\u{1e}"),
            ("inf -INF", "Infinity -infinity"),
        ];
        for (expected, actual) in same {
            assert!(same_output(expected, actual), "{expected:?} {actual:?}");
        }
        let different = [
            ("1\n2", "1 2"),
            ("1", "1\n1"),
            ("a  b", "a b"),
            ("1 a", "1.0 a"),
            ("NaN", "nan"),
            ("inf", "-inf"),
            ("1", "1.0000001"),
            ("1 2", "1"),
            ("1", "-1"),
            ("", "0"),
            ("1\n\n2", "1\n2"),
            ("1e", "1"),
            (".", "0"),
            ("0x10", "16"),
            ("10", "1"),
        ];
        for (expected, actual) in different {
            assert!(!same_output(expected, actual), "{expected:?} {actual:?}");
        }
    }

    proptest! {
        /// Scaling a number's text by a power of ten, and back by its exponent, keeps its value.
        #[test]
        fn a_number_equals_itself_in_other_spellings(mantissa in any::<i64>(), shift in 0_i64..30) {
            let plain = mantissa.to_string();
            let shifted = format!("{mantissa}{}e-{shift}", "0".repeat(usize::try_from(shift).unwrap()));
            prop_assert!(same_output(&plain, &shifted));
            let with_point = format!("{plain}.000");
            prop_assert!(same_output(&with_point, &plain));
            let neighbour = mantissa.wrapping_add(1).to_string();
            prop_assert!(!same_output(&neighbour, &shifted));
        }
    }
}
