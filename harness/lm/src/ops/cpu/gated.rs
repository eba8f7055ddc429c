//! The gated half of a feed-forward layer: `silu(x gateᵀ) · (x upᵀ)`.
//!
//! One operation instead of three: its two wide intermediate values get no gradient of their own from candle,
//! which would write each of them three times.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use super::linear::{input_gradient, project, weight_gradient};
use super::swiglu::{swiglu_gradients, swiglu_values};
use super::{Held, elements, gradient, output};
use crate::simd::gemm::{Mat, MatMut, Output, multiply};

pub(in crate::ops) fn gated(x: &Tensor, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    let keep = x.track_op() || gate.track_op() || up.track_op();
    let op = Gated { keep, activations: OnceLock::new() };
    x.contiguous()?.apply_op3(&gate.contiguous()?, &up.contiguous()?, op)
}

struct Gated {
    /// Whether a backward pass may follow.
    keep: bool,
    activations: OnceLock<Activations>,
}

/// `x gateᵀ` and `x upᵀ`.
struct Activations {
    gate: Vec<f32>,
    up: Vec<f32>,
}

impl Activations {
    fn new(x: &[f32], gate: &[f32], up: &[f32], depth: usize) -> Self {
        Self { gate: project(x, gate, depth), up: project(x, up, depth) }
    }
}

impl CustomOp3 for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        gate: &CpuStorage,
        lg: &Layout,
        up: &CpuStorage,
        lu: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((rows, depth), (width, gate_depth)) = (lx.shape().dims2()?, lg.shape().dims2()?);
        if lg.shape() != lu.shape() || depth != gate_depth || depth == 0 || width == 0 {
            candle_core::bail!(
                "gated: x {:?}, gate {:?} and up {:?} do not fit",
                lx.dims(),
                lg.dims(),
                lu.dims()
            );
        }
        let activations = Activations::new(elements(x, lx)?, elements(gate, lg)?, elements(up, lu)?, depth);
        let values = swiglu_values(&activations.gate, &activations.up);
        if self.keep {
            self.activations.get_or_init(|| activations);
        }
        output(values, (rows, width))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gate: &Tensor,
        up: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let held = [Held::new(x)?, Held::new(gate)?, Held::new(up)?, Held::new(grad)?];
        let [xs, gates, ups, grads] = held.each_ref().map(Held::read);
        let (xs, gates, ups, grads) = (xs.elements()?, gates.elements()?, ups.elements()?, grads.elements()?);
        let depth = x.dim(1)?;
        let kept = self.activations.get_or_init(|| Activations::new(xs, gates, ups, depth));
        let (d_gate, d_up) = swiglu_gradients(&kept.gate, &kept.up, grads);
        let d_x = if x.track_op() {
            let mut d_x = input_gradient(&d_gate, gates, depth);
            let (rows, width) = (xs.len() / depth, ups.len() / depth);
            let (d_up, ups) = (Mat::new(&d_up, rows, width), Mat::new(ups, width, depth));
            multiply(1.0, d_up, ups, Output::Add, MatMut::new(&mut d_x, rows, depth));
            gradient(d_x, x)?
        } else {
            None
        };
        Ok((d_x, weight_gradient(&d_gate, xs, gate)?, weight_gradient(&d_up, xs, up)?))
    }
}
