//! Vector code without intrinsics: plain loops, compiled once per instruction set and chosen at run time.

/// Independent partial sums of a reduction. Fixed, so that a sum has the same bits on every machine.
const LANES: usize = 8;

/// Runs `work` compiled for the widest vector registers of this machine. Mark the closure
/// `#[inline(always)]`.
#[inline]
pub(super) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Adds partial sums in pairs.
#[inline(always)]
fn total([a, b, c, d, e, f, g, h]: [f32; LANES]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// `Σ x`, in eight interleaved partial sums.
#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    for x in x_whole {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane += x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(x_rest) {
        *lane += x;
    }
    total(lanes)
}

/// `Σ x·y`, in eight interleaved partial sums. Both have one length.
#[inline(always)]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((x_whole, x_rest), (y_whole, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x_whole.iter().zip(y_whole) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane = x.mul_add(*y, *lane);
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane = x.mul_add(*y, *lane);
    }
    total(lanes)
}

/// `Σ x·y·z`, in eight interleaved partial sums. All have one length.
#[inline(always)]
pub(super) fn dot3(x: &[f32], y: &[f32], z: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((x_whole, x_rest), (y_whole, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let (z_whole, z_rest) = z.as_chunks::<LANES>();
    for ((x, y), z) in x_whole.iter().zip(y_whole).zip(z_whole) {
        for (((lane, x), y), z) in lanes.iter_mut().zip(x).zip(y).zip(z) {
            *lane = (x * y).mul_add(*z, *lane);
        }
    }
    for (((lane, x), y), z) in lanes.iter_mut().zip(x_rest).zip(y_rest).zip(z_rest) {
        *lane = (x * y).mul_add(*z, *lane);
    }
    total(lanes)
}

/// The largest of the values, `-∞` if there is none.
#[inline(always)]
pub(super) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = if *value > *lane { *value } else { *lane };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// `eˣ`, within 2 units in the last place for `x` in -87..88 and clamped to that range.
///
/// The range reduction and polynomial are those of the Cephes library's `expf` (S. Moshier, 1992).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts: the first has few enough bits that its product with a small integer is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding 1.5 · 2²³ rounds to an integer, which then stands in the low bits; 127 is the exponent's bias.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x.mul_add(LOG2_E, ROUND);
    let power = f32::from_bits(shifted.to_bits() << 23);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let p = 1.987_569_1e-4_f32
        .mul_add(r, 1.398_199_9e-3)
        .mul_add(r, 8.333_452e-3)
        .mul_add(r, 4.166_579_6e-2)
        .mul_add(r, 1.666_666_5e-1)
        .mul_add(r, 0.5);
    p.mul_add(r * r, r + 1.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_is_within_two_units_in_the_last_place() {
        for step in -870_000..880_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(1e9).is_finite() && exp(-1e9) > 0.0);
    }

    #[test]
    fn reductions_cover_every_element() {
        for len in 0..40 {
            let values: Vec<f32> = (0..len).map(|i| ((i * 7 + 3) % 11) as f32).collect();
            assert_eq!(sum(&values), values.iter().sum::<f32>(), "{len}");
            assert_eq!(dot(&values, &values), values.iter().map(|x| x * x).sum::<f32>(), "{len}");
            assert_eq!(
                dot3(&values, &values, &values),
                values.iter().map(|x| x * x * x).sum::<f32>(),
                "{len}"
            );
            assert_eq!(max(&values), values.iter().copied().fold(f32::NEG_INFINITY, f32::max), "{len}");
        }
    }
}
