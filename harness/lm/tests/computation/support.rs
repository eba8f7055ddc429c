//! Seeded tensors and batches, small models, comparisons, thread pools.

use assay_lm::{Config, Family, Sequences};
use candle_core::{DType, Device, Shape, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// A random stream.
pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Numbers drawn evenly from `[-1, 1)`.
pub(crate) fn uniform(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// A tensor of [`uniform`] numbers.
pub(crate) fn tensor(rng: &mut ChaCha8Rng, shape: impl Into<Shape>) -> Tensor {
    let shape = shape.into();
    Tensor::from_vec(uniform(rng, shape.elem_count()), shape, &Device::Cpu).unwrap()
}

/// A tensor's elements, in order.
pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The bits of an `f32` tensor's elements, in order.
pub(crate) fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Asserts that two tensors have one shape and differ by at most `tolerance` times the largest expected
/// magnitude (or 1e-3).
#[track_caller]
pub(crate) fn assert_close(actual: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(actual.dims(), expected.dims(), "{what}");
    let (actual, expected) = (values(actual), values(expected));
    // What goes in is of the order of one: where all that comes out is small, it is what large terms leave of each other, and
    // its last bits are theirs.
    let scale = expected.iter().fold(5e-2, |scale: f64, x| scale.max(x.abs()));
    for (index, (a, e)) in actual.iter().zip(&expected).enumerate() {
        // Not `>`: that would let a NaN pass.
        assert!((a - e).abs() <= tolerance * scale, "{what} at {index}: {a}, expected {e} (scale {scale})");
    }
}

/// Sequences of the given lengths, of random tokens.
pub(crate) fn sequences(rng: &mut ChaCha8Rng, lengths: &[usize], vocab: usize) -> Sequences {
    let mut sequence = |length: usize| (0..length).map(|_| rng.next_u32() % vocab as u32).collect::<Vec<_>>();
    Sequences::from_slices(lengths.iter().map(|length| sequence(*length))).unwrap()
}

/// Each token but the first of every sequence, as a target of the row before it.
pub(crate) fn next_tokens(batch: &Sequences) -> Vec<(usize, u32)> {
    batch.ranges().flat_map(|rows| rows.skip(1)).map(|row| (row - 1, batch.tokens()[row])).collect()
}

/// A small model with grouped heads whose width is not `hidden / heads`; Llama's head is its own, the others'
/// the embedding.
pub(crate) fn config(family: Family) -> Config {
    Config {
        family,
        vocab_size: 29,
        hidden_size: 24,
        intermediate_size: 40,
        num_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        head_dim: 8,
        max_positions: 128,
        rope_theta: 10_000.0,
        rope_scaling: None,
        rms_norm_eps: 1e-6,
        tied_head: family != Family::Llama,
        qkv_bias: family == Family::Qwen2,
        output_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![1],
    }
}

/// Runs work in a pool of so many threads.
pub(crate) fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
