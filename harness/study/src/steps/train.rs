//! Fine-tuning a model on units of weighted rows.

use std::ops::ControlFlow;
use std::time::Duration;

use assay_flow::{ParamError, StepContext, StepError};
use assay_lm::optim::DecayGroup;
use assay_lm::schedule::Schedule;
use assay_lm::train::{Checkpoints, Every, Example, Loss, TrainConfig, Trainer, Unit};
use assay_lm::{Backend, Model};
use serde::Deserialize;

use super::kind::{FACT_ISA, Kind, in_pool, lm, one, within};
use crate::fingerprint::LANGUAGE_MODEL;
use crate::records::{self, TrainingStep};

/// Time between two checkpoints: what a kill can cost.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);

/// Bounds the memory of a step; no batch of the embedded scale is larger, so that none is split.
const MICRO_BATCH_TOKENS: usize = 16_384;

/// The optimiser's settings, as a scale gives them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Training {
    learning_rate: f64,
    betas: [f64; 2],
    epsilon: f64,
    weight_decay: f64,
    /// Largest global gradient norm.
    clip: f64,
    /// Share of the steps over which the learning rate rises.
    warmup: f64,
    /// Units a step.
    pub(crate) batch: usize,
    epochs: u64,
    loss: Objective,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Objective {
    /// Token losses summed and divided by a constant, the mean response length of the training set.
    DrSft,
    /// Token losses divided by the number of supervised tokens of the batch.
    Naive,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    seed: u64,
    training: Training,
}

/// `train`: a model folder, with the training log beside the weights.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("train", "train", &[LANGUAGE_MODEL], |params: &Params, context| {
        let model = Model::load(&context.input("base")?.path, Backend::Fused).map_err(lm)?;
        let units: Vec<records::Unit> = records::read(&context.input("rows")?.path)?;
        let units = units
            .iter()
            .map(|unit| {
                unit.rows
                    .iter()
                    .map(|row| {
                        let tokens = model.tokenizer.encode(&row.text).map_err(lm)?;
                        let supervised = row.supervised_from..tokens.len();
                        Ok(Example { tokens, supervised, weight: row.weight as f32 })
                    })
                    .collect()
            })
            .collect::<Result<Vec<Unit>, StepError>>()?;
        train(context, model, units, &params.training, params.seed, 1)
    })
    .check(|params, _| params.training.check().map_err(|error| error.under("training")))
    .inputs(const { &[one("base"), one("rows")] })
    .facts(&[FACT_ISA])
    .resources(1, 400)
}

/// Trains, with checkpoints from which a killed run goes on bit-identically, and writes the model folder.
///
/// Every `log_every`-th optimiser step is logged.
pub(crate) fn train(
    context: &StepContext<'_>,
    Model { decoder, tokenizer }: Model,
    units: Vec<Unit>,
    training: &Training,
    seed: u64,
    log_every: usize,
) -> Result<(), StepError> {
    let config = training.config(&units, seed);
    let checkpoint = context.checkpoint()?;
    let trainer = in_pool(context, || {
        let mut trainer = Trainer::resume(decoder, units, config, &checkpoint).map_err(lm)?;
        let total = trainer.total_steps();
        let checkpoints = Checkpoints { dir: &checkpoint, every: Every::Elapsed(CHECKPOINT_INTERVAL) };
        let flow = trainer.run(Some(checkpoints), &mut |stats| {
            context.progress(stats.step + 1, total, &format!("loss {:.3}", stats.loss));
            if context.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if flow.map_err(lm)?.is_break() { Err(StepError::cancelled()) } else { Ok(trainer) }
    })?;
    let log: Vec<TrainingStep> = trainer
        .history()
        .iter()
        .step_by(log_every)
        .map(|stats| TrainingStep {
            step: stats.step,
            loss: stats.loss,
            gradient_norm: stats.grad_norm,
            learning_rate: stats.learning_rate,
        })
        .collect();
    let model = Model { decoder: trainer.into_decoder(), tokenizer };
    model.save(context.output()).map_err(lm)?;
    records::write(&context.output().join("training.jsonl"), &log)
}

impl Training {
    /// Refuses settings with which no run makes sense.
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        const ANY: f64 = f64::INFINITY;
        const BELOW_ONE: f64 = 1.0 - f64::EPSILON;
        within(&[
            ("learning_rate", self.learning_rate, f64::MIN_POSITIVE..=ANY),
            ("betas[0]", self.betas[0], 0.0..=BELOW_ONE),
            ("betas[1]", self.betas[1], 0.0..=BELOW_ONE),
            ("epsilon", self.epsilon, f64::MIN_POSITIVE..=ANY),
            ("weight_decay", self.weight_decay, 0.0..=ANY),
            ("clip", self.clip, f64::MIN_POSITIVE..=ANY),
            ("warmup", self.warmup, 0.0..=1.0),
            ("batch", self.batch as f64, 1.0..=ANY),
            ("epochs", self.epochs as f64, 1.0..=ANY),
        ])
    }

    fn config(&self, units: &[Unit], seed: u64) -> TrainConfig {
        TrainConfig {
            learning_rate: self.learning_rate,
            betas: (self.betas[0], self.betas[1]),
            eps: self.epsilon,
            weight_decay: self.weight_decay,
            decay: DecayGroup::All,
            clip: Some(self.clip),
            warmup: self.warmup,
            schedule: Schedule::Cosine,
            epochs: self.epochs,
            batch: self.batch,
            seed,
            loss: match self.loss {
                Objective::DrSft => Loss::DrSft { mean_response_len: mean_response_length(units) },
                Objective::Naive => Loss::Naive,
            },
            micro_batch_tokens: MICRO_BATCH_TOKENS,
        }
    }
}

/// Mean number of supervised tokens of the training set's rows.
fn mean_response_length(units: &[Unit]) -> f64 {
    let lengths: Vec<usize> = units.iter().flatten().map(|example| example.supervised.len()).collect();
    lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64
}
