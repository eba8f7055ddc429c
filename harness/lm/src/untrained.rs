//! Models with random weights, over a vocabulary of characters.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Config, Family};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::model::Model;
use crate::placement::Placement;
use crate::tokenizer::{Tokenizer, character_tokenizer};

/// The shape of an untrained decoder: Qwen3's architecture with a tied head, without biases.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Width of the hidden state, from 1 to 65,536.
    pub hidden_size: usize,
    /// Decoder layers, from 1 to 1,024.
    pub layers: usize,
    /// Query heads, from 1 to 1,024.
    pub heads: usize,
    /// Key and value heads; their number divides that of the query heads.
    pub key_value_heads: usize,
    /// Width of one head, from 2 to 4,096; even.
    pub head_dim: usize,
    /// Width of the gated feed-forward layer, from 1 to 262,144.
    pub intermediate_size: usize,
    /// Base of the rotary frequencies; positive and finite.
    pub rope_theta: f64,
    /// Added to the mean square in each RMS norm; positive and finite.
    pub rms_norm_eps: f64,
}

/// A vocabulary with one token for each special text and for each character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characters<'a> {
    /// The special texts, such as `<bos>`.
    pub specials: &'a [&'a str],
    /// The characters.
    pub characters: &'a str,
    /// The special text that begins a text.
    pub begin: &'a str,
    /// The special text that ends a text.
    pub end: &'a str,
    /// The longest text that a model is made for, in specials and characters. Recorded, not enforced.
    pub longest: usize,
}

impl Shape {
    /// Checks that there are decoders of this shape, of a size that can be meant.
    ///
    /// # Errors
    /// [`LmError::ConfigValue`].
    pub fn check(&self) -> Result<()> {
        for (field, value, most) in [
            ("hidden_size", self.hidden_size, 65_536),
            ("layers", self.layers, 1_024),
            ("heads", self.heads, 1_024),
            ("key_value_heads", self.key_value_heads, 1_024),
            ("head_dim", self.head_dim, 4_096),
            ("intermediate_size", self.intermediate_size, 262_144),
        ] {
            if !(1..=most).contains(&value) {
                let problem = format!("is {value}, but must be at least 1 and at most {most}");
                return Err(LmError::ConfigValue { field, problem });
            }
        }
        self.config(1).check()
    }

    /// Without tokens that begin or end a text.
    fn config(&self, vocab_size: usize) -> Config {
        Config {
            family: Family::Qwen3,
            vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_layers: self.layers,
            num_heads: self.heads,
            num_kv_heads: self.key_value_heads,
            head_dim: self.head_dim,
            rms_norm_eps: self.rms_norm_eps,
            rope_theta: self.rope_theta,
            rope_scaling: None,
            max_positions: 0,
            tied_head: true,
            qkv_bias: false,
            output_bias: false,
            bos_token_id: None,
            eos_token_ids: Vec::new(),
        }
    }
}

impl Model {
    /// A model with random weights and a tokenizer of characters; a function of shape, vocabulary and seed.
    ///
    /// # Errors
    /// [`LmError::RepeatedToken`] for a token that is named twice, [`LmError::UnknownToken`] if what begins or
    /// ends a text is not in the vocabulary; those of [`Shape::check`] and [`Decoder::init`].
    pub fn untrained(
        shape: &Shape,
        vocabulary: &Characters<'_>,
        seed: u64,
        placement: &Placement,
    ) -> Result<Self> {
        shape.check()?;
        let tokenizer =
            Tokenizer::from_json(character_tokenizer(vocabulary.specials, vocabulary.characters)?)?;
        let config = Config {
            max_positions: vocabulary.longest,
            bos_token_id: Some(tokenizer.id(vocabulary.begin)?),
            eos_token_ids: vec![tokenizer.id(vocabulary.end)?],
            ..shape.config(tokenizer.vocabulary_size())
        };
        Self::new(Decoder::init(&config, seed, placement)?, tokenizer)
    }
}
