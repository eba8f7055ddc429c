//! Sampling from a decoder of the shape of SmolLM2-135M, with weights of its own: how long it takes depends on the shape alone.
//! `benches/compare/hugging_face.py` puts Hugging Face's `transformers` beside it.

use assay_bench::{Contender, compare, tune};
use assay_lm::sample::{Prompt, SampleConfig, Sampler};
use assay_lm::{Config, Decoder, Family, Kernels, LmError, Placement};

/// SmolLM2-135M.
fn shape() -> Config {
    Config {
        family: Family::Llama,
        vocab_size: 49_152,
        hidden_size: 576,
        intermediate_size: 1536,
        num_layers: 30,
        num_heads: 9,
        num_kv_heads: 3,
        head_dim: 64,
        max_positions: 8192,
        rope_theta: 100_000.0,
        rope_scaling: None,
        rms_norm_eps: 1e-5,
        tied_head: true,
        qkv_bias: false,
        output_bias: false,
        bos_token_id: None,
        eos_token_ids: Vec::new(),
    }
}

/// Tokens of the prompt, new tokens, and how many sequences are sampled at once.
const PROMPT: u32 = 48;
const NEW: usize = 64;
const BATCHES: [usize; 2] = [8, 32];
const THREADS: usize = 2;

fn main() -> Result<(), LmError> {
    tune();
    let decoder = Decoder::init(&shape(), 1, &Placement::cpu(Kernels::Cpu))?;
    let config =
        SampleConfig { temperature: 0.7, top_p: 1.0, max_new_tokens: NEW, stop: Vec::new(), seed: 1 };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().map_err(std::io::Error::other)?;
    let tokens: Vec<u32> = (0..PROMPT).map(|at| at * 31 % 49_152).collect();
    let contenders = BATCHES.into_iter().map(|batch| {
        let prompts: Vec<Prompt> =
            (0..batch as u64).map(|sample_index| Prompt { tokens: tokens.clone(), sample_index }).collect();
        let sampler = Sampler::new(&decoder, config.clone())?.with_batch(batch);
        let (pool, draw) = (&pool, move || sampler.all(&prompts).unwrap_or_default());
        let name = if batch == BATCHES[0] { "batch 8" } else { "batch 32" };
        Ok(Contender::new(name, move || {
            pool.install(&draw).iter().map(|sample| sample.tokens.len() as u64).sum()
        }))
    });
    let contenders = contenders.collect::<Result<_, LmError>>()?;
    compare("sampling, 135 M parameters, 64 new tokens, 2 threads", "tokens", 3, contenders);
    Ok(())
}
