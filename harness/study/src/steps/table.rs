//! A table: every row's verdicts, the diagnostics, the claims.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::table::{Evaluation, Finding, Known, Layout, Measurements, Table, TableError};
use assay_data::{Item, Source};
use assay_flow::{Artifact, InputSpec, ParamError, Params as AllParams, StepContext, StepError, Workspace};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::data::refused;
use super::imported;
use super::kind::{DIAGNOSTICS, ITEMS, Kind, TABLE, VERDICTS, samples_of, within};
use crate::inference::diagnostics::Diagnostics;
use crate::records::{self, GenerationVerdict};
use crate::sections;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// k of Avg@k.
    samples: u32,
    /// Benchmarks with another k.
    #[serde(default)]
    samples_of: BTreeMap<String, u32>,
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
    Kind::new("table", 2, TABLE, about, move |params: &Params, context| {
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
        let samples = by_benchmark
            .keys()
            .map(|name| (name.clone(), samples_of(name, params.samples, &params.samples_of)))
            .collect();
        let evaluations = context
            .inputs("verdicts")
            .iter()
            .map(|artifact| evaluation(artifact, &benchmarks))
            .collect::<Result<Vec<_>, _>>()?;
        let mut measured = Measurements {
            samples,
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
        within(&[("samples", f64::from(self.samples), 1.0..=f64::INFINITY)])?;
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

/// The diagnostics by seed.
fn diagnostics(context: &StepContext<'_>) -> Result<BTreeMap<u64, BTreeMap<String, Diagnostics>>, StepError> {
    let mut all = BTreeMap::new();
    for artifact in context.inputs("diagnostics") {
        let seed = artifact.label.as_ref().and_then(|label| label.seed).unwrap_or_default();
        for record in records::stream::<BTreeMap<String, Diagnostics>>(&artifact.path)? {
            let record = record?;
            if all.get(&seed).is_some_and(|other| *other != record) {
                return Err(StepError::user("the table's models have different diagnostics for one seed")
                    .remedy("connect the diagnostics of one chain of traces"));
            }
            all.insert(seed, record);
        }
    }
    Ok(all)
}

/// The verdicts on one model and seed, by benchmark and item.
fn evaluation(artifact: &Artifact, benchmarks: &BTreeMap<String, String>) -> Result<Evaluation, StepError> {
    let label = artifact
        .label
        .as_ref()
        .ok_or_else(|| StepError::internal("verdicts came without the name of their model"))?;
    let mut evaluation = Evaluation {
        model: label.name.clone(),
        seed: label.seed,
        outcomes: BTreeMap::new(),
        lengths: BTreeMap::new(),
        failures: 0,
    };
    // Sum and count of the tokens written, by benchmark.
    let mut tokens: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let mut seen: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for judged in records::stream::<GenerationVerdict>(&artifact.path)? {
        let judged = judged?;
        let benchmark = benchmarks
            .get(&judged.item)
            .ok_or_else(|| StepError::internal(format!("{} is not a test item", judged.item)))?;
        if !seen.entry(judged.item.clone()).or_default().insert(judged.sample) {
            let key = format!("{} of item {}", judged.sample, judged.item);
            return Err(records::twice("the verdict on sample", key));
        }
        let (sum, count) = tokens.entry(benchmark.to_owned()).or_default();
        *sum += f64::from(judged.tokens);
        *count += 1.0;
        let items = evaluation.outcomes.entry(benchmark.to_owned()).or_default();
        let outcomes = items.entry(judged.item).or_default();
        if judged.verdict == Verdict::JudgeFailure {
            evaluation.failures += 1;
        } else {
            outcomes.push(judged.verdict == Verdict::Pass);
        }
    }
    evaluation.lengths = tokens.into_iter().map(|(name, (sum, count))| (name, sum / count)).collect();
    Ok(evaluation)
}
