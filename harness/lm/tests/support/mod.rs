//! Random tensors, comparisons and thread pools for tests.

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

/// Asserts that two tensors have one shape and differ by at most `tolerance` times the largest expected magnitude, or 1.
pub(crate) fn assert_close(actual: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(actual.dims(), expected.dims(), "{what}");
    let (actual, expected) = (values(actual), values(expected));
    let scale = expected.iter().fold(1.0, |scale: f64, x| scale.max(x.abs()));
    for (index, (a, e)) in actual.iter().zip(&expected).enumerate() {
        assert!((a - e).abs() <= tolerance * scale, "{what} at {index}: {a}, expected {e} (scale {scale})");
    }
}

/// Runs work in a pool of so many threads.
pub(crate) fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
