//! Decimal numbers as a paper prints them.
//!
//! `40.6` was rounded to a tenth and `40.60` to a hundredth: every printed digit is kept.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most digits after the point.
const MAX_DECIMALS: u32 = 9;
/// Largest magnitude in units of the last digit; with it, no exact comparison below can overflow.
const MAX_UNITS: i64 = 1_000_000_000_000_000;

/// A decimal number as printed: `units / 10^decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    units: i64,
    decimals: u32,
}

/// The text is not a plain decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a decimal number such as 45.41, with at most 15 digits, 9 of them after the point")]
pub struct DecimalError {
    /// The text found.
    pub text: String,
}

impl Decimal {
    /// The nearest floating-point number.
    pub fn value(self) -> f64 {
        self.units as f64 / 10f64.powi(self.decimals as i32)
    }

    /// Half a unit of the last printed digit: the most that rounding can have changed.
    pub fn half_unit(self) -> f64 {
        0.5 / 10f64.powi(self.decimals as i32)
    }

    /// The printed digits as a whole number: the value times `10^decimals`.
    pub fn units(self) -> i128 {
        i128::from(self.units)
    }

    /// Digits after the point, trailing zeros included.
    pub fn decimals(self) -> u32 {
        self.decimals
    }

    /// `10^decimals`.
    pub fn scale(self) -> i128 {
        10i128.pow(self.decimals)
    }

    /// The decimal `units / 10^decimals`; `None` with more than 15 digits or 9 decimals.
    pub fn new(units: i128, decimals: u32) -> Option<Self> {
        let units = i64::try_from(units).ok().filter(|units| units.abs() <= MAX_UNITS)?;
        (decimals <= MAX_DECIMALS).then_some(Self { units, decimals })
    }

    /// Whether two decimals are the same number, whatever their digits: `48.2` and `48.20` are.
    pub fn same_number(self, other: Self) -> bool {
        self.units() * other.scale() == other.units() * self.scale()
    }

    /// Which of two numbers is larger.
    pub fn cmp_value(self, other: Self) -> Ordering {
        (self.units() * other.scale()).cmp(&(other.units() * self.scale()))
    }

    /// The number without trailing zeros after the point.
    #[must_use]
    pub fn without_zeros(self) -> Self {
        let mut short = self;
        while short.decimals > 0 && short.units % 10 == 0 {
            short = Self { units: short.units / 10, decimals: short.decimals - 1 };
        }
        short
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let error = || DecimalError { text: text.to_owned() };
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(error()),
            None => (digits, ""),
        };
        let plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
        let decimals = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
        if !plain || decimals > MAX_DECIMALS {
            return Err(error());
        }
        match format!("{whole}{fraction}").parse::<i64>() {
            Ok(units) if units <= MAX_UNITS => Ok(Self { units: sign * units, decimals }),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let scale = 10u64.pow(self.decimals);
        let (whole, fraction) = (self.units.unsigned_abs() / scale, self.units.unsigned_abs() % scale);
        match self.decimals {
            0 => write!(f, "{sign}{whole}"),
            width => write!(f, "{sign}{whole}.{fraction:0width$}", width = width as usize),
        }
    }
}

impl TryFrom<String> for Decimal {
    type Error = DecimalError;

    fn try_from(text: String) -> Result<Self, DecimalError> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(value: Decimal) -> Self {
        value.to_string()
    }
}
