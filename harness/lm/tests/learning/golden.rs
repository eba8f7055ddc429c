//! Training, sampling and scoring give the very bits that they gave when the committed reports were made.
//!
//! Bits depend on the instruction set (matrix products differ between AVX-512 and AVX2), so the recorded
//! hashes name theirs, and the tests are skipped on others.

use std::ops::ControlFlow;

use crate::models::{lively, shape};
use assay_lm::optim::DecayGroup;
use assay_lm::sample::{Prompt, SampleConfig, Sampler, forced_choice};
use assay_lm::schedule::Schedule;
use assay_lm::train::{Activations, Example, Loss, TrainConfig, Trainer, Unit};
use assay_lm::{Config, Decoder, Family, Kernels, Model, Placement, Scored, score};
use camino::Utf8Path;

/// Whether this machine has the instruction set that the hashes were recorded with.
#[expect(clippy::print_stderr, reason = "says that it did not run")]
fn comparable() -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return true;
    }
    eprintln!("skipped: the hashes were recorded with AVX-512");
    false
}

/// The committed base model of the embedded scale.
fn base() -> Decoder {
    let folder = Utf8Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/models/base-m"));
    Model::load(folder, &Placement::cpu(Kernels::Cpu)).unwrap().decoder
}

/// Token `t` of sequence `i`: no pattern that a model could know.
fn token(i: usize, t: usize, vocabulary: usize) -> u32 {
    (i as u32 * 131 + t as u32 * 31 + 7).wrapping_mul(2_654_435_761) % vocabulary as u32
}

fn tokens(i: usize, length: usize, vocabulary: usize) -> Vec<u32> {
    (0..length).map(|t| token(i, t, vocabulary)).collect()
}

fn units(count: usize, vocabulary: usize) -> Vec<Unit> {
    let example = |i: usize, k: usize| {
        let length = 9 + (i * 17 + k * 5) % 90;
        let supervised = 3 + k..length - i % 3;
        Example { tokens: tokens(i + k * 50, length, vocabulary), supervised, weight: 1.0 / (1.0 + k as f32) }
    };
    (0..count).map(|i| (0..=i % 3).map(|k| example(i, k)).collect()).collect()
}

/// The hash of the weights and the history after 20 steps.
fn trained(decoder: Decoder) -> String {
    let vocabulary = decoder.config().vocab_size;
    let config = TrainConfig {
        learning_rate: 2e-3,
        betas: (0.9, 0.95),
        eps: 1e-8,
        weight_decay: 0.01,
        decay: DecayGroup::Projections,
        clip: Some(1.0),
        warmup: 0.1,
        schedule: Schedule::Cosine,
        epochs: 4,
        batch: 8,
        seed: 3,
        loss: Loss::DrSft { mean_response_len: 30.0 },
        micro_batch_tokens: 700,
        activations: Activations::Kept,
    };
    let mut trainer = Trainer::new(decoder, units(40, vocabulary), config).unwrap();
    assert!(trainer.run(None, &mut |_| ControlFlow::Continue(())).unwrap().is_continue());
    assert_eq!(trainer.history().len(), 20);
    let mut hasher = blake3::Hasher::new();
    for stats in trainer.history() {
        for value in [stats.loss, stats.grad_norm, stats.learning_rate, stats.tokens as f64] {
            hasher.update(&value.to_bits().to_le_bytes());
        }
    }
    hasher.update(&trainer.decoder().to_safetensors().unwrap());
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The hash of 64 samples of 12 prompts.
fn sampled(decoder: &Decoder) -> String {
    let vocabulary = decoder.config().vocab_size;
    let prompts: Vec<Prompt> = (0..64)
        .map(|i| Prompt { tokens: tokens(i % 12, 1 + i % 12 * 5, vocabulary), sample_index: i as u64 })
        .collect();
    let mut hasher = blake3::Hasher::new();
    for (temperature, top_p) in [(0.0, 1.0), (0.7, 1.0), (1.0, 0.9)] {
        let config = SampleConfig { temperature, top_p, max_new_tokens: 40, stop: vec![2], seed: 5 };
        for sample in Sampler::new(decoder, config).unwrap().with_batch(24).all(&prompts).unwrap() {
            for (token, log_prob) in sample.tokens.iter().zip(&sample.log_probs) {
                hasher.update(&token.to_le_bytes());
                hasher.update(&log_prob.to_bits().to_le_bytes());
            }
            hasher.update(&[u8::from(sample.stopped())]);
        }
    }
    let prompts: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.tokens.as_slice()).collect();
    for choice in forced_choice(decoder, &prompts, &[7, 3, 11, 5]).unwrap() {
        hasher.update(&choice.to_le_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// The hash of the scores of 64 rows.
fn scored(decoder: &Decoder) -> String {
    let vocabulary = decoder.config().vocab_size;
    let rows: Vec<Scored> = (0..64)
        .map(|i| {
            let length = 5 + i * 13 % 120;
            Scored { tokens: tokens(i, length, vocabulary), range: 1 + i % 4..length }
        })
        .collect();
    let mut hasher = blake3::Hasher::new();
    for log_prob in score(decoder, &rows).unwrap().iter().flatten() {
        hasher.update(&log_prob.to_bits().to_le_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// All models whose bits are recorded, and the hashes after training, of samples and of scores.
fn models() -> Vec<(&'static str, Decoder, [&'static str; 3])> {
    let small = |family| lively(&shape(family, 45), 4, Kernels::Cpu).unwrap();
    let biased = Config { qkv_bias: true, output_bias: true, tied_head: false, ..shape(Family::Qwen3, 45) };
    vec![
        ("base-m", base(), ["b76a7a7459548f1f", "177b306e5e0ecbd9", "68137d16815e7197"]),
        ("llama", small(Family::Llama), ["bf29e32abce5a3ee", "3dc061c36c707825", "b5ea2452417f5f44"]),
        ("qwen2", small(Family::Qwen2), ["b0ba4dd1a4b17dc0", "f561ba13c3c1d420", "20ead6990eae1069"]),
        ("qwen3", small(Family::Qwen3), ["d95e3913d511de56", "f7d1022351243c47", "76e335933a5f113d"]),
        (
            "qwen3 with biases",
            lively(&biased, 4, Kernels::Cpu).unwrap(),
            ["9a0f78bf1c52f23a", "a783b76664955f2f", "f0019a741f3df65d"],
        ),
    ]
}

#[test]
fn bits_are_those_of_the_committed_reports() {
    if !comparable() {
        return;
    }
    let mut wrong = Vec::new();
    for (name, decoder, expected) in models() {
        let (samples, scores) = (sampled(&decoder), scored(&decoder));
        let found = [trained(decoder), samples, scores];
        if found != expected {
            wrong.push(format!("{name}: {found:?}, recorded {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_saved_model_has_the_bytes_of_the_committed_one() {
    let folder = Utf8Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes/models/base-m"));
    let committed = std::fs::read(folder.join("model.safetensors")).unwrap();
    assert!(base().to_safetensors().unwrap() == committed);
}
