//! The whole decoder: back ends against each other, gradients, weights, scoring.

use std::collections::BTreeMap;

use crate::support::{assert_close, bits, config, next_tokens, rng, sequences, tensor, values, with_threads};
use assay_lm::Kernels::{Cpu, Reference};
use assay_lm::score::score_in_chunks;
use assay_lm::weights::{Init, layout};
use assay_lm::{
    Config, Decoder, ErrorClass, Family, Float, Kernels, LmError, Placement, Scored, Sequences, score,
};
use camino::Utf8PathBuf;
use candle_core::{DType, Tensor};

const FAMILIES: [Family; 3] = [Family::Llama, Family::Qwen2, Family::Qwen3];

/// The loss's value and gradients by name, for the batch's own next tokens with uneven weights.
fn step(decoder: &Decoder, batch: &Sequences) -> (Tensor, BTreeMap<String, Tensor>) {
    let targets = next_tokens(batch);
    let weights = tensor(&mut rng(9), targets.len());
    let log_probs = decoder.log_probs(batch, &targets).unwrap();
    let loss = (&log_probs * &weights).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    let grads = decoder
        .vars()
        .iter()
        .map(|(name, var)| {
            let grad = grads.get(var).unwrap_or_else(|| panic!("{name} gets no gradient"));
            (name.clone(), grad.detach())
        })
        .collect();
    (log_probs.detach(), grads)
}

#[test]
fn back_ends_agree_and_every_tensor_gets_a_gradient() {
    let biased = Config { qkv_bias: true, output_bias: true, tied_head: false, ..config(Family::Qwen3) };
    for config in FAMILIES.map(config).into_iter().chain([biased]) {
        let cpu = Decoder::init(&config, 4, &Placement::cpu(Cpu)).unwrap();
        let reference = cpu.with_kernels(Reference).unwrap();
        let batch = sequences(&mut rng(8), &[9, 1, 23, 2], config.vocab_size);
        let (value, grads) = step(&cpu, &batch);
        let (expected, expected_grads) = step(&reference, &batch);
        assert_close(&value, &expected, 5e-6, "log-probabilities");
        assert_eq!(grads.len(), layout(&config).len());
        for (name, grad) in &grads {
            assert_close(grad, &expected_grads[name], 2e-5, name);
            for (kernels, grad) in [(Cpu, grad), (Reference, &expected_grads[name])] {
                let norm = values(grad).iter().map(|value| value * value).sum::<f64>().sqrt();
                // The softmax ignores what is added to all scores of a query, as a bias on all keys is before
                // the rotation turns it: this gradient is small, never none.
                assert!(norm.is_finite() && norm > 1e-7, "{name} on {kernels:?}: gradient norm {norm}");
            }
        }
    }
}

#[test]
fn a_step_has_the_same_bits_for_any_number_of_threads() {
    let config = Config { hidden_size: 96, intermediate_size: 256, ..config(Family::Qwen3) };
    let decoder = Decoder::init(&config, 4, &Placement::cpu(Cpu)).unwrap();
    let batch = sequences(&mut rng(8), &[70, 90, 1, 120, 33], config.vocab_size);
    let (value, grads) = with_threads(1, || step(&decoder, &batch));
    for threads in [2, 3] {
        let (other, other_grads) = with_threads(threads, || step(&decoder, &batch));
        assert_eq!(bits(&other), bits(&value), "{threads} threads");
        for (name, grad) in &grads {
            assert_eq!(bits(&other_grads[name]), bits(grad), "{name}, {threads} threads");
        }
    }
}

#[test]
fn log_probs_are_those_of_the_logits() {
    for kernels in [Reference, Cpu] {
        let config = config(Family::Qwen2);
        let decoder = Decoder::init(&config, 2, &Placement::cpu(kernels)).unwrap();
        let batch = sequences(&mut rng(1), &[5, 7], config.vocab_size);
        let logits = decoder.logits(&decoder.hidden(&batch).unwrap()).unwrap();
        let rows = logits.to_vec2::<f32>().unwrap();
        // Any row may be asked for, in any order, and more than once.
        let targets = [(11, 3), (0, 28), (11, 4), (4, 0)];
        let expected: Vec<f64> = targets
            .iter()
            .map(|(row, token)| {
                let total: f64 = rows[*row].iter().map(|logit| f64::from(*logit).exp()).sum();
                f64::from(rows[*row][*token as usize]) - total.ln()
            })
            .collect();
        let expected = Tensor::new(expected, logits.device()).unwrap();
        assert_close(&decoder.log_probs(&batch, &targets).unwrap(), &expected, 1e-6, "log-probabilities");
        assert_eq!(decoder.log_probs(&batch, &[]).unwrap().dims(), [0]);
    }
}

#[test]
fn a_token_sees_its_own_past_only() {
    for kernels in [Reference, Cpu] {
        let config = config(Family::Qwen3);
        let decoder = Decoder::init(&config, 2, &Placement::cpu(kernels)).unwrap();
        let hidden = |sequences: &[&[u32]]| {
            decoder.hidden(&Sequences::from_slices(sequences).unwrap()).unwrap().to_vec2::<f32>().unwrap()
        };
        let base = hidden(&[&[1, 2, 3, 4, 5], &[6, 7]]);
        let changed = hidden(&[&[1, 2, 3, 9, 5], &[6, 7]]);
        assert_eq!(base[..3], changed[..3], "the past of a changed token");
        assert_ne!(base[3], changed[3], "the changed token");
        assert_ne!(base[4], changed[4], "its future");
        assert_eq!(base[5..], changed[5..], "another sequence");
    }
}

#[test]
fn new_weights_are_a_function_of_the_seed() {
    let config = Config { hidden_size: 64, ..config(Family::Qwen3) };
    let bytes =
        |seed| Decoder::init(&config, seed, &Placement::cpu(Reference)).unwrap().to_safetensors().unwrap();
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));

    let decoder = Decoder::init(&config, 1, &Placement::cpu(Reference)).unwrap();
    for spec in layout(&config) {
        let values = values(&decoder.tensors()[&spec.name]);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        match spec.init {
            Init::Constant(constant) => assert!(values.iter().all(|value| *value == f64::from(constant))),
            Init::Normal { std } => {
                assert!(
                    (variance.sqrt() / std - 1.0).abs() < 0.1,
                    "{}: {} for {std}",
                    spec.name,
                    variance.sqrt()
                );
                assert!(mean.abs() < 0.1 * std, "{}: mean {mean}", spec.name);
            }
        }
    }
    let std_of =
        |name: &str| match layout(&config).into_iter().find(|spec| spec.name.ends_with(name)).unwrap().init {
            Init::Normal { std } => std,
            Init::Constant(_) => panic!("{name} is constant"),
        };
    assert_eq!(std_of("q_proj.weight"), 1.0 / 8.0);
    assert_eq!(std_of("o_proj.weight"), 1.0 / (32.0_f64 * 4.0).sqrt());
    assert_eq!(std_of("down_proj.weight"), 1.0 / (40.0_f64 * 4.0).sqrt());
    assert_eq!(std_of("embed_tokens.weight"), 0.02);
}

#[test]
fn weights_survive_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::try_from(dir.path().join("model.safetensors")).unwrap();
    for family in FAMILIES {
        let decoder = Decoder::init(&config(family), 6, &Placement::cpu(Cpu)).unwrap();
        decoder.save(&path).unwrap();
        let read = Decoder::from_safetensors(&config(family), &[&path], &Placement::cpu(Cpu)).unwrap();
        assert_eq!(read.to_safetensors().unwrap(), decoder.to_safetensors().unwrap());
        let batch = sequences(&mut rng(3), &[4, 6], 29);
        assert_eq!(bits(&read.hidden(&batch).unwrap()), bits(&decoder.hidden(&batch).unwrap()));
    }
}

/// Writes tensors in their own types, spread over two files.
fn write_shards(dir: &tempfile::TempDir, tensors: &BTreeMap<String, Tensor>) -> [Utf8PathBuf; 2] {
    ["a", "b"].map(|shard| {
        let path = dir.path().join(format!("{shard}.safetensors"));
        let part = tensors.iter().enumerate().filter(|(index, _)| (index % 2 == 0) == (shard == "a"));
        let part = part.map(|(_, (name, tensor))| (name.clone(), tensor.clone())).collect();
        candle_core::safetensors::save(&part, &path).unwrap();
        Utf8PathBuf::try_from(path).unwrap()
    })
}

#[test]
fn half_precision_files_are_widened() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(Family::Qwen3);
    let decoder = Decoder::init(&config, 6, &Placement::cpu(Reference)).unwrap();
    for dtype in [DType::BF16, DType::F16] {
        let narrow = |tensor: &Tensor| tensor.to_dtype(dtype).unwrap();
        let mut tensors: BTreeMap<_, _> =
            decoder.tensors().iter().map(|(n, t)| (n.clone(), narrow(t))).collect();
        // What a tied model's file may hold besides, and what old files hold.
        tensors.insert("lm_head.weight".to_owned(), narrow(decoder.head()));
        tensors.insert("model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(), narrow(decoder.norm()));
        let read =
            Decoder::from_safetensors(&config, &write_shards(&dir, &tensors), &Placement::cpu(Reference))
                .unwrap();
        for (name, tensor) in decoder.tensors() {
            let expected = narrow(tensor).to_dtype(DType::F32).unwrap();
            assert_eq!(bits(&read.tensors()[name]), bits(&expected), "{name}");
        }
    }
}

#[test]
fn files_keep_their_float_type_where_the_placement_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(Family::Qwen3);
    let decoder = Decoder::init(&config, 6, &Placement::cpu(Reference)).unwrap();
    for float in [Float::Bf16, Float::F16] {
        let placement = Placement { float, ..Placement::cpu(Reference) };
        let stored: BTreeMap<_, _> = decoder
            .tensors()
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.to_dtype(float.dtype()).unwrap()))
            .collect();
        let read = Decoder::from_safetensors(&config, &write_shards(&dir, &stored), &placement).unwrap();
        for (name, tensor) in read.tensors() {
            assert_eq!(tensor.dtype(), float.dtype());
            assert_eq!(values(tensor), values(&stored[name]), "{name}");
        }
    }
}

#[test]
fn half_precision_changes_log_probabilities_a_little() {
    for family in FAMILIES {
        let config = config(family);
        let batch = sequences(&mut rng(3), &[40, 1, 17], config.vocab_size);
        let exact = Decoder::init(&config, 6, &Placement::cpu(Reference)).unwrap();
        let expected = exact.log_probs(&batch, &next_tokens(&batch)).unwrap();
        for (float, tolerance) in [(Float::Bf16, 0.02), (Float::F16, 0.003)] {
            let placement = Placement { float, ..Placement::cpu(Reference) };
            let decoder = Decoder::init(&config, 6, &placement).unwrap();
            assert_eq!(decoder.hidden(&batch).unwrap().dtype(), float.dtype());
            let found = decoder.log_probs(&batch, &next_tokens(&batch)).unwrap();
            assert_eq!(found.dtype(), DType::F32);
            assert_ne!(values(&found), values(&expected));
            assert_close(&found, &expected, tolerance, &format!("{family:?} {float:?}"));
            assert_eq!(decoder.log_probs(&batch, &[]).unwrap().dims(), [0]);
        }
    }
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(Family::Qwen3);
    let tensors = Decoder::init(&config, 6, &Placement::cpu(Reference)).unwrap().tensors().clone();
    let read = |tensors: &BTreeMap<String, Tensor>| {
        Decoder::from_safetensors(&config, &write_shards(&dir, tensors), &Placement::cpu(Reference))
            .unwrap_err()
    };
    let name = "model.layers.1.mlp.up_proj.weight";
    let changed = |tensor: Option<Tensor>| {
        let mut tensors = tensors.clone();
        match tensor {
            Some(tensor) => tensors.insert(name.to_owned(), tensor),
            None => tensors.remove(name),
        };
        read(&tensors)
    };
    assert!(matches!(changed(None), LmError::MissingTensor { name: missing } if missing == name));
    let transposed = tensors[name].t().unwrap().contiguous().unwrap();
    assert!(matches!(changed(Some(transposed)), LmError::TensorShape { name: wrong, .. } if wrong == name));
    let integers = tensors[name].to_dtype(DType::U32).unwrap();
    assert!(matches!(changed(Some(integers)), LmError::TensorDtype { name: wrong, .. } if wrong == name));
    let mut more = tensors.clone();
    more.insert("model.layers.7.extra".to_owned(), tensors[name].clone());
    assert!(matches!(read(&more), LmError::UnexpectedTensor { name } if name == "model.layers.7.extra"));
    assert!(matches!(
        Decoder::from_tensors(&config, more, &Placement::cpu(Reference)),
        Err(LmError::UnexpectedTensor { name }) if name == "model.layers.7.extra"
    ));

    let path = Utf8PathBuf::try_from(dir.path().join("broken.safetensors")).unwrap();
    fs_err::write(&path, b"not safetensors").unwrap();
    let error = Decoder::from_safetensors(&config, &[&path], &Placement::cpu(Reference)).unwrap_err();
    assert!(matches!(error, LmError::WeightsFormat { .. }));
    let error = Decoder::from_safetensors(
        &config,
        &[dir.path().join("none").to_str().unwrap()],
        &Placement::cpu(Reference),
    )
    .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Environment);
}

#[test]
fn a_frozen_decoder_builds_no_graph_and_sees_updates() {
    for kernels in [Reference, Cpu] {
        let decoder = Decoder::init(&config(Family::Qwen3), 6, &Placement::cpu(kernels)).unwrap();
        let frozen = decoder.frozen().unwrap();
        let batch = sequences(&mut rng(3), &[4, 6], 29);
        let hidden = frozen.hidden(&batch).unwrap();
        assert!(!hidden.track_op() && decoder.hidden(&batch).unwrap().track_op());
        assert!(frozen.vars().is_empty());

        let norm = &decoder.vars()["model.norm.weight"];
        norm.set(&(norm.as_tensor() * 2.0).unwrap()).unwrap();
        assert_close(&frozen.hidden(&batch).unwrap(), &(hidden * 2.0).unwrap(), 1e-6, "after an update");
    }
}

#[test]
fn a_model_from_another_models_tensors_is_a_copy() {
    let one = Decoder::init(&config(Family::Qwen3), 6, &Placement::cpu(Cpu)).unwrap();
    let other = Decoder::from_tensors(one.config(), one.tensors().clone(), &Placement::cpu(Cpu)).unwrap();
    assert_eq!(one.to_safetensors().unwrap(), other.to_safetensors().unwrap());
    let norm = &other.vars()["model.norm.weight"];
    norm.set(&norm.zeros_like().unwrap()).unwrap();
    assert_ne!(one.to_safetensors().unwrap(), other.to_safetensors().unwrap());
}

#[test]
fn an_empty_batch_has_no_rows() {
    for kernels in [Reference, Cpu] {
        let decoder = Decoder::init(&config(Family::Qwen3), 6, &Placement::cpu(kernels)).unwrap();
        assert_eq!(decoder.hidden(&Sequences::new()).unwrap().dims(), [0, 24]);
        assert_eq!(decoder.log_probs(&Sequences::new(), &[]).unwrap().dims(), [0]);
    }
}

#[test]
fn tokens_and_rows_outside_are_errors() {
    let decoder = Decoder::init(&config(Family::Llama), 6, &Placement::cpu(Cpu)).unwrap();
    let batch = Sequences::from_slices([[1, 2], [3, 29]]).unwrap();
    let error = decoder.hidden(&batch).unwrap_err();
    assert!(matches!(error, LmError::TokenOutOfRange { token: 29, position: 3, vocab_size: 29 }));
    let batch = Sequences::from_slices([[1, 2], [3, 28]]).unwrap();
    assert!(matches!(decoder.log_probs(&batch, &[(4, 0)]), Err(LmError::RowOutOfRange { row: 4, rows: 4 })));
    assert!(matches!(decoder.log_probs(&batch, &[(3, 29)]), Err(LmError::TokenOutOfRange { token: 29, .. })));
}

fn items(count: usize) -> Vec<Scored> {
    let mut rng = rng(12);
    (0..count)
        .map(|index| {
            let tokens = sequences(&mut rng, &[2 + index * 7 % 40], 29).tokens().to_vec();
            let start = 1 + index % (tokens.len() - 1);
            let end = if index % 5 == 0 { start } else { tokens.len() - index % (tokens.len() - start) };
            Scored { tokens, range: start..end }
        })
        .collect()
}

#[test]
fn scores_are_the_log_probabilities_in_order() {
    let decoder = Decoder::init(&config(Family::Qwen3), 6, &Placement::cpu(Cpu)).unwrap();
    let items = items(23);
    let scores = score(&decoder, &items).unwrap();
    for (Scored { tokens, range }, scores) in items.iter().zip(&scores) {
        let batch = Sequences::from_slices([tokens]).unwrap();
        let targets: Vec<(usize, u32)> =
            range.clone().map(|position| (position - 1, tokens[position])).collect();
        let expected = decoder.with_kernels(Reference).unwrap().log_probs(&batch, &targets).unwrap();
        assert_close(&Tensor::new(scores.as_slice(), expected.device()).unwrap(), &expected, 1e-5, "scores");
    }
    assert!(score(&decoder, &[]).unwrap().is_empty());
}

#[test]
fn scores_depend_neither_on_chunks_nor_on_threads_nor_on_company() {
    let decoder = Decoder::init(&config(Family::Qwen3), 6, &Placement::cpu(Cpu)).unwrap();
    let items = items(23);
    let exact = |scores: Vec<Vec<f32>>| -> Vec<Vec<u32>> {
        scores.into_iter().map(|list| list.into_iter().map(f32::to_bits).collect()).collect()
    };
    let expected = exact(with_threads(1, || score(&decoder, &items)).unwrap());
    for (max_tokens, threads) in [(1, 1), (50, 2), (131, 3), (100_000, 2)] {
        let scores = with_threads(threads, || score_in_chunks(&decoder, &items, max_tokens)).unwrap();
        assert_eq!(exact(scores), expected, "{max_tokens} tokens per chunk, {threads} threads");
    }
    let alone = exact(score(&decoder, &items[7..8]).unwrap());
    assert_eq!(alone[0], expected[7]);
}

#[test]
fn only_what_something_precedes_can_be_scored() {
    let decoder = Decoder::init(&config(Family::Llama), 6, &Placement::cpu(Kernels::Reference)).unwrap();
    #[expect(clippy::reversed_empty_ranges, reason = "what is tested")]
    for range in [0..2, 3..2, 2..4] {
        let item = Scored { tokens: vec![1, 2, 3], range };
        assert!(matches!(score(&decoder, &[item]), Err(LmError::ScoreRange { sequence: 0, length: 3, .. })));
    }
    let empty = Scored { tokens: vec![1], range: 1..1 };
    assert_eq!(score(&decoder, &[empty]).unwrap(), [[0.0; 0]]);
}
