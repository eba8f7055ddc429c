//! Thoughts sampled for training items (pipeline step 3).

use assay_data::{Demonstration, Dialect, Hint, Item};
use assay_flow::{InputSpec, StepContext, StepError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{DEMONSTRATIONS, Kind, MODEL, MOST_ITEMS, MOST_SAMPLES, TRACES, counts, dialect, too_few};
use crate::engines::{EngineParams, Model, SamplingParams, Servers, Wanted};
use crate::records::{self, Trace};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of the random streams of all samples.
    seed: u64,
    /// How many of the teacher's items, from the first.
    limit: usize,
    /// How question, hint and thought are laid out as text.
    dialect: Dialect,
    /// Where the model sees the answer: `A` or `B` for the posterior q; left out for thoughts of pi, which
    /// sees the question alone.
    #[serde(default)]
    hint: Option<Hint>,
    /// K, the traces an item.
    traces: u32,
    /// How tokens are drawn.
    sampling: SamplingParams,
    /// What generates.
    engine: EngineParams,
}

/// `sample-traces`: K thoughts an item.
///
/// Holds a prompt for each item and all thoughts.
pub(crate) fn kind(servers: Servers) -> Kind<Params> {
    let about = "K thoughts for each training item, from the posterior or from the reasoning model";
    Kind::new("sample-traces", 1, TRACES, about, move |params: &Params, context| {
        let items = first_items(context, params.limit)?;
        let form = &params.dialect;
        let prompt = |item: &Item| match params.hint {
            Some(hint) => form.posterior_prompt(hint, item, item.reference()).map_err(dialect),
            None => form.reasoner_prompt(item).map_err(dialect),
        };
        let prompts = items.iter().map(prompt).collect::<Result<Vec<_>, StepError>>()?;
        let samples = |prompt| (0..params.traces).map(move |index| Wanted { prompt, index });
        let wanted: Vec<Wanted<'_>> = prompts.iter().flat_map(|prompt| samples(prompt)).collect();
        let stops = match params.hint {
            Some(hint) => form.posterior_stops(hint),
            None => form.thought_stops(),
        };
        let model = Model::of_input(context, "model", &params.engine, &servers, form.requires())?;
        let sampling = params.sampling.sampling(params.seed, form, stops);
        let completions = model.generate(context, &sampling, &wanted)?;
        let asked = items.iter().flat_map(|item| (0..params.traces).map(move |index| (item, index)));
        let traces = asked.zip(completions).map(|((item, index), completion)| {
            let thought = form.read_thought(&completion.text, completion.stop.as_deref());
            Trace {
                item: item.id.clone(),
                index,
                valid: thought.is_ok(),
                thought: thought.unwrap_or(&completion.text).to_owned(),
            }
        });
        records::write(context.output(), traces)
    })
    .inputs(const { &[InputSpec::one("model", MODEL), InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| {
        counts(&[
            ("limit", params.limit as u64, MOST_ITEMS),
            ("traces", params.traces.into(), MOST_SAMPLES),
        ])?;
        params.sampling.check()?;
        params.engine.check("generate", |can| can.generate)
    })
    .facts(|params, known| params.engine.facts(known))
    .resources(|params| params.engine.resources(1, 300))
}

/// The first items that the teacher has rows of.
fn first_items(context: &StepContext<'_>, limit: usize) -> Result<Vec<Item>, StepError> {
    let rows = records::stream::<Demonstration>(&context.input("demonstrations")?.path)?;
    let items = rows.take(limit).map(|row| Ok(row?.item)).collect::<Result<Vec<Item>, StepError>>()?;
    if items.len() < limit { Err(too_few(limit, items.len())) } else { Ok(items) }
}
