//! The posterior's traces against the reasoner's, and what the weights look like.

use std::collections::{BTreeMap, BTreeSet};

use assay_flow::{InputSpec, StepContext, StepError};

use super::kind::{
    ANSWER_VERDICTS, DEMONSTRATIONS, DIAGNOSTICS, Kind, Nothing, SCORES, TRACES, WEIGHTS, bug,
};
use super::weights::{ItemTraces, scored_traces};
use crate::inference::diagnostics::{self, ALL, Diagnostics, summarise};
use crate::inference::posterior::{Estimator, Weights};
use crate::records::{self, ItemWeights};

/// `diagnostics`: one summary for each benchmark of the training items and one over all, as a JSON object.
pub(crate) fn kind() -> Kind<Nothing> {
    let about = "The posterior's traces against the reasoning model's, and what the weights select";
    Kind::new("diagnostics", 3, DIAGNOSTICS, about, |_: &Nothing, context| {
        let benchmarks = records::demonstrations(context, |row| row.item.benchmark)?;
        let posterior = scored_traces(context, "traces", Some("verdicts"), Some("scores"))?;
        let prior = (!context.inputs("prior-traces").is_empty())
            .then(|| scored_traces(context, "prior-traces", Some("prior-verdicts"), None));
        let mut prior = prior.transpose()?;
        let mut weights = weights(context)?;
        let estimators: BTreeSet<Estimator> = weights.values().flat_map(BTreeMap::keys).copied().collect();
        let mut by_benchmark: BTreeMap<&str, Vec<diagnostics::ItemTraces>> = BTreeMap::new();
        for (item, ItemTraces { scored, .. }) in posterior {
            let of_prior = prior.as_mut().map(|prior| prior.remove(&item));
            let pi = match of_prior {
                None => Vec::new(),
                Some(Some(of_prior)) => of_prior.accuracy.into_iter().flatten().collect(),
                Some(None) => return Err(alone(&item, "traces", "prior-traces")),
            };
            let weights = match weights.remove(&item) {
                Some(weights) if weights.len() == estimators.len() => weights,
                _ => return Err(alone(&item, "traces", "weights")),
            };
            let traces = diagnostics::ItemTraces { q: scored, pi, weights };
            let benchmark = records::of_item(&benchmarks, &item)?;
            by_benchmark.entry(ALL).or_default().push(traces.clone());
            by_benchmark.entry(benchmark).or_default().push(traces);
        }
        let prior_left = prior.as_ref().and_then(|prior| prior.keys().next());
        for (input, left) in [("prior-traces", prior_left), ("weights", weights.keys().next())] {
            if let Some(item) = left {
                return Err(alone(item, input, "traces"));
            }
        }
        let summaries: BTreeMap<&str, Diagnostics> = by_benchmark
            .into_iter()
            .map(|(benchmark, traces)| Ok((benchmark, summarise(&traces).map_err(bug)?)))
            .collect::<Result<_, StepError>>()?;
        records::write(context.output(), [summaries])
    })
    .inputs(
        const {
            &[
                InputSpec::one("demonstrations", DEMONSTRATIONS),
                InputSpec::one("traces", TRACES),
                InputSpec::one("scores", SCORES),
                InputSpec::one("verdicts", ANSWER_VERDICTS),
                InputSpec::many("weights", WEIGHTS).about("of each estimator that is summarised"),
                InputSpec::optional("prior-traces", TRACES).about("from pi_theta0, which sees no hint"),
                InputSpec::optional("prior-verdicts", ANSWER_VERDICTS).about("where there are such traces"),
            ]
        },
    )
}

/// The error that one input has an item that another lacks: they do not belong together.
fn alone(item: &str, has: &str, lacks: &str) -> StepError {
    StepError::user(format!("item {item} is in `{has}`, but not in every artefact of `{lacks}`"))
        .remedy("connect artefacts that were made of the same items")
}

/// The weights by item and estimator.
fn weights(context: &StepContext<'_>) -> Result<BTreeMap<String, BTreeMap<Estimator, Weights>>, StepError> {
    let mut all: BTreeMap<String, BTreeMap<Estimator, Weights>> = BTreeMap::new();
    for artifact in context.inputs("weights") {
        for record in records::stream::<ItemWeights>(&artifact.path)? {
            let ItemWeights { item, estimator, weights } = record?;
            if all.entry(item).or_default().insert(estimator, weights).is_some() {
                return Err(StepError::user(format!(
                    "the weights of estimator {estimator} are connected twice"
                ))
                .remedy("connect one step of kind `weights` for each estimator"));
            }
        }
    }
    Ok(all)
}
