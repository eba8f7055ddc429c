//! The operations of decoding on rows of plain numbers. Each sum has one fixed order.

use crate::simd::reduce::{DECODING_LANES as LANES, rms_scale, total};
use crate::simd::{exp_or_zero, swiglu_split, turn, vectorized};

/// RMS norm of rows of `weight.len()` values in place: `x_i · w_i / sqrt(mean(x²) + eps)`.
pub(crate) fn rms_norm(rows: &mut [f32], weight: &[f32], eps: f32) {
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(weight.len()) {
                let scale = rms_scale::<LANES>(row, eps);
                for (x, w) in row.iter_mut().zip(weight) {
                    *x = *x * scale * w;
                }
            }
        },
    );
}

/// `gate = silu(gate) · up`, element by element.
pub(crate) fn swiglu(gate: &mut [f32], up: &[f32]) {
    vectorized(
        #[inline(always)]
        || {
            for (gate, up) in gate.iter_mut().zip(up) {
                *gate = swiglu_split(*gate, *up);
            }
        },
    );
}

/// Rotates each head of one position in place, pairing value `i` with value `i + dim / 2`.
///
/// `cos` and `sin` hold the `dim / 2` angles of the position.
pub(crate) fn rotate(heads: &mut [f32], cos: &[f32], sin: &[f32]) {
    let half = cos.len();
    for head in heads.chunks_exact_mut(2 * half) {
        let (low, high) = head.split_at_mut(half);
        for (((a, b), c), s) in low.iter_mut().zip(high).zip(cos).zip(sin) {
            (*a, *b) = turn(*a, *b, *c, *s);
        }
    }
}

/// Attention of one query head over the first `length` positions of one cached head.
pub(crate) struct Attend<'a> {
    /// `[dim]`.
    pub(crate) query: &'a [f32],
    /// `[block of 16 positions][dim][16]`.
    pub(crate) keys: &'a [f32],
    /// `[position][dim]`.
    pub(crate) values: &'a [f32],
    /// Positions to look at, at least 1.
    pub(crate) length: usize,
    /// Usually `1 / sqrt(dim)`.
    pub(crate) scale: f32,
    /// A buffer to be reused between calls.
    pub(crate) scores: &'a mut Vec<f32>,
    /// `[dim]`, overwritten.
    pub(crate) out: &'a mut [f32],
}

impl Attend<'_> {
    /// `out = softmax(scale * K query) V`.
    pub(crate) fn compute(mut self) {
        vectorized(
            #[inline(always)]
            || {
                let normaliser = self.weights();
                self.weighted_values(normaliser);
            },
        );
    }

    /// Fills `scores` with `exp(score - highest score)`, 0 past the end; returns one over their sum.
    #[inline(always)]
    fn weights(&mut self) -> f32 {
        let dim = self.query.len();
        self.scores.clear();
        self.scores.resize(self.length.div_ceil(LANES) * LANES, f32::NEG_INFINITY);
        let (scores, _) = self.scores.as_chunks_mut::<LANES>();

        let mut highest = [f32::NEG_INFINITY; LANES];
        for (b, (scores, keys)) in scores.iter_mut().zip(self.keys.chunks_exact(dim * LANES)).enumerate() {
            let mut sums = [0.0f32; LANES];
            for (&q, k) in self.query.iter().zip(keys.as_chunks::<LANES>().0) {
                for j in 0..LANES {
                    sums[j] = q.mul_add(k[j], sums[j]);
                }
            }
            for j in 0..LANES {
                // Past the end lie stale keys; their score stays minus infinity.
                if b * LANES + j < self.length {
                    scores[j] = sums[j] * self.scale;
                }
                highest[j] = if scores[j] > highest[j] { scores[j] } else { highest[j] };
            }
        }
        let highest = highest.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let mut totals = [0.0; LANES];
        for scores in scores.iter_mut() {
            for j in 0..LANES {
                scores[j] = exp_or_zero(scores[j] - highest);
                totals[j] += scores[j];
            }
        }
        1.0 / total(totals)
    }

    /// `out = normaliser · scores · V`.
    #[inline(always)]
    fn weighted_values(&mut self, normaliser: f32) {
        let (dim, weights) = (self.query.len(), &self.scores[..self.length]);
        let mut d = 0;
        while d + 16 <= dim {
            weighted_sum::<16>(weights, self.values, dim, d, normaliser, self.out);
            d += 16;
        }
        while d + 4 <= dim {
            weighted_sum::<4>(weights, self.values, dim, d, normaliser, self.out);
            d += 4;
        }
        while d < dim {
            weighted_sum::<1>(weights, self.values, dim, d, normaliser, self.out);
            d += 1;
        }
    }
}

/// Columns `d..d + N` of `normaliser * weights * values`, summed over positions in order.
#[inline(always)]
fn weighted_sum<const N: usize>(
    weights: &[f32],
    values: &[f32],
    dim: usize,
    d: usize,
    normaliser: f32,
    out: &mut [f32],
) {
    let mut sums = [0.0f32; N];
    for (&w, row) in weights.iter().zip(values.chunks_exact(dim)) {
        if let Some(v) = row[d..].first_chunk::<N>() {
            for j in 0..N {
                sums[j] = w.mul_add(v[j], sums[j]);
            }
        }
    }
    for (y, s) in out[d..d + N].iter_mut().zip(sums) {
        *y = s * normaliser;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, salt: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| ((i.wrapping_mul(2_654_435_761).wrapping_add(salt) >> 8) % 2000) as f32 * 2e-3 - 2.0)
            .collect()
    }

    #[test]
    fn rms_norm_and_swiglu_match_their_formulas() {
        for width in [1, 7, 16, 24, 96] {
            let (x, w) = (numbers(3 * width, 1), numbers(width, 2));
            let mut y = x.clone();
            rms_norm(&mut y, &w, 1e-6);
            for (x, y) in x.chunks(width).zip(y.chunks(width)) {
                let ms = x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / width as f64;
                for i in 0..width {
                    let exact = f64::from(x[i]) / (ms + 1e-6).sqrt() * f64::from(w[i]);
                    assert!((f64::from(y[i]) - exact).abs() < 1e-5);
                }
            }
            let gate: Vec<f32> = numbers(2 * width, 3).iter().map(|v| v * 20.0).collect();
            let up: Vec<f32> = numbers(2 * width, 4).iter().map(|v| v * 20.0).collect();
            let mut out = gate.clone();
            swiglu(&mut out, &up);
            for i in 0..2 * width {
                let (g, u) = (f64::from(gate[i]), f64::from(up[i]));
                let exact = g / (1.0 + (-g).exp()) * u;
                assert!((f64::from(out[i]) - exact).abs() <= 1e-6 * exact.abs() + 1e-9);
            }
        }
    }

    #[test]
    fn attention_is_a_softmax_average_that_ignores_what_lies_past_the_end() {
        for (dim, length) in [(24usize, 1usize), (24, 16), (24, 50), (6, 17), (33, 40)] {
            let blocks = length.div_ceil(LANES);
            let query = numbers(dim, 1);
            let mut keys = vec![f32::NAN; blocks * LANES * dim];
            let mut values = vec![f32::NAN; blocks * LANES * dim];
            let (k, v) = (numbers(length * dim, 2), numbers(length * dim, 3));
            for t in 0..length {
                for d in 0..dim {
                    keys[(t / LANES) * LANES * dim + d * LANES + t % LANES] = k[t * dim + d];
                    values[t * dim + d] = v[t * dim + d];
                }
            }
            let scores: Vec<f64> = (0..length)
                .map(|t| (0..dim).map(|d| f64::from(query[d]) * f64::from(k[t * dim + d])).sum::<f64>() * 0.2)
                .collect();
            let total: f64 = scores.iter().map(|s| s.exp()).sum();
            let mut out = vec![0.0; dim];
            Attend {
                query: &query,
                keys: &keys,
                values: &values,
                length,
                scale: 0.2,
                scores: &mut Vec::new(),
                out: &mut out,
            }
            .compute();
            for d in 0..dim {
                let exact: f64 =
                    (0..length).map(|t| scores[t].exp() / total * f64::from(v[t * dim + d])).sum();
                assert!((f64::from(out[d]) - exact).abs() < 2e-5, "dim {dim}, length {length}");
            }
        }
    }

    #[test]
    fn rotation_turns_pairs_by_their_angle() {
        let (angle, mut head) = (0.7f32, vec![1.0, 2.0, 0.0, 1.0]);
        rotate(&mut head, &[angle.cos(), 1.0], &[angle.sin(), 0.0]);
        assert_eq!(head, [angle.cos(), 2.0, angle.sin(), 1.0]);
    }
}
