//! Cosines and sines of the rotary position embedding.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

use crate::rope::RopeScaling;

/// Cosines and sines for the positions `0..len` of one head width.
#[derive(Clone, Debug)]
pub struct RotaryTable {
    half: usize,
    cos: Arc<[f32]>,
    sin: Arc<[f32]>,
}

impl RotaryTable {
    /// The table for positions below `positions`: angle `p · theta^(-2i / head_dim)` for component pair `i`.
    ///
    /// Frequencies and angles are rounded to `f32` as Hugging Face does.
    #[must_use]
    pub fn new(head_dim: usize, theta: f64, positions: usize) -> Self {
        Self::scaled(head_dim, theta, None, positions)
    }

    /// The same with frequencies that are scaled.
    #[must_use]
    pub fn scaled(head_dim: usize, theta: f64, scaling: Option<&RopeScaling>, positions: usize) -> Self {
        let half = head_dim / 2;
        let mut frequencies: Vec<f64> =
            (0..half).map(|pair| theta.powf(-2.0 * pair as f64 / head_dim as f64)).collect();
        if let Some(scaling) = scaling {
            frequencies = scaling.scaled(&frequencies, theta);
        }
        let factor = scaling.map_or(1.0, RopeScaling::attention_factor);
        let angles =
            (0..positions).flat_map(|p| frequencies.iter().map(move |f| f64::from(p as f32 * *f as f32)));
        let values = angles.map(|a| ((a.cos() * factor) as f32, (a.sin() * factor) as f32));
        let (cos, sin): (Vec<f32>, Vec<f32>) = values.unzip();
        Self { half, cos: cos.into(), sin: sin.into() }
    }

    /// Number of positions in the table.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.cos.len().checked_div(self.half).unwrap_or(0)
    }

    /// The rotation of rows at the given positions.
    ///
    /// # Errors
    /// If a position lies outside the table.
    pub fn at(&self, positions: &[u32]) -> Result<Rotary> {
        let gather = |table: &[f32]| {
            let mut rows = Vec::with_capacity(positions.len() * self.half);
            for position in positions {
                let start = *position as usize * self.half;
                match table.get(start..start + self.half) {
                    Some(row) => rows.extend_from_slice(row),
                    None => {
                        candle_core::bail!("position {position} is outside a table of {}", self.positions())
                    }
                }
            }
            Ok(rows.into())
        };
        Ok(Rotary {
            half: self.half,
            rows: positions.len(),
            cos: gather(&self.cos)?,
            sin: gather(&self.sin)?,
        })
    }
}

/// The rotation of each row of a batch: cosines and sines at the row's position, `[N, D/2]` each.
#[derive(Clone, Debug)]
pub struct Rotary {
    pub(super) half: usize,
    pub(super) rows: usize,
    pub(super) cos: Arc<[f32]>,
    pub(super) sin: Arc<[f32]>,
}

impl Rotary {
    /// Cosines and sines as tensors `[N, 1, D/2]`, to be broadcast over heads.
    pub(super) fn tensors(&self, dtype: DType, device: &Device) -> Result<(Tensor, Tensor)> {
        let tensor =
            |values: &[f32]| Tensor::from_slice(values, (self.rows, 1, self.half), device)?.to_dtype(dtype);
        Ok((tensor(&self.cos)?, tensor(&self.sin)?))
    }

    /// Checks that `x` is `[N, H·D]` or `[N, H, D]` for this rotation's `N` and `D`.
    pub(super) fn check(&self, x: &Tensor) -> Result<()> {
        let dim = 2 * self.half;
        let heads_fit = match *x.dims() {
            [rows, width] => rows == self.rows && width % dim == 0,
            [rows, _, width] => rows == self.rows && width == dim,
            _ => false,
        };
        if !heads_fit || dim == 0 {
            candle_core::bail!("rotation of {} rows of width {dim} applied to {:?}", self.rows, x.dims());
        }
        Ok(())
    }
}
