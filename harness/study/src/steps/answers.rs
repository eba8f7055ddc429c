//! Answers sampled after traces (pipeline step 6).

use std::collections::BTreeMap;

use assay_data::{Demonstration, Dialect};
use assay_flow::InputSpec;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{ANSWERS, DEMONSTRATIONS, Kind, MODEL, TRACES, dialect, float_facts, placed, within};
use super::rows::unknown;
use crate::engines::{EngineParams, Model, SamplingParams, Wanted};
use crate::records::{self, Answer, Trace};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of the random streams of all samples.
    seed: u64,
    /// How question, thought and answer are laid out as text.
    dialect: Dialect,
    /// M, the answers a distinct trace.
    answers: u32,
    /// How tokens are drawn.
    sampling: SamplingParams,
    /// What generates.
    engine: EngineParams,
}

/// `sample-answers`: M answers for each distinct valid (item, thought), in the order of first appearance.
pub(crate) fn kind() -> Kind<Params> {
    let about = "M answers of the reasoning model after each distinct trace";
    Kind::new("sample-answers", 1, ANSWERS, about, |params: &Params, context| {
        let rows: Vec<Demonstration> = records::read(context, "demonstrations")?;
        let rows: BTreeMap<&str, &Demonstration> =
            rows.iter().map(|row| (row.item.id.as_str(), row)).collect();
        let traces: Vec<Trace> = records::read(context, "traces")?;
        let representatives = records::representatives(&traces);
        let distinct =
            traces.iter().zip(representatives).filter(|(trace, of)| trace.valid && trace.index == *of);
        let mut asked = Vec::new();
        let mut wanted = Vec::new();
        for (trace, _) in distinct {
            let row = rows.get(trace.item.as_str()).ok_or_else(|| unknown(&trace.item))?;
            for index in 0..params.answers {
                let prompt = params.dialect.answer_prompt(&row.item, &trace.thought).map_err(dialect)?;
                asked.push((trace, index));
                wanted.push(Wanted { prompt, index });
            }
        }
        let model = Model::open(context, "model", &params.engine, params.dialect.requires())?;
        let sampling = params.sampling.sampling(params.seed, &params.dialect, params.dialect.answer_stops());
        let completions = model.generate(context, &sampling, &wanted)?;
        let answers = asked.iter().zip(completions).map(|((trace, index), completion)| {
            let answer = params.dialect.read_answer(&completion.text, completion.stop.as_deref());
            Answer {
                item: trace.item.clone(),
                trace: trace.index,
                index: *index,
                answer: answer.ok().map(str::to_owned),
            }
        });
        records::write(context.output(), answers)
    })
    .inputs(
        const {
            &[
                InputSpec::one("model", MODEL),
                InputSpec::one("demonstrations", DEMONSTRATIONS),
                InputSpec::one("traces", TRACES),
            ]
        },
    )
    .check(|params, _| {
        within(&[("answers", f64::from(params.answers), 1.0..=f64::INFINITY)])?;
        params.sampling.check()?;
        params.engine.check("generate", |can| can.generate)
    })
    .facts(|params, known| float_facts(params.engine.placement(), known))
    .resources(|params| placed(params.engine.placement(), 1, 300))
}
