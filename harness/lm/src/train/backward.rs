//! The loss of a part of a batch, and its gradients.

use candle_core::backprop::GradStore;
use candle_core::{D, DType, Tensor, Var};

use super::Activations;
use super::batch::MicroBatch;
use crate::decoder::{Decoder, Pass};
use crate::error::Result;
use crate::layout::EMBEDDING;
use crate::ops;

/// Most logits at a time, in elements. On a GPU small products cost more than memory does.
pub(super) const fn most_logits(is_cpu: bool) -> usize {
    if is_cpu { 1 << 22 } else { 1 << 26 }
}

/// Takes the gradient of a variable by its name.
pub(super) type Add<'a> = dyn FnMut(&str, &Tensor) -> Result<()> + 'a;

/// Adds a part's gradients; returns its share of the loss.
pub(super) fn accumulate(
    decoder: &Decoder,
    part: &MicroBatch,
    activations: Activations,
    add: &mut Add<'_>,
) -> Result<f64> {
    match activations {
        // The CPU kernels' head has a backward pass of its own that never holds all logits.
        Activations::Kept if decoder.placement().is_cpu_f32() => at_once(decoder, part, add),
        Activations::Kept => with_the_head_apart(decoder, part, add),
        Activations::Recomputed => layer_by_layer(decoder, part, add),
    }
}

/// By one graph from the tokens to the loss.
fn at_once(decoder: &Decoder, part: &MicroBatch, add: &mut Add<'_>) -> Result<f64> {
    let log_probs = decoder.log_probs(&part.inputs, &part.targets)?;
    let factors = Tensor::new(part.factors.as_slice(), log_probs.device())?;
    let loss = (log_probs * factors)?.sum_all()?.neg()?;
    backward(decoder, &loss, add)?;
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

/// By one graph from the tokens to the rows that pass the head, whose gradient is known when it begins.
fn with_the_head_apart(decoder: &Decoder, part: &MicroBatch, add: &mut Add<'_>) -> Result<f64> {
    let pass = decoder.pass(&part.inputs)?;
    let embedded = Var::from_tensor(&pass.embedded(&decoder.frozen()?)?)?;
    let rows =
        pass.before_head(decoder, &pass.layers(decoder, embedded.as_tensor().clone())?, &part.rows())?;
    let (loss, gradient) = head(decoder, &rows.detach(), part, add)?;
    let store = backward(decoder, &weighted(&rows, &gradient)?, add)?;
    let gradient = gradient_of(&embedded, store)?;
    // It holds the graph, and so all that the pass has left.
    drop(rows);
    embedding(part, &gradient, decoder.config().vocab_size, add)?;
    Ok(loss)
}

/// By a graph for each layer, from the last to the first, that is made when it is needed: only the layers' inputs are kept (Chen et
/// al., "Training Deep Nets with Sublinear Memory Cost", 2016).
fn layer_by_layer(decoder: &Decoder, part: &MicroBatch, add: &mut Add<'_>) -> Result<f64> {
    let pass = decoder.pass(&part.inputs)?;
    let (mut inputs, last) = inputs_of_layers(&decoder.frozen()?, &pass)?;
    let input = Var::from_tensor(&last)?;
    let rows = pass.before_head(decoder, &input, &part.rows())?;
    let (loss, gradient) = head(decoder, &rows.detach(), part, add)?;
    let store = backward(decoder, &weighted(&rows, &gradient)?, add)?;
    let mut gradient = gradient_of(&input, store)?;
    while let Some(input) = inputs.pop() {
        let (index, input) = (inputs.len(), Var::from_tensor(&input)?);
        let output = weighted(&pass.layer(decoder, index, &input)?, &gradient)?;
        gradient = gradient_of(&input, backward(decoder, &output, add)?)?;
    }
    embedding(part, &gradient, decoder.config().vocab_size, add)?;
    Ok(loss)
}

/// The inputs of all layers, first to last, and the output of the last one.
fn inputs_of_layers(frozen: &Decoder, pass: &Pass<'_>) -> Result<(Vec<Tensor>, Tensor)> {
    let mut inputs = Vec::with_capacity(frozen.layers().len());
    let mut x = pass.embedded(frozen)?;
    for index in 0..frozen.layers().len() {
        let output = pass.layer(frozen, index, &x)?;
        inputs.push(std::mem::replace(&mut x, output));
    }
    Ok((inputs, x))
}

/// Adds the gradient of the embedding, given that of the rows `[N, d]` that a part takes from it. A token may stand in a part thousands
/// of times: in half precision, in which candle would sum, most of them would be lost.
fn embedding(part: &MicroBatch, gradient: &Tensor, vocab_size: usize, add: &mut Add<'_>) -> Result<()> {
    let rows = gradient.to_dtype(DType::F32)?;
    let tokens = Tensor::new(part.inputs.tokens(), rows.device())?;
    let zeros = Tensor::zeros((vocab_size, rows.dim(1)?), DType::F32, rows.device())?;
    add(EMBEDDING, &zeros.index_add(&tokens, &rows, 0)?)
}

/// A number whose gradient with respect to `output` is `gradient`; its own value means nothing.
fn weighted(output: &Tensor, gradient: &Tensor) -> candle_core::Result<Tensor> {
    (output * gradient)?.sum_all()
}

/// Adds the gradients of all variables that `loss` depends on. What is returned has those of intermediate results and, through
/// them, holds the whole graph.
fn backward(decoder: &Decoder, loss: &Tensor, add: &mut Add<'_>) -> Result<GradStore> {
    let mut store = loss.backward()?;
    for (name, var) in decoder.vars() {
        if let Some(gradient) = store.remove(var) {
            add(name, &gradient)?;
        }
    }
    Ok(store)
}

/// The gradient of a segment's input.
fn gradient_of(input: &Var, mut store: GradStore) -> Result<Tensor> {
    match store.remove(input) {
        Some(gradient) => Ok(gradient.detach()),
        None => Ok(input.zeros_like()?),
    }
}

/// The loss of rows `[M, d]` before the head, and its gradient with respect to them; that of the head is added.
///
/// With the probabilities `p` of a row, its target `t` and its factor `f`, the loss is `-f log p[t]`, and its gradient with respect to
/// the row's logits `f (p - onehot(t))`. Rows pass in blocks, so that the logits of a few are in memory at a time.
fn head(decoder: &Decoder, x: &Tensor, part: &MicroBatch, add: &mut Add<'_>) -> Result<(f64, Tensor)> {
    let (name, weight) = (decoder.head_name(), decoder.head().detach());
    let block = (most_logits(x.device().is_cpu()) / weight.dim(0)?).max(1);
    let mut loss = 0.0;
    let mut gradients = Vec::new();
    for (index, (targets, factors)) in part.targets.chunks(block).zip(part.factors.chunks(block)).enumerate()
    {
        let rows = x.narrow(0, index * block, targets.len())?;
        let tokens: Vec<u32> = targets.iter().map(|(_, token)| *token).collect();
        let tokens = Tensor::from_vec(tokens, (targets.len(), 1), x.device())?;
        let factors = Tensor::from_slice(factors, (targets.len(), 1), x.device())?;
        let logits = ops::linear(decoder.kernels(), &rows, &weight, None)?.to_dtype(DType::F32)?;
        let max = logits.max_keepdim(D::Minus1)?;
        let chosen = (logits.gather(&tokens, 1)? - &max)?;
        let exp = logits.broadcast_sub(&max)?.exp()?;
        drop(logits);
        let sum = exp.sum_keepdim(D::Minus1)?;
        let losses = (&factors * (sum.log()? - chosen)?)?;
        loss += f64::from(losses.sum_all()?.to_scalar::<f32>()?);
        let gradient = exp.broadcast_mul(&(&factors / sum)?)?.scatter_add(&tokens, &factors.neg()?, 1)?;
        let gradient = gradient.to_dtype(x.dtype())?;
        gradients.push(gradient.matmul(&weight)?);
        add(name, &gradient.t()?.matmul(&rows)?)?;
    }
    Ok((loss, Tensor::cat(&gradients, 0)?))
}
