//! Exact rational numbers, and numbers as they are written in answers.

use std::fmt;

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    /// `numerator / denominator` in lowest terms; `None` when the denominator is 0 or a term does not fit.
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        let divisor = i64::try_from(gcd(numerator.unsigned_abs(), denominator.unsigned_abs())).ok()?;
        let sign = denominator.signum();
        if divisor == 0 || sign == 0 {
            return None;
        }
        Some(Self {
            numerator: (numerator / divisor).checked_mul(sign)?,
            denominator: (denominator / divisor).checked_mul(sign)?,
        })
    }

    /// The numerator, which carries the sign.
    pub fn numerator(self) -> i64 {
        self.numerator
    }

    /// The denominator, at least 1.
    pub fn denominator(self) -> i64 {
        self.denominator
    }

    /// The value as an integer, if it is one.
    pub fn integer(self) -> Option<i64> {
        (self.denominator == 1).then_some(self.numerator)
    }

    /// The sum with an integer; `None` on overflow, as in the operations below.
    pub fn plus(self, other: i64) -> Option<Self> {
        Self::new(self.numerator.checked_add(other.checked_mul(self.denominator)?)?, self.denominator)
    }

    /// The product with an integer.
    pub fn times(self, other: i64) -> Option<Self> {
        Self::new(self.numerator.checked_mul(other)?, self.denominator)
    }

    /// The quotient by an integer; `None` when that is 0.
    pub fn over(self, other: i64) -> Option<Self> {
        Self::new(self.numerator, self.denominator.checked_mul(other)?)
    }

    /// The shortest decimal expansion, if it ends after 1 to `max_places` places (so not for integers).
    pub fn decimal(self, max_places: u32) -> Option<String> {
        (1..=max_places).find_map(|places| {
            let scale = 10i64.checked_pow(places)?;
            let scaled = self.numerator.checked_mul(scale)?;
            if self.denominator == 1 || scaled % self.denominator != 0 {
                return None;
            }
            let digits = (scaled / self.denominator).unsigned_abs();
            let scale = scale.unsigned_abs();
            let sign = if scaled < 0 { "-" } else { "" };
            Some(format!("{sign}{}.{:0width$}", digits / scale, digits % scale, width = places as usize))
        })
    }
}

impl From<i64> for Ratio {
    fn from(value: i64) -> Self {
        Self { numerator: value, denominator: 1 }
    }
}

impl fmt::Display for Ratio {
    /// `7`, `-3` or `5/2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A number as written: an integer (`-7`), a decimal (`2.50`) or a fraction of integers (`10/4`), of any
/// length.
///
/// Terms are kept as digits, so that nothing a model writes can overflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numeral {
    negative: bool,
    /// Most significant digit first, without leading zeros; zero has no digits.
    numerator: Vec<u8>,
    denominator: Vec<u8>,
}

impl Numeral {
    /// Reads a number that fills the whole text. A leading `-` is the only sign; a point needs digits on both
    /// sides.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (numerator, denominator) = if let Some((top, bottom)) = magnitude.split_once('/') {
            (digits(top)?, digits(bottom)?)
        } else if let Some((whole, fraction)) = magnitude.split_once('.') {
            // Each side needs a digit; `digits` refuses an empty text and any other character.
            digits(whole)?;
            let places = fraction.len();
            digits(fraction)?;
            let mut scale = vec![0; places + 1];
            scale[0] = 1;
            (digits(&format!("{whole}{fraction}"))?, scale)
        } else {
            (digits(magnitude)?, vec![1])
        };
        (!denominator.is_empty()).then_some(Self { negative, numerator, denominator })
    }

    /// The value, when its terms are small (at most 18 digits).
    pub fn ratio(&self) -> Option<Ratio> {
        let sign = if self.negative { -1 } else { 1 };
        Ratio::new(sign * small(&self.numerator)?, small(&self.denominator)?)
    }
}

/// The digits of an unsigned integer without leading zeros; `None` if the text is anything else.
fn digits(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.bytes().map(|byte| byte - b'0').skip_while(|&digit| digit == 0).collect())
}

fn small(digits: &[u8]) -> Option<i64> {
    (digits.len() <= 18).then(|| digits.iter().fold(0, |value, &digit| value * 10 + i64::from(digit)))
}
