//! Functions of the C library's `libm` that the host computes for the guest: see `guest/math.wat`.
//!
//! They compute with more than twice the digits of a double and round once, so the result is the nearest double
//! and the same on every machine but for one argument of some 2⁵⁰.

use wasmtime::{Linker, Result};

use crate::guest::Guest;
use crate::link::HOST;

type OfOne = fn(f64) -> f64;

/// Functions of one number, by their names in C.
const OF_ONE: [(&str, OfOne); 6] = [
    ("sin", pxfm::f_sin),
    ("cos", pxfm::f_cos),
    ("tan", pxfm::f_tan),
    ("asin", pxfm::f_asin),
    ("acos", pxfm::f_acos),
    ("atan", pxfm::f_atan),
];

/// Defines them.
pub(crate) fn define(linker: &mut Linker<Guest>) -> Result<()> {
    for (name, function) in OF_ONE {
        linker.func_wrap(HOST, name, move |x: f64| canonical(function(x)))?;
    }
    linker.func_wrap(HOST, "atan2", |y: f64, x: f64| canonical(pxfm::f_atan2(y, x)))?;
    linker.func_wrap(HOST, "hypot", |x: f64, y: f64| canonical(hypot(x, y)))?;
    Ok(())
}

/// The square root of `x² + y²`: that of the sum as two doubles, whose error is below one of 2⁵⁰ of the last digit.
fn hypot(x: f64, y: f64) -> f64 {
    if x.is_infinite() || y.is_infinite() {
        return f64::INFINITY;
    }
    let (large, small) = if x.abs() < y.abs() { (y.abs(), x.abs()) } else { (x.abs(), y.abs()) };
    // What is this much smaller does not count, and squares of what is left neither overflow nor lose digits.
    if small <= large * f64::EPSILON.powi(2) {
        return large;
    }
    let power = if large > 1e150 {
        2f64.powi(-600)
    } else if large < 1e-120 {
        2f64.powi(600)
    } else {
        1.0
    };
    let (large, small) = (large * power, small * power);
    let (square, other) = (large * large, small * small);
    let high = square + other;
    let low = (square - high + other) + (large.mul_add(large, -square) + small.mul_add(small, -other));
    let root = high.sqrt();
    (root + (low - root.mul_add(root, -high)) / (2.0 * root)) / power
}

/// One NaN for all: which one an operation gives differs between processors.
fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

#[cfg(test)]
mod tests {
    use super::hypot;

    #[test]
    fn the_hypotenuse_is_right_to_the_last_digit_at_any_size() {
        for power in [-1040, -900, -400, -1, 0, 1, 400, 900, 1018] {
            let size = 2f64.powi(power);
            for (x, y, z) in [(3.0, 4.0, 5.0), (-20.0, 21.0, 29.0), (5.0, -12.0, 13.0), (0.0, -7.0, 7.0)] {
                assert_eq!(hypot(x * size, y * size), z * size, "{x}, {y} times 2^{power}");
            }
        }
        assert_eq!(hypot(-8.6, -3.9), 9.442_986_815_621_422);
        assert_eq!(hypot(1.4, 0.4), 1.456_021_977_856_103_7);
        assert_eq!(hypot(1e308, 1e-308), 1e308);
        assert_eq!(hypot(f64::NAN, f64::NEG_INFINITY), f64::INFINITY);
        assert!(hypot(f64::NAN, 1.0).is_nan());
    }
}
