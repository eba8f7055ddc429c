//! Checkpoints: a run's whole state in a folder that appears at once or not at all.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::{Deserialize, Serialize};

use super::{Loss, StepStats, TrainConfig, Unit};
use crate::config::Config;
use crate::error::{LmError, Result};
use crate::optim::{DecayGroup, Moments};
use crate::schedule::Schedule;

/// The version of what is written here.
const FORMAT: u32 = 1;
const PARTIAL: &str = "partial";
const STATE: &str = "state.json";
/// The file of the weights.
pub(crate) const WEIGHTS: &str = "model.safetensors";
const TRAINING: &str = "training.safetensors";

/// A run's state after some steps, but for the weights, which lie beside it as [`WEIGHTS`].
#[derive(Debug, PartialEq)]
pub(crate) struct Checkpoint {
    /// What the run is: see [`identity`].
    pub(crate) identity: blake3::Hash,
    pub(crate) step: u64,
    pub(crate) moments: BTreeMap<String, Moments>,
    pub(crate) history: Vec<StepStats>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    identity: String,
    step: u64,
}

/// The hash of all that determines a run: configuration, model shape, first weights, data.
pub(crate) fn identity(config: &TrainConfig, shape: &Config, weights: &[u8], units: &[Unit]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("assay-lm training run v1");
    let TrainConfig {
        learning_rate,
        betas,
        eps,
        weight_decay,
        decay,
        clip,
        warmup,
        schedule,
        epochs,
        batch,
        seed,
        loss,
        micro_batch_tokens,
    } = config;
    let (loss, mean_response_len) = match loss {
        Loss::DrSft { mean_response_len } => (0, *mean_response_len),
        Loss::Naive => (1, 0.0),
    };
    let decay = match decay {
        DecayGroup::All => 0,
        DecayGroup::Projections => 1,
    };
    let schedule = match schedule {
        Schedule::Constant => 0,
        Schedule::Cosine => 1,
    };
    for value in [
        *learning_rate,
        betas.0,
        betas.1,
        *eps,
        *weight_decay,
        clip.unwrap_or(f64::INFINITY),
        *warmup,
        mean_response_len,
    ] {
        hasher.update(&value.to_bits().to_le_bytes());
    }
    let counts = [*epochs, *batch as u64, *seed, *micro_batch_tokens as u64];
    for value in [loss, decay, schedule].into_iter().chain(counts) {
        hasher.update(&value.to_le_bytes());
    }
    for bytes in [shape.to_json().as_bytes(), weights] {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.update(&(units.len() as u64).to_le_bytes());
    for unit in units {
        hasher.update(&(unit.len() as u64).to_le_bytes());
        for example in unit {
            for value in [example.tokens.len(), example.supervised.start, example.supervised.end] {
                hasher.update(&(value as u64).to_le_bytes());
            }
            hasher.update(&example.weight.to_bits().to_le_bytes());
            let bytes: Vec<u8> = example.tokens.iter().flat_map(|t| t.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
    }
    hasher.finalize()
}

impl Checkpoint {
    /// Writes the checkpoint as `dir/step-N`, then removes older ones. A kill at any instant leaves the old
    /// or the new one whole.
    pub(crate) fn save(&self, dir: &Utf8Path, weights: &[u8]) -> Result<()> {
        fs_err::create_dir_all(dir)?;
        let partial = dir.join(PARTIAL);
        remove_folder(&partial)?;
        fs_err::create_dir(&partial)?;
        let state = State { format: FORMAT, identity: self.identity.to_string(), step: self.step };
        let state = serde_json::to_vec_pretty(&state).map_err(std::io::Error::from)?;
        write_synced(&partial.join(STATE), &state)?;
        write_synced(&partial.join(WEIGHTS), weights)?;
        write_synced(&partial.join(TRAINING), &self.training()?)?;
        sync_folder(&partial)?;
        let place = dir.join(folder_name(self.step));
        remove_folder(&place)?;
        fs_err::rename(&partial, &place)?;
        sync_folder(dir)?;
        for (step, folder) in saved(dir)? {
            if step != self.step {
                remove_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// Reads the newest checkpoint of a folder; none if there is none.
    pub(crate) fn newest(dir: &Utf8Path) -> Result<Option<(Utf8PathBuf, Self)>> {
        let Some((_, folder)) = saved(dir)?.into_iter().next_back() else {
            return Ok(None);
        };
        let checkpoint = Self::read(&folder)?;
        Ok(Some((folder, checkpoint)))
    }

    fn read(folder: &Utf8Path) -> Result<Self> {
        let damaged = |problem: String| LmError::CheckpointDamaged { path: folder.to_owned(), problem };
        let state: State = serde_json::from_slice(&fs_err::read(folder.join(STATE))?)
            .map_err(|e| damaged(format!("{STATE}: {e}")))?;
        if state.format != FORMAT {
            return Err(damaged(format!("its format is {}, not {FORMAT}", state.format)));
        }
        let identity = blake3::Hash::from_hex(&state.identity).map_err(|e| damaged(e.to_string()))?;
        let bytes = fs_err::read(folder.join(TRAINING))?;
        let training = SafeTensors::deserialize(&bytes).map_err(|e| damaged(format!("{TRAINING}: {e}")))?;
        let mut moments = BTreeMap::new();
        let mut history = None;
        for (name, view) in training.tensors() {
            if name == "history" && view.dtype() == Dtype::F64 {
                history = Some(read_history(&read_f64(view.data())));
            } else if let Some(name) = name.strip_prefix("first.") {
                let second = training.tensor(&format!("second.{name}"));
                let second = second.map_err(|e| damaged(format!("{TRAINING}: {e}")))?;
                let moment = Moments { first: read_f32(view.data()), second: read_f32(second.data()) };
                moments.insert(name.to_owned(), moment);
            }
        }
        let history = history.filter(|h| h.len() as u64 == state.step);
        let history = history.ok_or_else(|| damaged(format!("{TRAINING}: no history of every step")))?;
        Ok(Self { identity, step: state.step, moments, history })
    }

    /// Moments and history as a safetensors file; numbers keep their bits.
    fn training(&self) -> Result<Vec<u8>> {
        let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for (name, Moments { first, second }) in &self.moments {
            for (kind, values) in [("first", first), ("second", second)] {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                tensors.insert(format!("{kind}.{name}"), (Dtype::F32, vec![values.len()], bytes));
            }
        }
        let rows = self
            .history
            .iter()
            .flat_map(|s| [s.loss, s.grad_norm, s.learning_rate, s.tokens as f64].map(f64::to_le_bytes));
        let shape = vec![self.history.len(), HISTORY_COLUMNS];
        tensors.insert("history".to_owned(), (Dtype::F64, shape, rows.flatten().collect()));
        let io = |e: safetensors::SafeTensorError| LmError::Io(std::io::Error::other(e));
        let views = tensors
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(io)?))
            })
            .collect::<Result<Vec<_>>>()?;
        serialize(views, None).map_err(io)
    }
}

/// Loss, gradient norm, learning rate, tokens.
const HISTORY_COLUMNS: usize = 4;

fn read_history(values: &[f64]) -> Vec<StepStats> {
    let (rows, _) = values.as_chunks::<HISTORY_COLUMNS>();
    let stats = rows.iter().zip(0..).map(|(&[loss, grad_norm, learning_rate, tokens], step)| StepStats {
        step,
        loss,
        grad_norm,
        learning_rate,
        tokens: tokens as u64,
    });
    stats.collect()
}

fn read_f32(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn read_f64(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn folder_name(step: u64) -> String {
    format!("step-{step:010}")
}

/// The checkpoints of a folder, oldest first.
fn saved(dir: &Utf8Path) -> Result<Vec<(u64, Utf8PathBuf)>> {
    let entries = match fs_err::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let step = name.to_str().and_then(|n| n.strip_prefix("step-")).and_then(|n| n.parse().ok());
        if let Some(step) = step {
            found.push((step, dir.join(folder_name(step))));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn remove_folder(path: &Utf8Path) -> Result<()> {
    match fs_err::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}

fn write_synced(path: &Utf8Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut file = fs_err::File::create(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Utf8Path) -> Result<()> {
    Ok(fs_err::File::open(path)?.sync_all()?)
}
