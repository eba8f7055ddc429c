//! An optimiser at work on a decoder, one step for each batch of units.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::backward::accumulate;
use super::batch::micro_batches;
use super::checkpoint::{self, Checkpoint};
use super::identity::identity;
use super::order::Order;
use super::{Rewards, StepStats, TrainConfig, Unit, check_units};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::optim::{Moments, Optimiser, clip_factor};
use crate::placement::Float;
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

/// A training run whose units may be made as it goes, as where a model learns from its own samples.
///
/// The run is over a number of items, each of which gives one unit; [`chosen`](Self::chosen) says which items
/// the next step takes, and [`learn`](Self::learn) makes the step with their units. [`Trainer`](super::Trainer)
/// is the same for units that are there from the start.
///
/// Its results are a function of decoder, units and configuration: interruptions, checkpoints and the number
/// of threads change no bit of them, as long as units are a function of the items, the step and the decoder. It
/// computes in the current rayon pool. Candle walks its graph recursively, so a model of dozens of layers should
/// be trained on a thread with a large stack.
#[derive(Debug)]
pub struct Learner {
    decoder: Decoder,
    config: TrainConfig,
    identity: blake3::Hash,
    order: Order,
    learning_rate: LearningRate,
    optimiser: Optimiser,
    history: Vec<StepStats>,
    /// Whether a step of this process has shown that every variable gets a gradient.
    covered: bool,
    saved: Instant,
}

impl Learner {
    /// A run over `items` items that has made no step. It trains all variables of the decoder. `data` stands for
    /// everything that the units are made from, beside the decoder: a checkpoint of other data is refused.
    ///
    /// # Errors
    /// [`LmError::Setting`] for an impossible configuration; [`LmError::Placement`] for a decoder in `f16`.
    pub fn new(decoder: Decoder, items: usize, data: &[u8], config: TrainConfig) -> Result<Self> {
        config.check()?;
        if items == 0 {
            let problem = "is empty: nothing to train on".to_owned();
            return Err(LmError::Setting { field: "units", problem });
        }
        if decoder.vars().is_empty() {
            let problem = "has no trainable tensors: it is frozen".to_owned();
            return Err(LmError::Setting { field: "decoder", problem });
        }
        let placement = *decoder.placement();
        if placement.float == Float::F16 {
            let problem = "gradients in f16 are too small for its exponents: train in bf16 or f32";
            return Err(LmError::Placement { placement, problem });
        }
        let order = Order::new(items, config.batch, config.epochs, config.seed);
        Ok(Self {
            identity: identity(&config, &decoder, data)?,
            learning_rate: LearningRate::new(
                config.learning_rate,
                config.schedule,
                config.warmup,
                order.steps(),
            ),
            optimiser: Optimiser::new(config.optimiser(), &decoder)?,
            history: Vec::new(),
            covered: false,
            saved: Instant::now(),
            decoder,
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
        items: usize,
        data: &[u8],
        config: TrainConfig,
        dir: &Utf8Path,
    ) -> Result<(Self, Resumed)> {
        let mut learner = Self::new(decoder, items, data, config)?;
        let mut damaged = Vec::new();
        for (_, folder) in checkpoint::saved(dir)?.into_iter().rev() {
            match Checkpoint::read(&folder, learner.identity, &learner.decoder) {
                Ok(checkpoint) => {
                    let from_step = checkpoint.step;
                    learner.restore(checkpoint)?;
                    return Ok((learner, Resumed { from_step, damaged }));
                }
                Err(error @ LmError::CheckpointDamaged { .. }) => damaged.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok((learner, Resumed { from_step: 0, damaged }))
    }

    fn restore(&mut self, checkpoint: Checkpoint) -> Result<()> {
        let Checkpoint { step, weights, moments, history } = checkpoint;
        self.optimiser.restore(&self.decoder, step, weights, moments)?;
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

    /// How it is trained.
    #[must_use]
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// A copy of the optimiser's moments, by variable.
    ///
    /// # Errors
    /// [`LmError::Tensor`] if a device does not give them.
    pub fn moments(&self) -> Result<BTreeMap<String, Moments>> {
        self.optimiser.moments()
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

    /// The next step's number, from 0, and the items that it takes; none after the last step.
    pub fn chosen(&mut self) -> Option<(u64, Vec<usize>)> {
        let step = self.optimiser.step();
        (step < self.order.steps()).then(|| (step, self.order.at(step).to_vec()))
    }

    /// Makes the next step with the units of the items that it takes; `rewards` goes into the history. An item that gives nothing to learn may be
    /// left out; without any unit the gradient is zero, and only the optimiser's memory moves the weights.
    ///
    /// The first step of a process that has units checks, before it changes anything, that every variable gets a
    /// gradient.
    ///
    /// # Errors
    /// [`LmError::Finished`] after the last step; [`LmError::Example`] or [`LmError::TokenOutOfRange`] for an impossible
    /// example; [`LmError::NoGradient`] if
    /// a variable's first gradient is zero throughout or not finite; [`LmError::Diverged`] if loss or gradient is
    /// not finite.
    pub fn learn(&mut self, units: &[Unit], rewards: Option<Rewards>) -> Result<StepStats> {
        check_units(units, self.decoder.config().vocab_size)?;
        self.learn_checked(&units.iter().collect::<Vec<_>>(), rewards)
    }

    /// [`learn`](Self::learn) from units that were checked before.
    pub(super) fn learn_checked(&mut self, units: &[&Unit], rewards: Option<Rewards>) -> Result<StepStats> {
        let step = self.optimiser.step();
        if step >= self.order.steps() {
            return Err(LmError::Finished { steps: self.order.steps() });
        }
        let parts = micro_batches(units, self.config.loss, self.config.micro_batch_tokens)?;
        let Self { decoder, optimiser, .. } = self;
        optimiser.clear();
        let mut loss = 0.0;
        for part in &parts {
            let mut add = |name: &str, gradient: &_| optimiser.add(name, gradient);
            loss += accumulate(decoder, part, self.config.activations, &mut add)?;
        }
        let grad_norm = optimiser.norm()?;
        if !self.covered && !parts.is_empty() {
            let names = optimiser.uncovered()?;
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
        self.optimiser.update(&self.decoder, learning_rate, factor)?;
        let tokens = parts.iter().map(|part| part.inputs.total() as u64).sum();
        let stats = StepStats { step, loss, grad_norm, learning_rate, tokens, rewards };
        self.history.push(stats);
        Ok(stats)
    }

    /// Saves the run if that is due after the step that was made last.
    ///
    /// # Errors
    /// Those of [`save`](Self::save).
    pub fn save_if_due(&mut self, Checkpoints { dir, every }: Checkpoints<'_>) -> Result<()> {
        let due = match every {
            Every::Steps(steps) => self.optimiser.step().is_multiple_of(steps.max(1)),
            Every::Elapsed(time) => self.saved.elapsed() >= time,
        };
        if due { self.save(dir) } else { Ok(()) }
    }

    /// Saves the run in a folder of its own, and keeps the checkpoint before this one.
    ///
    /// # Errors
    /// [`LmError::Io`]; the state saved before is then still there.
    pub fn save(&mut self, dir: &Utf8Path) -> Result<()> {
        checkpoint::save(dir, self.identity, &self.decoder, &self.optimiser, &self.history)?;
        self.saved = Instant::now();
        Ok(())
    }
}
