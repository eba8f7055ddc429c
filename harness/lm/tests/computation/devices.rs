//! Each operation in `f32` and `bf16`, on the CPU and on a GPU if there is one, against the same in `f64` on the CPU.

use assay_lm::Kernels::Reference;
use assay_lm::ops::{self, RotaryTable};
use assay_lm::sample::{Prompt, SampleConfig, Sampler};
use assay_lm::{Cuda, Decoder, DeviceName, Family, Float, Placement, Scored, score, weights};
use candle_core::{DType, Device, Result, Tensor, Var};

use crate::support::{config, next_tokens, rng, sequences, tensor, values};

/// The devices to test on. Whoever expects a GPU sees that it was not there.
fn devices() -> Vec<DeviceName> {
    let gpus = Cuda::look().map(|cuda| cuda.gpus).unwrap_or_default();
    if gpus.is_empty() {
        eprintln!("skipped on GPUs: there is none, or this build is without CUDA");
    }
    let gpu = gpus.first().map(|gpu| DeviceName::Cuda(gpu.index));
    [DeviceName::Cpu].into_iter().chain(gpu).collect()
}

/// An operation on float tensors.
type Op<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// The value of an operation and the gradients of `Σ value · weights`.
fn run(op: Op<'_>, inputs: &[Tensor], weights: &Tensor) -> Vec<Tensor> {
    let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let value = op(&tensors).unwrap();
    let weights = weights.to_device(value.device()).unwrap().to_dtype(value.dtype()).unwrap();
    let grads = (&value * weights).unwrap().sum_all().unwrap().backward().unwrap();
    std::iter::once(value.detach()).chain(vars.iter().map(|var| grads.get(var).unwrap().detach())).collect()
}

/// Leaves numbers that are none where the next results are likely to lie: what is not written shows.
fn poison(device: &Device) {
    drop(Tensor::full(f32::NAN, 1 << 22, device).unwrap());
}

/// The norm of the difference over the norm of what is expected.
fn relative(found: &Tensor, expected: &Tensor) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let (found, expected) = (values(found), values(expected));
    norm(&mut found.iter().zip(&expected).map(|(f, e)| f - e)) / norm(&mut expected.into_iter())
}

/// The operation's value and gradients are those in `f64`, up to the roundings of their type.
fn check(what: &str, op: Op<'_>, inputs: &[Tensor]) {
    let value = op(inputs).unwrap();
    let weights = tensor(&mut rng(7), value.shape());
    for device in devices() {
        for (float, most) in [(Float::F32, 2e-6), (Float::Bf16, 2e-2)] {
            let opened = Placement { device, float, kernels: Reference }.open().unwrap();
            let placed = |input: &Tensor| input.to_dtype(float.dtype()).unwrap().to_device(&opened).unwrap();
            let placed: Vec<Tensor> = inputs.iter().map(placed).collect();
            // The oracle has what was rounded.
            let wide = |input: &Tensor| input.to_device(&Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
            let expected = run(op, &placed.iter().map(wide).collect::<Vec<_>>(), &weights);
            poison(&opened);
            for (index, (found, expected)) in run(op, &placed, &weights).iter().zip(&expected).enumerate() {
                let relative = relative(found, expected);
                // Not `>`: that would let a NaN pass.
                assert!(relative <= most, "{what}, result {index}, {device} {float:?}: {relative:.1e}");
            }
        }
    }
}

#[test]
fn operations_have_their_values_and_gradients() {
    let mut rng = rng(3);
    let (rows, d, ff, heads, kv_heads, dim, vocabulary) = (50, 48, 80, 6, 2, 16, 97);
    let mut x = |shape: &[usize]| tensor(&mut rng, shape);
    let rotary = RotaryTable::new(dim, 10_000.0, 64);
    let positions: Vec<u32> = (0..rows as u32).map(|row| row % 41).collect();
    let rotary = rotary.at(&positions).unwrap();
    let tokens: Vec<u32> = (0..rows as u32).map(|row| row * 13 % vocabulary as u32).collect();
    let targets: Vec<(usize, u32)> = tokens.iter().enumerate().map(|(row, token)| (row, *token)).collect();
    check("embedding", &|t| ops::embedding(&t[0], &tokens), &[x(&[vocabulary, d])]);
    check(
        "linear",
        &|t| ops::linear(Reference, &t[0], &t[1], t.get(2)),
        &[x(&[rows, d]), x(&[ff, d]), x(&[ff])],
    );
    let inputs = [x(&[rows, ff]), x(&[rows, d]), x(&[ff, d])];
    check("linear_add", &|t| ops::linear_add(Reference, &t[0], &t[1], &t[2]), &inputs);
    check(
        "rms_norm",
        &|t| ops::rms_norm(Reference, &t[0], &t[1], 1e-6),
        &[x(&[rows, heads * dim]), x(&[dim])],
    );
    check("rope", &|t| ops::rope(Reference, &t[0], &rotary), &[x(&[rows, heads * dim])]);
    check(
        "gated",
        &|t| ops::gated(Reference, &t[0], &t[1], &t[2]),
        &[x(&[rows, d]), x(&[ff, d]), x(&[ff, d])],
    );
    for offsets in [vec![0, 50], vec![0, 1, 20, 50], vec![0, 25, 50]] {
        let inputs = [x(&[rows, heads * dim]), x(&[rows, kv_heads * dim]), x(&[rows, kv_heads * dim])];
        let attention = |t: &[Tensor]| ops::attention(Reference, &t[0], &t[1], &t[2], dim, &offsets);
        check("attention", &attention, &inputs);
    }
    let head = |t: &[Tensor]| ops::head_log_probs(Reference, &t[0], &t[1], &targets);
    check("head_log_probs", &head, &[x(&[rows, d]), x(&[vocabulary, d])]);
}

/// Log-probabilities of whole models: by their mean and 99th percentile.
#[test]
fn models_say_what_they_say_in_f32_on_the_cpu() {
    for family in [Family::Qwen3, Family::Qwen2, Family::Llama] {
        let config = config(family);
        let tensors = weights::initial(&config, 5).unwrap();
        let batch = sequences(&mut rng(9), &[1, 30, 7, 12], config.vocab_size);
        let targets = next_tokens(&batch);
        let log_probs = |placement: &Placement| {
            let decoder = Decoder::from_tensors(&config, tensors.clone(), placement).unwrap();
            values(&decoder.log_probs(&batch, &targets).unwrap())
        };
        let expected = log_probs(&Placement::cpu(Reference));
        for device in devices() {
            for (float, mean, p99) in [(Float::F32, 1e-6, 1e-5), (Float::Bf16, 2e-2, 0.1)] {
                let found = log_probs(&Placement { device, float, kernels: Reference });
                let differences = found.iter().zip(&expected).map(|(f, e)| (f - e).abs()).collect();
                let (found_mean, found_p99) = mean_and_p99(differences);
                let what =
                    format!("{family:?}, {device} {float:?}: mean {found_mean:.1e}, p99 {found_p99:.1e}");
                assert!(found_mean <= mean && found_p99 <= p99, "{what}");
            }
        }
    }
}

/// Sampling with a cache, slots refilled, says of its tokens what the full pass says of them.
#[test]
fn sampling_with_a_cache_is_as_without() {
    let config = config(Family::Llama);
    let tensors = weights::initial(&config, 5).unwrap();
    let token = |at: u32| at * at * 7 % config.vocab_size as u32;
    let prompt = |index: u32| Prompt {
        tokens: (index..=index + index * 5 % 40).map(token).collect(),
        sample_index: u64::from(index),
    };
    let prompts: Vec<Prompt> = (0..13).map(prompt).collect();
    let settings = SampleConfig { temperature: 1.0, top_p: 1.0, max_new_tokens: 12, stop: vec![3], seed: 2 };
    for device in devices() {
        for (float, mean, p99) in [(Float::F32, 1e-6, 1e-5), (Float::Bf16, 2e-2, 0.1)] {
            let placement = Placement { device, float, kernels: Reference };
            let decoder = Decoder::from_tensors(&config, tensors.clone(), &placement).unwrap();
            for batch in [2, 13] {
                let sampler = Sampler::new(&decoder, settings.clone()).unwrap().with_batch(batch);
                let samples = sampler.all(&prompts).unwrap();
                let scored = |(prompt, sample): (&Prompt, &assay_lm::sample::Sample)| {
                    let tokens = [prompt.tokens.clone(), sample.tokens.clone()].concat();
                    Scored { range: prompt.tokens.len()..tokens.len(), tokens }
                };
                let items: Vec<Scored> = prompts.iter().zip(&samples).map(scored).collect();
                let full = score(&decoder, &items).unwrap().into_iter().flatten().map(f64::from);
                let cached =
                    samples.iter().flat_map(|sample| &sample.log_probs).map(|value| f64::from(*value));
                let (found_mean, found_p99) =
                    mean_and_p99(cached.zip(full).map(|(c, f)| (c - f).abs()).collect());
                let what = format!("{device} {float:?}, {batch}: mean {found_mean:.1e}, p99 {found_p99:.1e}");
                assert!(found_mean <= mean && found_p99 <= p99, "{what}");
            }
        }
    }
}

fn mean_and_p99(mut differences: Vec<f64>) -> (f64, f64) {
    differences.sort_unstable_by(f64::total_cmp);
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    (mean, differences[(differences.len() - 1) * 99 / 100])
}
