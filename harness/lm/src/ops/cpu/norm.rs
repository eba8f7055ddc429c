//! RMS norm over the last dimension, or over equal parts of it.

use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor};

use super::parallel::{add_up, block_rows, for_each};
use super::{Held, elements, gradient, output};
use crate::simd::reduce::{TRAINING_LANES as LANES, dot3, rms_scale};
use crate::simd::vectorized;

pub(in crate::ops) fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
    x.contiguous()?.apply_op2(&weight.contiguous()?, RmsNorm { eps: eps as f32 })
}

struct RmsNorm {
    eps: f32,
}

impl RmsNorm {
    fn forward_block(&self, x: &[f32], w: &[f32], out: &mut [f32]) {
        vectorized(
            #[inline(always)]
            || {
                for (x, out) in x.chunks_exact(w.len()).zip(out.chunks_exact_mut(w.len())) {
                    let scale = rms_scale::<LANES>(x, self.eps);
                    for ((out, x), w) in out.iter_mut().zip(x).zip(w) {
                        *out = x * scale * w;
                    }
                }
            },
        );
    }

    /// With `s` the scale: `dx = s·w·dy - x · s³ · mean(x·w·dy)` and `dw += dy · x · s`.
    fn backward_block(&self, x: &[f32], w: &[f32], dy: &[f32], dx: &mut [f32], dw: &mut [f32]) {
        let width = w.len();
        vectorized(
            #[inline(always)]
            || {
                for ((x, dy), dx) in
                    x.chunks_exact(width).zip(dy.chunks_exact(width)).zip(dx.chunks_exact_mut(width))
                {
                    let (x, dy, dx, dw) = (&x[..width], &dy[..width], &mut dx[..width], &mut dw[..width]);
                    let scale = rms_scale::<LANES>(x, self.eps);
                    let mean = dot3::<LANES>(x, w, dy) / width as f32;
                    let pull = scale * scale * scale * mean;
                    for i in 0..width {
                        dx[i] = scale * w[i] * dy[i] - pull * x[i];
                        dw[i] += dy[i] * (x[i] * scale);
                    }
                }
            },
        );
    }
}

impl CustomOp2 for RmsNorm {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (values, w) = (elements(x, lx)?, elements(w, lw)?);
        let width = w.len();
        if width == 0 || lx.shape().dim(D::Minus1)? % width != 0 {
            candle_core::bail!("rms-norm: x {:?} and weight {:?} do not fit", lx.dims(), lw.dims());
        }
        let block = block_rows(width) * width;
        let mut out = vec![0.0; values.len()];
        for_each(values.chunks(block).zip(out.chunks_mut(block)), |(x, out)| self.forward_block(x, w, out));
        output(out, lx.shape().clone())
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (held_x, held_w, held_grad) = (Held::new(x)?, Held::new(w)?, Held::new(grad)?);
        let (values, weights, grads) = (held_x.read(), held_w.read(), held_grad.read());
        let (values, weights, grads) = (values.elements()?, weights.elements()?, grads.elements()?);
        let width = weights.len();
        let block = block_rows(width) * width;
        let mut dx = vec![0.0; values.len()];
        let mut parts = vec![0.0; values.len().div_ceil(block) * width];
        let blocks = values
            .chunks(block)
            .zip(grads.chunks(block))
            .zip(dx.chunks_mut(block))
            .zip(parts.chunks_mut(width));
        for_each(blocks, |(((x, dy), dx), dw)| self.backward_block(x, weights, dy, dx, dw));
        let mut dw = vec![0.0; width];
        add_up(&parts, &mut dw);
        Ok((gradient(dx, x)?, gradient(dw, w)?))
    }
}
