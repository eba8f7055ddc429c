//! Checkpoints: a run's whole state in a folder that appears at once or not at all, and whose every byte is
//! covered by a hash.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use camino::{Utf8Path, Utf8PathBuf};
use candle_core::Tensor;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

use super::{Rewards, StepStats};
use crate::decoder::Decoder;
use crate::error::{LmError, Result};
use crate::optim::{Moments, Optimiser};
use crate::placement::{Float, Placement};
use crate::tensor_file::{Mapped, Source, write};
use crate::weights;

/// The version of what is written here.
const FORMAT: u32 = 3;
const PARTIAL: &str = "partial";
const STATE: &str = "state.json";
const WEIGHTS: &str = "model.safetensors";
const TRAINING: &str = "training.safetensors";

/// A run's state after some steps, as read from a folder.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    pub(crate) step: u64,
    pub(crate) weights: BTreeMap<String, Tensor>,
    pub(crate) moments: BTreeMap<String, Moments>,
    pub(crate) history: Vec<StepStats>,
}

/// What [`STATE`] says. The file is read only if it is byte for byte what these fields are written as.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// The hash of `state` as compact JSON.
    blake3: String,
    state: State,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    identity: String,
    step: u64,
    /// The hashes of the other files, by name.
    files: BTreeMap<String, String>,
}

impl State {
    /// The bytes of [`STATE`].
    fn sealed(self) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(&self).map_err(std::io::Error::from)?;
        let sealed = Sealed { blake3: blake3::hash(&json).to_string(), state: self };
        Ok(serde_json::to_vec_pretty(&sealed).map_err(std::io::Error::from)?)
    }
}

/// Writes a checkpoint as `dir/step-N`. The newest older one is kept, in case this one is found damaged. A
/// kill at any instant leaves at least one of them whole.
pub(crate) fn save(
    dir: &Utf8Path,
    identity: blake3::Hash,
    decoder: &Decoder,
    optimiser: &Optimiser,
    history: &[StepStats],
) -> Result<()> {
    let step = optimiser.step();
    fs_err::create_dir_all(dir)?;
    // Checkpoints of later steps are damaged: otherwise the run would have gone on from them. They go too.
    let others = saved(dir)?;
    let kept = others.iter().map(|(other, _)| *other).filter(|other| *other < step).max();
    for (_, folder) in others.iter().filter(|(other, _)| *other != step && Some(*other) != kept) {
        remove_folder(folder)?;
    }
    let partial = dir.join(PARTIAL);
    remove_folder(&partial)?;
    fs_err::create_dir(&partial)?;
    let weights = write_hashed(&partial.join(WEIGHTS), |out| {
        weights::write_safetensors(optimiser.weights(decoder), out)
    })?;
    let training = write_hashed(&partial.join(TRAINING), |out| write_training(out, optimiser, history))?;
    let files = BTreeMap::from([(WEIGHTS.to_owned(), weights), (TRAINING.to_owned(), training)]);
    let state = State { format: FORMAT, identity: identity.to_string(), step, files }.sealed()?;
    write_hashed(&partial.join(STATE), |out| Ok(out.write_all(&state)?))?;
    sync_folder(&partial)?;
    let place = dir.join(folder_name(step));
    remove_folder(&place)?;
    fs_err::rename(&partial, &place)?;
    sync_folder(dir)
}

/// Moments and history as a safetensors file; numbers keep their bits.
fn write_training(out: &mut dyn Write, optimiser: &Optimiser, history: &[StepStats]) -> Result<()> {
    let mut tensors = optimiser.written_moments();
    let rows = history.iter().flat_map(|s| {
        let Rewards { mean, mixed } = s.rewards.unwrap_or(NO_REWARDS);
        [s.loss, s.grad_norm, s.learning_rate, s.tokens as f64, mean, mixed]
    });
    let history = Source::F64 { values: rows.collect(), width: HISTORY_COLUMNS };
    tensors.push(("history".to_owned(), history));
    write(out, None, tensors)
}

impl Checkpoint {
    /// Reads a checkpoint of a run of the given decoder. That the checkpoint is of another run is noticed before
    /// its weights are read.
    ///
    /// # Errors
    /// [`LmError::CheckpointDamaged`] if a byte of it is not what was written; [`LmError::CheckpointOther`].
    pub(crate) fn read(folder: &Utf8Path, identity: blake3::Hash, decoder: &Decoder) -> Result<Self> {
        let damaged = |problem: String| LmError::CheckpointDamaged { path: folder.to_owned(), problem };
        let bytes = fs_err::read(folder.join(STATE)).map_err(|e| missing_is_damage(e.into(), folder))?;
        let Sealed { state, .. } =
            serde_json::from_slice(&bytes).map_err(|e| damaged(format!("{STATE}: {e}")))?;
        let State { format, identity: found, step, files } = &state;
        let (format, found, step, files) = (*format, found.clone(), *step, files.clone());
        if state.sealed()? != bytes {
            return Err(damaged(format!("{STATE} is not what was written")));
        }
        if format != FORMAT {
            return Err(damaged(format!("its format is {format}, not {FORMAT}")));
        }
        if found != identity.to_string() {
            return Err(LmError::CheckpointOther { path: folder.to_owned() });
        }
        let open = |name: &str| {
            let file = Mapped::open(&folder.join(name)).map_err(|e| missing_is_damage(e, folder))?;
            if files.get(name) != Some(&blake3::hash(file.bytes()).to_string()) {
                return Err(damaged(format!("{name} is not what was written")));
            }
            Ok(file)
        };
        open(WEIGHTS)?;
        let training = open(TRAINING)?;
        // In the precision in which they are updated, which the decoder's own may be roundings of.
        let placement = Placement { float: Float::F32, ..*decoder.placement() };
        let weights = weights::read(decoder.config(), &[folder.join(WEIGHTS)], &placement)?;
        let (moments, history) = read_training(&training)?;
        if history.len() as u64 != step {
            return Err(damaged(format!("{TRAINING}: its history does not have every step")));
        }
        for (name, var) in decoder.vars() {
            let fits = |m: &Moments| [m.first.len(), m.second.len()] == [var.elem_count(); 2];
            if !moments.get(name).is_some_and(fits) {
                return Err(damaged(format!("{TRAINING}: it lacks the moments of `{name}`")));
            }
        }
        Ok(Self { step, weights, moments, history })
    }
}

/// The error itself, or that of a damaged checkpoint if a file is not there.
fn missing_is_damage(error: LmError, folder: &Utf8Path) -> LmError {
    match &error {
        LmError::Io(e) if e.kind() == std::io::ErrorKind::NotFound => {
            LmError::CheckpointDamaged { path: folder.to_owned(), problem: e.to_string() }
        }
        _ => error,
    }
}

/// What [`write_training`] wrote.
fn read_training(file: &Mapped) -> Result<(BTreeMap<String, Moments>, Vec<StepStats>)> {
    let training = file.tensors()?;
    let mut moments = BTreeMap::new();
    let mut history = Vec::new();
    for (name, view) in training.iter() {
        if name == "history" && view.dtype() == Dtype::F64 {
            history = read_history(&read_f64(view.data()));
        } else if let Some(name) = name.strip_prefix("first.")
            && let Ok(second) = training.tensor(&format!("second.{name}"))
        {
            let moment = Moments { first: read_f32(view.data()), second: read_f32(second.data()) };
            moments.insert(name.to_owned(), moment);
        }
    }
    Ok((moments, history))
}

/// Loss, gradient norm, learning rate, tokens, mean reward, share of mixed items.
const HISTORY_COLUMNS: usize = 6;

/// How the history is written where a step has no rewards.
const NO_REWARDS: Rewards = Rewards { mean: f64::NAN, mixed: f64::NAN };

fn read_history(values: &[f64]) -> Vec<StepStats> {
    let (rows, _) = values.as_chunks::<HISTORY_COLUMNS>();
    let stats =
        |(&[loss, grad_norm, learning_rate, tokens, mean, mixed], step): (&[f64; 6], u64)| StepStats {
            step,
            loss,
            grad_norm,
            learning_rate,
            tokens: tokens as u64,
            rewards: (!mixed.is_nan()).then_some(Rewards { mean, mixed }),
        };
    rows.iter().zip(0..).map(stats).collect()
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
pub(crate) fn saved(dir: &Utf8Path) -> Result<Vec<(u64, Utf8PathBuf)>> {
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

/// Writes a file through to the disk and returns the hash of its bytes.
fn write_hashed(path: &Utf8Path, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<String> {
    let file = fs_err::File::create(path)?;
    let mut out = Hashing { out: BufWriter::new(file), hasher: blake3::Hasher::new() };
    content(&mut out)?;
    out.flush()?;
    out.out.get_ref().sync_all()?;
    Ok(out.hasher.finalize().to_string())
}

/// A writer that hashes what passes.
struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Utf8Path) -> Result<()> {
    Ok(fs_err::File::open(path)?.sync_all()?)
}
