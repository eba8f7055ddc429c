//! The training loop over units that are there from the start.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use camino::Utf8Path;

use super::identity::of_units;
use super::learner::{Checkpoints, Learner, Resumed};
use super::{MemoryPlan, PartSize, StepStats, TrainConfig, Unit, check_units};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::gpu::Cuda;
use crate::optim::Moments;
use crate::placement::DeviceName;

/// A training run: a [`Learner`] with its units.
///
/// Its results are a function of decoder, units and configuration: interruptions, checkpoints and the number
/// of threads change no bit of them.
#[derive(Debug)]
pub struct Trainer {
    learner: Learner,
    units: Vec<Unit>,
}

impl Trainer {
    /// A run that has made no step. It trains all variables of the decoder.
    ///
    /// # Errors
    /// [`LmError::Setting`], [`LmError::Example`] or [`LmError::TokenOutOfRange`] for an impossible
    /// configuration or example; [`LmError::Placement`] for a decoder in `f16`.
    pub fn new(decoder: Decoder, units: Vec<Unit>, config: TrainConfig) -> Result<Self> {
        config.check()?;
        check_some(&units, decoder.config().vocab_size)?;
        check_memory(&decoder, &units, &config)?;
        let learner = Learner::new(decoder, units.len(), &of_units(&units), config)?;
        Ok(Self { learner, units })
    }

    /// Goes on from the newest intact checkpoint in `dir`, or starts if there is none: see [`Learner::resume`].
    ///
    /// # Errors
    /// Those of [`Learner::resume`] and of [`new`](Self::new).
    pub fn resume(
        decoder: Decoder,
        units: Vec<Unit>,
        config: TrainConfig,
        dir: &Utf8Path,
    ) -> Result<(Self, Resumed)> {
        config.check()?;
        check_some(&units, decoder.config().vocab_size)?;
        check_memory(&decoder, &units, &config)?;
        let (learner, resumed) = Learner::resume(decoder, units.len(), &of_units(&units), config, dir)?;
        Ok((Self { learner, units }, resumed))
    }

    /// What the run takes of its device's memory.
    #[must_use]
    pub fn memory_plan(&self) -> MemoryPlan {
        memory_plan(self.decoder(), &self.units, self.learner.config())
    }

    /// The decoder, trained so far.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        self.learner.decoder()
    }

    /// Ends the run.
    #[must_use]
    pub fn into_decoder(self) -> Decoder {
        self.learner.into_decoder()
    }

    /// A copy of the optimiser's moments, by variable.
    ///
    /// # Errors
    /// [`LmError::Tensor`] if a device does not give them.
    pub fn moments(&self) -> Result<BTreeMap<String, Moments>> {
        self.learner.moments()
    }

    /// What each step so far did, those before an interruption included.
    #[must_use]
    pub fn history(&self) -> &[StepStats] {
        self.learner.history()
    }

    /// The number of steps of the whole run.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.learner.total_steps()
    }

    /// Makes the next step; none is left after [`total_steps`](Self::total_steps).
    ///
    /// # Errors
    /// Those of [`Learner::learn`].
    pub fn step(&mut self) -> Result<Option<StepStats>> {
        let Some((_, chosen)) = self.learner.chosen() else { return Ok(None) };
        let units: Vec<&Unit> = chosen.iter().map(|unit| &self.units[*unit]).collect();
        self.learner.learn_checked(&units, None).map(Some)
    }

    /// Makes all steps that are left. `control` sees each; if it breaks off, the run is saved and `Break`
    /// returned.
    ///
    /// # Errors
    /// Those of [`step`](Self::step) and [`save`](Self::save).
    pub fn run(
        &mut self,
        checkpoints: Option<Checkpoints<'_>>,
        control: &mut dyn FnMut(&StepStats) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        while let Some(stats) = self.step()? {
            let flow = control(&stats);
            if let Some(checkpoints) = checkpoints {
                match flow {
                    ControlFlow::Break(()) => self.save(checkpoints.dir)?,
                    ControlFlow::Continue(()) => self.learner.save_if_due(checkpoints)?,
                }
            }
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Saves the run in a folder of its own, and keeps the checkpoint before this one.
    ///
    /// # Errors
    /// [`LmError::Io`]; the state saved before is then still there.
    pub fn save(&mut self, dir: &Utf8Path) -> Result<()> {
        self.learner.save(dir)
    }
}

fn memory_plan(decoder: &Decoder, units: &[Unit], config: &TrainConfig) -> MemoryPlan {
    let longest = units.iter().flatten().map(|example| example.supervised.end.saturating_sub(1)).max();
    let longest = longest.unwrap_or(0) as u64;
    let tokens = longest.max(config.micro_batch_tokens as u64);
    let part = PartSize { tokens, longest };
    MemoryPlan::of(decoder.config(), decoder.placement(), config.activations, part)
}

/// Refuses a run that a GPU has not the memory for. The memory of the CPU is its step's affair.
fn check_memory(decoder: &Decoder, units: &[Unit], config: &TrainConfig) -> Result<()> {
    let DeviceName::Cuda(index) = decoder.placement().device else { return Ok(()) };
    let free = Cuda::free_bytes(index);
    let plan = memory_plan(decoder, units, config);
    // The weights are there already.
    free.map_or(Ok(()), |free| plan.fits(free + plan.weights))
}

/// Refuses a run without units, and impossible examples.
fn check_some(units: &[Unit], vocab_size: usize) -> Result<()> {
    if units.is_empty() {
        return Err(LmError::Setting { field: "units", problem: "is empty: nothing to train on".to_owned() });
    }
    check_units(units, vocab_size)
}
