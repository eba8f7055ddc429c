//! The posterior's traces against the reasoner's, and what the weights look like.

use std::collections::BTreeMap;

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
    Kind::new("diagnostics", 2, DIAGNOSTICS, about, |_: &Nothing, context| {
        let benchmarks = records::demonstrations(context, |row| row.item.benchmark)?;
        let posterior = scored_traces(context, "traces", "verdicts", Some("scores"))?;
        let mut prior = scored_traces(context, "prior-traces", "prior-verdicts", None)?;
        let mut weights = weights(context)?;
        let mut by_benchmark: BTreeMap<&str, Vec<diagnostics::ItemTraces>> = BTreeMap::new();
        for (item, ItemTraces { scored, .. }) in posterior {
            let prior = prior.remove(&item).map_or_else(Vec::new, |traces| traces.accuracy);
            let traces = diagnostics::ItemTraces {
                q: scored,
                pi: prior.into_iter().flatten().collect(),
                weights: weights.remove(&item).unwrap_or_default(),
            };
            let benchmark = records::of_item(&benchmarks, &item)?;
            by_benchmark.entry(ALL).or_default().push(traces.clone());
            by_benchmark.entry(benchmark).or_default().push(traces);
        }
        if let Some(item) = weights.keys().next() {
            return Err(StepError::internal(format!("item {item} has weights, but no traces")));
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
                InputSpec::one("prior-traces", TRACES).about("from pi_theta0, which sees no hint"),
                InputSpec::one("prior-verdicts", ANSWER_VERDICTS),
            ]
        },
    )
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
