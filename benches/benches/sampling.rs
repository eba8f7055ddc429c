//! Sampling from the committed base model: the batched decoder with its cache against one sequence at a time
//! and against the reference kernels.

use assay_bench::{Contender, compare, tune};
use assay_lm::sample::{Prompt, SampleConfig, Sampler};
use assay_lm::{Kernels, LmError, Model, Placement};
use camino::Utf8Path;

fn main() -> Result<(), LmError> {
    tune();
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes/models/base-m");
    let fast = Model::load(&folder, &Placement::cpu(Kernels::Cpu))?;
    let reference = Model::load(&folder, &Placement::cpu(Kernels::Reference))?;
    let config = SampleConfig { temperature: 0.7, top_p: 1.0, max_new_tokens: 64, stop: Vec::new(), seed: 1 };
    let prompts = |count: u64| -> Result<Vec<Prompt>, LmError> {
        let tokens = fast.tokenizer.encode("<bos>12+30-7?<think>")?;
        Ok((0..count).map(|sample_index| Prompt { tokens: tokens.clone(), sample_index }).collect())
    };
    let (many, few) = (prompts(128)?, prompts(8)?);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(std::io::Error::other)?;
    let sampler = |model, batch| Sampler::new(model, config.clone()).map(|sampler| sampler.with_batch(batch));
    let (slow, one, batched) =
        (sampler(&reference.decoder, 64)?, sampler(&fast.decoder, 1)?, sampler(&fast.decoder, 64)?);
    let draw = |sampler: &Sampler<'_>, prompts: &[Prompt]| -> u64 {
        let samples = single.install(|| sampler.all(prompts)).unwrap_or_default();
        samples.iter().map(|sample| sample.tokens.len() as u64).sum()
    };
    compare(
        "sampling, 0.31 M parameters, 64 new tokens, 1 thread",
        "tokens",
        5,
        vec![
            Contender::new("reference kernels, batch 64", || draw(&slow, &many)),
            Contender::new("CPU kernels, one sequence at a time", || draw(&one, &few)),
            Contender::new("CPU kernels, batch 64", || draw(&batched, &many)),
        ],
    );
    Ok(())
}
