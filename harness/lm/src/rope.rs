//! Scaled rotary positions: how models are made to read longer texts than they were first trained on.
//!
//! The formulas and the names of settings are those of Hugging Face's `transformers` (`modeling_rope_utils.py`, version 5).

use std::f64::consts::TAU;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{LmError, Result};

/// How the rotary frequencies of a model are scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Positions are divided by a factor.
    Linear {
        /// The factor, at least 1.
        factor: f64,
    },
    /// Low frequencies are divided by a factor, high ones stay, and those between are blended (Llama 3.1).
    Llama3 {
        /// The factor, at least 1.
        factor: f64,
        /// A frequency that turns less often than this over the original length is low.
        low_freq_factor: f64,
        /// One that turns more often than this is high; above `low_freq_factor`.
        high_freq_factor: f64,
        /// The original length, in tokens.
        original_length: usize,
    },
    /// Low frequencies are divided by a factor, high ones stay, and those between are blended by their place; queries and keys
    /// are scaled besides (YaRN, arXiv:2309.00071).
    Yarn {
        /// The factor, at least 1.
        factor: f64,
        /// What cosines and sines are multiplied with.
        attention_factor: f64,
        /// A frequency that turns more often than this over the original length stays.
        beta_fast: f64,
        /// One that turns less often than this is divided by the factor.
        beta_slow: f64,
        /// The original length, in tokens.
        original_length: usize,
        /// Whether the places between which frequencies are blended are whole numbers.
        truncate: bool,
    },
}

/// `rope_scaling`, or `rope_parameters`, as it lies on disk.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    #[serde(rename = "rope_theta")]
    _theta: Option<Value>,
    factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    attention_factor: Option<f64>,
    beta_fast: Option<f64>,
    beta_slow: Option<f64>,
    mscale: Option<f64>,
    mscale_all_dim: Option<f64>,
    truncate: Option<bool>,
    partial_rotary_factor: Option<f64>,
}

/// What YaRN takes where a model says nothing.
const BETA_FAST: f64 = 32.0;
const BETA_SLOW: f64 = 1.0;

impl RopeScaling {
    /// Reads the value of `field`, `rope_scaling` or `rope_parameters`; `None` if it scales nothing. `length` is the model's
    /// own longest text, which is the original one where the value does not say.
    ///
    /// # Errors
    /// [`LmError::Unsupported`] for a scaling of another kind; [`LmError::ConfigValue`] for one that cannot be.
    pub(crate) fn read(field: &'static str, value: &Value, length: usize) -> Result<Option<Self>> {
        let supported = "supported: default, linear, llama3, yarn, for all of the head";
        let unsupported = || LmError::Unsupported { field, value: value.to_string(), supported };
        if value.is_null() {
            return Ok(None);
        }
        // Both spellings of the type may be there, and say the same.
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut()
            && object.get("type") == object.get("rope_type")
        {
            object.remove("type");
        }
        let written: Written = serde_json::from_value(value).map_err(|_| unsupported())?;
        if written.partial_rotary_factor.is_some_and(|part| part != 1.0) {
            return Err(unsupported());
        }
        let needed = |name: &str, value: Option<f64>| {
            let problem = format!("lacks `{name}`");
            value.ok_or(LmError::ConfigValue { field, problem })
        };
        let original_length = written.original_max_position_embeddings.unwrap_or(length);
        let scaling = match written.rope_type.as_deref().unwrap_or("default") {
            "default" => None,
            "linear" => Some(Self::Linear { factor: needed("factor", written.factor)? }),
            "llama3" => Some(Self::Llama3 {
                factor: needed("factor", written.factor)?,
                low_freq_factor: needed("low_freq_factor", written.low_freq_factor)?,
                high_freq_factor: needed("high_freq_factor", written.high_freq_factor)?,
                original_length,
            }),
            "yarn" => {
                let factor = needed("factor", written.factor)?;
                let scales = written
                    .mscale
                    .zip(written.mscale_all_dim)
                    .filter(|(one, all)| *one != 0.0 && *all != 0.0);
                let inferred = match scales {
                    Some((one, all)) => magnitude(factor, one) / magnitude(factor, all),
                    None => magnitude(factor, 1.0),
                };
                Some(Self::Yarn {
                    factor,
                    attention_factor: written.attention_factor.unwrap_or(inferred),
                    beta_fast: written.beta_fast.unwrap_or(BETA_FAST),
                    beta_slow: written.beta_slow.unwrap_or(BETA_SLOW),
                    original_length,
                    truncate: written.truncate.unwrap_or(true),
                })
            }
            _ => return Err(unsupported()),
        };
        if let Some(scaling) = &scaling {
            scaling.check().map_err(|problem| LmError::ConfigValue { field, problem })?;
        }
        Ok(scaling)
    }

    /// What `read` reads back, without the base.
    pub(crate) fn to_json(self) -> Map<String, Value> {
        let value = match self {
            Self::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_length } => json!({
                "rope_type": "llama3", "factor": factor, "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor, "original_max_position_embeddings": original_length,
            }),
            Self::Yarn { factor, attention_factor, beta_fast, beta_slow, original_length, truncate } => {
                json!({
                    "rope_type": "yarn", "factor": factor, "attention_factor": attention_factor, "beta_fast": beta_fast,
                    "beta_slow": beta_slow, "original_max_position_embeddings": original_length, "truncate": truncate,
                })
            }
        };
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    /// Checks that numbers are of their ranges.
    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let positive = |name: &str, value: f64| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(format!("`{name}` is {value}, but must be positive and finite")),
        };
        let (Self::Linear { factor } | Self::Llama3 { factor, .. } | Self::Yarn { factor, .. }) = *self;
        if !(factor.is_finite() && factor >= 1.0) {
            return Err(format!("`factor` is {factor}, but must be at least 1 and finite"));
        }
        match *self {
            Self::Linear { .. } => Ok(()),
            Self::Llama3 { low_freq_factor, high_freq_factor, original_length, .. } => {
                positive("low_freq_factor", low_freq_factor)?;
                positive("high_freq_factor", high_freq_factor)?;
                positive("original_max_position_embeddings", original_length as f64)?;
                match low_freq_factor < high_freq_factor {
                    true => Ok(()),
                    false => Err("`low_freq_factor` must be below `high_freq_factor`".to_owned()),
                }
            }
            Self::Yarn { attention_factor, beta_fast, beta_slow, original_length, .. } => {
                positive("attention_factor", attention_factor)?;
                positive("beta_fast", beta_fast)?;
                positive("beta_slow", beta_slow)?;
                positive("original_max_position_embeddings", original_length as f64)
            }
        }
    }

    /// The frequencies of pairs of components, scaled; `frequencies` are `theta^(-2i / head_dim)`.
    pub(crate) fn scaled(&self, frequencies: &[f64], theta: f64) -> Vec<f64> {
        match *self {
            Self::Linear { factor } => frequencies.iter().map(|frequency| frequency / factor).collect(),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_length } => {
                let scale = |frequency: &f64| {
                    let turns = original_length as f64 * frequency / TAU;
                    // 0 for a low frequency, 1 for a high one.
                    let kept =
                        ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                    (1.0 - kept) * frequency / factor + kept * frequency
                };
                frequencies.iter().map(scale).collect()
            }
            Self::Yarn { factor, beta_fast, beta_slow, original_length, truncate, .. } => {
                let pairs = frequencies.len();
                // The place of the pair that turns so often over the original length.
                let place = |turns: f64| {
                    let width = 2.0 * pairs as f64;
                    width * (original_length as f64 / (turns * TAU)).ln() / (2.0 * theta.ln())
                };
                let (mut first, mut last) = (place(beta_fast), place(beta_slow));
                if truncate {
                    (first, last) = (first.floor(), last.ceil());
                }
                (first, last) = (first.max(0.0), last.min(2.0 * pairs as f64 - 1.0));
                if first == last {
                    last += SINGULARITY;
                }
                let scale = |(pair, frequency): (usize, &f64)| {
                    let divided = ((pair as f64 - first) / (last - first)).clamp(0.0, 1.0);
                    divided * frequency / factor + (1.0 - divided) * frequency
                };
                frequencies.iter().enumerate().map(scale).collect()
            }
        }
    }

    /// What cosines and sines are multiplied with.
    pub(crate) fn attention_factor(&self) -> f64 {
        match self {
            Self::Linear { .. } | Self::Llama3 { .. } => 1.0,
            Self::Yarn { attention_factor, .. } => *attention_factor,
        }
    }
}

/// What is added where the blended places would be one.
const SINGULARITY: f64 = 0.001;

/// YaRN's scale of queries and keys for a factor.
fn magnitude(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
}
