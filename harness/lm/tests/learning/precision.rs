//! Training in other ways than `f32` on the CPU by the CPU kernels: by the reference kernels, in `bf16`, with activations computed
//! again. The same ways compute on a GPU.

use std::ops::ControlFlow;

use assay_lm::train::{
    Activations, Checkpoints, Every, Example, MemoryPlan, PartSize, StepStats, TrainConfig, Trainer, Unit,
};
use assay_lm::{
    Config, Decoder, DeviceName, ErrorClass, Family, Float, Kernels, LmError, Placement, weights,
};
use camino::Utf8Path;

use crate::models::{lively, shape};
use crate::training::{assert_same, config, finish, units};

const FAMILIES: [Family; 3] = [Family::Qwen3, Family::Qwen2, Family::Llama];

fn placed(family: Family, float: Float, kernels: Kernels) -> Decoder {
    let config = shape(family, 17);
    let tensors = lively(&config, 1, Kernels::Reference).unwrap().tensors().clone();
    Decoder::from_tensors(&config, tensors, &Placement { float, ..Placement::cpu(kernels) }).unwrap()
}

fn trainer(family: Family, float: Float, kernels: Kernels, activations: Activations) -> Trainer {
    Trainer::new(placed(family, float, kernels), units(), TrainConfig { activations, ..config() }).unwrap()
}

/// Losses and gradient norms of two runs differ by at most this, relatively.
fn assert_close(found: &[StepStats], expected: &[StepStats], most: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        for (found, expected) in [(found.loss, expected.loss), (found.grad_norm, expected.grad_norm)] {
            let difference = (found - expected).abs() / expected.abs();
            assert!(difference <= most, "{what}, {found} and {expected}");
        }
    }
}

/// The norm of the difference over the norm of what is expected.
fn difference(found: &[f32], expected: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    };
    norm(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied())
}

/// Layer by layer, with the head's gradient by its formula: the same numbers as by one graph, up to the order of sums.
#[test]
fn activations_may_be_computed_again() {
    for family in FAMILIES {
        for kernels in [Kernels::Reference, Kernels::Cpu] {
            let run = |activations| finish(trainer(family, Float::F32, kernels, activations));
            let (kept, again) = (run(Activations::Kept), run(Activations::Recomputed));
            let what = format!("{family:?} {kernels:?}");
            assert_close(again.history(), kept.history(), 2e-5, &what);
            assert!(
                again.history() == run(Activations::Recomputed).history(),
                "{what}: a second run differs"
            );
        }
    }
}

/// The first gradient, number by number: the first moment after a step is a tenth of it.
#[test]
fn gradients_are_those_of_one_graph() {
    let gradients = |float, activations| {
        let mut trainer = trainer(Family::Llama, float, Kernels::Reference, activations);
        trainer.step().unwrap();
        trainer.moments().unwrap()
    };
    let expected = gradients(Float::F32, Activations::Kept);
    for (float, activations, most) in [
        (Float::F32, Activations::Recomputed, 1e-5),
        (Float::Bf16, Activations::Kept, 0.04),
        (Float::Bf16, Activations::Recomputed, 0.04),
    ] {
        for (name, found) in gradients(float, activations) {
            let relative = difference(&found.first, &expected[&name].first);
            assert!(relative <= most, "{name} in {float:?}, {activations:?}: {relative:.1e}");
        }
    }
}

/// What all rows share has a gradient that is a sum over all of them. In `bf16` such a sum would stop growing after a few hundred terms.
#[test]
fn gradients_of_what_rows_share_lose_nothing_in_bf16() {
    let sequence = || {
        let tokens: Vec<u32> = (0..100).map(|at| if at % 10 == 9 { at % 17 } else { 3 }).collect();
        vec![Example { supervised: 1..tokens.len(), tokens, weight: 1.0 }]
    };
    let gradients = |float, activations| {
        let decoder = placed(Family::Qwen2, float, Kernels::Reference);
        let config = TrainConfig { activations, micro_batch_tokens: 4096, batch: 40, ..config() };
        let mut trainer = Trainer::new(decoder, (0..40).map(|_| sequence()).collect(), config).unwrap();
        trainer.step().unwrap();
        trainer.moments().unwrap()
    };
    let expected = gradients(Float::F32, Activations::Kept);
    for activations in [Activations::Kept, Activations::Recomputed] {
        for (name, found) in gradients(Float::Bf16, activations) {
            let relative = difference(&found.first, &expected[&name].first);
            assert!(relative <= 0.05, "{name}, {activations:?}: {relative:.1e}");
        }
    }
}

/// Losses in `bf16` follow those in `f32`, though not to the last bits.
#[test]
fn bf16_learns_as_f32_does() {
    for family in FAMILIES {
        for activations in [Activations::Kept, Activations::Recomputed] {
            let run = |float| finish(trainer(family, float, Kernels::Reference, activations));
            let (single, half) = (run(Float::F32), run(Float::Bf16));
            let what = format!("{family:?} {activations:?}");
            for (half, single) in half.history().iter().zip(single.history()) {
                let difference = (half.loss - single.loss).abs() / single.loss;
                assert!(difference < 0.03, "{what}: step {}, {} and {}", half.step, half.loss, single.loss);
            }
            assert!(half.history() != single.history(), "{what}: nothing was rounded");
            assert!(half.history() == run(Float::Bf16).history(), "{what}: a second run differs");
        }
    }
}

/// A rate so small that no single update moves a weight of eight bits: only weights in `f32` can learn.
#[test]
fn small_updates_of_bf16_weights_add_up() {
    let unit: Vec<Unit> =
        vec![vec![Example { tokens: vec![1, 5, 2, 9, 3, 7], supervised: 1..6, weight: 1.0 }]];
    let settings =
        TrainConfig { learning_rate: 2e-5, warmup: 0.0, weight_decay: 0.0, epochs: 400, ..config() };
    let learned = |float| {
        let decoder = placed(Family::Qwen3, float, Kernels::Reference);
        let run = finish(Trainer::new(decoder, unit.clone(), settings.clone()).unwrap());
        run.history()[0].loss - run.history()[399].loss
    };
    let (single, half) = (learned(Float::F32), learned(Float::Bf16));
    assert!(single > 0.02 && (half / single - 1.0).abs() < 0.2, "{half} and {single}");
}

/// Its checkpoints have the weights in `f32`, of which the decoder's own are roundings.
#[test]
fn a_run_in_bf16_goes_on_bit_for_bit() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    let settings = || TrainConfig { activations: Activations::Recomputed, ..config() };
    let decoder = || placed(Family::Qwen2, Float::Bf16, Kernels::Reference);
    let straight = finish(Trainer::new(decoder(), units(), settings()).unwrap());
    let (mut first, _) = Trainer::resume(decoder(), units(), settings(), dir).unwrap();
    let checkpoints = Some(Checkpoints { dir, every: Every::Steps(3) });
    let stop = |stats: &StepStats| {
        if stats.step == 8 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert!(first.run(checkpoints, &mut { stop }).unwrap().is_break());
    let (second, resumed) = Trainer::resume(decoder(), units(), settings(), dir).unwrap();
    assert_eq!(resumed.from_step, 9);
    assert_same(&finish(second), &straight);
    // Of another way of computing, a checkpoint is not used.
    let single = placed(Family::Qwen2, Float::F32, Kernels::Reference);
    let other = Trainer::resume(single, units(), settings(), dir);
    assert!(matches!(other, Err(LmError::CheckpointOther { .. })));
    let kept = Trainer::resume(decoder(), units(), config(), dir);
    assert!(matches!(kept, Err(LmError::CheckpointOther { .. })));
}

fn plan(activations: Activations, float: Float, config: &Config, longest: u64) -> MemoryPlan {
    let placement = Placement { device: DeviceName::Cuda(0), float, kernels: Kernels::Reference };
    MemoryPlan::of(config, &placement, activations, PartSize { tokens: 16_384, longest })
}

/// Qwen3-4B's shape.
fn large() -> Config {
    Config {
        vocab_size: 151_936,
        hidden_size: 2560,
        intermediate_size: 9728,
        num_layers: 36,
        num_heads: 32,
        num_kv_heads: 8,
        head_dim: 128,
        ..shape(Family::Qwen3, 17)
    }
}

/// 18 bytes a parameter in `bf16`, 16 in `f32`; what is recomputed is not held.
#[test]
fn a_plan_says_what_a_run_takes() {
    let config = large();
    let parameters: usize = weights::layout(&config).iter().map(|s| s.shape.iter().product::<usize>()).sum();
    assert_eq!(parameters, 4_022_468_096);
    let kept = plan(Activations::Kept, Float::Bf16, &config, 4096);
    let again = plan(Activations::Recomputed, Float::Bf16, &config, 4096);
    let single = plan(Activations::Recomputed, Float::F32, &config, 4096);
    assert_eq!(kept.weights + kept.optimiser, 18 * parameters as u64);
    assert_eq!(single.weights + single.optimiser, 16 * parameters as u64);
    assert!(again.activations * 10 < kept.activations, "{again}, {kept}");
    assert!(plan(Activations::Kept, Float::Bf16, &config, 2048).activations < kept.activations);
    assert!(again.fits(again.total()).is_ok());
    let error = again.fits(again.total() - 1).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment);
    let said = error.to_string();
    assert!(said.starts_with("training needs ") && said.contains("optimiser 59.9"), "{said}");
}

/// The driver says so in a text of several lines, in the middle of a step.
#[test]
fn a_full_device_is_named() {
    for text in [
        "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
        "CublasError(CUBLAS_STATUS_ALLOC_FAILED)",
    ] {
        let error = LmError::from(candle_core::Error::Msg(text.to_owned()).bt());
        assert!(matches!(error, LmError::DeviceFull(_)), "{error}");
        assert_eq!(error.class(), ErrorClass::Environment);
        assert!(error.remedy().is_some_and(|remedy| remedy.contains("recomputed")));
    }
    assert!(matches!(LmError::from(candle_core::Error::Msg("shape".to_owned())), LmError::Tensor(_)));
}
