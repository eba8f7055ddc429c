//! Functions of the C library's `libm` that the host computes for the guest: see `guest/math.wat`.
//!
//! All but [`cbrt`] compute with more than twice the digits of a double and round once, so the result is the
//! nearest double and the same on every machine but for one argument of some 2⁵⁰.

use wasmtime::{Linker, Result};

use crate::guest::Guest;
use crate::link::HOST;

type OfOne = fn(f64) -> f64;

/// Functions of one number, by their names in C.
const OF_ONE: [(&str, OfOne); 7] = [
    ("sin", pxfm::f_sin),
    ("cos", pxfm::f_cos),
    ("tan", pxfm::f_tan),
    ("asin", pxfm::f_asin),
    ("acos", pxfm::f_acos),
    ("atan", pxfm::f_atan),
    ("cbrt", cbrt),
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

/// The cube root as glibc computes it up to version 2.40 (`sysdeps/ieee754/dbl-64/s_cbrt.c`), which is not
/// the nearest double for half of all numbers: with `|x| = m 2ᵉ`, a polynomial for the root of `m`, improved once by
/// Halley's method.
fn cbrt(x: f64) -> f64 {
    /// Of the polynomial, from the highest power down.
    const COEFFICIENTS: [f64; 7] = [
        0.145_263_899_385_486_37,
        -0.784_932_344_976_639_2,
        1.834_692_774_836_130_8,
        -2.446_931_225_635_344_4,
        2.114_994_941_673_713,
        -1.508_191_937_815_849,
        -0.354_895_765_043_919_84,
    ];
    /// Two to the power of -2/3 to 2/3.
    const POWERS: [f64; 5] = [
        0.629_960_524_947_436_5,
        0.793_700_525_984_099_7,
        1.0,
        1.259_921_049_894_873_2,
        1.587_401_051_968_199_6,
    ];
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let (mantissa, exponent) = parts(x.abs());
    let root = -COEFFICIENTS.into_iter().reduce(|sum, next| sum * mantissa + next).unwrap_or_default();
    let cube = root * root * root;
    let better = root * (cube + 2.0 * mantissa) / (2.0 * cube + mantissa);
    let scaled = better * POWERS[(exponent % 3 + 2) as usize] * 2f64.powi(exponent / 3);
    scaled.copysign(x)
}

/// A positive number as one in `[1/2, 1)` and the power of two to multiply it by.
fn parts(x: f64) -> (f64, i32) {
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * 2f64.powi(54), 54) } else { (x, 0) };
    let exponent = (x.to_bits() >> 52) as i32 - 1022;
    (f64::from_bits(x.to_bits() & !(0x7ff << 52) | 1022 << 52), exponent - shift)
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
