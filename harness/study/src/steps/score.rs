//! Log-probabilities of traces and reference answers (pipeline steps 4 and 5).

use std::collections::BTreeMap;

use assay_data::{Dialect, DialectError, Hint, Item, Segment};
use assay_flow::{InputSpec, StepContext, StepError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{DEMONSTRATIONS, Kind, MODEL, SCORES, TRACES, bug, dialect};
use crate::engines::{EngineParams, Model, Servers};
use crate::inference::posterior::{AnswerLikelihood, LogRatio};
use crate::records::{self, Score, Trace};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How question, hint, thought and answer are laid out as text.
    dialect: Dialect,
    /// Where the posterior sees the answer: `A` or `B`.
    hint: Hint,
    /// What scores.
    engine: EngineParams,
}

/// `score-traces`: each valid trace under the reasoning model (question only) and the posterior (question and
/// hint), and the reference answer under the reasoning model after that trace.
///
/// Holds the valid traces, one row of text for each of them, and a log-probability for each of their tokens and
/// model.
pub(crate) fn kind(servers: Servers) -> Kind<Params> {
    let about =
        "Log-ratio of each trace under reasoning model and posterior, and the reference answer's likelihood";
    Kind::new("score-traces", 1, SCORES, about, move |params: &Params, context| {
        let items = records::demonstrations(context, |row| row.item)?;
        let traces = valid_traces(context, &items)?;
        let (form, required) = (&params.dialect, params.dialect.requires());
        let texts = |row_of: &RowOf<'_>| {
            let rows = traces.iter().map(|(trace, item)| row_of(item, &trace.thought).map_err(dialect));
            rows.collect::<Result<Vec<_>, StepError>>()
        };
        let (thoughts, answers) = {
            let reasoner = Model::of_input(context, "reasoner", &params.engine, &servers, required)?;
            let score = |what, rows: Result<Vec<_>, StepError>| reasoner.score(context, what, &rows?);
            let thoughts = texts(&|item, thought| form.thought_row(item, thought));
            let thoughts = score("traces under the reasoning model", thoughts)?;
            let answers = texts(&|item, thought| form.answer_row(item, thought, item.reference()));
            (thoughts, score("reference answers", answers)?)
        };
        let posterior = Model::of_input(context, "posterior", &params.engine, &servers, required)?;
        let hinted = {
            let rows =
                texts(&|item, thought| form.posterior_row(params.hint, item, item.reference(), thought))?;
            posterior.score(context, "traces under the posterior", &rows)?
        };
        let scores = traces
            .iter()
            .zip(thoughts.iter().zip(&hinted).zip(&answers))
            .map(|((trace, _), ((pi, q), answer))| {
                Ok(Score {
                    item: trace.item.clone(),
                    trace: trace.index,
                    log_ratio: LogRatio::of(pi, q).map_err(bug)?,
                    answer: AnswerLikelihood::of(answer).map_err(bug)?,
                })
            })
            .collect::<Result<Vec<Score>, StepError>>()?;
        records::write(context.output(), scores)
    })
    .inputs(
        const {
            &[
                InputSpec::one("reasoner", MODEL).about("pi_theta0"),
                InputSpec::one("posterior", MODEL).about("q_phi, which wrote the traces"),
                InputSpec::one("demonstrations", DEMONSTRATIONS),
                InputSpec::one("traces", TRACES),
            ]
        },
    )
    .check(|params, _| params.engine.check("score", |can| can.score))
    .facts(|params, known| params.engine.facts(known))
    .resources(|params| params.engine.resources(1, 300))
}

/// How a thought about an item becomes a row to be scored.
type RowOf<'a> = dyn Fn(&Item, &str) -> Result<Vec<Segment>, DialectError> + 'a;

/// The traces that are scored, each with its item, in the order of the traces.
fn valid_traces<'i>(
    context: &StepContext<'_>,
    items: &'i BTreeMap<String, Item>,
) -> Result<Vec<(Trace, &'i Item)>, StepError> {
    let mut valid = Vec::new();
    for group in records::traces_by_item(&context.input("traces")?.path)? {
        let (id, traces) = group?;
        let item = records::of_item(items, &id)?;
        valid.extend(traces.into_iter().filter(|trace| trace.valid).map(|trace| (trace, item)));
    }
    Ok(valid)
}
