//! A table: every row's verdicts, the diagnostics, the claims.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::table::{Evaluation, Finding, Known, Layout, Measurements, Table, TableError};
use assay_data::{Item, Source};
use assay_flow::{
    Artifact, InputSpec, Label, ParamError, Params as AllParams, StepContext, StepError, Workspace,
};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::refused;
use super::imported;
use super::kind::{DIAGNOSTICS, ITEMS, Kind, TABLE, VERDICTS};
use crate::inference::diagnostics::Diagnostics;
use crate::records::{self, GenerationVerdict};
use crate::sections::{self, BySeed};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// Where the items come from, so that a column without items is found before anything runs.
    source: Source,
    /// Columns, rows and claims: the recipe's own content.
    recipe: Layout,
}

/// `table`: cells with intervals, printed values audited, claims judged; one JSON file, see [`Table`].
pub(crate) fn kind(workspace: Workspace) -> Kind<Params> {
    let about =
        "A table of the paper, recomputed: cells with intervals, printed values audited, claims judged";
    let (checked, known) = (workspace.clone(), workspace.clone());
    Kind::new("table", 4, TABLE, about, move |params: &Params, context| {
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
        let mut measured = Measurements {
            samples: counted.into_iter().map(|(benchmark, (samples, _))| (benchmark, samples)).collect(),
            evaluations,
            sections: sections::sections(&diagnostics(context)?),
            notes: Vec::new(),
            questions: by_benchmark,
        };
        let assurance = imported::add(&params.recipe, &workspace, &mut measured)?;
        let table = Table::new(params.recipe.clone(), measured).map_err(|error| match error {
            TableError::NoVerdict { .. } => StepError::environment(error.to_string()),
            _ => StepError::internal(error.to_string()),
        })?;
        records::write(context.output(), [Table { assurance, ..table }])
    })
    .inputs(
        const {
            &[
                InputSpec::optional("items", ITEMS).about("of the benchmarks that models are measured on"),
                InputSpec::any("verdicts", VERDICTS).labelled().about("of each row's model"),
                InputSpec::any("diagnostics", DIAGNOSTICS).labelled().about("of the models that have some"),
            ]
        },
    )
    .check(move |params, all| params.check(all, &checked))
    .facts(move |params, _| imported::facts(&params.recipe, &known))
}

impl Params {
    fn check(&self, all: &AllParams, workspace: &Workspace) -> Result<(), ParamError> {
        let mut benchmarks = self.source.benchmarks(workspace.root()).map_err(refused)?;
        benchmarks.extend(imported::check(&self.recipe, workspace).map_err(|error| error.under("recipe"))?);
        let models = all.labels("verdicts").iter().map(|label| label.name.clone()).collect();
        let known = Known { models: Some(&models), benchmarks: Some(&benchmarks) };
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

/// The model and seed that an artefact is of.
fn label(artifact: &Artifact) -> Result<&Label, StepError> {
    let missing = || StepError::internal("an artefact came without the name of its model");
    artifact.label.as_ref().ok_or_else(missing)
}

/// By benchmark: how many samples its items have, and the item and model in which they were counted first.
type Counted = BTreeMap<String, (u32, String)>;

/// The verdicts on one model and seed, by benchmark and item.
///
/// The samples of each item are counted: a column has one k, so that all items of its benchmark, of all models
/// and seeds, must have as many.
fn evaluation(
    artifact: &Artifact,
    benchmarks: &BTreeMap<String, String>,
    counted: &mut Counted,
) -> Result<Evaluation, StepError> {
    let label = label(artifact)?;
    let mut evaluation = Evaluation {
        model: label.name.clone(),
        seed: label.seed,
        outcomes: BTreeMap::new(),
        lengths: BTreeMap::new(),
        failures: BTreeMap::new(),
    };
    // Sum and count of the tokens written, by benchmark.
    let mut tokens: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let mut seen: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for judged in records::stream::<GenerationVerdict>(&artifact.path)? {
        let judged = judged?;
        let benchmark = benchmark_of(benchmarks, &judged.item)?;
        if !seen.entry(judged.item.clone()).or_default().insert(judged.sample) {
            let key = format!("{} of item {}", judged.sample, judged.item);
            return Err(records::twice("the verdict on sample", key));
        }
        let (sum, count) = tokens.entry(benchmark.to_owned()).or_default();
        *sum += f64::from(judged.tokens);
        *count += 1.0;
        if judged.verdict == Verdict::JudgeFailure {
            let failures = evaluation.failures.entry(benchmark.to_owned()).or_default();
            *failures.entry(judged.item.clone()).or_default() += 1;
        }
        let items = evaluation.outcomes.entry(benchmark.to_owned()).or_default();
        let outcomes = items.entry(judged.item).or_default();
        if judged.verdict != Verdict::JudgeFailure {
            outcomes.push(judged.verdict == Verdict::Pass);
        }
    }
    for (item, samples) in &seen {
        let benchmark = benchmark_of(benchmarks, item)?;
        count(counted, benchmark, samples.len() as u32, format!("item {item} of {label}"))?;
    }
    evaluation.lengths = tokens.into_iter().map(|(name, (sum, count))| (name, sum / count)).collect();
    Ok(evaluation)
}

fn benchmark_of<'b>(benchmarks: &'b BTreeMap<String, String>, item: &str) -> Result<&'b str, StepError> {
    let benchmark = benchmarks.get(item);
    benchmark.map(String::as_str).ok_or_else(|| StepError::internal(format!("{item} is not a test item")))
}

/// Holds the number of an item's samples against that of the other items of its benchmark.
fn count(counted: &mut Counted, benchmark: &str, samples: u32, item: String) -> Result<(), StepError> {
    match counted.get(benchmark) {
        Some((others, other)) if *others != samples => Err(StepError::user(format!(
            "the items of {benchmark} have different numbers of judged samples: {other} has {others}, {item} has \
             {samples}"
        ))
        .remedy("sample every model as often on the items of a benchmark: one column has one k")),
        Some(_) => Ok(()),
        None => {
            counted.insert(benchmark.to_owned(), (samples, item));
            Ok(())
        }
    }
}
