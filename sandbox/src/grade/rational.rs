//! Numbers compared exactly, as the embedded world writes them.
//!
//! What counts is the text after the last `=`, so that `35`, `x=35` and `12+30-7=35` are the same answer.

use super::{Answer, Decision, How, Question};

pub(super) fn grade(question: &Question) -> Decision {
    let (Answer::Extracted(text) | Answer::Response(text)) = &question.answer;
    let (answer, gold) = (after_equals(text), after_equals(&question.gold));
    match Rational::parse(answer).zip(Rational::parse(gold)) {
        Some((answered, right)) => {
            Decision { equal: answered.equals(&right), how: How::Number, extracted: Some(answer.to_owned()) }
        }
        None => Decision { equal: false, how: How::NothingFound, extracted: None },
    }
}

fn after_equals(text: &str) -> &str {
    text.rsplit('=').next().unwrap_or(text)
}

/// A number as written, of any length: no term overflows, because each is kept as its digits.
struct Rational {
    negative: bool,
    numerator: Natural,
    denominator: Natural,
}

impl Rational {
    /// Reads a number that fills the whole text: digits, digits on both sides of a point, or digits on both
    /// sides of a slash, the second not zero. A leading `-` is the only sign.
    fn parse(text: &str) -> Option<Self> {
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (numerator, denominator) = if let Some((top, bottom)) = magnitude.split_once('/') {
            (Natural::parse(top)?, Natural::parse(bottom)?)
        } else if let Some((whole, fraction)) = magnitude.split_once('.') {
            if whole.is_empty() || fraction.is_empty() {
                return None;
            }
            // Zeros at the end change nothing and would make the denominator longer.
            let fraction_kept = fraction.trim_end_matches('0');
            let power = format!("1{}", "0".repeat(fraction_kept.len()));
            // The zeros that are cut off are digits, so they need no check.
            (Natural::parse(&[whole, fraction_kept].concat())?, Natural::parse(&power)?)
        } else {
            (Natural::parse(magnitude)?, Natural::parse("1")?)
        };
        (!denominator.is_zero()).then_some(Rational { negative, numerator, denominator })
    }

    /// Whether both have the same value: a/b = c/d if ad = cb.
    fn equals(&self, other: &Self) -> bool {
        if self.numerator.is_zero() || other.numerator.is_zero() {
            return self.numerator.is_zero() && other.numerator.is_zero();
        }
        self.negative == other.negative
            && self.numerator.times(&other.denominator) == other.numerator.times(&self.denominator)
    }
}

/// Digits in one part of a [`Natural`], and what it is less than.
const PART_DIGITS: usize = 9;
const PART: u64 = 1_000_000_000;

/// A natural number or zero: parts of nine digits, the least significant first, the last not zero.
#[derive(Debug, PartialEq, Eq)]
struct Natural(Vec<u32>);

impl Natural {
    /// Reads ASCII digits, at least one, and nothing else.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value = |part: &[u8]| part.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
        Some(Self::trimmed(text.as_bytes().rchunks(PART_DIGITS).map(value).collect()))
    }

    fn trimmed(mut parts: Vec<u32>) -> Self {
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Natural(parts)
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The product, digit by digit: the time is that of the lengths multiplied.
    fn times(&self, other: &Self) -> Self {
        let mut product = vec![0_u32; self.0.len() + other.0.len()];
        for (place, &left) in self.0.iter().enumerate() {
            let mut carry = 0_u64;
            for (part, right) in product[place..].iter_mut().zip(other.0.iter().map(Some).chain([None])) {
                // At most (10^9 - 1)^2 + 2 (10^9 - 1), which fits.
                let sum = u64::from(*part) + u64::from(left) * right.map_or(0, |&right| right.into()) + carry;
                *part = (sum % PART) as u32;
                carry = sum / PART;
            }
        }
        Self::trimmed(product)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Products are those of 128 bits.
        #[test]
        fn products_are_exact(left in any::<u64>(), right in any::<u64>()) {
            let natural = |value: u128| Natural::parse(&value.to_string()).unwrap();
            let product = natural(left.into()).times(&natural(right.into()));
            prop_assert_eq!(product, natural(u128::from(left) * u128::from(right)));
        }
    }
}
