//! Sampling against the full forward pass, the composed oracle, and itself in other batches.

use std::ops::ControlFlow;

use crate::models::{lively, shape};
use assay_lm::sample::{End, Prompt, Sample, SampleConfig, SampleEvent, Sampler, forced_choice};
use assay_lm::{Config, Decoder, Family, Float, Kernels, LmError, Placement, Scored, Sequences, score};
use proptest::prelude::*;

const FAMILIES: [Family; 3] = [Family::Llama, Family::Qwen2, Family::Qwen3];

fn config(temperature: f64, max_new_tokens: usize) -> SampleConfig {
    SampleConfig { temperature, top_p: 1.0, max_new_tokens, stop: vec![3], seed: 11 }
}

/// Prompts of 1 to 40 tokens, every third equal to an earlier one.
fn prompts(count: usize, vocab: u32) -> Vec<Prompt> {
    let tokens = |i: usize| (0..=(i * 7) % 40).map(|t| ((t * t + i * 13) as u32) % vocab).collect();
    (0..count)
        .map(|i| {
            let same = if i % 3 == 2 { i / 2 } else { i };
            Prompt { tokens: tokens(same), sample_index: i as u64 }
        })
        .collect()
}

/// Logits after the last token, from the full forward pass.
fn next_logits(decoder: &Decoder, tokens: &[u32]) -> Vec<f32> {
    let hidden = decoder.hidden(&Sequences::from_slices([tokens]).unwrap()).unwrap();
    let last = hidden.narrow(0, tokens.len() - 1, 1).unwrap();
    let logits = decoder.logits(&last).unwrap().to_dtype(candle_core::DType::F32).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

fn argmax(logits: &[f32]) -> u32 {
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]).then(b.cmp(&a)));
    best.unwrap() as u32
}

#[test]
fn decoding_with_a_cache_gives_the_log_probabilities_of_the_full_forward_pass() {
    for family in FAMILIES {
        for kernels in [Kernels::Cpu, Kernels::Reference] {
            let decoder = lively(&shape(family, 29), 1, kernels).unwrap();
            let prompts = prompts(9, 29);
            let samples = Sampler::new(&decoder, config(1.0, 30)).unwrap().all(&prompts).unwrap();
            for (prompt, sample) in prompts.iter().zip(&samples) {
                let tokens = [prompt.tokens.clone(), sample.tokens.clone()].concat();
                let start = prompt.tokens.len();
                let targets: Vec<_> = (start..tokens.len()).map(|p| (p - 1, tokens[p])).collect();
                let batch = Sequences::from_slices([&tokens]).unwrap();
                let full: Vec<f32> = decoder.log_probs(&batch, &targets).unwrap().to_vec1().unwrap();
                for (cached, full) in sample.log_probs.iter().zip(&full) {
                    assert!((cached - full).abs() < 1e-4, "{family:?} {kernels:?}: {cached} {full}");
                }
                assert_eq!(sample.log_probs.len(), sample.tokens.len());
            }
        }
    }
}

#[test]
fn fused_and_composed_draw_the_same_tokens() {
    for family in FAMILIES {
        let fused = lively(&shape(family, 45), 2, Kernels::Cpu).unwrap();
        let composed = fused.with_kernels(Kernels::Reference).unwrap();
        for temperature in [0.0, 0.7] {
            let draw = |decoder: &Decoder| {
                let sampler = Sampler::new(decoder, config(temperature, 20)).unwrap().with_batch(5);
                sampler.all(&prompts(14, 45)).unwrap()
            };
            let (fused, composed) = (draw(&fused), draw(&composed));
            for (f, c) in fused.iter().zip(&composed) {
                assert_eq!((&f.tokens, f.end), (&c.tokens, c.end), "{family:?} {temperature}");
            }
        }
    }
}

/// Slots that are refilled as samples end, in another order than they began; prompts that are longer than what passes at a time;
/// few and many samples in flight. Log-probabilities are those of the full pass, and each token is its likeliest, within a rounding.
#[test]
fn slots_may_be_refilled_in_any_order() {
    for (float, mean, p99) in [(Float::F32, 1e-5, 1e-4), (Float::Bf16, 0.02, 0.15)] {
        let shape = shape(Family::Llama, 29);
        let tensors = lively(&shape, 4, Kernels::Reference).unwrap().tensors().clone();
        let placement = Placement { float, ..Placement::cpu(Kernels::Reference) };
        let decoder = Decoder::from_tensors(&shape, tensors, &placement).unwrap();
        for batch in [1, 3, 24] {
            let mut prompts = prompts(23, 29);
            if (float, batch) == (Float::F32, 3) {
                let long = (0..2100).map(|at: u32| at * at % 29).collect();
                prompts.insert(7, Prompt { tokens: long, sample_index: 99 });
            }
            let sampler = Sampler::new(&decoder, config(0.0, 12)).unwrap().with_batch(batch);
            let samples = sampler.all(&prompts).unwrap();
            assert!(samples.iter().any(Sample::stopped) && !samples.iter().all(Sample::stopped));
            let scored = |(prompt, sample): (&Prompt, &Sample)| {
                let tokens = [prompt.tokens.clone(), sample.tokens.clone()].concat();
                Scored { range: prompt.tokens.len()..tokens.len(), tokens }
            };
            let items: Vec<Scored> = prompts.iter().zip(&samples).map(scored).collect();
            let full = score(&decoder, &items).unwrap().into_iter().flatten();
            let cached = samples.iter().flat_map(|sample| &sample.log_probs);
            let mut differences: Vec<f32> =
                cached.zip(full).map(|(cached, full)| (cached - full).abs()).collect();
            differences.sort_unstable_by(f32::total_cmp);
            let found_mean = differences.iter().sum::<f32>() / differences.len() as f32;
            let found_p99 = differences[(differences.len() - 1) * 99 / 100];
            assert!(
                found_mean <= mean && found_p99 <= p99,
                "{float:?} {batch}: {found_mean:e} {found_p99:e}"
            );
            for (item, at) in
                items.iter().step_by(11).flat_map(|item| item.range.clone().map(move |at| (item, at)))
            {
                let logits = next_logits(&decoder, &item.tokens[..at]);
                let regret = logits[argmax(&logits) as usize] - logits[item.tokens[at] as usize];
                assert!(regret <= p99, "{float:?} {batch}: regret {regret:e}");
            }
        }
    }
}

#[test]
fn half_precision_decodes_with_a_cache_as_without() {
    for float in [Float::Bf16, Float::F16] {
        let placement = Placement { float, ..Placement::cpu(Kernels::Reference) };
        let shape = shape(Family::Qwen3, 29);
        let exact = lively(&shape, 1, Kernels::Reference).unwrap();
        let decoder = Decoder::from_tensors(&shape, exact.tensors().clone(), &placement).unwrap();
        let prompts = prompts(9, 29);
        let samples = Sampler::new(&decoder, config(1.0, 10)).unwrap().all(&prompts).unwrap();
        for (prompt, sample) in prompts.iter().zip(&samples) {
            let tokens = [prompt.tokens.clone(), sample.tokens.clone()].concat();
            let range = prompt.tokens.len()..tokens.len();
            let full = score(&decoder, &[Scored { tokens, range }]).unwrap();
            for (cached, full) in sample.log_probs.iter().zip(&full[0]) {
                assert!((cached - full).abs() < 0.15, "{float:?}: {cached} {full}");
            }
        }
    }
}

#[test]
fn greedy_decoding_takes_the_most_likely_token_and_stops_where_told() {
    let decoder = lively(&shape(Family::Qwen3, 29), 3, Kernels::Cpu).unwrap();
    let prompts = prompts(12, 29);
    let samples = Sampler::new(&decoder, config(0.0, 25)).unwrap().all(&prompts).unwrap();
    for (prompt, sample) in prompts.iter().zip(&samples) {
        let mut tokens = prompt.tokens.clone();
        for &token in &sample.tokens {
            assert_eq!(token, argmax(&next_logits(&decoder, &tokens)));
            tokens.push(token);
        }
        let stop = sample.tokens.iter().position(|t| *t == 3);
        assert_eq!(sample.end, if stop.is_some() { End::Token } else { End::Length });
        assert_eq!(sample.tokens.len(), stop.map_or(25, |at| at + 1));
    }
}

#[test]
fn one_token_is_drawn_with_its_probability() {
    let decoder = lively(&shape(Family::Qwen3, 9), 4, Kernels::Cpu).unwrap();
    let count = 4000;
    let prompts: Vec<Prompt> =
        (0..count).map(|sample_index| Prompt { tokens: vec![1, 2], sample_index }).collect();
    let logits = next_logits(&decoder, &[1, 2]);
    let mut seen = vec![0.0; 9];
    for sample in Sampler::new(&decoder, config(0.7, 1)).unwrap().all(&prompts).unwrap() {
        seen[sample.tokens[0] as usize] += 1.0;
    }
    let weights: Vec<f64> = logits.iter().map(|l| (f64::from(*l) / 0.7).exp()).collect();
    for (weight, seen) in weights.iter().zip(seen) {
        let p = weight / weights.iter().sum::<f64>();
        let deviation = (p * (1.0 - p) * count as f64).sqrt();
        assert!((seen - p * count as f64).abs() < 4.0 * deviation + 1.0, "p {p}, seen {seen} of {count}");
    }
}

fn draw(decoder: &Decoder, prompts: &[Prompt], batch: usize, threads: usize) -> Vec<Sample> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let sampler = Sampler::new(decoder, config(0.9, 24)).unwrap().with_batch(batch);
    pool.install(|| sampler.all(prompts)).unwrap()
}

fn model() -> (Config, Decoder) {
    let config = shape(Family::Qwen3, 29);
    let decoder = lively(&config, 5, Kernels::Cpu).unwrap();
    (config, decoder)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sample_is_the_same_in_any_batch(
        order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle(),
        taken in 1..40usize,
        batch in prop::sample::select(vec![1, 3, 64]),
        threads in 1..4usize,
    ) {
        let (_, decoder) = model();
        let prompts = prompts(40, 29);
        let alone: Vec<Sample> =
            prompts.chunks(1).flat_map(|prompt| draw(&decoder, prompt, 1, 1)).collect();
        let chosen: Vec<Prompt> = order[..taken].iter().map(|&i| prompts[i].clone()).collect();
        let together = draw(&decoder, &chosen, batch, threads);
        for (&i, sample) in order.iter().zip(&together) {
            prop_assert_eq!(sample, &alone[i]);
        }
    }
}

#[test]
fn samples_of_one_prompt_that_do_not_fit_at_once_share_it_all_the_same() {
    let (_, decoder) = model();
    let mut prompts: Vec<Prompt> =
        (0..30).map(|sample_index| Prompt { tokens: vec![5, 6, 7], sample_index }).collect();
    prompts.push(Prompt { tokens: vec![8; 20], sample_index: 0 });
    prompts.extend((0..10).map(|sample_index| Prompt { tokens: vec![9, 1], sample_index }));
    prompts.push(prompts[0].clone());
    let narrow = draw(&decoder, &prompts, 4, 1);
    assert_eq!(narrow, draw(&decoder, &prompts, 64, 1));
    assert_eq!(narrow[0], narrow[41], "the same prompt and index");
    assert!(narrow[..30].windows(2).any(|pair| pair[0] != pair[1]), "indices tell samples apart");
}

/// The samples of a sampler, and the most that were in flight at a time.
fn drawn(sampler: &Sampler<'_>, prompts: &[Prompt]) -> (Vec<Sample>, usize) {
    let (mut samples, mut most) = (vec![None; prompts.len()], 0);
    let flow = sampler.run(prompts, &mut |event| {
        match event {
            SampleEvent::Step { rows } => most = most.max(rows),
            SampleEvent::Finished { index, sample } => samples[index] = Some(sample),
        }
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    (samples.into_iter().flatten().collect(), most)
}

#[test]
fn memory_bounds_the_samples_in_flight_and_changes_none() {
    let (config, decoder) = model();
    let prompts = prompts(100, 29);
    let longest = prompts.iter().map(|prompt| prompt.tokens.len()).max().unwrap();
    let elements = 2 * config.num_layers * config.num_kv_heads * config.head_dim;
    let of_one = ((longest + 24 - 1) * elements * size_of::<f32>()) as u64;
    let sampler = || Sampler::new(&decoder, self::config(0.9, 24)).unwrap();
    let (expected, most) = drawn(&sampler(), &prompts);
    assert_eq!((expected.len(), most), (100, 64), "small models keep the whole batch");
    // One slot keeps a prompt for waiting samples.
    for (bytes, rows) in [(0, 1), (of_one, 1), (4 * of_one, 3), (5 * of_one - 1, 3), (u64::MAX, 64)] {
        assert_eq!(drawn(&sampler().with_cache_bytes(bytes), &prompts), (expected.clone(), rows), "{bytes}");
    }
    assert_eq!(drawn(&sampler().with_batch(2).with_cache_bytes(4 * of_one), &prompts).1, 2);
}

#[test]
fn prompts_that_are_read_in_several_steps_give_the_same_samples() {
    let (_, decoder) = model();
    let tokens = |i: u32| (0..330).map(|t| (t * t + 7 * i) % 29).collect();
    let prompts: Vec<Prompt> =
        (0..16).map(|i| Prompt { tokens: tokens(i / 2), sample_index: i.into() }).collect();
    let mut alone = prompts.chunks(1).flat_map(|prompt| draw(&decoder, prompt, 1, 1));
    assert!(draw(&decoder, &prompts, 64, 2).into_iter().all(|sample| Some(sample) == alone.next()));
}

#[test]
fn a_model_without_finite_logits_is_an_error() {
    let config = shape(Family::Qwen3, 29);
    let mut tensors = assay_lm::weights::initial(&config, 1).unwrap();
    let norm = tensors.get_mut("model.norm.weight").unwrap();
    *norm = (&*norm * f64::NAN).unwrap();
    let decoder = Decoder::from_tensors(&config, tensors, &Placement::cpu(Kernels::Cpu)).unwrap();
    let error = Sampler::new(&decoder, self::config(0.0, 5)).unwrap().all(&prompts(3, 29)).unwrap_err();
    assert!(matches!(error, LmError::NoDistribution { .. }), "{error}");
    assert!(matches!(forced_choice(&decoder, &[[1]], &[2, 3]), Err(LmError::NoDistribution { prompt: 0 })));
}

#[test]
fn top_p_leaves_out_the_unlikely() {
    let (_, decoder) = model();
    let prompts: Vec<Prompt> =
        (0..200).map(|sample_index| Prompt { tokens: vec![4, 4], sample_index }).collect();
    let logits = next_logits(&decoder, &[4, 4]);
    let narrow = SampleConfig { top_p: 0.5, ..config(1.0, 1) };
    let samples = Sampler::new(&decoder, narrow).unwrap().all(&prompts).unwrap();
    let total: f64 = logits.iter().map(|l| f64::from(*l).exp()).sum();
    for sample in samples {
        let chosen = logits[sample.tokens[0] as usize];
        let above: f64 = logits.iter().filter(|l| **l > chosen).map(|l| f64::from(*l).exp() / total).sum();
        assert!(above < 0.5, "{above} of the probability lies above a drawn token");
        assert!((f64::from(sample.log_probs[0]) - (f64::from(chosen) - total.ln())).abs() < 1e-4);
    }
}

#[test]
fn the_observer_sees_each_sample_once_and_can_break_off() {
    let (_, decoder) = model();
    let prompts = prompts(20, 29);
    let sampler = Sampler::new(&decoder, config(1.0, 12)).unwrap().with_batch(4);
    let (mut drawn, mut finished) = (0, vec![0; 20]);
    let flow = sampler.run(&prompts, &mut |event| {
        match event {
            SampleEvent::Step { rows } => drawn += rows,
            SampleEvent::Finished { index, .. } => finished[index] += 1,
        }
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    assert_eq!(finished, [1; 20]);
    let tokens: usize = sampler.all(&prompts).unwrap().iter().map(|s| s.tokens.len()).sum();
    assert_eq!(drawn, tokens);

    let mut seen = 0;
    let flow = sampler.run(&prompts, &mut |event| {
        seen += usize::from(matches!(event, SampleEvent::Finished { .. }));
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(flow.unwrap().is_break());
    assert_eq!(seen, 3);
    assert!(sampler.all(&[]).unwrap().is_empty());
}

#[test]
fn a_forced_choice_is_the_likeliest_candidate() {
    for kernels in [Kernels::Cpu, Kernels::Reference] {
        let decoder = lively(&shape(Family::Qwen2, 29), 6, kernels).unwrap();
        let prompts: Vec<Vec<u32>> = prompts(100, 29).into_iter().map(|p| p.tokens).collect();
        let candidates = [17, 2, 9, 21];
        let chosen = forced_choice(&decoder, &prompts, &candidates).unwrap();
        for (prompt, chosen) in prompts.iter().zip(&chosen) {
            let logits = next_logits(&decoder, prompt);
            let of = candidates.map(|c| logits[c as usize]);
            assert_eq!(*chosen, candidates[argmax(&of) as usize]);
        }
        assert_eq!(chosen.len(), 100);
        assert!(chosen.windows(2).any(|pair| pair[0] != pair[1]));
    }
}

#[test]
fn impossible_requests_are_named() {
    let (shape, decoder) = model();
    let good = config(1.0, 5);
    for (field, bad) in [
        ("temperature", SampleConfig { temperature: -0.1, ..good.clone() }),
        ("temperature", SampleConfig { temperature: f64::NAN, ..good.clone() }),
        ("top_p", SampleConfig { top_p: 0.0, ..good.clone() }),
        ("top_p", SampleConfig { top_p: 1.1, ..good.clone() }),
        ("max_new_tokens", SampleConfig { max_new_tokens: 0, ..good.clone() }),
        ("max_new_tokens", SampleConfig { max_new_tokens: usize::MAX, ..good.clone() }),
    ] {
        let error = Sampler::new(&decoder, bad).err().unwrap();
        assert!(matches!(error, LmError::Setting { field: f, .. } if f == field), "{error}");
    }
    let sampler = Sampler::new(&decoder, good).unwrap();
    let prompt = |tokens: &[u32]| Prompt { tokens: tokens.to_vec(), sample_index: 0 };
    let error = sampler.all(&[prompt(&[1]), prompt(&[])]).unwrap_err();
    assert!(matches!(error, LmError::EmptyPrompt { index: 1 }));
    let outside = shape.vocab_size as u32;
    let error = sampler.all(&[prompt(&[1, outside])]).unwrap_err();
    assert!(matches!(error, LmError::TokenOutOfRange { position: 1, .. }));
    assert!(forced_choice(&decoder, &[[1]], &[]).is_err());
    assert!(forced_choice(&decoder, &[[1]], &[outside]).is_err());
}
