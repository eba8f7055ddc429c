//! Training: the CPU kernels against the reference kernels, on the embedded shape and on a ten times
//! larger one.

use assay_bench::{Contender, compare, tune};
use assay_lm::train::{Example, TrainConfig, Trainer};
use assay_lm::{Config, Decoder, Family, Kernels, LmError, Placement};

fn main() -> Result<(), LmError> {
    tune();
    let embedded = shape(96, 3, 4, 2, 24, 256, 45);
    let larger = shape(256, 4, 4, 2, 64, 768, 512);
    for (name, config, sequences, length) in [
        ("0.31 M parameters, 32 x 48 tokens", embedded, 32, 48),
        ("3.3 M parameters, 16 x 128 tokens", larger, 16, 128),
    ] {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .map_err(std::io::Error::other)?;
            let mut trainers = [Kernels::Reference, Kernels::Cpu]
                .into_iter()
                .map(|kernels| trainer(&config, kernels, sequences, length))
                .collect::<Result<Vec<_>, _>>()?;
            let mut contenders = Vec::new();
            for (trainer, name) in trainers.iter_mut().zip(["reference kernels", "CPU kernels"]) {
                let pool = &pool;
                contenders
                    .push(Contender::new(name, move || pool.install(|| (0..3).map(|_| step(trainer)).sum())));
            }
            compare(
                &format!("training, {name}, {threads} threads (goal: CPU kernels at least 1.8x)"),
                "tokens",
                7,
                contenders,
            );
        }
    }
    Ok(())
}

fn step(trainer: &mut Trainer) -> u64 {
    trainer.step().ok().flatten().map_or(0, |stats| stats.tokens)
}

fn trainer(config: &Config, kernels: Kernels, sequences: usize, length: usize) -> Result<Trainer, LmError> {
    let unit = |row: usize| {
        let tokens: Vec<u32> =
            (0..length).map(|at| ((row * 31 + at * 7) % config.vocab_size) as u32).collect();
        vec![Example { supervised: 1..tokens.len(), tokens, weight: 1.0 }]
    };
    let settings = TrainConfig { epochs: 10_000, batch: sequences, ..TrainConfig::default() };
    let decoder = Decoder::init(config, 1, &Placement::cpu(kernels))?;
    Trainer::new(decoder, (0..sequences).map(unit).collect(), settings)
}

fn shape(
    d: usize,
    layers: usize,
    heads: usize,
    kv: usize,
    head: usize,
    ff: usize,
    vocabulary: usize,
) -> Config {
    Config {
        family: Family::Qwen3,
        vocab_size: vocabulary,
        hidden_size: d,
        intermediate_size: ff,
        num_layers: layers,
        num_heads: heads,
        num_kv_heads: kv,
        head_dim: head,
        max_positions: 512,
        rope_theta: 10_000.0,
        rope_scaling: None,
        rms_norm_eps: 1e-6,
        tied_head: true,
        qkv_bias: false,
        output_bias: false,
        bos_token_id: None,
        eos_token_ids: Vec::new(),
    }
}
