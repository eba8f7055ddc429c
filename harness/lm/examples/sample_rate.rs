//! Draws samples from a model of a given size and says how fast.
//!
//! ```text
//! sample_rate SIZE DEVICE FLOAT SLOTS
//! sample_rate 135m cuda:0 bf16 64
//! ```
//!
//! Sizes are those of `train_rate`. `SLOTS` samples are in flight at a time and twice as many are drawn, each of 96 tokens after a prompt
//! of its own of 64. One JSON object is printed: `tokens_per_second` of new tokens, and on a GPU `peak_bytes`.
#![expect(clippy::print_stdout, reason = "a program")]

mod shapes;

use std::time::Instant;

use assay_lm::sample::{Prompt, SampleConfig, Sampler};
use assay_lm::{Cuda, Decoder, DeviceName, Float, Kernels, Placement};

const PROMPT: u32 = 64;
const NEW: usize = 96;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [size, device, float, slots] = arguments.as_slice() else {
        return Err("usage: sample_rate tiny|135m|500m cpu|cuda:N f32|bf16 SLOTS".into());
    };
    let (config, ..) = shapes::shape(size)?;
    let (float, slots): (Float, usize) = (serde_json::from_value(float.as_str().into())?, slots.parse()?);
    let placement = Placement { device: device.parse()?, float, kernels: Kernels::Reference };
    let decoder = Decoder::init(&config, 1, &placement)?;
    let settings =
        SampleConfig { temperature: 1.0, top_p: 1.0, max_new_tokens: NEW, stop: Vec::new(), seed: 1 };
    let sampler = Sampler::new(&decoder, settings)?.with_batch(slots);
    let vocabulary = config.vocab_size as u32;
    let prompt = |index: u32| {
        let tokens = (0..PROMPT).map(|at| (index * 31 + at * at * 7) % vocabulary).collect();
        Prompt { tokens, sample_index: u64::from(index) }
    };
    let prompts: Vec<Prompt> = (0..2 * slots as u32).map(prompt).collect();
    // The first ones compile kernels and fill pools.
    sampler.all(&prompts[..slots.min(4)])?;
    let start = Instant::now();
    let tokens: usize = sampler.all(&prompts)?.iter().map(|sample| sample.tokens.len()).sum();
    let rate = tokens as f64 / start.elapsed().as_secs_f64();
    let peak = match placement.device {
        DeviceName::Cuda(index) => Cuda::peak_bytes(index),
        DeviceName::Cpu => None,
    };
    let placement = placement.to_string();
    println!(
        "{}",
        serde_json::json!({ "size": size, "placement": placement, "slots": slots, "tokens_per_second": rate, "peak_bytes": peak })
    );
    Ok(())
}
