//! The training loop.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use candle_core::{CpuStorage, Storage, Tensor, Var};

use super::batch::{MicroBatch, micro_batches};
use super::checkpoint::{self, Checkpoint};
use super::identity::identity;
use super::order::Order;
use super::{StepStats, TrainConfig, Unit, check_units};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::optim::{AdamW, Gradients, clip_factor};
use crate::placement::Placement;
use crate::schedule::LearningRate;

/// How often a run is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After this many steps.
    Steps(u64),
    /// After the first step that ends at least this long after the last save.
    Elapsed(Duration),
}

/// Where and how often a run is saved.
#[derive(Debug, Clone, Copy)]
pub struct Checkpoints<'a> {
    /// A folder for this run alone.
    pub dir: &'a Utf8Path,
    /// How often.
    pub every: Every,
}

/// Where a resumed run stands.
#[derive(Debug)]
pub struct Resumed {
    /// The number of steps that are done; 0 for a run that starts.
    pub from_step: u64,
    /// Why newer checkpoints could not be used, newest first: a [`LmError::CheckpointDamaged`] each.
    pub damaged: Vec<LmError>,
}

/// A training run.
///
/// Its results are a function of decoder, units and configuration: interruptions, checkpoints and the number
/// of threads change no bit of them. It computes in the current rayon pool. Candle walks its graph
/// recursively, so a model of dozens of layers should be trained on a thread with a large stack.
#[derive(Debug)]
pub struct Trainer {
    decoder: Decoder,
    units: Vec<Unit>,
    config: TrainConfig,
    identity: blake3::Hash,
    order: Order,
    learning_rate: LearningRate,
    optimiser: AdamW,
    gradients: Gradients,
    history: Vec<StepStats>,
    /// Whether a step of this process has shown that every variable gets a gradient.
    covered: bool,
}

impl Trainer {
    /// A run that has made no step. It trains all variables of the decoder.
    ///
    /// # Errors
    /// [`LmError::Setting`], [`LmError::Example`] or [`LmError::TokenOutOfRange`] for an impossible
    /// configuration or example; [`LmError::Placement`] for a decoder that is not in `f32` on the CPU.
    pub fn new(decoder: Decoder, units: Vec<Unit>, config: TrainConfig) -> Result<Self> {
        config.check()?;
        check_units(&units, decoder.config().vocab_size)?;
        if decoder.vars().is_empty() {
            let problem = "has no trainable tensors: it is frozen".to_owned();
            return Err(LmError::Setting { field: "decoder", problem });
        }
        let placement = *decoder.placement();
        if Placement::cpu(placement.kernels) != placement {
            let problem = "models are trained in f32 on the CPU";
            return Err(LmError::Placement { placement, problem });
        }
        let order = Order::new(units.len(), config.batch, config.epochs, config.seed);
        Ok(Self {
            identity: identity(&config, &decoder, &units)?,
            learning_rate: LearningRate::new(
                config.learning_rate,
                config.schedule,
                config.warmup,
                order.steps(),
            ),
            optimiser: AdamW::new(config.optimiser(), decoder.vars()),
            gradients: Gradients::zeros(decoder.vars()),
            history: Vec::new(),
            covered: false,
            decoder,
            units,
            config,
            order,
        })
    }

    /// Goes on from the newest intact checkpoint in `dir`, or starts if there is none. The other arguments are
    /// those of [`new`](Self::new): the decoder as it was before training.
    ///
    /// A damaged checkpoint is passed over: the steps since the one before it are made again, with the same
    /// results. The second value says where the run stands and what was damaged.
    ///
    /// # Errors
    /// [`LmError::CheckpointOther`] if the checkpoint is of another configuration, model or data;
    /// [`LmError::Io`] if one cannot be read; those of [`new`](Self::new).
    pub fn resume(
        decoder: Decoder,
        units: Vec<Unit>,
        config: TrainConfig,
        dir: &Utf8Path,
    ) -> Result<(Self, Resumed)> {
        let mut trainer = Self::new(decoder, units, config)?;
        let mut damaged = Vec::new();
        for (_, folder) in checkpoint::saved(dir)?.into_iter().rev() {
            match Checkpoint::read(&folder, trainer.identity, &trainer.decoder) {
                Ok(checkpoint) => {
                    let from_step = checkpoint.step;
                    trainer.restore(checkpoint)?;
                    return Ok((trainer, Resumed { from_step, damaged }));
                }
                Err(error @ LmError::CheckpointDamaged { .. }) => damaged.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok((trainer, Resumed { from_step: 0, damaged }))
    }

    fn restore(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let Checkpoint { step, mut weights, moments, history } = checkpoint;
        for (name, var) in self.decoder.vars() {
            let Some(values) = weights.remove(name) else {
                return Err(LmError::MissingTensor { name: name.clone() });
            };
            var.set(&values)?;
        }
        self.optimiser = AdamW::restore(self.config.optimiser(), step, moments);
        self.history = history;
        Ok(())
    }

    /// The decoder, trained so far.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Ends the run.
    #[must_use]
    pub fn into_decoder(self) -> Decoder {
        self.decoder
    }

    /// The optimiser's state.
    #[must_use]
    pub fn optimiser(&self) -> &AdamW {
        &self.optimiser
    }

    /// What each step so far did, those before an interruption included.
    #[must_use]
    pub fn history(&self) -> &[StepStats] {
        &self.history
    }

    /// The number of steps of the whole run.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.order.steps()
    }

    /// Makes the next step; none is left after [`total_steps`](Self::total_steps).
    ///
    /// The first step of a process checks, before it changes anything, that every variable gets a gradient.
    ///
    /// # Errors
    /// [`LmError::NoGradient`] if a variable's first gradient is zero throughout or not finite;
    /// [`LmError::Diverged`] if loss or gradient is not finite.
    pub fn step(&mut self) -> Result<Option<StepStats>> {
        let step = self.optimiser.step();
        if step >= self.order.steps() {
            return Ok(None);
        }
        let units: Vec<&Unit> = self.order.at(step).iter().map(|unit| &self.units[*unit]).collect();
        let parts = micro_batches(&units, self.config.loss, self.config.micro_batch_tokens)?;
        self.gradients.clear();
        let mut loss = 0.0;
        for part in &parts {
            loss += accumulate(&self.decoder, part, &mut self.gradients)?;
        }
        let grad_norm = self.gradients.norm();
        if !self.covered {
            let names = self.gradients.uncovered();
            if !names.is_empty() {
                return Err(LmError::NoGradient { names });
            }
            self.covered = true;
        }
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(LmError::Diverged { step, loss, grad_norm });
        }
        let learning_rate = self.learning_rate.at(step);
        let factor = clip_factor(grad_norm, self.config.clip);
        self.optimiser.update(self.decoder.vars(), &self.gradients, learning_rate, factor)?;
        let tokens = parts.iter().map(|part| part.inputs.total() as u64).sum();
        let stats = StepStats { step, loss, grad_norm, learning_rate, tokens };
        self.history.push(stats);
        Ok(Some(stats))
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
        let mut saved = Instant::now();
        while let Some(stats) = self.step()? {
            let flow = control(&stats);
            if let Some(Checkpoints { dir, every }) = checkpoints {
                let due = match every {
                    Every::Steps(steps) => (stats.step + 1).is_multiple_of(steps.max(1)),
                    Every::Elapsed(time) => saved.elapsed() >= time,
                };
                if due || flow.is_break() {
                    self.save(dir)?;
                    saved = Instant::now();
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
    pub fn save(&self, dir: &Utf8Path) -> Result<()> {
        checkpoint::save(dir, self.identity, &self.decoder, &self.optimiser, &self.history)
    }
}

/// Adds a part's gradients; returns its share of the loss.
fn accumulate(decoder: &Decoder, part: &MicroBatch, gradients: &mut Gradients) -> Result<f64> {
    let log_probs = decoder.log_probs(&part.inputs, &part.targets)?;
    let factors = Tensor::new(part.factors.as_slice(), log_probs.device())?;
    let loss = (log_probs * factors)?.sum_all()?.neg()?;
    // The store holds gradients of intermediate results and, through them, the whole graph: it ends with this
    // function.
    let mut store = loss.backward()?;
    for (name, var) in decoder.vars() {
        if let Some(gradient) = store.remove(var) {
            add(name, var, &gradient, gradients)?;
        }
    }
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

fn add(name: &str, var: &Var, gradient: &Tensor, gradients: &mut Gradients) -> Result<()> {
    let gradient = gradient.contiguous()?;
    let (storage, layout) = gradient.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => {
            gradients.add(name, &values[start..end])
        }
        _ => Err(LmError::Setting {
            field: "decoder",
            problem: format!(
                "keeps `{name}` as {:?} on {:?}, but trains as F32 on the CPU",
                var.dtype(),
                var.device()
            ),
        }),
    }
}
