//! A model's tensors: their first values, and reading and writing them as safetensors files.

use std::collections::BTreeMap;

use camino::Utf8Path;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use safetensors::tensor::{Dtype, TensorView};

use crate::config::Config;
use crate::error::{LmError, Result};
use crate::layout::HEAD;
use crate::placement::Placement;
use crate::tensor_file::{Mapped, Source, write};

pub use crate::layout::{Init, TensorSpec, layout};

/// The tensors of a new model, a function of the configuration and the seed alone.
///
/// Each tensor draws from its own ChaCha8 stream, chosen by its name.
///
/// # Errors
/// [`LmError::Tensor`] if candle cannot hold the tensors.
pub fn initial(config: &Config, seed: u64) -> Result<BTreeMap<String, Tensor>> {
    layout(config)
        .into_iter()
        .map(|TensorSpec { name, shape, init }| {
            let count = shape.iter().product();
            let values = match init {
                Init::Constant(value) => vec![value; count],
                Init::Normal { std } => normals(seed, &name, count, std),
            };
            Ok((name, Tensor::from_vec(values, shape, &Device::Cpu)?))
        })
        .collect()
}

/// Normal variates by the Box-Muller transform, computed in `f64`.
fn normals(seed: u64, name: &str, count: usize, std: f64) -> Vec<f32> {
    let digest = blake3::hash(name.as_bytes());
    let stream = digest.as_bytes()[..8].iter().fold(0_u64, |acc, byte| acc << 8 | u64::from(*byte));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    // 53 random bits, in (0, 1].
    let mut uniform = || ((rng.next_u64() >> 11) + 1) as f64 * (0.5_f64).powi(53);
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let radius = std * (-2.0 * uniform().ln()).sqrt();
        let angle = std::f64::consts::TAU * uniform();
        values.push((radius * angle.cos()) as f32);
        values.push((radius * angle.sin()) as f32);
    }
    values.truncate(count);
    values
}

/// Reads a model's tensors from one or several safetensors files of `f32`, `bf16` or `f16`, and puts them on
/// the placement's device as its float type. A tensor that has that type already keeps its bits.
///
/// Files are mapped into memory one after the other. A head stored beside a tied embedding and stored rotary
/// frequencies are ignored.
///
/// # Errors
/// [`LmError::Io`], [`LmError::WeightsFormat`], or a tensor that is missing, unknown, or of another shape or
/// type than the configuration gives; those of [`Placement::open`].
pub fn read<P: AsRef<Utf8Path>>(
    config: &Config,
    files: &[P],
    placement: &Placement,
) -> Result<BTreeMap<String, Tensor>> {
    let device = placement.open()?;
    let mut expected: BTreeMap<String, Vec<usize>> =
        layout(config).into_iter().map(|spec| (spec.name, spec.shape)).collect();
    let mut tensors = BTreeMap::new();
    for path in files {
        let file = Mapped::open(path.as_ref())?;
        for (name, view) in file.tensors()?.iter() {
            let Some(shape) = expected.remove(name) else {
                let redundant = name.ends_with("rotary_emb.inv_freq") || config.tied_head && name == HEAD;
                if redundant {
                    continue;
                }
                return Err(LmError::UnexpectedTensor { name: name.to_owned() });
            };
            if view.shape() != shape {
                let found = view.shape().to_vec();
                return Err(LmError::TensorShape { name: name.to_owned(), expected: shape, found });
            }
            let tensor = tensor(name, &view, &device)?.to_dtype(placement.float.dtype())?;
            tensors.insert(name.to_owned(), tensor);
        }
    }
    match expected.pop_first() {
        Some((name, _)) => Err(LmError::MissingTensor { name }),
        None => Ok(tensors),
    }
}

/// A tensor of a file, in the type that it is stored in.
fn tensor(name: &str, view: &TensorView<'_>, device: &Device) -> Result<Tensor> {
    let dtype = match view.dtype() {
        Dtype::F32 => DType::F32,
        Dtype::BF16 => DType::BF16,
        Dtype::F16 => DType::F16,
        other => return Err(LmError::TensorDtype { name: name.to_owned(), dtype: format!("{other:?}") }),
    };
    Ok(Tensor::from_raw_buffer(view.data(), dtype, view.shape(), device)?)
}

/// The bytes of a safetensors file with the given tensors as `f32`: a function of the tensors alone.
///
/// # Errors
/// [`LmError::Tensor`] if a tensor cannot be read as `f32`.
pub fn to_safetensors<'a>(tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_safetensors(tensors, &mut bytes)?;
    Ok(bytes)
}

/// Writes what [`to_safetensors`] returns, one tensor after the other.
///
/// # Errors
/// [`LmError::Io`] if writing fails; those of [`to_safetensors`].
pub fn write_safetensors<'a>(
    tensors: impl IntoIterator<Item = (&'a String, &'a Tensor)>,
    out: &mut dyn std::io::Write,
) -> Result<()> {
    let sources = tensors.into_iter().map(|(name, tensor)| (name.clone(), Source::Tensor(tensor)));
    // Readers of this format look for the framework's name.
    write(out, Some(("format", "pt")), sources.collect())
}
