//! The base model, from random weights.

use assay_data::embedded::{
    Corpus, Curriculum, Exclusions, MAX_DOCUMENT_SYMBOLS, Phase, TaskError, WorkedMix, vocabulary,
};
use assay_flow::{InputSpec, ParamError};
use assay_lm::{Characters, Model, Part, Placement, Shape};
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::{excluded, world};
use super::kind::{ITEMS, Kind, MODEL, counts, float_facts, lm, placed};
use super::train::{Training, train};

/// Every so many optimiser steps one is logged.
const LOG_EVERY: usize = 20;

/// The most documents that a base model learns from: the step holds them all, of which so many take about 4 GB.
const MOST_DOCUMENTS: u64 = 10_000_000;

/// The texts of the embedded world.
const VOCABULARY: Characters<'_> = Characters {
    specials: &vocabulary::SPECIALS,
    characters: vocabulary::CHARACTERS,
    begin: vocabulary::BOS,
    end: vocabulary::EOS,
    longest: MOST_SYMBOLS,
};

/// The longest text of the embedded world's models.
const MOST_SYMBOLS: usize = 256;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of first weights, documents and order.
    seed: u64,
    /// The decoder's shape.
    model: Shape,
    /// What the documents are, phase by phase; at most 10,000,000 in all.
    phases: Curriculum,
    /// How often each family occurs among worked documents, as relative weights; without it, as in training by default.
    #[serde(default)]
    mix: Option<WorkedMix>,
    /// The most symbols of a document, 81 to 256; without it 81.
    #[serde(default)]
    longest: Option<usize>,
    /// The optimiser's settings.
    training: Training,
    /// Where training computes: device, float type, kernels.
    placement: Placement,
}

/// `pretrain`: a model folder trained on documents of the embedded world, without any test item.
pub(crate) fn kind() -> Kind<Params> {
    let about = "A base model trained from random weights on documents of the embedded world";
    Kind::new("pretrain", 1, MODEL, about, |params: &Params, context| {
        let model =
            Model::untrained(&params.model, &VOCABULARY, params.seed, &params.placement).map_err(lm)?;
        let excluded = Exclusions::new(&excluded(context)?);
        let corpus = params.corpus(excluded).map_err(world)?;
        let mut units = Vec::new();
        for step in 0..corpus.steps() {
            context.check_cancelled()?;
            for document in corpus.step(step).map_err(world)? {
                let (begin, rest) = document.text.split_at(vocabulary::BOS.len());
                let parts = [Part { text: begin, loss: false }, Part { text: rest, loss: true }];
                units.push(vec![model.example(&parts).map_err(lm)?]);
            }
        }
        train(context, model, units, &params.training, params.seed, LOG_EVERY)
    })
    .inputs(const { &[InputSpec::one("excluded", ITEMS).about("items that must not occur")] })
    .check(|params, _| {
        params.training.check().map_err(|error| error.under("training"))?;
        params.placement.check().map_err(|error| ParamError::new("placement", error.to_string()))?;
        params.model.check().map_err(|error| ParamError::new("model", error.to_string()))?;
        params.check_longest()?;
        params.check_phases()
    })
    .facts(|params, known| float_facts(&params.placement, known))
    .resources(|params| placed(&params.placement, 2, 800))
}

impl Params {
    /// The documents, one a step.
    fn corpus(&self, excluded: Exclusions) -> Result<Corpus, TaskError> {
        let corpus = Corpus::new(self.seed, self.one_by_one(), 1, excluded)?;
        let corpus = match &self.mix {
            Some(mix) => corpus.of(mix.clone())?,
            None => corpus,
        };
        Ok(match self.longest {
            Some(longest) => corpus.up_to(longest),
            None => corpus,
        })
    }

    /// Refuses documents that are too short for some kinds, or too long for the model.
    fn check_longest(&self) -> Result<(), ParamError> {
        let range = MAX_DOCUMENT_SYMBOLS..=MOST_SYMBOLS;
        match self.longest {
            Some(longest) if !range.contains(&longest) => {
                let message = format!("is {longest}, but must be {} to {}", range.start(), range.end());
                Err(ParamError::new("longest", message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses phases that have no documents, or more than can be held.
    fn check_phases(&self) -> Result<(), ParamError> {
        let phases = &self.phases.0;
        if phases.is_empty() {
            return Err(ParamError::new("phases", "is empty, but there must be a phase to train on"));
        }
        let most = MOST_DOCUMENTS / self.training.batch as u64;
        let wrong = phases.iter().enumerate().filter_map(|(at, phase)| {
            let mixture =
                phase.mixture.validate().map_err(|error| ParamError::new("mixture", error.to_string()));
            let steps = counts(&[("steps", phase.steps, most)]);
            steps.and(mixture).err().map(|error| error.under(format!("phases[{at}]").as_str()))
        });
        ParamError::all(wrong.collect())?;
        let steps = self.phases.steps();
        if steps > most {
            let message =
                format!("have {steps} steps in all, but must have at most {most} with batches of this size");
            return Err(ParamError::new("phases", message));
        }
        Ok(())
    }

    /// The phases with a step for each document, so that a run can be stopped between two of them. The documents
    /// are the same: each is a function of its number and its phase's mixture.
    fn one_by_one(&self) -> Curriculum {
        let batch = self.training.batch as u64;
        let phases = self.phases.0.iter().map(|phase| Phase { steps: phase.steps * batch, ..*phase });
        Curriculum(phases.collect())
    }
}
