//! Vector code without intrinsics: plain loops, compiled once per instruction set and chosen at run time.
//!
//! The order of operations does not depend on the width of the vector registers, so all machines give the same
//! bits; only [`gemm`] depends on the instruction set.
//!
//! Training and scoring multiply many rows at a time ([`gemm`]), decoding multiplies a few rows by weights
//! that are packed once ([`packed`]). Where the two paths differ in their last bits, in the number of partial
//! sums ([`reduce`]) and in the form of the gate ([`swiglu`], [`swiglu_split`]), both variants are kept side by
//! side, because committed results depend on both. Everything else exists once: the exponential, for example,
//! gave the same bits on both paths for every `f32` from -87 to 87.

pub(crate) mod gemm;
pub(crate) mod packed;
pub(crate) mod reduce;

/// Runs `work` compiled for the widest vector registers of this machine. Mark the closure
/// `#[inline(always)]`, as all that it calls; it must not hand closures to other threads.
#[inline]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// `eˣ`, within 2 units in the last place for `x` in -87..88 and clamped to that range.
///
/// The range reduction and polynomial are those of the Cephes library's `expf` (S. Moshier, 1992).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
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

/// [`exp`], but 0 below -87: for weights that a mask of `-∞` must remove.
#[inline(always)]
pub(crate) fn exp_or_zero(x: f32) -> f32 {
    if x < -87.0 { 0.0 } else { exp(x) }
}

/// `silu(gate) · up` as `gate · up / (1 + e⁻ᵍ)`: the form of training and scoring.
#[inline(always)]
pub(crate) fn swiglu(gate: f32, up: f32) -> f32 {
    gate * up / (1.0 + exp(-gate))
}

/// `silu(gate) · up` as `gate · (1 / (1 + e⁻ᵍ)) · up`, or with `e^g / (1 + e^g)` for a negative gate, so that
/// no exponential is large: the form of decoding. It differs from [`swiglu`] in the last bits.
#[inline(always)]
pub(crate) fn swiglu_split(gate: f32, up: f32) -> f32 {
    let e = exp_or_zero(-gate.abs());
    let numerator = if gate < 0.0 { e } else { 1.0 };
    gate * (numerator / (1.0 + e)) * up
}

/// Turns the pair `(a, b)` by the angle of the given cosine and sine.
#[inline(always)]
pub(crate) fn turn(a: f32, b: f32, cos: f32, sin: f32) -> (f32, f32) {
    (a * cos - b * sin, b * cos + a * sin)
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
    fn masked_weights_are_zero() {
        for (x, expected) in [(0.0, 1.0), (-1000.0, 0.0), (f32::NEG_INFINITY, 0.0), (-87.0, exp(-87.0))] {
            assert_eq!(exp_or_zero(x), expected);
        }
        assert!(exp_or_zero(f32::NAN).is_nan());
    }

    #[test]
    fn both_forms_of_the_gate_match_the_formula() {
        for step in -4000..4000 {
            let (gate, up) = (step as f32 * 0.02, 1.5 - step as f32 * 1e-3);
            let exact = f64::from(gate) / (1.0 + (-f64::from(gate)).exp()) * f64::from(up);
            for found in [swiglu(gate, up), swiglu_split(gate, up)] {
                let error = (f64::from(found) - exact).abs();
                assert!(error <= 1e-6 * exact.abs() + 1e-9, "{gate} {up}: {found}, {exact}");
            }
        }
    }
}
