//! Safetensors files: mapped into memory to be read, written one tensor after the other.

use std::collections::HashMap;
use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use candle_core::{DType, Tensor};
use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::error::{LmError, Result};

/// A file mapped into memory.
#[derive(Debug)]
pub(crate) struct Mapped {
    path: Utf8PathBuf,
    map: Mmap,
}

impl Mapped {
    /// Maps a file.
    pub(crate) fn open(path: &Utf8Path) -> Result<Self> {
        let file = fs_err::File::open(path)?;
        #[expect(unsafe_code, reason = "mapping a file that another process could change")]
        // SAFETY: the map is read only, and its bytes are copied before they are used as numbers. Files of
        // models and checkpoints are written under another name and renamed, never changed in place; one that
        // is cut short all the same ends the process with a signal, not with wrong numbers.
        let map = unsafe { Mmap::map(file.file()) };
        let at_path = |error: std::io::Error| std::io::Error::new(error.kind(), format!("{path}: {error}"));
        Ok(Self { path: path.to_owned(), map: map.map_err(at_path)? })
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The tensors that the file holds.
    ///
    /// # Errors
    /// [`LmError::WeightsFormat`] if it is not a safetensors file.
    pub(crate) fn tensors(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.map)
            .map_err(|source| LmError::WeightsFormat { path: self.path.clone(), source })
    }
}

/// Where the numbers of a tensor to be written come from.
pub(crate) enum Source<'a> {
    /// A tensor of any float type, written as `f32`.
    Tensor(&'a Tensor),
    /// A vector.
    F32(&'a [f32]),
    /// A matrix of `width` columns, row by row.
    F64 { values: Vec<f64>, width: usize },
}

impl Source<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Self::Tensor(_) | Self::F32(_) => Dtype::F32,
            Self::F64 { .. } => Dtype::F64,
        }
    }

    fn shape(&self) -> Vec<usize> {
        match self {
            Self::Tensor(tensor) => tensor.dims().to_vec(),
            Self::F32(values) => vec![values.len()],
            Self::F64 { values, width } => vec![values.len() / width, *width],
        }
    }

    /// The numbers in little-endian order.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(match self {
            Self::Tensor(tensor) => f32s(&tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?),
            Self::F32(values) => f32s(values),
            Self::F64 { values, .. } => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        })
    }
}

/// Writes a safetensors file with at most one entry of metadata; holds the bytes of one tensor at a time.
///
/// The bytes are those of `safetensors::serialize`: a function of names, shapes and numbers alone.
pub(crate) fn write(
    out: &mut dyn Write,
    metadata: Option<(&str, &str)>,
    mut tensors: Vec<(String, Source<'_>)>,
) -> Result<()> {
    // By falling size of the numbers, so that each tensor is aligned, then by name.
    tensors.sort_by(|(a, x), (b, y)| y.dtype().cmp(&x.dtype()).then(a.cmp(b)));
    let mut end = 0;
    let infos = tensors.iter().map(|(name, source)| {
        let (dtype, shape, start) = (source.dtype(), source.shape(), end);
        end += shape.iter().product::<usize>() * dtype.bitsize() / 8;
        (name.clone(), TensorInfo { dtype, shape, data_offsets: (start, end) })
    });
    let metadata = metadata.map(|(key, value)| HashMap::from([(key.to_owned(), value.to_owned())]));
    let header = Metadata::new(metadata, infos.collect()).map_err(invalid)?;
    let mut header = serde_json::to_vec(&header).map_err(std::io::Error::from)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for (_, source) in &tensors {
        out.write_all(&source.bytes()?)?;
    }
    Ok(())
}

fn invalid(error: safetensors::SafeTensorError) -> LmError {
    LmError::Tensor(candle_core::Error::wrap(error))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_safetensors_library() {
        let tensor =
            Tensor::new(&[[1f32, -2.0], [0.5, 3.0], [7.0, 1e-9]], &candle_core::Device::Cpu).unwrap();
        let sources = || {
            vec![
                ("b".to_owned(), Source::Tensor(&tensor)),
                ("history".to_owned(), Source::F64 { values: vec![1.0, 2.0, 3.0, 4.0], width: 2 }),
                ("a".to_owned(), Source::F32(&[4.0, 5.0, 6.0])),
                ("nothing".to_owned(), Source::F32(&[])),
            ]
        };
        for metadata in [None, Some(("format", "pt"))] {
            let mut written = Vec::new();
            write(&mut written, metadata, sources()).unwrap();
            let sources = sources();
            let bytes: Vec<_> = sources.iter().map(|(_, source)| source.bytes().unwrap()).collect();
            let views = sources.iter().zip(&bytes).map(|((name, source), bytes)| {
                (name.clone(), TensorView::new(source.dtype(), source.shape(), bytes).unwrap())
            });
            let metadata = metadata.map(|(k, v)| HashMap::from([(k.to_owned(), v.to_owned())]));
            assert_eq!(written, safetensors::serialize(views, metadata).unwrap());
        }
    }
}
