//! The optimiser's state in tensors, where the decoder computes: weights, moments and gradients in `f32`, whatever the decoder
//! computes in.

use std::collections::BTreeMap;

use candle_core::{D, DType, Tensor, Var};

use super::{AdamWConfig, Moments, Rates};
use crate::error::{LmError, Result};

/// AdamW, see the [module](super), by candle's operations.
///
/// A decoder in half precision computes with roundings of the weights that are kept here, so that an update too small for its
/// type is not lost (Micikevicius et al., "Mixed Precision Training", 2018, section 3.1).
#[derive(Debug)]
pub(crate) struct DeviceAdamW {
    config: AdamWConfig,
    step: u64,
    states: BTreeMap<String, State>,
}

#[derive(Debug)]
struct State {
    /// The weights, if the decoder's own are not `f32`.
    master: Option<Tensor>,
    first: Tensor,
    second: Tensor,
    /// None is zero.
    gradient: Option<Tensor>,
}

impl DeviceAdamW {
    /// An optimiser that has made no step.
    pub(crate) fn new(config: AdamWConfig, vars: &BTreeMap<String, Var>) -> Result<Self> {
        let state = |(name, var): (&String, &Var)| {
            let zeros = || Tensor::zeros(var.shape(), DType::F32, var.device());
            let master = (var.dtype() != DType::F32).then(|| var.as_detached_tensor().to_dtype(DType::F32));
            let state =
                State { master: master.transpose()?, first: zeros()?, second: zeros()?, gradient: None };
            Ok((name.clone(), state))
        };
        Ok(Self { config, step: 0, states: vars.iter().map(state).collect::<Result<_>>()? })
    }

    /// Goes on after `step` steps.
    pub(crate) fn restore(
        &mut self,
        step: u64,
        mut weights: BTreeMap<String, Tensor>,
        mut moments: BTreeMap<String, Moments>,
    ) -> Result<()> {
        self.step = step;
        for (name, state) in &mut self.states {
            let (Some(weight), Some(Moments { first, second })) =
                (weights.remove(name), moments.remove(name))
            else {
                return Err(LmError::MissingTensor { name: name.clone() });
            };
            let (shape, device) = (state.first.shape().clone(), state.first.device().clone());
            state.first = Tensor::from_vec(first, &shape, &device)?;
            state.second = Tensor::from_vec(second, &shape, &device)?;
            if let Some(master) = &mut state.master {
                *master = weight;
            }
        }
        Ok(())
    }

    /// The number of steps made.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Sets all gradients to zero.
    pub(crate) fn clear(&mut self) {
        self.states.values_mut().for_each(|state| state.gradient = None);
    }

    /// Adds to one variable's gradient.
    pub(crate) fn add(&mut self, name: &str, gradient: &Tensor) -> Result<()> {
        let state = self.states.get_mut(name).filter(|state| state.first.shape() == gradient.shape());
        let state = state.ok_or_else(|| LmError::GradientShape { name: name.to_owned() })?;
        // Attached to what it was made from, it would keep the whole pass in memory.
        let gradient = gradient.detach().to_dtype(DType::F32)?;
        state.gradient = Some(match &state.gradient {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        });
        Ok(())
    }

    /// The sum of the squares of each gradient: of rows in `f32`, of these in `f64`.
    fn squares(&self) -> Result<Vec<(&String, f64)>> {
        let square = |state: &State| match &state.gradient {
            Some(gradient) => gradient.sqr()?.sum(D::Minus1)?.to_dtype(DType::F64)?.sum_all(),
            None => Tensor::zeros((), DType::F64, state.first.device()),
        };
        let squares = self.states.values().map(square).collect::<candle_core::Result<Vec<_>>>()?;
        // Read from the device at once.
        Ok(self.states.keys().zip(Tensor::stack(&squares, 0)?.to_vec1()?).collect())
    }

    /// The Euclidean norm of all gradients together.
    pub(crate) fn norm(&self) -> Result<f64> {
        Ok(self.squares()?.iter().map(|(_, square)| square).sum::<f64>().sqrt())
    }

    /// The variables whose gradient is zero throughout or not finite.
    pub(crate) fn uncovered(&self) -> Result<Vec<String>> {
        let squares = self.squares()?.into_iter();
        let uncovered = squares.filter(|(_, square)| !(square.is_finite() && *square > 0.0));
        Ok(uncovered.map(|(name, _)| name.clone()).collect())
    }

    /// Makes a step with the gradients times `factor`.
    pub(crate) fn update(
        &mut self,
        vars: &BTreeMap<String, Var>,
        learning_rate: f64,
        factor: f64,
    ) -> Result<()> {
        self.step += 1;
        for (name, var) in vars {
            let state = self.states.get_mut(name);
            let state = state.ok_or_else(|| LmError::GradientShape { name: name.clone() })?;
            let rates = self.config.rates(self.step, learning_rate, name, var.rank());
            let weight = state.updated(var, &rates, factor)?;
            var.set(&weight.to_dtype(var.dtype())?)?;
            if let Some(master) = &mut state.master {
                *master = weight;
            }
        }
        Ok(())
    }

    /// A copy of the moments by variable.
    pub(crate) fn moments(&self) -> Result<BTreeMap<String, Moments>> {
        let values = |tensor: &Tensor| Ok::<_, LmError>(tensor.flatten_all()?.to_vec1::<f32>()?);
        let copy = |(name, state): (&String, &State)| {
            Ok((name.clone(), Moments { first: values(&state.first)?, second: values(&state.second)? }))
        };
        self.states.iter().map(copy).collect()
    }

    /// The first and second moments by variable.
    pub(crate) fn moments_in_place(&self) -> impl Iterator<Item = (&String, [&Tensor; 2])> {
        self.states.iter().map(|(name, state)| (name, [&state.first, &state.second]))
    }

    /// The weights that the decoder has roundings of.
    pub(crate) fn masters(&self) -> impl Iterator<Item = (&String, &Tensor)> {
        self.states.iter().filter_map(|(name, state)| Some((name, state.master.as_ref()?)))
    }
}

impl State {
    /// The weights after a step; the moments are updated.
    fn updated(&mut self, var: &Var, rates: &Rates, factor: f64) -> Result<Tensor> {
        let Rates { keep, b1, b2, rate, inverse_root, eps } = *rates;
        let (first, second) = ((&self.first * b1)?, (&self.second * b2)?);
        (self.first, self.second) = match &self.gradient {
            Some(gradient) => {
                let gradient = (gradient * factor)?;
                ((first + (&gradient * (1.0 - b1))?)?, (second + (gradient.sqr()? * (1.0 - b2))?)?)
            }
            None => (first, second),
        };
        let root = ((self.second.sqrt()? * inverse_root)? + eps)?;
        let weight = self.master.clone().unwrap_or_else(|| var.as_detached_tensor());
        Ok(((weight * keep)? - ((&self.first * rate)? / root)?)?)
    }
}
