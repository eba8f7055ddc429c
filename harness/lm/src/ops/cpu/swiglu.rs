//! `silu(gate) · up`.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use super::parallel::{block_rows, for_each};
use super::{Held, elements, gradient, output};
use crate::simd::{exp, swiglu as value, vectorized};

pub(in crate::ops) fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    gate.contiguous()?.apply_op2(&up.contiguous()?, SwiGlu)
}

struct SwiGlu;

/// `silu(gate) · up`, element by element.
pub(super) fn swiglu_values(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let block = block_rows(1);
    let mut out = vec![0.0; gate.len()];
    for_each(gate.chunks(block).zip(up.chunks(block)).zip(out.chunks_mut(block)), |((gate, up), out)| {
        vectorized(
            #[inline(always)]
            || {
                for ((out, g), u) in out.iter_mut().zip(gate).zip(up) {
                    *out = value(*g, *u);
                }
            },
        );
    });
    out
}

/// The gradients of gate and up: with `s = 1 / (1 + e⁻ᵍ)`, `dg = dy · u · s · (1 + g · (1 - s))` and `du = dy
/// · g · s`.
pub(super) fn swiglu_gradients(gate: &[f32], up: &[f32], grad: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let block = block_rows(1);
    let (mut d_gate, mut d_up) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
    let inputs = gate.chunks(block).zip(up.chunks(block)).zip(grad.chunks(block));
    let outputs = d_gate.chunks_mut(block).zip(d_up.chunks_mut(block));
    for_each(inputs.zip(outputs), |(((gate, up), grad), (d_gate, d_up))| {
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
    });
    (d_gate, d_up)
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
        output(swiglu_values(elements(gate, lg)?, elements(up, lu)?), lg.shape().clone())
    }

    fn bwd(
        &self,
        gate: &Tensor,
        up: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let held = [Held::new(gate)?, Held::new(up)?, Held::new(grad)?];
        let [gates, ups, grads] = held.each_ref().map(Held::read);
        let (d_gate, d_up) = swiglu_gradients(gates.elements()?, ups.elements()?, grads.elements()?);
        Ok((gradient(d_gate, gate)?, gradient(d_up, up)?))
    }
}
