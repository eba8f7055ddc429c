//! The posterior's traces against the reasoner's, and what the weights look like.

use std::collections::BTreeMap;

use assay_data::Demonstration;
use assay_flow::{InputSpec, StepContext, StepError};

use super::kind::{ANSWER_VERDICTS, DEMONSTRATIONS, DIAGNOSTICS, Kind, Nothing, SCORES, TRACES, WEIGHTS};
use super::weights::{ItemTraces, scored_traces};
use crate::inference::diagnostics::{self, Diagnostics, summarise};
use crate::inference::posterior::{Estimator, Weights};
use crate::records::{self, ItemWeights};

/// The entry over all benchmarks.
pub(crate) const ALL: &str = "all";

/// `diagnostics`: one summary for each benchmark of the training items and one over all, as a JSON object.
pub(crate) fn kind() -> Kind<Nothing> {
    let about = "The posterior's traces against the reasoning model's, and what the weights select";
    Kind::new("diagnostics", 1, DIAGNOSTICS, about, |_: &Nothing, context| {
        let benchmarks: BTreeMap<String, String> = records::read::<Demonstration>(context, "demonstrations")?
            .into_iter()
            .map(|row| (row.item.id, row.item.benchmark))
            .collect();
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
            let benchmark =
                benchmarks.get(&item).ok_or_else(|| StepError::internal("an item without a benchmark"))?;
            by_benchmark.entry(ALL).or_default().push(traces.clone());
            by_benchmark.entry(benchmark).or_default().push(traces);
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

fn bug(error: impl std::error::Error) -> StepError {
    StepError::internal(error.to_string())
}
