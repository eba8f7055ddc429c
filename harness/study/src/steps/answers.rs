//! Answers sampled after traces (pipeline step 6).

use assay_data::{Dialect, Segment};
use assay_flow::{InputSpec, StepContext, StepError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{ANSWERS, DEMONSTRATIONS, Kind, MODEL, MOST_SAMPLES, TRACES, counts, dialect};
use crate::engines::{EngineParams, Model, SamplingParams, Servers, Wanted};
use crate::records::{self, Answer};

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
///
/// Holds a prompt, which contains the thought, for each of them, and all answers.
pub(crate) fn kind(servers: Servers) -> Kind<Params> {
    let about = "M answers of the reasoning model after each distinct trace";
    Kind::new("sample-answers", 1, ANSWERS, about, move |params: &Params, context| {
        let prompts = prompts(params, context)?;
        let samples = |prompt| (0..params.answers).map(move |index| Wanted { prompt, index });
        let wanted: Vec<Wanted<'_>> = prompts.iter().flat_map(|asked| samples(&asked.prompt)).collect();
        let model = Model::of_input(context, "model", &params.engine, &servers, params.dialect.requires())?;
        let sampling = params.sampling.sampling(params.seed, &params.dialect, params.dialect.answer_stops());
        let completions = model.generate(context, &sampling, &wanted)?;
        let asked = prompts.iter().flat_map(|asked| (0..params.answers).map(move |index| (asked, index)));
        let answers = asked.zip(completions).map(|((asked, index), completion)| {
            let answer = params.dialect.read_answer(&completion.text, completion.stop.as_deref());
            Answer {
                item: asked.item.clone(),
                trace: asked.trace,
                index,
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
        counts(&[("answers", params.answers.into(), MOST_SAMPLES)])?;
        params.sampling.check()?;
        params.engine.check("generate", |can| can.generate)
    })
    .facts(|params, known| params.engine.facts(known))
    .resources(|params| params.engine.resources(1, 300))
}

/// What is answered after: a distinct trace.
struct Asked {
    item: String,
    trace: u32,
    prompt: Vec<Segment>,
}

fn prompts(params: &Params, context: &StepContext<'_>) -> Result<Vec<Asked>, StepError> {
    let items = records::demonstrations(context, |row| row.item)?;
    let mut all = Vec::new();
    for group in records::traces_by_item(&context.input("traces")?.path)? {
        let (id, traces) = group?;
        let item = records::of_item(&items, &id)?;
        let representatives = records::representatives(&traces);
        for (trace, _) in
            traces.iter().zip(representatives).filter(|(trace, of)| trace.valid && trace.index == *of)
        {
            let prompt = params.dialect.answer_prompt(item, &trace.thought).map_err(dialect)?;
            all.push(Asked { item: id.clone(), trace: trace.index, prompt });
        }
    }
    Ok(all)
}
