//! The base model, from random weights.

use assay_data::embedded::{Corpus, Curriculum, Exclusions, vocabulary};
use assay_flow::{InputSpec, ParamError};
use assay_lm::{Config, Decoder, Family, Model, Part, Placement, Tokenizer, character_tokenizer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::{excluded, world};
use super::kind::{ITEMS, Kind, MODEL, float_facts, lm, placed};
use super::train::{Training, train};

/// Every so many optimiser steps one is logged.
const LOG_EVERY: usize = 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of first weights, documents and order.
    seed: u64,
    /// The decoder's shape.
    model: Shape,
    /// What the documents are, phase by phase.
    phases: Curriculum,
    /// The optimiser's settings.
    training: Training,
    /// Where training computes: device, float type, kernels.
    placement: Placement,
}

/// The decoder's shape: Qwen3's architecture with a tied head.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shape {
    hidden_size: usize,
    layers: usize,
    heads: usize,
    key_value_heads: usize,
    head_dim: usize,
    intermediate_size: usize,
    rope_theta: f64,
    rms_norm_eps: f64,
}

/// `pretrain`: a model folder trained on documents of the embedded world, without any test item.
pub(crate) fn kind() -> Kind<Params> {
    let about = "A base model trained from random weights on documents of the embedded world";
    Kind::new("pretrain", 1, MODEL, about, |params: &Params, context| {
        let json = character_tokenizer(&vocabulary::SPECIALS, vocabulary::CHARACTERS).map_err(lm)?;
        let tokenizer = Tokenizer::from_json(json).map_err(lm)?;
        let decoder = Decoder::init(&params.model.config(), params.seed, &params.placement).map_err(lm)?;
        let model = Model::new(decoder, tokenizer).map_err(lm)?;
        let corpus = Corpus::new(
            params.seed,
            params.phases.clone(),
            params.training.batch,
            Exclusions::new(&excluded(context)?),
        )
        .map_err(world)?;
        let mut units = Vec::new();
        for step in 0..corpus.steps() {
            for document in corpus.step(step).map_err(world)? {
                let (begin, rest) = document.text.split_at(vocabulary::BOS.len());
                let parts = [Part { text: begin, loss: false }, Part { text: rest, loss: true }];
                units.push(vec![model.example(&parts).map_err(lm)?]);
            }
            context.check_cancelled()?;
        }
        train(context, model, units, &params.training, params.seed, LOG_EVERY)
    })
    .inputs(const { &[InputSpec::one("excluded", ITEMS).about("items that must not occur")] })
    .check(|params, _| {
        params.training.check().map_err(|error| error.under("training"))?;
        params.placement.check().map_err(|error| ParamError::new("placement", error.to_string()))?;
        params.model.config().check().map_err(|error| ParamError::new("model", error.to_string()))
    })
    .facts(|params, known| float_facts(&params.placement, known))
    .resources(|params| placed(&params.placement, 2, 800))
}

impl Shape {
    fn config(&self) -> Config {
        let id = |special| vocabulary::SPECIALS.iter().position(|s| *s == special).unwrap_or_default() as u32;
        Config {
            family: Family::Qwen3,
            vocab_size: vocabulary::SIZE,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_layers: self.layers,
            num_heads: self.heads,
            num_kv_heads: self.key_value_heads,
            head_dim: self.head_dim,
            rms_norm_eps: self.rms_norm_eps,
            rope_theta: self.rope_theta,
            max_positions: 256,
            tied_head: true,
            qkv_bias: false,
            output_bias: false,
            bos_token_id: Some(id(vocabulary::BOS)),
            eos_token_ids: vec![id(vocabulary::EOS)],
        }
    }
}
