//! A model as a folder: `config.json`, `tokenizer.json` and safetensors, as Hugging Face lays it out.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::config::{Config, token_ids};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::placement::Placement;
use crate::tokenizer::Tokenizer;

const CONFIG: &str = "config.json";
const GENERATION_CONFIG: &str = "generation_config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// A decoder and its tokenizer.
#[derive(Debug)]
pub struct Model {
    /// The decoder.
    pub decoder: Decoder,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
}

impl Model {
    /// A model of parts that fit together.
    ///
    /// # Errors
    /// [`LmError::Vocabulary`] if the tokenizer has ids that the decoder does not have. (The other way round
    /// is common.)
    pub fn new(decoder: Decoder, tokenizer: Tokenizer) -> Result<Self> {
        let (tokens, vocab_size) = (tokenizer.vocabulary_size(), decoder.config().vocab_size);
        if tokens > vocab_size {
            return Err(LmError::Vocabulary { tokens, vocab_size });
        }
        Ok(Self { decoder, tokenizer })
    }

    /// Reads a model folder. The weights are one `model.safetensors` or the files that
    /// `model.safetensors.index.json` names.
    ///
    /// End-of-sequence tokens of `generation_config.json`, which may be missing, are added to those of
    /// `config.json`, so that the model keeps them when it is trained and saved.
    ///
    /// # Errors
    /// [`LmError::Io`] for a missing file; [`LmError::GenerationConfig`]; the errors of [`Config::from_json`],
    /// [`Tokenizer::from_json`], [`Decoder::from_safetensors`] and [`Model::new`].
    pub fn load(dir: &Utf8Path, placement: &Placement) -> Result<Self> {
        let mut config = Config::from_json(&fs_err::read_to_string(dir.join(CONFIG))?)?;
        for id in generation_eos(&dir.join(GENERATION_CONFIG), config.vocab_size)? {
            if !config.eos_token_ids.contains(&id) {
                config.eos_token_ids.push(id);
            }
        }
        let tokenizer = Tokenizer::open(&dir.join(TOKENIZER))?;
        let decoder = Decoder::from_safetensors(&config, &weight_files(dir)?, placement)?;
        Self::new(decoder, tokenizer)
    }

    /// Writes the model as a folder, with the weights as one file of `f32`. Equal models give equal bytes.
    ///
    /// The end-of-sequence tokens are in its `config.json`; there is no `generation_config.json`.
    ///
    /// # Errors
    /// [`LmError::Io`].
    pub fn save(&self, dir: &Utf8Path) -> Result<()> {
        fs_err::create_dir_all(dir)?;
        fs_err::write(dir.join(CONFIG), self.decoder.config().to_json())?;
        fs_err::write(dir.join(TOKENIZER), self.tokenizer.json())?;
        self.decoder.save(&dir.join(WEIGHTS))
    }
}

/// The end-of-sequence tokens that a `generation_config.json` names, if there is such a file.
fn generation_eos(path: &Utf8Path, vocab_size: usize) -> Result<Vec<u32>> {
    #[derive(serde::Deserialize)]
    struct GenerationConfig {
        #[serde(default)]
        eos_token_id: serde_json::Value,
    }
    let text = match fs_err::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let problem = |problem: String| LmError::GenerationConfig { path: path.to_owned(), problem };
    let config: GenerationConfig =
        serde_json::from_slice(&text).map_err(|error| problem(error.to_string()))?;
    let ids = token_ids("eos_token_id", &config.eos_token_id).map_err(|error| problem(error.to_string()))?;
    match ids.iter().find(|id| **id as usize >= vocab_size) {
        Some(id) => Err(problem(format!("`eos_token_id` is {id}, outside a vocabulary of {vocab_size}"))),
        None => Ok(ids),
    }
}

/// The part of `model.safetensors.index.json` that says which files there are.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: std::collections::BTreeMap<String, String>,
}

fn weight_files(dir: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let index = dir.join(INDEX);
    if dir.join(WEIGHTS).exists() || !index.exists() {
        return Ok(vec![dir.join(WEIGHTS)]);
    }
    let index: Index = serde_json::from_slice(&fs_err::read(&index)?)
        .map_err(|source| LmError::WeightIndex { path: index, source })?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}
