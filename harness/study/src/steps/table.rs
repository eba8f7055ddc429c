//! A table: every row's verdicts, the diagnostics, the claims.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::pass_at_k::PassAtKError;
use assay_claims::scores::SampleScore;
use assay_claims::table::{Evaluation, Figures, Finding, Known, Layout, Measurements, Table, TableError};
use assay_data::{Item, Source};
use assay_flow::{
    Artifact, InputSpec, Label, ParamError, Params as AllParams, StepContext, StepError, Workspace,
};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::refused;
use super::imported;
use super::kind::{DIAGNOSTICS, ITEMS, Kind, MODEL, TABLE, VERDICTS};
use crate::figures;
use crate::inference::diagnostics::Diagnostics;
use crate::records::{self, GenerationVerdict};
use crate::sections::{self, BySeed};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Where the items come from, so that a column without items is found before anything runs. Without it, the step finds
    /// it when it runs.
    #[serde(default)]
    source: Option<Source>,
    /// Columns, rows and claims: the recipe's own content.
    recipe: Layout,
}

/// `table`: cells with intervals, printed values audited, claims judged; one JSON file, see [`Table`].
pub(crate) fn kind(workspace: Workspace) -> Kind<Params> {
    let about =
        "A table of the paper, recomputed: cells with intervals, printed values audited, claims judged";
    let (checked, known) = (workspace.clone(), workspace.clone());
    Kind::new("table", 6, TABLE, about, move |params: &Params, context| {
        let mut by_benchmark: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut benchmarks = BTreeMap::new();
        for artifact in context.inputs("items") {
            let items = records::stream::<Item>(&artifact.path)?.map(|item| {
                let Item { id, benchmark, .. } = item?;
                by_benchmark.entry(benchmark.clone()).or_default().push(id.clone());
                Ok((id, benchmark))
            });
            benchmarks = records::unique("item", items)?;
        }
        let mut counted = Counted::new();
        let evaluations = context
            .inputs("verdicts")
            .iter()
            .map(|artifact| evaluation(artifact, &benchmarks, &mut counted))
            .collect::<Result<Vec<_>, _>>()?;
        let diagnostics = diagnostics(context)?;
        let mut measured = Measurements {
            samples: common_samples(&evaluations, &counted),
            evaluations,
            figures: figures(context, &diagnostics)?,
            sections: sections::sections(&diagnostics),
            notes: Vec::new(),
            questions: by_benchmark,
        };
        let assurance = imported::add(&params.recipe, &workspace, &mut measured)?;
        let table = Table::new(params.recipe.clone(), measured).map_err(of_table)?;
        records::write(context.output(), [table.with_assurance(assurance)])
    })
    .inputs(
        const {
            &[
                InputSpec::optional("items", ITEMS).about("of the benchmarks that models are measured on"),
                InputSpec::any("verdicts", VERDICTS).labelled().about("of each row's model"),
                InputSpec::any("diagnostics", DIAGNOSTICS).labelled().about("of the models that have some"),
                InputSpec::any("trained", MODEL).labelled().about("models whose training logs give figures"),
            ]
        },
    )
    .check(move |params, all| params.check(all, &checked))
    .facts(move |params, _| imported::facts(&params.recipe, &known))
}

/// Why a table cannot be put together, as a step says it.
fn of_table(error: TableError) -> StepError {
    let message = error.to_string();
    match error {
        TableError::NoVerdict { .. } => StepError::environment(message),
        TableError::TooFewQuestions { .. } => {
            StepError::user(message).remedy("measure the column on more questions, or give it no benchmark")
        }
        TableError::PassAt { error: PassAtKError::K { k, .. }, .. } => StepError::user(message)
            .remedy(format!("draw at least {k} samples a question, or give the column a smaller `pass-at`")),
        TableError::PassAt { .. } => {
            StepError::user(message).remedy("measure the column's accuracy, which graded samples have")
        }
        _ => StepError::internal(message),
    }
}

impl Params {
    fn check(&self, all: &AllParams, workspace: &Workspace) -> Result<(), ParamError> {
        let of_source = |source: &Source| source.benchmarks(workspace.root()).map_err(refused);
        let mut benchmarks = self.source.as_ref().map(of_source).transpose()?;
        let imported = imported::check(&self.recipe, workspace).map_err(|error| error.under("recipe"))?;
        benchmarks.iter_mut().for_each(|benchmarks| benchmarks.extend(imported.iter().cloned()));
        let labelled = |input: &str| -> BTreeSet<String> {
            all.labels(input).iter().map(|label| label.name.clone()).collect()
        };
        let mut with_figures = labelled("diagnostics");
        with_figures.extend(labelled("trained"));
        let (models, figures) = (labelled("verdicts"), figures::names());
        let known = Known {
            models: Some(&models),
            benchmarks: benchmarks.as_ref(),
            figures: Some(&figures),
            with_figures: Some(&with_figures),
        };
        ParamError::all(self.recipe.check(&known).into_iter().map(placed).collect())
    }
}

/// A finding on the recipe's content as an error about the parameter that holds it.
fn placed(finding: Finding) -> ParamError {
    let Finding { path, key, message, suggestion, offset } = finding;
    let mut error = match key {
        true => ParamError::of_key(path.as_str(), message),
        false => ParamError::new(path.as_str(), message),
    };
    if let Some(suggestion) = suggestion {
        error = error.suggest(suggestion);
    }
    if let Some(offset) = offset {
        error = error.at_offset(offset);
    }
    error.under("recipe")
}

/// The diagnostics by the model that they are of, and by seed.
fn diagnostics(context: &StepContext<'_>) -> Result<BTreeMap<String, BySeed>, StepError> {
    let mut all: BTreeMap<String, BySeed> = BTreeMap::new();
    for artifact in context.inputs("diagnostics") {
        let label = label(artifact)?;
        for record in records::stream::<BTreeMap<String, Diagnostics>>(&artifact.path)? {
            if all.entry(label.name.clone()).or_default().insert(label.seed, record?).is_some() {
                return Err(StepError::user(format!("the table has two diagnostics of {label}"))
                    .remedy("connect one step of kind `diagnostics` of each model"));
            }
        }
    }
    Ok(all)
}

/// The figures of all models of which something is known, by model and seed.
fn figures(context: &StepContext<'_>, diagnostics: &BTreeMap<String, BySeed>) -> Result<Figures, StepError> {
    let mut all = Figures::new();
    for (model, by_seed) in diagnostics {
        let of_model = all.entry(model.clone()).or_default();
        of_model.extend(by_seed.iter().map(|(seed, found)| (*seed, figures::of_diagnostics(found))));
    }
    let mut trained = BTreeSet::new();
    for artifact in context.inputs("trained") {
        let label = label(artifact)?;
        if !trained.insert((&label.name, label.seed)) {
            return Err(StepError::user(format!("the table has two training runs of {label}"))
                .remedy("connect one trained model of each name and seed"));
        }
        let found = figures::of_training(&artifact.path)?;
        all.entry(label.name.clone()).or_default().entry(label.seed).or_default().extend(found);
    }
    Ok(all)
}

/// The model and seed that an artefact is of.
fn label(artifact: &Artifact) -> Result<&Label, StepError> {
    let missing = || StepError::internal("an artefact came without the name of its model");
    artifact.label.as_ref().ok_or_else(missing)
}

/// By model and benchmark: how many samples the items have, and the item and model in which they were counted first.
type Counted = BTreeMap<(String, String), (u32, String)>;

/// By benchmark: the samples an item of the models that were trained for each seed, which are the most; else of the first
/// model.
fn common_samples(evaluations: &[Evaluation], counted: &Counted) -> BTreeMap<String, u32> {
    let trained: BTreeSet<&str> = evaluations
        .iter()
        .filter(|evaluation| evaluation.seed.is_some())
        .map(|evaluation| evaluation.model.as_str())
        .collect();
    let mut common = BTreeMap::new();
    for of_trained in [true, false] {
        for ((model, benchmark), (samples, _)) in counted {
            if trained.contains(model.as_str()) == of_trained {
                common.entry(benchmark.clone()).or_insert(*samples);
            }
        }
    }
    common
}

/// The verdicts on one model and seed, by benchmark and item.
///
/// The samples of each item are counted: a model has one k on a benchmark, so that all its items, under all seeds, must
/// have as many. Another model may have another k.
fn evaluation(
    artifact: &Artifact,
    benchmarks: &BTreeMap<String, String>,
    counted: &mut Counted,
) -> Result<Evaluation, StepError> {
    let label = label(artifact)?;
    let mut evaluation = Evaluation {
        model: label.name.clone(),
        seed: label.seed,
        scores: BTreeMap::new(),
        tokens: BTreeMap::new(),
        failures: BTreeMap::new(),
    };
    let mut seen: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for judged in records::stream::<GenerationVerdict>(&artifact.path)? {
        let judged = judged?;
        let benchmark = benchmark_of(benchmarks, &judged.item)?;
        if !seen.entry(judged.item.clone()).or_default().insert(judged.sample) {
            let key = format!("{} of item {}", judged.sample, judged.item);
            return Err(records::twice("the verdict on sample", key));
        }
        let tokens = evaluation.tokens.entry(benchmark.to_owned()).or_default();
        tokens.entry(judged.item.clone()).or_default().push(judged.tokens);
        if judged.verdict == Verdict::JudgeFailure {
            let failures = evaluation.failures.entry(benchmark.to_owned()).or_default();
            *failures.entry(judged.item.clone()).or_default() += 1;
        }
        let items = evaluation.scores.entry(benchmark.to_owned()).or_default();
        let scores = items.entry(judged.item).or_default();
        if judged.verdict != Verdict::JudgeFailure {
            scores.push(SampleScore::from(judged.verdict == Verdict::Pass));
        }
    }
    for (item, samples) in &seen {
        let benchmark = benchmark_of(benchmarks, item)?;
        let key = (label.name.clone(), benchmark.to_owned());
        count(counted, key, samples.len() as u32, format!("item {item} of {label}"))?;
    }
    Ok(evaluation)
}

fn benchmark_of<'b>(benchmarks: &'b BTreeMap<String, String>, item: &str) -> Result<&'b str, StepError> {
    let benchmark = benchmarks.get(item);
    benchmark.map(String::as_str).ok_or_else(|| StepError::internal(format!("{item} is not a test item")))
}

/// Holds the number of an item's samples against that of the model's other items of its benchmark.
fn count(counted: &mut Counted, key: (String, String), samples: u32, item: String) -> Result<(), StepError> {
    match counted.get(&key) {
        Some((others, other)) if *others != samples => {
            let (model, benchmark) = key;
            Err(StepError::user(format!(
                "the items of {benchmark} have different numbers of judged samples: {other} has {others}, {item} has \
                 {samples}"
            ))
            .remedy(format!("sample {model} as often on each item of a benchmark, under each seed: a cell has one k")))
        }
        Some(_) => Ok(()),
        None => {
            counted.insert(key, (samples, item));
            Ok(())
        }
    }
}
