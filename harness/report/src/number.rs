//! How numbers are written, in one place.

use crate::model::{Quantity, Threshold, Unit};

/// Digits after the point for measured percentages and points: more would pretend to a precision that no
/// interval has.
pub(crate) const PERCENT_DECIMALS: u8 = 1;

/// Digits after the point for what is computed from printed values, which have two.
pub(crate) const PRINTED_DECIMALS: u8 = 2;

/// Digits after the point of a number in a diagnostics table whose heading does not say.
pub(crate) const TABLE_DECIMALS: u8 = 2;

/// A number with a fixed count of digits after the point, a real minus sign, and no negative zero.
pub(crate) fn fixed(number: f64, decimals: u8) -> String {
    let digits = format!("{:.*}", usize::from(decimals), number.abs());
    let negative = number.is_sign_negative() && digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if negative { format!("−{digits}") } else { digits }
}

/// As [`fixed`], with a plus sign on positive numbers.
pub(crate) fn signed(number: f64, decimals: u8) -> String {
    let text = fixed(number, decimals);
    let positive = number > 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if positive { format!("+{text}") } else { text }
}

/// A measured percentage.
pub(crate) fn percent(number: f64) -> String {
    fixed(number, PERCENT_DECIMALS)
}

/// A p value: two digits that count, and `< 0.0001` below that.
pub(crate) fn probability(p: f64) -> String {
    match p {
        p if p < 1e-4 => "< 0.0001".to_owned(),
        p if p < 0.00995 => fixed(p, 4),
        p => fixed(p, 2),
    }
}

/// "±" and half of the interval's width.
pub(crate) fn margin(estimate: &Quantity) -> String {
    format!("±{}", percent(estimate.half_width()))
}

/// The interval in brackets.
pub(crate) fn interval(estimate: &Quantity, decimals: u8) -> String {
    format!("[{}, {}]", fixed(estimate.low, decimals), fixed(estimate.high, decimals))
}

/// A whole number with a comma between groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How the numbers of a claim's part are written, which depends on their unit.
#[derive(Clone, Copy)]
pub(crate) struct PartNumbers(pub(crate) Unit);

impl PartNumbers {
    /// A measured quantity.
    pub(crate) fn measured(self, number: f64) -> String {
        match self.0 {
            Unit::Points => signed(number, PERCENT_DECIMALS),
            Unit::Percent => percent(number),
            Unit::Ratio => fixed(number, 2),
        }
    }

    /// The interval of a measured quantity.
    pub(crate) fn interval(self, estimate: &Quantity) -> String {
        format!("[{}, {}]", self.measured(estimate.low), self.measured(estimate.high))
    }

    /// A quantity computed from printed values.
    pub(crate) fn printed(self, number: f64) -> String {
        match self.0 {
            Unit::Points => signed(number, PRINTED_DECIMALS),
            Unit::Percent | Unit::Ratio => fixed(number, PRINTED_DECIMALS),
        }
    }

    /// A threshold, as short as it can be written.
    pub(crate) fn threshold(self, threshold: Threshold) -> String {
        match threshold {
            Threshold::Above { bound } => format!("> {}", shortest(bound)),
            Threshold::Below { bound } => format!("< {}", shortest(bound)),
            Threshold::Within { margin } => format!("within ±{}", shortest(margin)),
        }
    }

    /// The unit's name, for an axis.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            Unit::Points => "percentage points",
            Unit::Percent => "percent",
            Unit::Ratio => "ratio",
        }
    }
}

/// A number that somebody chose (a threshold, a tick of an axis), with as many digits as it needs.
pub(crate) fn shortest(number: f64) -> String {
    if number == 0.0 { "0".into() } else { number.to_string().replacen('-', "−", 1) }
}

/// The level of the intervals, e.g. `95 %`.
pub(crate) fn level(confidence: f64) -> String {
    // Ten thousand steps are enough for any level in use, and keep 0.95 * 100 from becoming 94.99999.
    format!("{} %", shortest((confidence * 1e4).round() / 1e2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_zeros() {
        let cases = [(0.0, "0.0", "0.0"), (-0.04, "0.0", "0.0"), (0.04, "0.0", "0.0")];
        for (number, plain, with_sign) in cases {
            assert_eq!(
                (fixed(number, 1).as_str(), signed(number, 1).as_str()),
                (plain, with_sign),
                "{number}"
            );
        }
        assert_eq!((fixed(-2.5, 1).as_str(), signed(2.5, 1).as_str()), ("−2.5", "+2.5"));
        assert_eq!(fixed(-12.0, 0), "−12");
    }

    #[test]
    fn counts_levels_and_thresholds() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (12_032, "12,032"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(number), text);
        }
        for (confidence, text) in [(0.95, "95 %"), (0.9, "90 %"), (0.995, "99.5 %")] {
            assert_eq!(level(confidence), text);
        }
        let points = PartNumbers(Unit::Points);
        assert_eq!(points.threshold(Threshold::Above { bound: -0.0 }), "> 0");
        assert_eq!(points.threshold(Threshold::Below { bound: -1.5 }), "< −1.5");
        assert_eq!(points.threshold(Threshold::Within { margin: 2.0 }), "within ±2");
    }
}
