//! Thoughts sampled for training items (pipeline step 3).

use assay_data::{Demonstration, Dialect, Hint};
use assay_flow::{InputSpec, StepError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{DEMONSTRATIONS, Kind, MODEL, TRACES, dialect, float_facts, placed, within};
use crate::engines::{EngineParams, Model, SamplingParams, Wanted};
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
pub(crate) fn kind() -> Kind<Params> {
    let about = "K thoughts for each training item, from the posterior or from the reasoning model";
    Kind::new("sample-traces", 1, TRACES, about, |params: &Params, context| {
        let rows: Vec<Demonstration> = records::read(context, "demonstrations")?;
        let rows = rows.get(..params.limit).ok_or_else(|| {
            let (asked, there) = (params.limit, rows.len());
            StepError::user(format!("{asked} items were asked for, the teacher has {there}"))
                .remedy("let the teacher make more rows, or ask for fewer items in the scale")
        })?;
        let form = &params.dialect;
        let prompt = |row: &Demonstration| match params.hint {
            Some(hint) => form.posterior_prompt(hint, &row.item, row.item.reference()),
            None => form.reasoner_prompt(&row.item),
        };
        let asked: Vec<(&Demonstration, u32)> =
            rows.iter().flat_map(|row| (0..params.traces).map(move |index| (row, index))).collect();
        let wanted = asked
            .iter()
            .map(|(row, index)| Ok(Wanted { prompt: prompt(row).map_err(dialect)?, index: *index }))
            .collect::<Result<Vec<Wanted>, StepError>>()?;
        let stops = match params.hint {
            Some(hint) => form.posterior_stops(hint),
            None => form.thought_stops(),
        };
        let model = Model::open(context, "model", &params.engine, form.requires())?;
        let sampling = params.sampling.sampling(params.seed, form, stops);
        let completions = model.generate(context, &sampling, &wanted)?;
        let traces = asked.iter().zip(completions).map(|((row, index), completion)| {
            let thought = form.read_thought(&completion.text, completion.stop.as_deref());
            Trace {
                item: row.item.id.clone(),
                index: *index,
                valid: thought.is_ok(),
                thought: thought.unwrap_or(&completion.text).to_owned(),
            }
        });
        records::write(context.output(), traces)
    })
    .inputs(const { &[InputSpec::one("model", MODEL), InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| {
        within(&[
            ("limit", params.limit as f64, 1.0..=f64::INFINITY),
            ("traces", f64::from(params.traces), 1.0..=f64::INFINITY),
        ])?;
        params.sampling.check()?;
        params.engine.check("generate", |can| can.generate)
    })
    .facts(|params, known| float_facts(params.engine.placement(), known))
    .resources(|params| placed(params.engine.placement(), 1, 300))
}
