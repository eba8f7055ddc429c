//! Trains a model of a given size on made-up rows and says how fast, with which losses and in how much memory.
//!
//! ```text
//! train_rate SIZE DEVICE FLOAT ACTIVATIONS STEPS
//! train_rate 135m cuda:0 bf16 kept 20
//! ```
//!
//! Sizes: `tiny` (0.3 million parameters, 8 rows of 32 tokens a step), `135m` (the shape of SmolLM2-135M, 16 rows of 1,024) and `500m`
//! (that of Qwen2.5-0.5B, 8 rows of 1,024). One JSON object is printed: `losses` of all steps, `tokens_per_second` of all but the first
//! two, `plan_bytes` of memory, on a GPU `peak_bytes`, the most that was in use, and `floor`: what the device does at best, measured in this
//! run (`flops` of a product in the model's type, `bytes_per_second` of a copy), and the tokens a second that this allows for.
#![expect(clippy::print_stdout, reason = "a program")]

mod shapes;

use std::time::Instant;

use assay_lm::train::{Activations, Example, StepStats, TrainConfig, Trainer, Unit};
use assay_lm::{Config, Cuda, Decoder, DeviceName, Float, Kernels, LmError, Placement};
use candle_core::{DType, Device, Tensor};

/// Steps that are not timed: the first ones compile kernels and fill pools.
const UNTIMED: usize = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [size, device, float, activations, steps] = arguments.as_slice() else {
        return Err("usage: train_rate tiny|135m|500m cpu|cuda:N f32|bf16 kept|recomputed STEPS".into());
    };
    let (config, rows, length) = shapes::shape(size)?;
    let float: Float = serde_json::from_value(float.as_str().into())?;
    let placement = Placement { device: device.parse()?, float, kernels: Kernels::Reference };
    let activations: Activations = serde_json::from_value(activations.as_str().into())?;
    let (batch, epochs) = (rows, steps.parse()?);
    let settings = TrainConfig { learning_rate: 3e-4, batch, epochs, activations, ..TrainConfig::default() };
    let units = units(&config, rows, length);
    let decoder = Decoder::init(&config, 1, &placement)?;
    let mut trainer = Trainer::new(decoder, units, settings)?;
    let mut history: Vec<StepStats> = Vec::new();
    let mut start = Instant::now();
    while let Some(stats) = trainer.step()? {
        history.push(stats);
        if history.len() == UNTIMED {
            start = Instant::now();
        }
    }
    let timed: u64 = history.iter().skip(UNTIMED).map(|stats| stats.tokens).sum();
    let tokens_per_second = timed as f64 / start.elapsed().as_secs_f64();
    let peak = match placement.device {
        DeviceName::Cuda(index) => Cuda::peak_bytes(index),
        DeviceName::Cpu => None,
    };
    let plan = trainer.memory_plan().total();
    drop(trainer);
    println!(
        "{}",
        serde_json::json!({
            "size": size, "placement": placement.to_string(), "activations": activations,
            "losses": history.iter().map(|stats| stats.loss).collect::<Vec<_>>(),
            "tokens_per_second": tokens_per_second, "plan_bytes": plan, "peak_bytes": peak,
            "floor": floor(&config, &placement, rows * length, length)?,
        })
    );
    Ok(())
}

/// What a device does at best, and how many tokens a second can then be trained on: a step makes its products at the rate of large
/// ones, and moves what the optimiser keeps of each weight once at the rate of a copy.
fn floor(
    config: &Config,
    placement: &Placement,
    tokens: usize,
    length: usize,
) -> Result<serde_json::Value, LmError> {
    let device = placement.open()?;
    let (side, megabytes) = if device.is_cpu() { (512, 64) } else { (8192, 1024) };
    let square = Tensor::ones((side, side), placement.float.dtype(), &device)?;
    let product = seconds(&device, || square.matmul(&square))?;
    let flops = 2.0 * (side as f64).powi(3) / product;
    let copied = Tensor::ones(megabytes << 18, DType::F32, &device)?;
    let bytes_per_second = (2 * (megabytes << 20)) as f64 / seconds(&device, || copied.affine(1.0, 0.0))?;

    let weights = config.num_parameters() as f64;
    // Forward, and twice as much back. Half of the scores lie behind the mask.
    let attention = (6 * length * config.num_heads * config.head_dim * config.num_layers) as f64;
    let products = tokens as f64 * (6.0 * weights + attention) / flops;
    // The gradient, two moments and the weight are read, and all but the gradient written, as is the weight that computes.
    let update = weights * (16 + 12 + placement.float.dtype().size_in_bytes()) as f64 / bytes_per_second;
    let tokens_per_second = tokens as f64 / (products + update);
    Ok(
        serde_json::json!({ "flops": flops, "bytes_per_second": bytes_per_second, "tokens_per_second": tokens_per_second }),
    )
}

/// The shortest of several times that an operation takes.
fn seconds(device: &Device, mut op: impl FnMut() -> candle_core::Result<Tensor>) -> Result<f64, LmError> {
    let mut shortest = f64::INFINITY;
    for _ in 0..5 {
        device.synchronize()?;
        let start = Instant::now();
        let result = op()?;
        device.synchronize()?;
        shortest = shortest.min(start.elapsed().as_secs_f64());
        drop(result);
    }
    Ok(shortest)
}

fn units(config: &Config, rows: usize, length: usize) -> Vec<Unit> {
    let token = |row: usize, at: usize| ((row * 31 + at * at * 7) % config.vocab_size) as u32;
    let unit = |row: usize| {
        let tokens: Vec<u32> = (0..=length).map(|at| token(row, at)).collect();
        vec![Example { supervised: 1..tokens.len(), tokens, weight: 1.0 }]
    };
    (0..rows).map(unit).collect()
}
