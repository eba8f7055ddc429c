//! `x wᵀ`, `x wᵀ + b` and `residual + x wᵀ`.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use super::parallel::{add_up, block_rows, for_each};
use super::{Held, elements, gradient, output};
use crate::simd::gemm::{Mat, MatMut, Output, multiply, product};

pub(in crate::ops) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        None => x.apply_op2(&weight, Linear),
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Linear),
    }
}

pub(in crate::ops) fn linear_add(residual: &Tensor, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op3(&weight.contiguous()?, &residual.contiguous()?, Linear)
}

/// `x wᵀ`, plus a bias for each column or a residual for each element where there is a third argument.
struct Linear;

/// Up to this many elements in the result, or with one row, `gemm` takes other paths with other rounding.
const SMALL_RESULT: usize = 256;

/// Calls `work` with `x`, or with `x` and enough rows of zeros below it that the number of rows does not
/// change the bits of a result.
///
/// `gemm` adds products in order of depth in each of its tiled kernels, but not in those for small results:
/// these are avoided.
fn padded<R>(x: &[f32], depth: usize, width: usize, work: impl FnOnce(Mat<'_>) -> R) -> R {
    let rows = x.len() / depth;
    let least_rows = (SMALL_RESULT / width + 1).max(2);
    if rows >= least_rows || rows == 0 {
        return work(Mat::new(x, rows, depth));
    }
    let mut more = x.to_vec();
    more.resize(least_rows * depth, 0.0);
    work(Mat::new(&more, least_rows, depth))
}

/// `x wᵀ` for `x [rows, depth]`, `w [width, depth]`.
///
/// Each row of the result is a function of that row of `x` alone, whatever the number of rows.
pub(super) fn project(x: &[f32], w: &[f32], depth: usize) -> Vec<f32> {
    let (rows, width) = (x.len() / depth, w.len() / depth);
    let mut out = padded(x, depth, width, |x| product(x, Mat::new(w, width, depth).t()));
    out.truncate(rows * width);
    out
}

/// `out + x wᵀ`, with the promise of [`project`].
fn project_onto(mut out: Vec<f32>, x: &[f32], w: &[f32], depth: usize) -> Vec<f32> {
    let (len, width) = (out.len(), w.len() / depth);
    padded(x, depth, width, |x| {
        let rows = x.rows();
        out.resize(rows * width, 0.0);
        multiply(1.0, x, Mat::new(w, width, depth).t(), Output::Add, MatMut::new(&mut out, rows, width));
    });
    out.truncate(len);
    out
}

/// The gradient of `x` in `x wᵀ`: `grad · w` for `w [width, depth]`.
pub(super) fn input_gradient(grad: &[f32], w: &[f32], depth: usize) -> Vec<f32> {
    let width = w.len() / depth;
    product(Mat::new(grad, grad.len() / width, width), Mat::new(w, width, depth))
}

/// The gradient of `w` in `x wᵀ`, `gradᵀ · x`, if `w` is trained.
pub(super) fn weight_gradient(grad: &[f32], x: &[f32], w: &Tensor) -> Result<Option<Tensor>> {
    if !w.track_op() {
        return Ok(None);
    }
    let (width, depth) = w.dims2()?;
    let rows = x.len() / depth;
    gradient(product(Mat::new(grad, rows, width).t(), Mat::new(x, rows, depth)), w)
}

/// A tensor's part in a forward pass.
type Input<'a> = (&'a CpuStorage, &'a Layout);

fn forward((x, lx): Input<'_>, (w, lw): Input<'_>, added: Option<Input<'_>>) -> Result<(CpuStorage, Shape)> {
    let ((rows, depth), (width, w_depth)) = (lx.shape().dims2()?, lw.shape().dims2()?);
    if depth != w_depth || depth == 0 || width == 0 {
        candle_core::bail!("linear: x {:?} and weight {:?} do not fit", lx.dims(), lw.dims());
    }
    let (x, w) = (elements(x, lx)?, elements(w, lw)?);
    let out = match added {
        None => project(x, w, depth),
        Some((bias, layout)) if layout.dims() == [width] => {
            project_onto(elements(bias, layout)?.repeat(rows), x, w, depth)
        }
        Some((residual, layout)) if layout.dims() == [rows, width] => {
            project_onto(elements(residual, layout)?.to_vec(), x, w, depth)
        }
        Some((_, layout)) => {
            candle_core::bail!("linear: {:?} cannot be added to [{rows}, {width}]", layout.dims())
        }
    };
    output(out, (rows, width))
}

/// Gradients of `x` and `w`, each only if it is trained or depends on what is.
fn backward(x: &Tensor, w: &Tensor, grad: &[f32]) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let (held_x, held_w) = (Held::new(x)?, Held::new(w)?);
    let (inputs, weights) = (held_x.read(), held_w.read());
    let (inputs, weights) = (inputs.elements()?, weights.elements()?);
    let x_grad = if x.track_op() { gradient(input_gradient(grad, weights, x.dim(1)?), x)? } else { None };
    Ok((x_grad, weight_gradient(grad, inputs, w)?))
}

/// Column sums, over fixed blocks of rows.
fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let block = block_rows(width) * width;
    let mut parts = vec![0.0; values.len().div_ceil(block) * width];
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
        "linear-add"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
        added: &CpuStorage,
        la: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        forward((x, lx), (w, lw), Some((added, la)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        added: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let held = Held::new(grad)?;
        let values = held.read();
        let values = values.elements()?;
        let (x_grad, w_grad) = backward(x, w, values)?;
        let added_grad = if added.rank() == 1 {
            gradient(column_sums(values, added.dim(0)?), added)?
        } else {
            Some(grad.clone())
        };
        Ok((x_grad, w_grad, added_grad))
    }
}
