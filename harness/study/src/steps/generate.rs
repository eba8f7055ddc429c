//! Sampled replies to the test questions.

use serde::Deserialize;

use super::kind::{FACT_ISA, Kind, one, within};
use super::sampling::{Sampler, SamplingParams};
use crate::fingerprint::{LANGUAGE_MODEL, TASKS};
use crate::records::{self, Generation};
use crate::tasks::vocabulary::{ANS, END_ANS, END_THINK};
use crate::tasks::{Domain, Question, formats};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    seed: u64,
    /// k of Avg@k: the replies a question.
    samples: u32,
    sampling: SamplingParams,
}

/// The options' letters, which are tokens.
const LETTERS: [&str; 4] = ["a", "b", "c", "d"];

/// `generate`: k replies a question. Questions with options are answered by the likeliest letter after the
/// sampled thought, since a model of this size does not write letters that its training rows never show.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("generate", "generate", &[LANGUAGE_MODEL, TASKS], |params: &Params, context| {
        let questions: Vec<Question> = records::read(&context.input("questions")?.path)?;
        let (choices, free): (Vec<&Question>, Vec<&Question>) =
            questions.iter().partition(|question| question.family().domain() == Domain::Choice);
        let open = |stop| Sampler::open(context, "model", params.seed, &params.sampling, &[stop]);

        let requests = requests(&free, params.samples);
        let completions = open(END_ANS)?.sample(context, &prompts(&requests))?;
        let mut generations: Vec<Generation> = requests
            .iter()
            .zip(completions)
            .map(|((question, sample, _), completion)| {
                let solution = formats::completed_solution(&completion.text).ok();
                Generation {
                    question: question.id().to_owned(),
                    sample: *sample,
                    thought: solution.map_or(completion.text.as_str(), |(thought, _)| thought).to_owned(),
                    answer: solution.map(|(_, answer)| answer.to_owned()),
                    tokens: completion.tokens,
                }
            })
            .collect();

        let requests = self::requests(&choices, params.samples);
        let sampler = open(END_THINK)?;
        let completions = sampler.sample(context, &prompts(&requests))?;
        let after: Vec<String> = requests
            .iter()
            .zip(&completions)
            .map(|((.., prompt), completion)| {
                let thought = completion.text.strip_suffix(END_THINK).unwrap_or(&completion.text);
                format!("{prompt}{thought}{END_THINK}{ANS}")
            })
            .collect();
        let letters = sampler.forced_choice(context, &after, &LETTERS)?;
        generations.extend(requests.iter().zip(completions.iter().zip(letters)).map(
            |((question, sample, _), (completion, letter))| Generation {
                question: question.id().to_owned(),
                sample: *sample,
                thought: completion.text.strip_suffix(END_THINK).unwrap_or(&completion.text).to_owned(),
                answer: Some(letter.to_owned()),
                tokens: completion.tokens,
            },
        ));
        records::write(context.output(), &generations)
    })
    .inputs(const { &[one("model"), one("questions")] })
    .check(|params, _| {
        within(&[("samples", f64::from(params.samples), 1.0..=f64::INFINITY)])?;
        params.sampling.check()
    })
    .facts(&[FACT_ISA])
    .resources(1, 300)
}

fn requests<'a>(questions: &[&'a Question], samples: u32) -> Vec<(&'a Question, u32, String)> {
    questions
        .iter()
        .flat_map(|question| {
            let prompt = formats::reasoner_prompt(question.text());
            (0..samples).map(move |sample| (*question, sample, prompt.clone()))
        })
        .collect()
}

fn prompts<'a>(requests: &'a [(&Question, u32, String)]) -> Vec<(&'a str, u32)> {
    requests.iter().map(|(_, sample, prompt)| (prompt.as_str(), *sample)).collect()
}
