//! `x wᵀ + b`.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use super::gemm::{Mat, MatMut, Output, multiply};
use super::parallel::{add_up, block_rows, for_each};
use super::{Held, elements, gradient, output};

pub(in crate::ops) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        None => x.apply_op2(&weight, Linear),
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Linear),
    }
}

struct Linear;

/// Below this many elements of the result, or with one row, `gemm` takes other paths with other rounding.
const SMALL_RESULT: usize = 256;

/// `out = x wᵀ`, or `out += x wᵀ`, for `out [rows, width]`, `w [width, depth]`.
///
/// Each row of the result is a function of that row of `x` alone, whatever the number of rows. `gemm` adds products in
/// order of depth in each of its tiled kernels, but not in those for small results, so those are avoided by rows of zeros.
pub(super) fn rows_times_transpose(x: &[f32], w: &[f32], depth: usize, out_mode: Output, out: &mut [f32]) {
    let width = w.len() / depth.max(1);
    let rows = out.len() / width.max(1);
    let least_rows = (SMALL_RESULT / width.max(1) + 1).max(2);
    let weight = Mat::new(w, width, depth).t();
    if rows >= least_rows || rows == 0 {
        multiply(1.0, Mat::new(x, rows, depth), weight, out_mode, MatMut::new(out, rows, width));
        return;
    }
    let mut padded_x = x.to_vec();
    padded_x.resize(least_rows * depth, 0.0);
    let mut padded_out = out.to_vec();
    padded_out.resize(least_rows * width, 0.0);
    let target = MatMut::new(&mut padded_out, least_rows, width);
    multiply(1.0, Mat::new(&padded_x, least_rows, depth), weight, out_mode, target);
    out.copy_from_slice(&padded_out[..rows * width]);
}

fn forward(
    (x, x_layout): (&CpuStorage, &Layout),
    (w, w_layout): (&CpuStorage, &Layout),
    bias: Option<(&CpuStorage, &Layout)>,
) -> Result<(CpuStorage, Shape)> {
    let (rows, depth) = x_layout.shape().dims2()?;
    let (width, w_depth) = w_layout.shape().dims2()?;
    if depth != w_depth {
        candle_core::bail!("linear: x {:?} and weight {:?} do not fit", x_layout.dims(), w_layout.dims());
    }
    let (x, w) = (elements(x, x_layout)?, elements(w, w_layout)?);
    let (mut out, mode) = match bias {
        None => (vec![0.0; rows * width], Output::Set),
        Some((bias, layout)) => {
            if layout.shape().dims1()? != width {
                candle_core::bail!(
                    "linear: weight {:?} and bias {:?} do not fit",
                    w_layout.dims(),
                    layout.dims()
                );
            }
            (elements(bias, layout)?.repeat(rows), Output::Add)
        }
    };
    rows_times_transpose(x, w, depth, mode, &mut out);
    output(out, (rows, width))
}

/// Gradients of `x` and `w`, each only if somebody asks for it.
fn backward(x: &Tensor, w: &Tensor, grad: &[f32]) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let (rows, depth) = x.dims2()?;
    let width = w.dim(0)?;
    let grad = Mat::new(grad, rows, width);
    let x_grad = if x.track_op() {
        let weights = Held::new(w)?;
        let weights = weights.read();
        let mut values = vec![0.0; rows * depth];
        let w = Mat::new(weights.elements()?, width, depth);
        multiply(1.0, grad, w, Output::Set, MatMut::new(&mut values, rows, depth));
        gradient(values, x)?
    } else {
        None
    };
    let w_grad = if w.track_op() {
        let inputs = Held::new(x)?;
        let inputs = inputs.read();
        let mut values = vec![0.0; width * depth];
        let x = Mat::new(inputs.elements()?, rows, depth);
        multiply(1.0, grad.t(), x, Output::Set, MatMut::new(&mut values, width, depth));
        gradient(values, w)?
    } else {
        None
    };
    Ok((x_grad, w_grad))
}

/// Column sums, over fixed blocks of rows.
fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let block = block_rows(width) * width;
    let mut parts = vec![0.0; values.len().div_ceil(block.max(1)) * width];
    for_each(parts.chunks_mut(width).zip(values.chunks(block)), |(part, rows)| add_up(rows, part));
    let mut sums = vec![0.0; width];
    add_up(&parts, &mut sums);
    sums
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        forward((x, lx), (w, lw), None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = Held::new(grad)?;
        backward(x, w, grad.read().elements()?)
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear with bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        bias: &CpuStorage,
        lb: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        forward((x, lx), (w, lw), Some((bias, lb)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = Held::new(grad)?;
        let grad = grad.read();
        let grad = grad.elements()?;
        let (x_grad, w_grad) = backward(x, w, grad)?;
        Ok((x_grad, w_grad, gradient(column_sums(grad, bias.dim(0)?), bias)?))
    }
}
