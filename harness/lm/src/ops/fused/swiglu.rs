//! `silu(gate) · up`.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::parallel::{block_rows, for_each};
use super::simd::{exp, vectorized};
use super::{Held, elements, gradient, output};

pub(in crate::ops) fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.contiguous()?.apply_op2(&up.contiguous()?, SwiGlu)
}

struct SwiGlu;

fn forward_block(gate: &[f32], up: &[f32], out: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
                *out = g * u / (1.0 + exp(-g));
            }
        },
    );
}

/// With `s = 1 / (1 + e⁻ᵍ)`: `dg = dy · u · s · (1 + g · (1 - s))` and `du = dy · g · s`.
fn backward_block(gate: &[f32], up: &[f32], grad: &[f32], d_gate: &mut [f32], d_up: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for ((((g, u), dy), dg), du) in gate.iter().zip(up).zip(grad).zip(d_gate).zip(d_up) {
                let s = 1.0 / (1.0 + exp(-g));
                *dg = dy * u * s * (1.0 + g * (1.0 - s));
                *du = dy * g * s;
            }
        },
    );
}

impl CustomOp2 for SwiGlu {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        lg: &Layout,
        up: &CpuStorage,
        lu: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if lg.shape() != lu.shape() {
            candle_core::bail!("swiglu: gate {:?} and up {:?} differ in shape", lg.dims(), lu.dims());
        }
        let (gate, up) = (elements(gate, lg)?, elements(up, lu)?);
        let block = block_rows(1);
        let mut out = vec![0.0; gate.len()];
        let blocks = gate.chunks(block).zip(up.chunks(block)).zip(out.chunks_mut(block));
        for_each(blocks, |((gate, up), out)| forward_block(gate, up, out));
        output(out, lg.shape().clone())
    }

    fn bwd(
        &self,
        gate: &Tensor,
        up: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (held_gate, held_up, held_grad) = (Held::new(gate)?, Held::new(up)?, Held::new(grad)?);
        let (gates, ups, grads) = (held_gate.read(), held_up.read(), held_grad.read());
        let (gates, ups, grads) = (gates.elements()?, ups.elements()?, grads.elements()?);
        let block = block_rows(1);
        let (mut d_gate, mut d_up) = (vec![0.0; gates.len()], vec![0.0; gates.len()]);
        let inputs = gates.chunks(block).zip(ups.chunks(block)).zip(grads.chunks(block));
        let outputs = d_gate.chunks_mut(block).zip(d_up.chunks_mut(block));
        for_each(inputs.zip(outputs), |(((gate, up), grad), (d_gate, d_up))| {
            backward_block(gate, up, grad, d_gate, d_up);
        });
        Ok((gradient(d_gate, gate)?, gradient(d_up, up)?))
    }
}
