//! Decimal numbers whose comparison by math-verify is certain.
//!
//! math-verify reads an integer as an exact number and a decimal fraction as a binary one of 15 digits or
//! more. Two integers are equal if they are the same. Otherwise two numbers are equal if their difference is
//! zero or they are the same when rounded to a number of decimals. With at most 15 digits reading is exact
//! enough that the same number is found equal, and one that differs by two units of the last decimal or more
//! is found different. What lies between is left to it.

/// A number without sign of currency, separators, exponent, superfluous leading zeros or spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    negative: bool,
    whole: &'a str,
    decimals: Option<&'a str>,
}

/// Longest integer, and most digits of a number with decimals.
const LONGEST: usize = 200;
const EXACT_DIGITS: usize = 15;

impl<'a> Plain<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = match digits.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (digits, None),
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = is_number(whole)
            && decimals.is_none_or(is_number)
            && (whole == "0" || !whole.starts_with('0'))
            && match decimals {
                Some(decimals) => whole.len() + decimals.len() <= EXACT_DIGITS,
                None => whole.len() <= LONGEST,
            };
        let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        (fits && !(negative && zero)).then_some(Plain { negative, whole, decimals })
    }

    pub(super) fn is_integer(self) -> bool {
        self.decimals.is_none()
    }

    /// The number in units of its 15th decimal, if it has few enough digits.
    fn scaled(self) -> Option<i128> {
        let decimals = self.decimals.unwrap_or_default();
        if self.whole.len() + decimals.len() > EXACT_DIGITS {
            return None;
        }
        let digits: i128 = format!("{}{decimals:0<EXACT_DIGITS$}", self.whole).parse().ok()?;
        Some(if self.negative { -digits } else { digits })
    }
}

/// Whether math-verify calls the numbers equal when it rounds to `precision` decimals; `None` if that is not
/// certain.
pub(super) fn equal(left: Plain<'_>, right: Plain<'_>, precision: u8) -> Option<bool> {
    if left.is_integer() && right.is_integer() {
        return Some(left == right);
    }
    let difference = (left.scaled()? - right.scaled()?).abs();
    if difference == 0 {
        return Some(true);
    }
    let decimals = (EXACT_DIGITS as u32).checked_sub(u32::from(precision))?;
    (difference >= 2 * 10_i128.pow(decimals)).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_read() {
        for text in ["0", "7", "-12", "3.50", "0.001", "-0.5", "123456789012.345", &"9".repeat(200)] {
            assert!(Plain::read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-0.0",
            ".5",
            "5.",
            "1,000",
            "1e3",
            "1/2",
            " 1",
            "1 ",
            "1.2.3",
            "x",
            "٣",
            "12345678901.23456",
            &"9".repeat(201),
        ] {
            assert_eq!(Plain::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_certain_is_left_open() {
        let equal = |left, right| equal(Plain::read(left)?, Plain::read(right)?, 6);
        assert_eq!(equal("10", "10"), Some(true));
        assert_eq!(equal("10", "-10"), Some(false));
        assert_eq!(equal("10", "10.000"), Some(true));
        assert_eq!(equal("0.5", "0.50"), Some(true));
        assert_eq!(equal("0.5", "0.500001"), None);
        assert_eq!(equal("0.5", "0.500002"), Some(false));
        assert_eq!(equal("12345678901234567890", "1.5"), None);
    }
}
