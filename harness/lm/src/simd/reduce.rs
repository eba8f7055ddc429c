//! Sums and maxima of slices in a fixed number of interleaved partial sums, so that they have the same bits
//! on every machine.
//!
//! The number of partial sums decides on the last bits of a result. Training and scoring have
//! [`TRAINING_LANES`], decoding has [`DECODING_LANES`], and the committed results rest on both.

/// Partial sums of the operations of training and scoring.
pub(crate) const TRAINING_LANES: usize = 8;
/// Partial sums of the operations of decoding; also the positions of a block of cached keys.
pub(crate) const DECODING_LANES: usize = 16;

/// Adds up partial sums, the upper half to the lower until one is left.
#[inline(always)]
pub(crate) fn total<const LANES: usize>(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
    }
    lanes[0]
}

/// `Σ x`.
#[inline(always)]
pub(crate) fn sum<const LANES: usize>(x: &[f32]) -> f32 {
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

/// `Σ x·y`. Both have one length.
#[inline(always)]
pub(crate) fn dot<const LANES: usize>(x: &[f32], y: &[f32]) -> f32 {
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

/// `Σ x·y·z`. All have one length.
#[inline(always)]
pub(crate) fn dot3<const LANES: usize>(x: &[f32], y: &[f32], z: &[f32]) -> f32 {
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
pub(crate) fn max<const LANES: usize>(values: &[f32]) -> f32 {
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

/// The factor of an RMS norm, `1 / sqrt(mean(x²) + eps)`.
#[inline(always)]
pub(crate) fn rms_scale<const LANES: usize>(x: &[f32], eps: f32) -> f32 {
    (dot::<LANES>(x, x) / x.len() as f32 + eps).sqrt().recip()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const LANES: usize>() {
        for len in 0..70 {
            let values: Vec<f32> = (0..len).map(|i| ((i * 7 + 3) % 11) as f32).collect();
            assert_eq!(sum::<LANES>(&values), values.iter().sum::<f32>(), "{len}");
            assert_eq!(dot::<LANES>(&values, &values), values.iter().map(|x| x * x).sum::<f32>(), "{len}");
            let cubes = values.iter().map(|x| x * x * x).sum::<f32>();
            assert_eq!(dot3::<LANES>(&values, &values, &values), cubes, "{len}");
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max::<LANES>(&values), largest, "{len}");
        }
    }

    #[test]
    fn reductions_cover_every_element() {
        check::<TRAINING_LANES>();
        check::<DECODING_LANES>();
    }

    #[test]
    fn partial_sums_are_added_in_a_fixed_tree() {
        let lanes = [1e8, 1.0, -1e8, 1.0, 3.0, 0.0, 0.0, 1.0];
        let [a, b, c, d, e, f, g, h] = lanes;
        assert_eq!(total(lanes), ((a + e) + (c + g)) + ((b + f) + (d + h)));
    }
}
