//! What a training run is: the hash that ties a checkpoint to it.

use super::{Activations, Loss, TrainConfig, Unit};
use crate::decoder::Decoder;
use crate::error::Result;
use crate::optim::DecayGroup;
use crate::schedule::Schedule;
use crate::tensor_file::Source;

/// The hash of all that determines a run: configuration, model shape, first weights, data.
pub(crate) fn identity(config: &TrainConfig, decoder: &Decoder, data: &[u8]) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new_derive_key("assay-lm training run v4");
    hash_config(&mut hasher, config);
    for text in [decoder.config().to_json(), decoder.placement().to_string()] {
        hash_bytes(&mut hasher, text.as_bytes());
    }
    for (name, tensor) in decoder.tensors() {
        hash_bytes(&mut hasher, name.as_bytes());
        hash_bytes(&mut hasher, &Source::Tensor(tensor).bytes()?);
    }
    hash_bytes(&mut hasher, data);
    Ok(hasher.finalize())
}

/// Hashes bytes and, so that what follows is not taken for a part of them, their number.
fn hash_bytes(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn hash_config(hasher: &mut blake3::Hasher, config: &TrainConfig) {
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
        activations,
    } = config;
    let (loss, mean_response_len) = match loss {
        Loss::DrSft { mean_response_len } => (0, *mean_response_len),
        Loss::Naive => (1, 0.0),
        Loss::PerResponse => (2, 0.0),
    };
    let decay = match decay {
        DecayGroup::All => 0,
        DecayGroup::Projections => 1,
    };
    let schedule = match schedule {
        Schedule::Constant => 0,
        Schedule::Cosine => 1,
    };
    let activations = match activations {
        Activations::Kept => 0,
        Activations::Recomputed => 1,
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
    for value in [loss, decay, schedule, activations].into_iter().chain(counts) {
        hasher.update(&value.to_le_bytes());
    }
}

/// The hash of units.
pub(crate) fn of_units(units: &[Unit]) -> [u8; blake3::OUT_LEN] {
    let mut hasher = blake3::Hasher::new_derive_key("assay-lm training units v1");
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
    hasher.finalize().into()
}
