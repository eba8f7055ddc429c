//! Multiplying a few activation rows by a weight matrix.
//!
//! A general matrix multiply picks its loop order by shape, so a row's result depends on how many rows share
//! the call. Sampling needs the opposite: a row's result must not depend on its neighbours. Here every output
//! is one sum over the input dimension in index order.

use super::simd::{self, Kernel, multiply_add};

/// Outputs per panel of packed weights.
const PANEL: usize = 32;
/// Outputs whose sums are held in registers at a time.
const LANES: usize = 16;
/// Rows that share one pass over a panel.
const ROWS: usize = 4;

/// A weight matrix `[outputs, inputs]`, packed in panels of 32 outputs.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    /// `[panel][input][32]`, the last panel padded with zeros.
    panels: Vec<f32>,
    bias: Option<Vec<f32>>,
    inputs: usize,
    outputs: usize,
}

impl Packed {
    /// Packs matrices `[outputs_i, inputs]` (row-major), stacked along their outputs.
    ///
    /// The caller guarantees that each slice holds whole rows of `inputs` values, and that `bias`, if there
    /// is one, has one value per stacked output.
    pub(crate) fn stack(matrices: &[&[f32]], inputs: usize, bias: Option<Vec<f32>>) -> Self {
        let outputs = matrices.iter().map(|m| m.len() / inputs.max(1)).sum::<usize>();
        let mut panels = vec![0.0; outputs.div_ceil(PANEL) * PANEL * inputs];
        let rows = matrices.iter().flat_map(|m| m.chunks_exact(inputs.max(1)));
        for (o, row) in rows.enumerate() {
            let panel = &mut panels[(o / PANEL) * PANEL * inputs..][..PANEL * inputs];
            for (i, &w) in row.iter().enumerate() {
                panel[i * PANEL + o % PANEL] = w;
            }
        }
        Self { panels, bias, inputs, outputs }
    }

    /// `out[r] = W x[r] + bias`, or `out[r] += ..` where `add` is set. `x` holds rows of `inputs` values,
    /// `out` rows of `outputs` values; `scratch` is a buffer to be reused between calls.
    pub(crate) fn apply(&self, x: &[f32], out: &mut [f32], add: bool, scratch: &mut Vec<f32>) {
        debug_assert_eq!(x.len() / self.inputs, out.len() / self.outputs);
        simd::run(Apply { weights: self, x, out, add, scratch });
    }
}

struct Apply<'a> {
    weights: &'a Packed,
    x: &'a [f32],
    out: &'a mut [f32],
    add: bool,
    scratch: &'a mut Vec<f32>,
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Packed { inputs, outputs, .. } = *self.weights;
        interleave(self.x, inputs, self.scratch);
        for (p, panel) in self.weights.panels.chunks_exact(PANEL * inputs).enumerate() {
            let first = p * PANEL;
            let width = PANEL.min(outputs - first);
            let mut bias = [0.0; PANEL];
            if let Some(b) = &self.weights.bias {
                bias[..width].copy_from_slice(&b[first..first + width]);
            }
            for (block, rows) in
                self.scratch.chunks_exact(ROWS * inputs).zip(self.out.chunks_mut(ROWS * outputs))
            {
                let mut sums = [[0.0; PANEL]; ROWS];
                for half in (0..PANEL).step_by(LANES) {
                    if half < width {
                        panel_times_rows::<FMA>(panel, half, block, &mut sums);
                    }
                }
                for (row, sums) in rows.chunks_exact_mut(outputs).zip(&sums) {
                    let row = &mut row[first..first + width];
                    for ((y, s), b) in row.iter_mut().zip(sums).zip(&bias) {
                        *y = if self.add { *y + (s + b) } else { s + b };
                    }
                }
            }
        }
    }
}

/// Lays `x` out as `[block of 4 rows][input][4]`, missing rows of the last block zero.
#[inline(always)]
fn interleave(x: &[f32], inputs: usize, scratch: &mut Vec<f32>) {
    let rows = x.len() / inputs;
    scratch.clear();
    scratch.resize(rows.div_ceil(ROWS) * ROWS * inputs, 0.0);
    for (r, row) in x.chunks_exact(inputs).enumerate() {
        let block = &mut scratch[(r / ROWS) * ROWS * inputs..][..ROWS * inputs];
        for (slot, &v) in block.iter_mut().skip(r % ROWS).step_by(ROWS).zip(row) {
            *slot = v;
        }
    }
}

#[inline(always)]
fn panel_times_rows<const FMA: bool>(
    panel: &[f32],
    half: usize,
    block: &[f32],
    sums: &mut [[f32; PANEL]; ROWS],
) {
    let mut held = [[0.0f32; LANES]; ROWS];
    let (weights, _) = panel.as_chunks::<PANEL>();
    let (inputs, _) = block.as_chunks::<ROWS>();
    for (w, x) in weights.iter().zip(inputs) {
        for r in 0..ROWS {
            for j in 0..LANES {
                held[r][j] = multiply_add::<FMA>(x[r], w[half + j], held[r][j]);
            }
        }
    }
    for (sums, held) in sums.iter_mut().zip(&held) {
        sums[half..half + LANES].copy_from_slice(held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, salt: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| ((i.wrapping_mul(2_654_435_761).wrapping_add(salt) >> 8) % 2000) as f32 * 1e-3 - 1.0)
            .collect()
    }

    #[test]
    fn rows_equal_the_plain_product_and_do_not_depend_on_their_neighbours() {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 24, 33), (4, 96, 64), (7, 17, 45), (65, 40, 100)] {
            let (w, x, b) = (numbers(outputs * inputs, 1), numbers(rows * inputs, 2), numbers(outputs, 3));
            let packed = Packed::stack(&[&w], inputs, Some(b.clone()));
            let mut scratch = Vec::new();
            let mut all = vec![1.0; rows * outputs];
            packed.apply(&x, &mut all, true, &mut scratch);
            for r in 0..rows {
                let xr = &x[r * inputs..][..inputs];
                for o in 0..outputs {
                    let exact: f64 =
                        (0..inputs).map(|i| f64::from(w[o * inputs + i]) * f64::from(xr[i])).sum::<f64>()
                            + f64::from(b[o])
                            + 1.0;
                    assert!((f64::from(all[r * outputs + o]) - exact).abs() < 1e-5);
                }
                let mut alone = vec![1.0; outputs];
                packed.apply(xr, &mut alone, true, &mut scratch);
                assert_eq!(alone, all[r * outputs..][..outputs], "row {r} of {rows}");
            }
        }
    }

    #[test]
    fn stacked_matrices_give_their_outputs_side_by_side() {
        let (a, b, x) = (numbers(5 * 8, 1), numbers(3 * 8, 2), numbers(2 * 8, 3));
        let apply = |matrices: &[&[f32]]| {
            let packed = Packed::stack(matrices, 8, None);
            let mut out = vec![f32::NAN; 2 * packed.outputs];
            packed.apply(&x, &mut out, false, &mut Vec::new());
            out
        };
        let (both, a, b) = (apply(&[&a, &b]), apply(&[&a]), apply(&[&b]));
        assert_eq!(both[..8], [&a[..5], &b[..3]].concat());
        assert_eq!(both[8..], [&a[5..], &b[3..]].concat());
    }
}
