//! Rotary position embedding.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::parallel::{block_rows, for_each};
use super::{Held, elements, gradient, output};
use crate::ops::Rotary;
use crate::simd::{turn, vectorized};

pub(in crate::ops) fn rope(x: &Tensor, rotary: &Rotary) -> Result<Tensor> {
    rotary.check(x)?;
    x.contiguous()?.apply_op1(Rope(rotary.clone()))
}

struct Rope(Rotary);

impl Rope {
    /// Turns each head of each row by the row's angle, or back by it with `sign = -1`.
    fn turn(&self, x: &[f32], sign: f32) -> Vec<f32> {
        let (half, width) = (self.0.half, x.len() / self.0.rows.max(1));
        let rows = block_rows(width);
        let mut out = vec![0.0; x.len()];
        let angles = self.0.cos.chunks(rows * half).zip(self.0.sin.chunks(rows * half));
        let blocks = x.chunks(rows * width).zip(out.chunks_mut(rows * width)).zip(angles);
        for_each(blocks, |((x, out), (cos, sin))| {
            vectorized(
                #[inline(always)]
                || {
                    let rows = x.chunks_exact(width).zip(out.chunks_exact_mut(width));
                    for ((x, out), (cos, sin)) in rows.zip(cos.chunks_exact(half).zip(sin.chunks_exact(half)))
                    {
                        for (x, out) in x.chunks_exact(2 * half).zip(out.chunks_exact_mut(2 * half)) {
                            turn_head(x, cos, sin, sign, out);
                        }
                    }
                },
            );
        });
        out
    }
}

#[inline(always)]
fn turn_head(x: &[f32], cos: &[f32], sin: &[f32], sign: f32, out: &mut [f32]) {
    let half = cos.len();
    let (first, second) = (&x[..half], &x[half..2 * half]);
    let (out_first, out_second) = out.split_at_mut(half);
    let (sin, out_second) = (&sin[..half], &mut out_second[..half]);
    for i in 0..half {
        (out_first[i], out_second[i]) = turn(first[i], second[i], cos[i], sign * sin[i]);
    }
}

impl CustomOp1 for Rope {
    fn name(&self) -> &'static str {
        "rope"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        output(self.turn(elements(x, layout)?, 1.0), layout.shape().clone())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = Held::new(grad)?;
        let turned = self.turn(grad.read().elements()?, -1.0);
        gradient(turned, x)
    }
}
