//! Thoughts sampled for training questions (pipeline step 3).

use assay_flow::StepError;
use serde::Deserialize;

use super::kind::{FACT_ISA, Kind, one, within};
use super::rows::teacher_rows;
use super::sampling::{Sampler, SamplingParams};
use crate::fingerprint::{LANGUAGE_MODEL, TASKS};
use crate::records::{self, Trace};
use crate::tasks::{Template, formats, vocabulary};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    seed: u64,
    /// How many of the teacher's questions, from the first.
    limit: usize,
    prompt: PromptForm,
    /// K, the traces a question.
    traces: u32,
    sampling: SamplingParams,
}

/// What the model is shown.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PromptForm {
    /// The question alone: thoughts from pi.
    Question,
    /// The question and the answer hint in a template of the posterior: thoughts from q.
    #[serde(rename = "A")]
    TemplateA,
    /// The other template.
    #[serde(rename = "B")]
    TemplateB,
}

impl PromptForm {
    fn prompt(self, question: &str, hint: &str) -> String {
        match self {
            Self::Question => formats::reasoner_prompt(question),
            Self::TemplateA => Template::A.prompt(question, hint),
            Self::TemplateB => Template::B.prompt(question, hint),
        }
    }

    fn closing(self) -> &'static str {
        match self {
            Self::Question => vocabulary::END_THINK,
            Self::TemplateA => Template::A.closing(),
            Self::TemplateB => Template::B.closing(),
        }
    }
}

/// `sample-traces`: K thoughts a question.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("sample-traces", "traces", &[LANGUAGE_MODEL, TASKS], |params: &Params, context| {
        let rows = teacher_rows(context)?;
        let rows = rows.get(..params.limit).ok_or_else(|| {
            StepError::user(format!(
                "{} questions were asked for, the teacher has {}",
                params.limit,
                rows.len()
            ))
            .remedy("raise teacher.questions or lower subset.questions in the scale")
        })?;
        let requests: Vec<(&str, u32, String)> = rows
            .iter()
            .flat_map(|row| {
                let prompt = params.prompt.prompt(row.question.text(), row.question.reference());
                (0..params.traces).map(move |index| (row.question.id(), index, prompt.clone()))
            })
            .collect();
        let sampler =
            Sampler::open(context, "model", params.seed, &params.sampling, &[params.prompt.closing()])?;
        let prompts = requests.iter().map(|(_, index, prompt)| (prompt.as_str(), *index)).collect::<Vec<_>>();
        let completions = sampler.sample(context, &prompts)?;
        let traces: Vec<Trace> = requests
            .iter()
            .zip(completions)
            .map(|((question, index, _), completion)| {
                let thought = formats::completed_thought(&completion.text, params.prompt.closing());
                Trace {
                    question: (*question).to_owned(),
                    index: *index,
                    valid: thought.is_ok(),
                    thought: thought.unwrap_or(&completion.text).to_owned(),
                }
            })
            .collect();
        records::write(context.output(), &traces)
    })
    .inputs(const { &[one("model"), one("teacher")] })
    .check(|params, _| {
        within(&[
            ("limit", params.limit as f64, 1.0..=f64::INFINITY),
            ("traces", f64::from(params.traces), 1.0..=f64::INFINITY),
        ])?;
        params.sampling.check()
    })
    .facts(&[FACT_ISA])
    .resources(1, 300)
}
