//! Fine-tuning a model on units of weighted rows.

use std::ops::ControlFlow;
use std::time::Duration;

use assay_flow::{InputSpec, ParamError, StepContext, StepError};
use assay_lm::optim::DecayGroup;
use assay_lm::schedule::Schedule;
use assay_lm::train::{
    Activations, Checkpoints, DEFAULT_MICRO_BATCH_TOKENS, Every, Example, Loss, StepStats, TrainConfig,
    Trainer, Unit,
};
use assay_lm::{Model, Part, Placement};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{BELOW_ONE, FINITE, Kind, MODEL, ROWS, counts, float_facts, in_pool, lm, placed, within};
use crate::records::{self, CUT_ROWS, CutRows, Row, TRAINING_LOG, TrainingStep};

/// Time between two checkpoints: what a kill can cost.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);

/// The most units of an optimiser step, and passes over the rows.
const MOST_UNITS: u64 = 65_536;
const MOST_EPOCHS: u64 = 100_000;
/// The longest cutoff: a million tokens.
const MOST_ROW_TOKENS: u64 = 1 << 20;

/// The optimiser's settings, as a scale gives them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Training {
    /// The highest learning rate; it falls along half a cosine.
    learning_rate: f64,
    /// Decay of AdamW's two moments, each in [0, 1).
    betas: [f64; 2],
    /// AdamW's epsilon.
    epsilon: f64,
    /// Weight decay of all tensors.
    weight_decay: f64,
    /// Largest global gradient norm.
    clip: f64,
    /// Share of the steps over which the learning rate rises.
    warmup: f64,
    /// Units a step, at most 65,536.
    pub(crate) batch: usize,
    /// Passes over the rows, at most 100,000.
    epochs: u64,
    /// What token losses are divided by.
    loss: Normaliser,
    /// The longest row, in tokens. A longer one is cut there and its rest is not learned; one of which nothing is left
    /// to learn is left out. Without it no row is cut.
    #[serde(default)]
    cutoff: Option<usize>,
    /// What stays in memory between the passes, all that is needed (`kept`, the default) or the inputs of layers
    /// (`recomputed`), for large models: a step then takes about a third longer.
    #[serde(default)]
    activations: Activations,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Normaliser {
    /// A constant: the mean response length of the training set.
    DrSft,
    /// The number of supervised tokens of the batch.
    Naive,
    /// Each response's own length, and the number of units of the batch.
    PerResponse,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of the order of the units.
    seed: u64,
    /// The optimiser's settings.
    training: Training,
    /// Where training computes: device, float type, kernels.
    placement: Placement,
}

/// `train`: a model folder, with the training log beside the weights.
pub(crate) fn kind() -> Kind<Params> {
    let about = "Fine-tunes a model on rows of text; the training log is beside the weights";
    Kind::new("train", 1, MODEL, about, |params: &Params, context| {
        let model = Model::load(&context.input("base")?.path, &params.placement).map_err(lm)?;
        let (units, cut) = units(context, &model, &params.training)?;
        train(context, model, units, &params.training, params.seed, 1)?;
        match params.training.cutoff {
            Some(_) => records::write(&context.output().join(CUT_ROWS), [cut]),
            None => Ok(()),
        }
    })
    .inputs(const { &[InputSpec::one("base", MODEL), InputSpec::one("rows", ROWS)] })
    .check(|params, _| {
        params.training.check().map_err(|error| error.under("training"))?;
        params.placement.check().map_err(|error| ParamError::new("placement", error.to_string()))
    })
    .facts(|params, known| float_facts(&params.placement, known))
    .resources(|params| placed(&params.placement, 1, 400))
}

/// The units to train on. Rows are tokenised and cut off; a unit of which nothing is left is left out.
fn units(
    context: &StepContext<'_>,
    model: &Model,
    training: &Training,
) -> Result<(Vec<Unit>, CutRows), StepError> {
    let (mut units, mut counted) = (Vec::new(), CutRows::default());
    for unit in records::stream::<records::Unit>(&context.input("rows")?.path)? {
        let mut examples = Unit::new();
        for row in &unit?.rows {
            let whole = example(model, row)?;
            let length = whole.tokens.len();
            let cut = training.cut(whole);
            counted.rows += 1;
            counted.cut += u64::from(cut.as_ref().is_none_or(|cut| cut.tokens.len() < length));
            counted.left_out += u64::from(cut.is_none());
            examples.extend(cut);
        }
        units.extend((!examples.is_empty()).then_some(examples));
    }
    match (units.is_empty(), counted.left_out) {
        (false, _) => Ok((units, counted)),
        (true, 0) => {
            let problem = "the artefact of input `rows` has no rows: there is nothing to train on";
            Err(StepError::user(problem)
                .remedy("look at the step that makes the rows, and at what it is made of"))
        }
        (true, _) => Err(StepError::user("the cutoff leaves nothing of any row to train on")
            .remedy("raise `training.cutoff`: a row is its question as well as what is learned")),
    }
}

fn example(model: &Model, row: &Row) -> Result<Example, StepError> {
    let parts: Vec<Part<'_>> =
        row.segments.iter().map(|segment| Part { text: &segment.text, loss: segment.loss }).collect();
    let mut example = model.example(&parts).map_err(lm)?;
    example.weight = row.weight as f32;
    Ok(example)
}

/// Trains, with checkpoints from which a killed run goes on bit-identically, and writes the model folder.
///
/// A damaged checkpoint costs time, not correctness: the run goes on from an older one or from the start, and
/// its progress says so. Holds the tokens of all units. Every `log_every`-th optimiser step is logged.
pub(crate) fn train(
    context: &StepContext<'_>,
    Model { decoder, tokenizer }: Model,
    units: Vec<Unit>,
    training: &Training,
    seed: u64,
    log_every: usize,
) -> Result<(), StepError> {
    let config = training.config(mean_response_length(&units), seed);
    let checkpoint = context.checkpoint()?;
    let placement = *decoder.placement();
    let trainer = in_pool(context, || {
        let (mut trainer, resumed) = Trainer::resume(decoder, units, config, &checkpoint).map_err(lm)?;
        let total = trainer.total_steps();
        let warning = match resumed.damaged.first() {
            Some(error) => {
                let note = format!("{error}; training goes on from step {}", resumed.from_step);
                context.progress(resumed.from_step, total, &note);
                ", after a damaged checkpoint"
            }
            None => "",
        };
        if !placement.is_cpu() {
            context.progress(resumed.from_step, total, &format!("memory {}", trainer.memory_plan()));
        }
        let checkpoints = Checkpoints { dir: &checkpoint, every: Every::Elapsed(CHECKPOINT_INTERVAL) };
        let flow = trainer.run(Some(checkpoints), &mut |stats| {
            context.progress(stats.step + 1, total, &format!("loss {:.3}{warning}", stats.loss));
            if context.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if flow.map_err(lm)?.is_break() { Err(StepError::cancelled()) } else { Ok(trainer) }
    })?;
    let history = trainer.history().to_vec();
    write_model(context, Model { decoder: trainer.into_decoder(), tokenizer }, &history, log_every)
}

/// Writes a trained model's folder, with every `log_every`-th step of its history as the training log.
pub(crate) fn write_model(
    context: &StepContext<'_>,
    model: Model,
    history: &[StepStats],
    log_every: usize,
) -> Result<(), StepError> {
    let log = history.iter().step_by(log_every).map(|stats| TrainingStep {
        step: stats.step,
        loss: stats.loss,
        gradient_norm: stats.grad_norm,
        learning_rate: stats.learning_rate,
        reward: stats.rewards.map(|rewards| rewards.mean),
        mixed: stats.rewards.map(|rewards| rewards.mixed),
    });
    model.save(context.output()).map_err(lm)?;
    records::write(&context.output().join(TRAINING_LOG), log)
}

impl Training {
    /// Refuses settings with which no run makes sense.
    pub(crate) fn check(&self) -> Result<(), ParamError> {
        within(&[
            ("learning_rate", self.learning_rate, f64::MIN_POSITIVE..=FINITE),
            ("betas[0]", self.betas[0], 0.0..=BELOW_ONE),
            ("betas[1]", self.betas[1], 0.0..=BELOW_ONE),
            ("epsilon", self.epsilon, f64::MIN_POSITIVE..=FINITE),
            ("weight_decay", self.weight_decay, 0.0..=FINITE),
            ("clip", self.clip, f64::MIN_POSITIVE..=FINITE),
            ("warmup", self.warmup, 0.0..=1.0),
        ])?;
        let cutoff = self.cutoff.map(|cutoff| ("cutoff", cutoff as u64, MOST_ROW_TOKENS));
        let all = [("batch", self.batch as u64, MOST_UNITS), ("epochs", self.epochs, MOST_EPOCHS)];
        counts(&all.into_iter().chain(cutoff).collect::<Vec<_>>())
    }

    /// A row as far as the cutoff lets it be learned; `None` if nothing is left of it.
    fn cut(&self, mut example: Example) -> Option<Example> {
        let Example { tokens, supervised, .. } = &mut example;
        if let Some(cutoff) = self.cutoff {
            tokens.truncate(cutoff);
            supervised.end = supervised.end.min(cutoff);
        }
        (supervised.start < supervised.end).then_some(example)
    }

    /// The run's settings; `mean_response_length` is the constant of Dr. SFT, in tokens.
    pub(crate) fn config(&self, mean_response_length: f64, seed: u64) -> TrainConfig {
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
                Normaliser::DrSft => Loss::DrSft { mean_response_len: mean_response_length },
                Normaliser::Naive => Loss::Naive,
                Normaliser::PerResponse => Loss::PerResponse,
            },
            micro_batch_tokens: DEFAULT_MICRO_BATCH_TOKENS,
            activations: self.activations,
        }
    }
}

/// Mean number of supervised tokens of the training set's rows.
fn mean_response_length(units: &[Unit]) -> f64 {
    let lengths: Vec<usize> = units.iter().flatten().map(|example| example.supervised.len()).collect();
    lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64
}
