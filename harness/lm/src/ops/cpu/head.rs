//! Log-probabilities of given tokens, with or without the head's matrix product.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};

use super::linear::project;
use super::parallel::{add_up, block_rows, for_each};
use super::{Held, elements, gradient, output};
use crate::simd::gemm::{Mat, MatMut, Output, multiply, product};
use crate::simd::reduce::{TRAINING_LANES as LANES, max, sum};
use crate::simd::{exp, vectorized};

/// Logits held at a time, about, in elements.
const MAX_LOGITS: usize = 1 << 20;
/// Rows held at a time at least, however large the vocabulary: fewer would starve the matrix product.
const MIN_ROWS: usize = 64;

pub(in crate::ops) fn token_log_probs(logits: &Tensor, targets: &[u32]) -> Result<Tensor> {
    logits.contiguous()?.apply_op1(TokenLogProbs { targets: targets.to_vec() })
}

pub(in crate::ops) fn head_log_probs(
    hidden: &Tensor,
    head: &Tensor,
    targets: &[(usize, u32)],
) -> Result<Tensor> {
    hidden.contiguous()?.apply_op2(&head.contiguous()?, HeadLogProbs { targets: targets.to_vec() })
}

/// Turns logits into `exp(logits - max)`, and gives the sum of these.
#[inline(always)]
fn exponentiate(logits: &mut [f32]) -> f32 {
    let max = max::<LANES>(logits);
    for value in logits.iter_mut() {
        *value = exp(*value - max);
    }
    sum::<LANES>(logits)
}

/// `log softmax(logits)[target]`, the logarithm taken in `f64`; spends the logits.
#[inline(always)]
fn log_prob(logits: &mut [f32], target: usize) -> f32 {
    let shifted = logits[target] - max::<LANES>(logits);
    (f64::from(shifted) - f64::from(exponentiate(logits)).ln()) as f32
}

/// Turns logits into the gradient of `grad · log softmax(logits)[target]`: `grad · (onehot(target) -
/// softmax(logits))`.
#[inline(always)]
fn log_prob_gradient(logits: &mut [f32], target: usize, grad: f32) {
    let scale = -grad / exponentiate(logits);
    for value in logits.iter_mut() {
        *value *= scale;
    }
    logits[target] += grad;
}

/// [`log_prob`] of each row of `logits [M, V]`; spends the logits.
fn log_probs(logits: &mut [f32], vocab: usize, targets: &[u32], out: &mut [f32]) {
    let rows = block_rows(vocab);
    let blocks = logits.chunks_mut(rows * vocab).zip(targets.chunks(rows)).zip(out.chunks_mut(rows));
    for_each(blocks, |((logits, targets), out)| {
        vectorized(
            #[inline(always)]
            || {
                for ((logits, target), out) in logits.chunks_exact_mut(vocab).zip(targets).zip(out) {
                    *out = log_prob(logits, *target as usize);
                }
            },
        );
    });
}

/// [`log_prob_gradient`] of each row of `logits [M, V]`, in place.
fn log_prob_gradients(logits: &mut [f32], vocab: usize, targets: &[u32], grads: &[f32]) {
    let rows = block_rows(vocab);
    let blocks = logits.chunks_mut(rows * vocab).zip(targets.chunks(rows)).zip(grads.chunks(rows));
    for_each(blocks, |((logits, targets), grads)| {
        vectorized(
            #[inline(always)]
            || {
                for ((logits, target), grad) in logits.chunks_exact_mut(vocab).zip(targets).zip(grads) {
                    log_prob_gradient(logits, *target as usize, *grad);
                }
            },
        );
    });
}

fn check_targets(targets: impl Iterator<Item = u32>, vocab: usize) -> Result<()> {
    for target in targets {
        if target as usize >= vocab {
            candle_core::bail!("log-probability of token {target} under a vocabulary of {vocab}");
        }
    }
    Ok(())
}

struct TokenLogProbs {
    targets: Vec<u32>,
}

impl CustomOp1 for TokenLogProbs {
    fn name(&self) -> &'static str {
        "token-log-probs"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, vocab) = layout.shape().dims2()?;
        if rows != self.targets.len() || vocab == 0 {
            candle_core::bail!("{} targets for logits {:?}", self.targets.len(), layout.dims());
        }
        check_targets(self.targets.iter().copied(), vocab)?;
        let mut out = vec![0.0; rows];
        log_probs(&mut elements(logits, layout)?.to_vec(), vocab, &self.targets, &mut out);
        output(out, rows)
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (held, grads) = (Held::new(logits)?, Held::new(grad)?);
        let mut values = held.read().elements()?.to_vec();
        log_prob_gradients(&mut values, logits.dim(1)?, &self.targets, grads.read().elements()?);
        gradient(values, logits)
    }
}

/// The head and the log-probability in one operation: logits exist for one block of rows at a time, and the
/// backward pass computes them again.
struct HeadLogProbs {
    targets: Vec<(usize, u32)>,
}

/// A block of rows on their way through the head.
struct Block {
    hidden: Vec<f32>,
    logits: Vec<f32>,
    tokens: Vec<u32>,
}

impl HeadLogProbs {
    fn rows_per_block(vocab: usize) -> usize {
        (MAX_LOGITS / vocab).max(MIN_ROWS)
    }

    /// Gathers the targets' rows and computes their logits.
    fn block(targets: &[(usize, u32)], hidden: &[f32], head: &[f32], width: usize) -> Block {
        let mut rows = Vec::with_capacity(targets.len() * width);
        for (row, _) in targets {
            rows.extend_from_slice(&hidden[row * width..][..width]);
        }
        let logits = project(&rows, head, width);
        Block { hidden: rows, logits, tokens: targets.iter().map(|(_, token)| *token).collect() }
    }
}

impl CustomOp2 for HeadLogProbs {
    fn name(&self) -> &'static str {
        "head-log-probs"
    }

    fn cpu_fwd(
        &self,
        hidden: &CpuStorage,
        l_hidden: &Layout,
        head: &CpuStorage,
        l_head: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = l_hidden.shape().dims2()?;
        let (vocab, head_width) = l_head.shape().dims2()?;
        if width != head_width || width == 0 || vocab == 0 {
            candle_core::bail!(
                "head: hidden {:?} and weight {:?} do not fit",
                l_hidden.dims(),
                l_head.dims()
            );
        }
        check_targets(self.targets.iter().map(|(_, token)| *token), vocab)?;
        if let Some((row, _)) = self.targets.iter().find(|(row, _)| *row >= rows) {
            candle_core::bail!("a target names row {row} of {rows}");
        }
        let (hidden, head) = (elements(hidden, l_hidden)?, elements(head, l_head)?);
        let mut out = vec![0.0; self.targets.len()];
        let block_rows = Self::rows_per_block(vocab);
        for (targets, out) in self.targets.chunks(block_rows).zip(out.chunks_mut(block_rows)) {
            let Block { mut logits, tokens, .. } = Self::block(targets, hidden, head, width);
            log_probs(&mut logits, vocab, &tokens, out);
        }
        output(out, self.targets.len())
    }

    fn bwd(
        &self,
        hidden: &Tensor,
        head: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (held_hidden, held_head, held_grad) = (Held::new(hidden)?, Held::new(head)?, Held::new(grad)?);
        let (states, weights, grads) = (held_hidden.read(), held_head.read(), held_grad.read());
        let (states, weights, grads) = (states.elements()?, weights.elements()?, grads.elements()?);
        let (vocab, width) = head.dims2()?;
        let mut d_hidden = vec![0.0; states.len()];
        let mut d_head = vec![0.0; weights.len()];
        let block_rows = Self::rows_per_block(vocab);
        for (targets, grads) in self.targets.chunks(block_rows).zip(grads.chunks(block_rows)) {
            let Block { hidden, mut logits, tokens } = Self::block(targets, states, weights, width);
            log_prob_gradients(&mut logits, vocab, &tokens, grads);
            let d_logits = Mat::new(&logits, targets.len(), vocab);
            if head.track_op() {
                let rows = Mat::new(&hidden, targets.len(), width);
                multiply(1.0, d_logits.t(), rows, Output::Add, MatMut::new(&mut d_head, vocab, width));
            }
            let d_rows = product(d_logits, Mat::new(weights, vocab, width));
            for ((row, _), d_row) in targets.iter().zip(d_rows.chunks_exact(width)) {
                add_up(d_row, &mut d_hidden[row * width..][..width]);
            }
        }
        let d_head = if head.track_op() { gradient(d_head, head)? } else { None };
        Ok((gradient(d_hidden, hidden)?, d_head))
    }
}
