//! The base model, from random weights.

use assay_flow::{ParamError, StepError};
use assay_lm::train::Example;
use assay_lm::{Backend, Config, Decoder, Family, Model, Tokenizer, tokenizer};
use serde::Deserialize;

use super::data::{excluded, impossible};
use super::kind::{FACT_ISA, Kind, lm, one};
use super::train::{Training, train};
use crate::fingerprint::{LANGUAGE_MODEL, TASKS};
use crate::tasks::{Corpus, Curriculum, vocabulary};

/// Every so many optimiser steps one is logged.
const LOG_EVERY: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    seed: u64,
    model: Shape,
    phases: Curriculum,
    training: Training,
}

/// The decoder's shape: Qwen3's architecture with a tied head.
#[derive(Clone, Debug, Deserialize)]
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

/// `pretrain`: a model folder trained on documents of the embedded world, without any test question.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("pretrain", "pretrain", &[LANGUAGE_MODEL, TASKS], |params: &Params, context| {
        let json =
            tokenizer::character_tokenizer(&vocabulary::SPECIALS, vocabulary::CHARACTERS).map_err(lm)?;
        let tokenizer = Tokenizer::from_json(json).map_err(lm)?;
        let config = params.model.config();
        let decoder = Decoder::init(&config, params.seed, Backend::Fused).map_err(lm)?;
        let corpus =
            Corpus::new(params.seed, params.phases.clone(), params.training.batch, excluded(context)?)
                .map_err(impossible)?;
        let mut units = Vec::new();
        for step in 0..corpus.steps() {
            for document in corpus.step(step).map_err(impossible)? {
                let tokens = tokenizer.encode(&document.text).map_err(lm)?;
                units.push(vec![Example { supervised: 1..tokens.len(), tokens, weight: 1.0 }]);
            }
            if context.cancelled() {
                return Err(StepError::cancelled());
            }
        }
        train(context, Model { tokenizer, decoder }, units, &params.training, params.seed, LOG_EVERY)
    })
    .inputs(const { &[one("excluded")] })
    .check(|params, _| {
        params.training.check().map_err(|error| error.under("training"))?;
        params.model.config().check().map_err(|error| ParamError::new("model", error.to_string()))
    })
    .facts(&[FACT_ISA])
    .resources(2, 800)
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
