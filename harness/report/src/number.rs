//! How numbers are written, in one place.

use crate::model::{Column, Part, Quantity, Threshold, Unit};

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

/// "±" and half of the interval's width; the interval itself where its ends are not equally far from the value, and nothing
/// where there is none.
pub(crate) fn margin(estimate: &Quantity, decimals: u8) -> String {
    match is_symmetric(estimate, decimals) {
        _ if !estimate.has_interval() => String::new(),
        true => format!("±{}", fixed(estimate.half_width(), decimals)),
        false => interval(estimate, decimals),
    }
}

/// A measured value and its margin, such as `45.1 ±3.2`.
pub(crate) fn with_margin(estimate: &Quantity, decimals: u8) -> String {
    format!("{} {}", fixed(estimate.value, decimals), margin(estimate, decimals)).trim_end().to_owned()
}

/// Whether the ends of an interval are equally far from the value, to the digits that are shown.
pub(crate) fn is_symmetric(estimate: &Quantity, decimals: u8) -> bool {
    let (below, above) = (estimate.value - estimate.low, estimate.high - estimate.value);
    (above - below).abs() <= LAST_DIGIT[usize::from(decimals.min(MOST_DECIMALS))]
}

/// One in the last of so many digits after the point.
const LAST_DIGIT: [f64; 7] = [1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6];

/// The most digits after the point that a measured value is shown with.
const MOST_DECIMALS: u8 = 6;

/// Digits after the point of a measured value of a column: percentages have one, amounts as many as their interval tells.
pub(crate) fn decimals(column: &Column, estimate: &Quantity) -> u8 {
    if column.unit.is_some() { amount_decimals(estimate) } else { PERCENT_DECIMALS }
}

/// Digits after the point of an amount: two digits of half of its interval's width are shown, of an amount without an
/// interval four digits. Whole numbers have none.
fn amount_decimals(estimate: &Quantity) -> u8 {
    let half_width = estimate.half_width();
    match estimate.value {
        _ if half_width > 0.0 => decimals_for(half_width, 2),
        value if value.fract() == 0.0 => 0,
        value => decimals_for(value, 4),
    }
}

/// Digits after the point with which so many digits of a number are shown.
fn decimals_for(number: f64, digits: i32) -> u8 {
    if number == 0.0 {
        return 0;
    }
    let before = number.abs().log10().floor();
    // Between 0 and 6, whatever the number is.
    (f64::from(digits - 1) - before).clamp(0.0, f64::from(MOST_DECIMALS)) as u8
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
pub(crate) struct PartNumbers<'p> {
    unit: &'p Unit,
    /// Digits after the point of measured quantities.
    decimals: u8,
}

impl<'p> PartNumbers<'p> {
    pub(crate) fn of(part: &'p Part) -> Self {
        let decimals = match &part.unit {
            Unit::Points | Unit::Percent => PERCENT_DECIMALS,
            Unit::Ratio => 2,
            Unit::Amount(_) | Unit::Difference(_) => part.estimate.as_ref().map_or(0, amount_decimals),
        };
        Self { unit: &part.unit, decimals }
    }

    /// A measured quantity.
    pub(crate) fn measured(self, number: f64) -> String {
        match self.unit {
            Unit::Points | Unit::Difference(_) => signed(number, self.decimals),
            Unit::Percent | Unit::Ratio | Unit::Amount(_) => fixed(number, self.decimals),
        }
    }

    /// The interval of a measured quantity; empty where there is none.
    pub(crate) fn interval(self, estimate: &Quantity) -> String {
        match estimate.has_interval() {
            true => format!("[{}, {}]", self.measured(estimate.low), self.measured(estimate.high)),
            false => String::new(),
        }
    }

    /// A quantity computed from printed values.
    pub(crate) fn printed(self, number: f64) -> String {
        match self.unit {
            Unit::Points => signed(number, PRINTED_DECIMALS),
            Unit::Percent | Unit::Ratio => fixed(number, PRINTED_DECIMALS),
            Unit::Amount(_) => rounded(number),
            Unit::Difference(_) if number > 0.0 => format!("+{}", rounded(number)),
            Unit::Difference(_) => rounded(number),
        }
    }

    /// A distance, without a sign.
    pub(crate) fn size(self, number: f64) -> String {
        match self.unit {
            Unit::Points | Unit::Percent => percent(number),
            Unit::Ratio => fixed(number, 2),
            Unit::Amount(_) | Unit::Difference(_) => fixed(number, decimals_for(number, 2)),
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
}

/// The unit's name, for an axis.
pub(crate) fn unit_name(unit: &Unit) -> &str {
    match unit {
        Unit::Points => "percentage points",
        Unit::Percent => "percent",
        Unit::Ratio => "ratio",
        Unit::Amount(name) | Unit::Difference(name) if name.is_empty() => NO_UNIT,
        Unit::Amount(name) | Unit::Difference(name) => name,
    }
}

/// What stands in the place of a unit where there is none.
pub(crate) const NO_UNIT: &str = "number";

/// An amount computed from printed values, with the digits that it has, and without what computing left in the last ones.
fn rounded(number: f64) -> String {
    shortest((number * 1e6).round() / 1e6)
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

    /// Wilson's interval of 0 of 30: half of its width says nothing about where it lies.
    #[test]
    fn margins_of_intervals_that_are_not_symmetric_are_the_intervals() {
        let quantity = |value, low, high| Quantity {
            value,
            low,
            high,
            standard_error: None,
            question_error: None,
            seed_error: None,
            per_seed: Default::default(),
            n: None,
        };
        assert_eq!(margin(&quantity(0.0, 0.0, 11.351), 1), "[0.0, 11.4]");
        assert_eq!(margin(&quantity(50.0, 40.02, 59.98), 1), "±10.0");
        assert_eq!(margin(&quantity(99.0, 94.55, 99.82), 1), "[94.5, 99.8]");
        let amounts = [
            (quantity(18413.4, 18183.0, 18643.8), "18413 ±230"),
            (quantity(23.44, 22.24, 24.64), "23.4 ±1.2"),
            (quantity(0.0312, 0.0298, 0.0326), "0.0312 ±0.0014"),
            (quantity(1.5, 1.1, 2.4), "1.50 [1.10, 2.40]"),
            (quantity(18413.0, 18413.0, 18413.0), "18413"),
            (quantity(0.123456, 0.123456, 0.123456), "0.1235"),
            (quantity(0.0, 0.0, 0.0), "0"),
        ];
        for (amount, text) in amounts {
            assert_eq!(with_margin(&amount, amount_decimals(&amount)), text);
        }
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
        let points = PartNumbers { unit: &Unit::Points, decimals: 1 };
        assert_eq!(points.threshold(Threshold::Above { bound: -0.0 }), "> 0");
        assert_eq!(points.threshold(Threshold::Below { bound: -1.5 }), "< −1.5");
        assert_eq!(points.threshold(Threshold::Within { margin: 2.0 }), "within ±2");
        let tokens = Unit::Difference("tokens".to_owned());
        let tokens = PartNumbers { unit: &tokens, decimals: 0 };
        assert_eq!(
            (tokens.printed(5237.0), tokens.printed(0.1 + 0.2 - 0.6)),
            ("+5237".into(), "−0.3".into())
        );
        assert_eq!((tokens.measured(-33.4), tokens.size(0.0123)), ("−33".into(), "0.012".into()));
        assert_eq!(tokens.size(0.0), "0");
    }
}
