//! Scales of axes: from numbers to positions, and the round numbers to label.

use crate::model::Part;

/// A linear or logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Scale {
    /// A linear scale over all the numbers with a little room at both ends; `None` without a finite number.
    pub(crate) fn linear(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        Self::over(numbers, false)
    }

    /// A logarithmic scale over the positive numbers; `None` without any.
    pub(crate) fn logarithmic(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        Self::over(numbers.filter(|number| *number > 0.0).map(f64::log2), true)
    }

    fn over(numbers: impl Iterator<Item = f64>, logarithmic: bool) -> Option<Self> {
        let (low, high) = numbers
            .filter(|number| number.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                (low.min(number), high.max(number))
            });
        if low > high {
            return None;
        }
        let room = if high > low { (high - low) * 0.04 } else { low.abs().max(1.0) * 0.5 };
        Some(Self { low: low - room, high: high + room, logarithmic })
    }

    /// One scale for all parts: their intervals, seeds, printed values, thresholds, and zero.
    pub(crate) fn of_parts<'a>(parts: impl Iterator<Item = &'a Part>) -> Option<Self> {
        let mut numbers = Vec::new();
        for part in parts {
            let (low, high) = part.threshold.range();
            // Infinite ends are left out by the fold.
            numbers.extend([0.0, low, high]);
            numbers.extend(part.printed);
            if let Some(estimate) = &part.estimate {
                numbers.extend([estimate.value, estimate.low, estimate.high]);
                numbers.extend(estimate.per_seed.values());
            }
        }
        Self::linear(numbers.into_iter())
    }

    /// Position between the ends: 0 at the low end, 1 at the high end, outside of it for numbers off the
    /// scale.
    pub(crate) fn fraction(&self, number: f64) -> f64 {
        let position = if self.logarithmic { number.log2() } else { number };
        (position - self.low) / (self.high - self.low)
    }

    /// About so many round numbers on the scale: multiples of 1, 2 or 5 times a power of ten; powers of two
    /// on a logarithmic scale.
    pub(crate) fn ticks(&self, about: usize) -> Vec<f64> {
        // A count of labels is small.
        let rough = (self.high - self.low) / about.max(1) as f64;
        let step = if self.logarithmic { rough.ceil().max(1.0) } else { round_step(rough) };
        let first = (self.low / step).ceil();
        let count = ((self.high / step).floor() - first).max(0.0) as usize;
        (0..=count)
            .map(|index| first + index as f64)
            .map(
                |multiple| {
                    if self.logarithmic { (multiple * step).exp2() } else { tidy(multiple * step, step) }
                },
            )
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below a step.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor =
        [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

/// Removes what multiplication left in the last digits, so that a tick is written as 0.3 and not
/// 0.30000000000000004.
fn tidy(number: f64, step: f64) -> f64 {
    let digits = (1.0 - step.log10().floor()).clamp(0.0, 15.0);
    let power = 10f64.powf(digits);
    (number * power).round() / power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_scale() {
        let cases: [(&[f64], &[f64]); 5] = [
            (&[-6.3, 12.1], &[-5.0, 0.0, 5.0, 10.0]),
            (&[0.0, 1.0], &[0.0, 0.5, 1.0]),
            (&[0.1, 0.4], &[0.1, 0.2, 0.3, 0.4]),
            (&[3.0], &[2.0, 3.0, 4.0]),
            (&[0.0, 40_000.0], &[0.0, 20_000.0, 40_000.0]),
        ];
        for (numbers, ticks) in cases {
            let scale = Scale::linear(numbers.iter().copied()).unwrap_or_else(|| panic!("{numbers:?}"));
            assert_eq!(scale.ticks(4), ticks, "{numbers:?}");
        }
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_two() {
        let scale = Scale::logarithmic([1.0, 32.0, -4.0].into_iter());
        assert_eq!(scale.map(|scale| scale.ticks(6)), Some(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0]));
    }

    #[test]
    fn nothing_to_scale() {
        assert_eq!(Scale::linear([f64::NAN, f64::INFINITY].into_iter()), None);
    }
}
