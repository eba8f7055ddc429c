//! Sampled replies to the test items.

use std::collections::{BTreeMap, BTreeSet};

use assay_data::{Check, Dialect, Item, Segment, Source};
use assay_flow::{
    InputSpec, ParamError, Params as AllParams, StepContext, StepError, Value, ValuePath, Workspace,
};
use assay_lm::engine::{Completion, Sampling};
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::refused;
use super::kind::{FILE, GENERATIONS, ITEMS, Kind, MODEL, MOST_SAMPLES, counts, dialect};
use crate::engines::{EngineParams, Model, SamplingParams, Servers, Wanted};
use crate::records::{self, Generation};

/// The input that may bring a checkpoint's chat template.
const TEMPLATE: &str = "template";

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Of the random streams of all samples.
    seed: u64,
    /// How question, thought and answer are laid out as text. Its `questions` may name benchmarks of the items
    /// only.
    dialect: Dialect,
    /// k of Avg@k: the replies an item.
    samples: u32,
    /// Benchmarks with another k.
    #[serde(default)]
    samples_of: BTreeMap<String, u32>,
    /// Where the items come from, so that a benchmark that they do not have is found before anything runs. Without
    /// it, the step finds it when it runs.
    #[serde(default)]
    source: Option<Source>,
    /// How tokens are drawn.
    sampling: SamplingParams,
    /// What generates, and chooses where an item has options.
    engine: EngineParams,
}

/// `generate`: k replies an item. An item whose options are forced is answered by the likeliest option after
/// the sampled thought.
///
/// Holds the items, a prompt for each, and all replies.
pub(crate) fn kind(workspace: Workspace, servers: Servers) -> Kind<Params> {
    let about = "k replies of a model to each test item";
    Kind::new("generate", 1, GENERATIONS, about, move |params: &Params, context| {
        // Tests are for the judge, and may be gigabytes together.
        let items =
            records::stream::<Item>(&context.input("items")?.path)?.map(|item| Ok(item?.without_tests()));
        let items: Vec<Item> = items.collect::<Result<_, StepError>>()?;
        let benchmarks = items.iter().map(|item| item.benchmark.clone()).collect();
        params.check_benchmarks(context.params(), &benchmarks).map_err(|error| {
            StepError::user(error.to_string()).remedy("name benchmarks that the items of input `items` have")
        })?;
        let params = &params.with_checkpoint(context)?;
        let model = Model::of_input(context, "model", &params.engine, &servers, params.dialect.requires())?;
        let (forced, free): (Vec<&Item>, Vec<&Item>) =
            items.iter().partition(|item| forced_options(item).is_some());
        if !forced.is_empty() {
            model.needs("choose among given options", |can| can.choose)?;
        }
        let mut generations = written(params, context, &model, &free)?;
        generations.extend(chosen(params, context, &model, &forced)?);
        records::write(context.output(), &generations)
    })
    .inputs(
        const {
            &[
                InputSpec::one("model", MODEL),
                InputSpec::one("items", ITEMS),
                InputSpec::optional(TEMPLATE, FILE)
                    .about("the checkpoint's chat template, if its folder lacks it"),
            ]
        },
    )
    .takes_template()
    .check_inputs(|params, connected| {
        match connected.contains(&TEMPLATE) && !params.dialect.wants_template() {
            true => {
                let message = "is in the recipe, so that nothing would read the input `template`";
                Err(ParamError::new("dialect.template", message).suggest("leave one of them out"))
            }
            false => Ok(()),
        }
    })
    .check(move |params, all| {
        let own = params.samples_of.iter().map(|(name, k)| (format!("samples_of.{name}"), *k));
        let own: Vec<(String, u32)> = own.collect();
        let own = own.iter().map(|(path, k)| (path.as_str(), u64::from(*k), MOST_SAMPLES));
        let all_counts: Vec<_> =
            std::iter::once(("samples", params.samples.into(), MOST_SAMPLES)).chain(own).collect();
        counts(&all_counts)?;
        if let Some(source) = &params.source {
            params.check_benchmarks(all, &source.benchmarks(workspace.root()).map_err(refused)?)?;
        }
        params.sampling.check()?;
        params.engine.check("generate", |can| can.generate)
    })
    .facts(|params, known| params.engine.facts(known))
    .resources(|params| params.engine.resources(1, 300))
}

impl Params {
    /// Refuses a benchmark that no item is of: in `samples_of`, and among the questions that the dialect puts in
    /// words of their own.
    fn check_benchmarks(&self, all: &AllParams, benchmarks: &BTreeSet<String>) -> Result<(), ParamError> {
        let unknown = ["samples_of", "dialect.questions"].into_iter().flat_map(|path| {
            let keys = all.get(path).and_then(|named| match &named.value {
                Value::Table(table) => Some(table.keys()),
                _ => None,
            });
            let unknown = keys.into_iter().flatten().filter(|name| !benchmarks.contains(name.as_str()));
            unknown.map(move |name| {
                ParamError::of_key(
                    ValuePath::from(path).then(name),
                    format!("no item is of a benchmark `{name}`"),
                )
                .meant(name, benchmarks.iter().map(String::as_str))
            })
        });
        ParamError::all(unknown.collect())
    }

    /// The same with the chat template of the model's checkpoint, if that is wanted.
    fn with_checkpoint(&self, context: &StepContext<'_>) -> Result<Self, StepError> {
        let file = context.inputs(TEMPLATE).first().map(|file| file.path.as_path());
        let model = &context.input("model")?.path;
        let in_model = |name: &str| Some(model.join(name)).filter(|path| path.is_file());
        Ok(Self { dialect: self.dialect.with_checkpoint(file, &in_model).map_err(dialect)?, ..self.clone() })
    }

    /// k of a benchmark: its own, or that of all others.
    fn samples_of(&self, benchmark: &str) -> u32 {
        self.samples_of.get(benchmark).copied().unwrap_or(self.samples)
    }
}

/// Thought and answer as the model writes them.
fn written(
    params: &Params,
    context: &StepContext<'_>,
    model: &Model,
    items: &[&Item],
) -> Result<Vec<Generation>, StepError> {
    let sampling = params.sampling.sampling(params.seed, &params.dialect, params.dialect.solution_stops());
    let (asked, completions) = sampled(params, context, model, items, &sampling)?;
    let generations = asked.iter().zip(completions).map(|((item, sample), completion)| {
        let solution = params.dialect.read_solution(&completion.text, completion.stop.as_deref()).ok();
        Generation {
            item: item.id.clone(),
            sample: *sample,
            thought: solution.map_or(completion.text.as_str(), |(thought, _)| thought).to_owned(),
            answer: solution.map(|(_, answer)| answer.to_owned()),
            tokens: completion.tokens,
        }
    });
    Ok(generations.collect())
}

/// A thought as the model writes it, and the option that is likeliest after it.
fn chosen(
    params: &Params,
    context: &StepContext<'_>,
    model: &Model,
    items: &[&Item],
) -> Result<Vec<Generation>, StepError> {
    let sampling = params.sampling.sampling(params.seed, &params.dialect, params.dialect.thought_stops());
    let (asked, completions) = sampled(params, context, model, items, &sampling)?;
    // Items with the same options are chosen together.
    let mut by_options: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (at, (item, _)) in asked.iter().enumerate() {
        by_options.entry(forced_options(item).unwrap_or_default()).or_default().push(at);
    }
    let mut answers = vec![""; asked.len()];
    for (options, places) in by_options {
        let after: Vec<_> = places
            .iter()
            .map(|at| params.dialect.choice_prompt(asked[*at].0, &completions[*at].text).map_err(dialect))
            .collect::<Result<_, StepError>>()?;
        let labels: Vec<&str> = options.iter().map(String::as_str).collect();
        for (at, choice) in places.iter().zip(model.choose(context, &after, &labels)?) {
            answers[*at] = labels[choice];
        }
    }
    let generations =
        asked.iter().zip(completions).zip(answers).map(|(((item, sample), completion), answer)| Generation {
            item: item.id.clone(),
            sample: *sample,
            thought: completion.text,
            answer: Some(answer.to_owned()),
            tokens: completion.tokens,
        });
    Ok(generations.collect())
}

/// An item and the number of the sample.
type Asked<'i> = (&'i Item, u32);

/// k completions of each item's prompt, and what each of them is.
fn sampled<'i>(
    params: &Params,
    context: &StepContext<'_>,
    model: &Model,
    items: &[&'i Item],
    sampling: &Sampling,
) -> Result<(Vec<Asked<'i>>, Vec<Completion>), StepError> {
    let prompts: Vec<Vec<Segment>> = items
        .iter()
        .map(|item| params.dialect.reasoner_prompt(item).map_err(dialect))
        .collect::<Result<_, StepError>>()?;
    let (mut asked, mut wanted) = (Vec::new(), Vec::new());
    for (item, prompt) in items.iter().zip(&prompts) {
        for index in 0..params.samples_of(&item.benchmark) {
            asked.push((*item, index));
            wanted.push(Wanted { prompt, index });
        }
    }
    Ok((asked, model.generate(context, sampling, &wanted)?))
}

/// The labels of an item that is answered by the likeliest of them.
fn forced_options(item: &Item) -> Option<&[String]> {
    match &item.check {
        Check::Choice(choice) if choice.forced => Some(&choice.labels),
        _ => None,
    }
}
