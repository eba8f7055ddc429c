//! Products of a few rows with a packed weight matrix, for decoding.
//!
//! A general matrix product packs the weights anew at each call and picks its loop order by shape. Decoding
//! calls with few rows and the same weights, thousands of times: here they are packed once. Every output is
//! one sum over the input dimension in index order, whatever rows share the call; for up to 512 inputs these
//! are the bits of [`gemm`](super::gemm), which is faster for many rows.

use super::reduce::DECODING_LANES as LANES;
use super::vectorized;

/// Outputs per panel of packed weights.
const PANEL: usize = 2 * LANES;
/// Rows that share one pass over a panel.
const ROWS: usize = 4;

/// A weight matrix `[outputs, inputs]`, packed in panels of [`PANEL`] outputs, with its bias.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    /// `[panel][input][PANEL]`, the last panel padded with zeros.
    panels: Vec<f32>,
    bias: Option<Vec<f32>>,
    inputs: usize,
    outputs: usize,
}

/// Rows of activations as [`Packed`] takes them.
#[derive(Debug, Default)]
pub(crate) struct Interleaved {
    /// `[block of 4 rows][input][4]`, missing rows of the last block zero.
    values: Vec<f32>,
    rows: usize,
}

/// Whether a product overwrites the output or is added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The product overwrites the output.
    Set,
    /// The product is added to the output.
    Add,
}

impl Interleaved {
    /// Lays out rows of `inputs` values, in a buffer whose contents do not matter.
    pub(crate) fn new(x: &[f32], inputs: usize, mut buffer: Vec<f32>) -> Self {
        let rows = x.len() / inputs;
        buffer.clear();
        buffer.resize(rows.div_ceil(ROWS) * ROWS * inputs, 0.0);
        for (r, row) in x.chunks_exact(inputs).enumerate() {
            let block = &mut buffer[(r / ROWS) * ROWS * inputs..][..ROWS * inputs];
            for (slot, &v) in block.iter_mut().skip(r % ROWS).step_by(ROWS).zip(row) {
                *slot = v;
            }
        }
        Self { values: buffer, rows }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The buffer, to be used again.
    pub(crate) fn into_buffer(self) -> Vec<f32> {
        self.values
    }
}

impl Packed {
    /// Packs a row-major matrix of whole rows of `inputs` values; `bias` has one value per row.
    pub(crate) fn new(weights: &[f32], inputs: usize, bias: Option<Vec<f32>>) -> Self {
        let outputs = weights.len() / inputs.max(1);
        let mut panels = vec![0.0; outputs.div_ceil(PANEL) * PANEL * inputs];
        for (o, row) in weights.chunks_exact(inputs.max(1)).enumerate() {
            let panel = &mut panels[(o / PANEL) * PANEL * inputs..][..PANEL * inputs];
            for (i, &w) in row.iter().enumerate() {
                panel[i * PANEL + o % PANEL] = w;
            }
        }
        Self { panels, bias, inputs, outputs }
    }

    /// Values per row of the input.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values per row of the output.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// `out[r] = W x[r] + bias`, or `out[r] += W x[r] + bias`, for rows of [`outputs`](Self::outputs) values.
    pub(crate) fn apply(&self, x: &Interleaved, target: Target, out: &mut [f32]) {
        debug_assert_eq!(x.rows * self.outputs, out.len());
        vectorized(
            #[inline(always)]
            || self.apply_inlined(&x.values, target, out),
        );
    }

    #[inline(always)]
    fn apply_inlined(&self, x: &[f32], target: Target, out: &mut [f32]) {
        let Self { inputs, outputs, .. } = *self;
        for (p, panel) in self.panels.chunks_exact(PANEL * inputs).enumerate() {
            let first = p * PANEL;
            let width = PANEL.min(outputs - first);
            let mut bias = [0.0; PANEL];
            if let Some(b) = &self.bias {
                bias[..width].copy_from_slice(&b[first..first + width]);
            }
            for (block, rows) in x.chunks_exact(ROWS * inputs).zip(out.chunks_mut(ROWS * outputs)) {
                let mut sums = [[0.0; PANEL]; ROWS];
                for half in (0..PANEL).step_by(LANES) {
                    if half < width {
                        panel_times_rows(panel, half, block, &mut sums);
                    }
                }
                for (row, sums) in rows.chunks_exact_mut(outputs).zip(&sums) {
                    let row = &mut row[first..first + width];
                    for ((y, s), b) in row.iter_mut().zip(sums).zip(&bias) {
                        *y = if target == Target::Add { *y + (s + b) } else { s + b };
                    }
                }
            }
        }
    }
}

/// The sums of the outputs `half..half + LANES` of a panel for a block of rows.
#[inline(always)]
fn panel_times_rows(panel: &[f32], half: usize, block: &[f32], sums: &mut [[f32; PANEL]; ROWS]) {
    let mut held = [[0.0f32; LANES]; ROWS];
    let (weights, _) = panel.as_chunks::<PANEL>();
    let (inputs, _) = block.as_chunks::<ROWS>();
    for (w, x) in weights.iter().zip(inputs) {
        for r in 0..ROWS {
            for j in 0..LANES {
                held[r][j] = x[r].mul_add(w[half + j], held[r][j]);
            }
        }
    }
    for (sums, held) in sums.iter_mut().zip(&held) {
        sums[half..half + LANES].copy_from_slice(held);
    }
}

#[cfg(test)]
mod tests {
    use super::super::gemm::{Mat, product};
    use super::*;

    fn numbers(n: usize, salt: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| ((i.wrapping_mul(2_654_435_761).wrapping_add(salt) >> 8) % 2000) as f32 * 1e-3 - 1.0)
            .collect()
    }

    fn applied(packed: &Packed, x: &[f32], target: Target, before: f32) -> Vec<f32> {
        let x = Interleaved::new(x, packed.inputs(), vec![f32::NAN; 7]);
        let mut out = vec![before; x.rows() * packed.outputs()];
        packed.apply(&x, target, &mut out);
        out
    }

    #[test]
    fn rows_equal_the_plain_product_and_do_not_depend_on_their_neighbours() {
        for (rows, inputs, outputs) in [(1, 1, 1), (3, 24, 33), (4, 96, 64), (7, 17, 45), (65, 40, 100)] {
            let (w, x, b) = (numbers(outputs * inputs, 1), numbers(rows * inputs, 2), numbers(outputs, 3));
            let packed = Packed::new(&w, inputs, Some(b.clone()));
            let all = applied(&packed, &x, Target::Add, 1.0);
            for r in 0..rows {
                let xr = &x[r * inputs..][..inputs];
                for o in 0..outputs {
                    let exact: f64 =
                        (0..inputs).map(|i| f64::from(w[o * inputs + i]) * f64::from(xr[i])).sum::<f64>()
                            + f64::from(b[o])
                            + 1.0;
                    assert!((f64::from(all[r * outputs + o]) - exact).abs() < 1e-5);
                }
                let alone = applied(&packed, xr, Target::Add, 1.0);
                assert_eq!(alone, all[r * outputs..][..outputs], "row {r} of {rows}");
            }
        }
    }

    #[test]
    fn a_product_may_overwrite_what_was_there() {
        let (w, x) = (numbers(5 * 8, 1), numbers(2 * 8, 2));
        let packed = Packed::new(&w, 8, None);
        assert_eq!(applied(&packed, &x, Target::Set, f32::NAN), applied(&packed, &x, Target::Add, 0.0));
    }

    /// The shapes of the embedded scale, and around the borders of blocks and panels.
    #[test]
    fn up_to_512_inputs_the_bits_are_those_of_the_general_product() {
        let shapes = [(64, 96, 96), (64, 96, 48), (64, 96, 256), (64, 256, 96), (64, 96, 45)];
        for (rows, inputs, outputs) in shapes.into_iter().chain([(300, 512, 70), (17, 33, 31), (9, 1, 40)]) {
            let (w, x) = (numbers(outputs * inputs, 1), numbers(rows * inputs, 2));
            let general = product(Mat::new(&x, rows, inputs), Mat::new(&w, outputs, inputs).t());
            let packed = applied(&Packed::new(&w, inputs, None), &x, Target::Set, 0.0);
            let differing = general.iter().zip(&packed).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            assert_eq!(differing, 0, "{rows} {inputs} {outputs}");
        }
    }
}
