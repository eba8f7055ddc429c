//! Answers sampled after traces (pipeline step 6).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::kind::{FACT_ISA, Kind, one, within};
use super::rows::{teacher_rows, unknown};
use super::sampling::{Sampler, SamplingParams};
use crate::fingerprint::{LANGUAGE_MODEL, TASKS};
use crate::records::{self, SampledAnswer, Trace};
use crate::tasks::{formats, vocabulary::END_ANS};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    seed: u64,
    /// M, the answers a distinct trace.
    answers: u32,
    sampling: SamplingParams,
}

/// `sample-answers`: M answers for each distinct valid (question, thought), in the order of first appearance.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("sample-answers", "answers", &[LANGUAGE_MODEL, TASKS], |params: &Params, context| {
        let rows = teacher_rows(context)?;
        let traces: Vec<Trace> = records::read(&context.input("traces")?.path)?;
        let mut seen = BTreeSet::new();
        let mut requests = Vec::new();
        for Trace { question, thought, .. } in traces.iter().filter(|trace| trace.valid) {
            if seen.insert((question, thought)) {
                let row =
                    rows.iter().find(|row| row.question.id() == question).ok_or_else(|| unknown(question))?;
                let prompt = formats::answer_prompt(row.question.text(), thought);
                requests.extend((0..params.answers).map(|index| (question, thought, index, prompt.clone())));
            }
        }
        let sampler = Sampler::open(context, "model", params.seed, &params.sampling, &[END_ANS])?;
        let prompts: Vec<_> = requests.iter().map(|(.., index, prompt)| (prompt.as_str(), *index)).collect();
        let completions = sampler.sample(context, &prompts)?;
        let answers: Vec<SampledAnswer> = requests
            .into_iter()
            .zip(completions)
            .map(|((question, thought, index, _), completion)| SampledAnswer {
                question: question.clone(),
                thought: thought.clone(),
                index,
                answer: formats::completed_answer(&completion.text).ok().map(str::to_owned),
            })
            .collect();
        records::write(context.output(), &answers)
    })
    .inputs(const { &[one("model"), one("teacher"), one("traces")] })
    .check(|params, _| {
        within(&[("answers", f64::from(params.answers), 1.0..=f64::INFINITY)])?;
        params.sampling.check()
    })
    .facts(&[FACT_ISA])
    .resources(1, 300)
}
