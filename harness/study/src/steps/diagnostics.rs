//! The posterior's traces against the reasoner's, and what the weights look like.

use std::collections::BTreeMap;

use assay_flow::StepError;
use serde::Deserialize;

use super::kind::{Kind, one};
use super::rows::teacher_rows;
use super::weights::{QuestionTraces, scored_traces};
use crate::fingerprint::{INFERENCE, TASKS};
use crate::inference::diagnostics::{self, Diagnostics, summarise};
use crate::inference::posterior::RatioForm;
use crate::records;

/// The entry over all families.
pub const ALL: &str = "all";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {}

/// `diagnostics`: one summary for each family of training questions and one over all, as a JSON object.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("diagnostics", "diagnostics", &[INFERENCE, TASKS], |_: &Params, context| {
        let families: BTreeMap<String, String> = teacher_rows(context)?
            .iter()
            .map(|row| (row.question.id().to_owned(), row.question.family().to_string()))
            .collect();
        let posterior = scored_traces(context, "traces", "verdicts", Some("scores"))?;
        let mut prior = scored_traces(context, "prior-traces", "prior-verdicts", None)?;
        let mut by_family: BTreeMap<&str, Vec<diagnostics::QuestionTraces>> = BTreeMap::new();
        for (question, QuestionTraces { scored, .. }) in posterior {
            let prior = prior.remove(&question).map_or_else(Vec::new, |traces| traces.accuracy);
            let traces = diagnostics::QuestionTraces { q: scored, pi: prior.into_iter().flatten().collect() };
            let family =
                families.get(&question).ok_or_else(|| StepError::internal("a question without a family"))?;
            by_family.entry(ALL).or_default().push(traces.clone());
            by_family.entry(family).or_default().push(traces);
        }
        let summaries: BTreeMap<&str, Diagnostics> = by_family
            .into_iter()
            .map(|(family, traces)| (family, summarise(&traces, RatioForm::PerToken)))
            .collect();
        records::write(context.output(), &[summaries])
    })
    .inputs(
        const {
            &[
                one("teacher"),
                one("traces"),
                one("scores"),
                one("verdicts"),
                one("prior-traces"),
                one("prior-verdicts"),
            ]
        },
    )
}
