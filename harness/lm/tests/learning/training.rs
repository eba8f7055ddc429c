//! Training: what is learned, what a loss is, and that interruptions and threads change no bit.

use std::ops::ControlFlow;

use crate::models::{lively, shape};
use assay_lm::train::{Checkpoints, Every, Example, Learner, Loss, StepStats, TrainConfig, Trainer, Unit};
use assay_lm::{Decoder, Family, Float, Kernels, LmError, Placement, Sequences};
use camino::Utf8Path;

pub(crate) fn config() -> TrainConfig {
    TrainConfig {
        learning_rate: 3e-3,
        epochs: 4,
        batch: 4,
        seed: 3,
        loss: Loss::DrSft { mean_response_len: 4.0 },
        micro_batch_tokens: 64,
        ..TrainConfig::default()
    }
}

/// Twenty units of one to three weighted examples of different lengths.
pub(crate) fn units() -> Vec<Unit> {
    let example = |i: usize, k: usize| {
        let length = 7 + (i * 5 + k) % 9;
        let tokens = (0..length).map(|t| ((t * t + 3 * i + k) % 17) as u32).collect();
        Example { tokens, supervised: 2 + k..length - 1, weight: 1.0 / (1.0 + k as f32) }
    };
    (0..20).map(|i| (0..=i % 3).map(|k| example(i, k)).collect()).collect()
}

fn decoder(kernels: Kernels) -> Decoder {
    lively(&shape(Family::Qwen3, 17), 1, kernels).unwrap()
}

fn trainer(config: TrainConfig) -> Trainer {
    Trainer::new(decoder(Kernels::Cpu), units(), config).unwrap()
}

pub(crate) fn finish(mut trainer: Trainer) -> Trainer {
    let flow = trainer.run(None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(flow.is_continue());
    trainer
}

pub(crate) fn assert_same(a: &Trainer, b: &Trainer) {
    assert_eq!(a.history(), b.history());
    assert!(a.moments().unwrap() == b.moments().unwrap(), "moments differ");
    assert!(a.decoder().to_safetensors().unwrap() == b.decoder().to_safetensors().unwrap(), "weights differ");
}

#[test]
fn a_small_model_learns_to_add() {
    for kernels in [Kernels::Cpu, Kernels::Reference] {
        // "a b =" -> a + b mod 7, all 49 of them.
        let pairs = (0..7).flat_map(|a| (0..7).map(move |b| vec![a, b, 7, (a + b) % 7]));
        let units: Vec<Unit> =
            pairs.map(|tokens| vec![Example { tokens, supervised: 3..4, weight: 1.0 }]).collect();
        let decoder = Decoder::init(&shape(Family::Qwen3, 8), 5, &Placement::cpu(kernels)).unwrap();
        let config = TrainConfig {
            learning_rate: 1e-2,
            epochs: 30,
            batch: 16,
            loss: Loss::DrSft { mean_response_len: 1.0 },
            ..config()
        };
        let trainer = finish(Trainer::new(decoder, units, config).unwrap());
        let losses: Vec<f64> = trainer.history().iter().map(|s| s.loss).collect();
        let last = losses[losses.len() - 8..].iter().sum::<f64>() / 8.0;
        assert_eq!(losses.len(), 30 * 4);
        assert!((losses[0] - 8f64.ln()).abs() < 0.5 && last < 0.1, "{kernels:?}: {} to {last}", losses[0]);
    }
}

/// A learner whose last step is made learns no more, and its weights stay as they are.
#[test]
fn no_step_is_made_after_the_last_one() {
    let units = units();
    let config = TrainConfig { epochs: 1, batch: 20, ..config() };
    let mut learner = Learner::new(decoder(Kernels::Cpu), units.len(), b"units", config).unwrap();
    assert!(learner.chosen().is_some());
    learner.learn(&units, None).unwrap();
    let trained = learner.decoder().to_safetensors().unwrap();
    assert!(learner.chosen().is_none());
    assert!(matches!(learner.learn(&units, None), Err(LmError::Finished { steps: 1 })));
    assert!(learner.decoder().to_safetensors().unwrap() == trained && learner.history().len() == 1);
}

/// The sum of `weight * CE` of one unit, token by token.
fn weighted_loss(decoder: &Decoder, unit: &Unit) -> f64 {
    let mut sum = 0.0;
    for Example { tokens, supervised, weight } in unit {
        let batch = Sequences::from_slices([tokens]).unwrap();
        for position in supervised.clone() {
            let target = (position - 1, tokens[position]);
            let log_prob: Vec<f32> = decoder.log_probs(&batch, &[target]).unwrap().to_vec1().unwrap();
            sum -= f64::from(*weight) * f64::from(log_prob[0]);
        }
    }
    sum
}

#[test]
fn losses_equal_their_definitions_with_weights() {
    let units = units();
    let decoder = decoder(Kernels::Reference);
    let all: f64 = units.iter().map(|unit| weighted_loss(&decoder, unit)).sum();
    let tokens: usize = units.iter().flatten().map(|e| e.supervised.len()).sum();
    for (loss, expected) in
        [(Loss::DrSft { mean_response_len: 2.5 }, all / (20.0 * 2.5)), (Loss::Naive, all / tokens as f64)]
    {
        for micro_batch_tokens in [10, 64, 10_000] {
            // One batch of 32 holds all 20 units.
            let config = TrainConfig { batch: 32, loss, micro_batch_tokens, ..config() };
            let stats = trainer(config).step().unwrap().unwrap();
            assert!((stats.loss / expected - 1.0).abs() < 1e-5, "{loss:?}: {} {expected}", stats.loss);
            let fed: usize = units.iter().flatten().map(|e| e.supervised.end - 1).sum();
            assert_eq!(stats.tokens, fed as u64);
        }
    }
}

#[test]
fn the_last_batch_of_an_epoch_counts_its_own_units() {
    // 20 units in batches of 12: one step of 12, one of 8.
    let config = TrainConfig { batch: 12, epochs: 1, learning_rate: 1e-12, ..config() };
    let first = finish(trainer(config));
    let decoder = decoder(Kernels::Reference);
    let all: f64 = units().iter().map(|unit| weighted_loss(&decoder, unit)).sum();
    let [a, b] = first.history() else { panic!("two steps") };
    assert!((a.loss * 12.0 * 4.0 + b.loss * 8.0 * 4.0 - all).abs() < 1e-3);
}

#[test]
fn micro_batches_change_rounding_only() {
    let run = |micro_batch_tokens| {
        let mut trainer = trainer(TrainConfig { micro_batch_tokens, batch: 20, ..config() });
        trainer.step().unwrap().unwrap()
    };
    let whole = run(100_000);
    for limit in [1, 20, 64] {
        let cut = run(limit);
        assert!(
            (cut.grad_norm / whole.grad_norm - 1.0).abs() < 1e-5,
            "{} {}",
            cut.grad_norm,
            whole.grad_norm
        );
    }
}

#[test]
fn an_interrupted_run_ends_in_the_same_bits() {
    let straight = finish(trainer(config()));
    assert_eq!(straight.history().len(), 20);
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap().join("run");

    let resume = || Trainer::resume(decoder(Kernels::Cpu), units(), config(), &dir).unwrap().0;
    let mut first = resume();
    let checkpoints = Some(Checkpoints { dir: &dir, every: Every::Steps(3) });
    let until = |last: u64| {
        move |stats: &StepStats| {
            if stats.step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    };
    assert!(first.run(checkpoints, &mut until(6)).unwrap().is_break());
    let mut second = resume();
    assert_eq!(second.history(), &straight.history()[..7]);
    assert_same(&first, &second);
    // A kill after step 10: the steps after the last checkpoint, after step 9, are made again.
    for _ in 0..3 {
        second.step().unwrap();
    }
    second.save(&dir).unwrap();
    second.step().unwrap();
    let third = finish(resume());
    assert_same(&straight, &third);
    assert!(finish(third).step().unwrap().is_none(), "nothing is left");
    let mut left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["step-0000000007", "step-0000000010"], "all but the last two are removed");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| finish(trainer(TrainConfig { epochs: 2, ..config() })))
    };
    let one = run(1);
    for threads in [2, 3] {
        assert_same(&one, &run(threads));
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    let mut saved = trainer(config());
    saved.step().unwrap();
    saved.save(dir).unwrap();

    let fused = || decoder(Kernels::Cpu);
    let mut other_units = units();
    other_units[7][0].tokens[1] ^= 1;
    let other_weights = lively(&shape(Family::Qwen3, 17), 2, Kernels::Cpu).unwrap();
    for (decoder, units, config) in [
        (fused(), units(), TrainConfig { learning_rate: 4e-3, ..config() }),
        (fused(), units(), TrainConfig { seed: 4, ..config() }),
        (fused(), units(), TrainConfig { loss: Loss::Naive, ..config() }),
        (fused(), other_units, config()),
        (other_weights, units(), config()),
    ] {
        let error = Trainer::resume(decoder, units, config, dir).unwrap_err();
        assert!(matches!(error, LmError::CheckpointOther { .. }), "{error}");
    }
    Trainer::resume(fused(), units(), config(), dir).unwrap();
}

/// The folder of a run saved after two and after three steps, the run after two, and the run after three.
fn saved_twice(dir: &Utf8Path) -> (Trainer, Trainer) {
    let advanced = |steps: usize| {
        let mut trainer = trainer(config());
        (0..steps).for_each(|_| assert!(trainer.step().unwrap().is_some()));
        trainer.save(dir).unwrap();
        trainer
    };
    (advanced(2), advanced(3))
}

#[test]
fn a_damaged_byte_in_any_file_sends_the_run_back_to_the_checkpoint_before() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    let (second, third) = saved_twice(dir);
    let resume = || Trainer::resume(decoder(Kernels::Cpu), units(), config(), dir).unwrap();
    let (resumed, state) = resume();
    assert_eq!((state.from_step, state.damaged.len()), (3, 0));
    assert_same(&resumed, &third);

    let newest = dir.join("step-0000000003");
    for file in ["state.json", "model.safetensors", "training.safetensors"] {
        let path = newest.join(file);
        let bytes = std::fs::read(&path).unwrap();
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            bytes
        };
        let step = (bytes.len() / 40).max(1);
        let flips = (0..bytes.len()).step_by(step).chain([bytes.len() - 1]).map(flipped);
        let cuts = [bytes[..bytes.len() / 2].to_vec(), Vec::new(), [bytes.clone(), vec![b' ']].concat()];
        for damaged in flips.chain(cuts) {
            std::fs::write(&path, damaged).unwrap();
            let (resumed, state) = resume();
            assert_eq!((state.from_step, state.damaged.len()), (2, 1), "{file}");
            assert!(matches!(state.damaged[0], LmError::CheckpointDamaged { .. }), "{}", state.damaged[0]);
            assert!(state.damaged[0].to_string().contains(newest.as_str()), "{}", state.damaged[0]);
            assert_eq!(resumed.history(), second.history());
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(resume().1.from_step, 2, "without {file}");
        std::fs::write(&path, bytes).unwrap();
    }
    assert_eq!(resume().1.from_step, 3);
}

#[test]
fn a_run_without_an_intact_checkpoint_starts_anew_and_ends_in_the_same_bits() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    saved_twice(dir);
    for step in [2, 3] {
        let path = dir.join(format!("step-{step:010}/model.safetensors"));
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x80;
        std::fs::write(&path, bytes).unwrap();
    }
    let (mut resumed, state) = Trainer::resume(decoder(Kernels::Cpu), units(), config(), dir).unwrap();
    assert_eq!((state.from_step, state.damaged.len()), (0, 2));
    resumed.step().unwrap();
    resumed.save(dir).unwrap();
    let left: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["step-0000000001"], "what lies ahead was damaged");
    let (again, state) = Trainer::resume(decoder(Kernels::Cpu), units(), config(), dir).unwrap();
    assert_eq!((state.from_step, state.damaged.len()), (1, 0));
    assert_same(&finish(again), &finish(trainer(config())));
}

#[test]
fn a_leftover_of_a_killed_save_is_no_obstacle() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    std::fs::create_dir(dir.join("partial")).unwrap();
    std::fs::write(dir.join("partial/state.json"), "{").unwrap();
    let (mut trainer, _) = Trainer::resume(decoder(Kernels::Cpu), units(), config(), dir).unwrap();
    trainer.step().unwrap();
    trainer.save(dir).unwrap();
    trainer.save(dir).unwrap();
    let (resumed, _) = Trainer::resume(decoder(Kernels::Cpu), units(), config(), dir).unwrap();
    assert_same(&trainer, &resumed);
}

#[test]
fn clipping_bounds_what_reaches_the_moments() {
    let limit = 0.01;
    let mut trainer = trainer(TrainConfig { clip: Some(limit), warmup: 0.0, ..config() });
    let stats = trainer.step().unwrap().unwrap();
    assert!(stats.grad_norm > 2.0 * limit);
    let squares = |m: &[f32]| m.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let norm = trainer.moments().unwrap().values().map(|m| squares(&m.first)).sum::<f64>().sqrt();
    // The first moment after one step is (1 - 0.9) times the clipped gradient.
    assert!((norm / (0.1 * limit) - 1.0).abs() < 1e-3, "{norm}");
}

#[test]
fn training_refuses_to_start_when_a_tensor_gets_no_gradient() {
    // A sequence of one fed token attends to itself alone, whatever its query and key are.
    let units = vec![vec![Example { tokens: vec![1, 2], supervised: 1..2, weight: 1.0 }]];
    let decoder = decoder(Kernels::Cpu);
    let before = decoder.to_safetensors().unwrap();
    let mut trainer = Trainer::new(decoder, units, config()).unwrap();
    let Err(LmError::NoGradient { names }) = trainer.step() else { panic!("must refuse") };
    let parts = ["k_norm", "k_proj", "q_norm", "q_proj"];
    let expected: Vec<String> = (0..2)
        .flat_map(|layer| parts.map(|part| format!("model.layers.{layer}.self_attn.{part}.weight")))
        .collect();
    assert_eq!(names, expected);
    assert!(before == trainer.decoder().to_safetensors().unwrap(), "nothing was changed");
}

#[test]
fn impossible_runs_are_named() {
    let setting = |config: TrainConfig| match Trainer::new(decoder(Kernels::Cpu), units(), config) {
        Err(LmError::Setting { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    for (field, config) in [
        ("learning_rate", TrainConfig { learning_rate: 0.0, ..config() }),
        ("betas", TrainConfig { betas: (0.9, 1.0), ..config() }),
        ("eps", TrainConfig { eps: f64::NAN, ..config() }),
        ("weight_decay", TrainConfig { weight_decay: -1.0, ..config() }),
        ("clip", TrainConfig { clip: Some(0.0), ..config() }),
        ("warmup", TrainConfig { warmup: 1.5, ..config() }),
        ("epochs", TrainConfig { epochs: 0, ..config() }),
        ("batch", TrainConfig { batch: 0, ..config() }),
        ("micro_batch_tokens", TrainConfig { micro_batch_tokens: 0, ..config() }),
        ("mean_response_len", TrainConfig { loss: Loss::DrSft { mean_response_len: 0.0 }, ..config() }),
    ] {
        assert_eq!(setting(config), field);
    }
    let example = |supervised, weight| vec![Example { tokens: vec![1, 2, 3], supervised, weight }];
    for bad in [vec![], example(0..2, 1.0), example(2..2, 1.0), example(2..4, 1.0), example(1..2, f32::NAN)] {
        let data = vec![example(1..3, 1.0), bad];
        let error = Trainer::new(decoder(Kernels::Cpu), data, config()).unwrap_err();
        assert!(matches!(error, LmError::Example { unit: 1, .. }), "{error}");
    }
    let outside = vec![vec![Example { tokens: vec![1, 99], supervised: 1..2, weight: 1.0 }]];
    let error = Trainer::new(decoder(Kernels::Cpu), outside, config()).unwrap_err();
    assert!(matches!(error, LmError::TokenOutOfRange { token: 99, .. }));
    let frozen = decoder(Kernels::Cpu).frozen().unwrap();
    assert!(Trainer::new(frozen, units(), config()).is_err());
    assert!(Trainer::new(decoder(Kernels::Cpu), vec![], config()).is_err());
    let half = Placement { float: Float::F16, ..Placement::cpu(Kernels::Reference) };
    let half = Decoder::init(&shape(Family::Qwen3, 17), 1, &half).unwrap();
    assert!(matches!(Trainer::new(half, units(), config()), Err(LmError::Placement { .. })));
}

#[test]
fn weights_out_of_range_stop_the_run() {
    let config = TrainConfig { learning_rate: 1e30, clip: None, warmup: 0.0, ..config() };
    let mut trainer = trainer(config);
    let error = trainer.run(None, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, LmError::Diverged { .. }), "{error}");
}
