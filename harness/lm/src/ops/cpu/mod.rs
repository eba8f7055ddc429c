//! The operations as own kernels on `f32` slices, each with its backward pass.
//!
//! Bits do not depend on the number of threads: work is cut into blocks of fixed size, each block is computed
//! by one thread, and what blocks contribute to one sum is added in block order. Nor do they depend on cache
//! sizes or on the width of the vector registers, except within matrix products, which differ between
//! instruction sets.

mod attention;
mod gated;
mod head;
mod linear;
mod norm;
mod parallel;
mod rope;
mod swiglu;

use std::ops::Deref;

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor};

pub(super) use attention::attention;
pub(super) use gated::gated;
pub(super) use head::{head_log_probs, token_log_probs};
pub(super) use linear::{linear, linear_add};
pub(super) use norm::rms_norm;
pub(super) use rope::rope;
pub(super) use swiglu::swiglu;

/// The elements of a contiguous `f32` storage, as a custom operation's forward pass is given it.
fn elements<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("a CPU kernel was given a strided tensor"),
    }
}

/// What a forward pass returns.
fn output(values: Vec<f32>, shape: impl Into<Shape>) -> Result<(CpuStorage, Shape)> {
    Ok((CpuStorage::F32(values), shape.into()))
}

/// A gradient with the shape of `like`.
fn gradient(values: Vec<f32>, like: &Tensor) -> Result<Option<Tensor>> {
    Ok(Some(Tensor::from_vec(values, like.shape(), &Device::Cpu)?))
}

/// A tensor made contiguous and held for reading, as a backward pass needs it.
struct Held(Tensor);

impl Held {
    fn new(tensor: &Tensor) -> Result<Self> {
        Ok(Self(tensor.contiguous()?))
    }

    fn read(&self) -> Reading<'_, impl Deref<Target = Storage>> {
        let (storage, layout) = self.0.storage_and_layout();
        Reading { storage, layout }
    }
}

/// A read lock `G` on a tensor's storage.
struct Reading<'a, G> {
    storage: G,
    layout: &'a Layout,
}

impl<G: Deref<Target = Storage>> Reading<'_, G> {
    fn elements(&self) -> Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(storage) => elements(storage, self.layout),
            _ => candle_core::bail!("the CPU kernels compute on the CPU only"),
        }
    }
}
