//! Log-probabilities of traces and reference answers (pipeline steps 4 and 5).

use std::collections::BTreeMap;

use assay_data::{Demonstration, Dialect, DialectError, Hint, Item, Segment};
use assay_flow::{InputSpec, StepError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{DEMONSTRATIONS, Kind, MODEL, SCORES, TRACES, dialect, float_facts, placed};
use super::rows::unknown;
use crate::engines::{EngineParams, Model};
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
pub(crate) fn kind() -> Kind<Params> {
    let about =
        "Log-ratio of each trace under reasoning model and posterior, and the reference answer's likelihood";
    Kind::new("score-traces", 1, SCORES, about, |params: &Params, context| {
        let rows: Vec<Demonstration> = records::read(context, "demonstrations")?;
        let rows: BTreeMap<&str, &Demonstration> =
            rows.iter().map(|row| (row.item.id.as_str(), row)).collect();
        let traces: Vec<Trace> = records::read(context, "traces")?;
        let traces: Vec<(&Trace, &Demonstration)> = traces
            .iter()
            .filter(|trace| trace.valid)
            .map(|trace| Ok((trace, *rows.get(trace.item.as_str()).ok_or_else(|| unknown(&trace.item))?)))
            .collect::<Result<_, StepError>>()?;
        let (form, required) = (&params.dialect, params.dialect.requires());
        let texts = |row_of: &RowOf<'_>| {
            let rows = traces.iter().map(|(trace, row)| row_of(&row.item, &trace.thought).map_err(dialect));
            rows.collect::<Result<Vec<_>, StepError>>()
        };
        let (thoughts, answers) = {
            let reasoner = Model::open(context, "reasoner", &params.engine, required)?;
            let thoughts = texts(&|item, thought| form.thought_row(item, thought))?;
            let answers = texts(&|item, thought| form.answer_row(item, thought, item.reference()))?;
            (
                reasoner.score(context, "traces under the reasoning model", &thoughts)?,
                reasoner.score(context, "reference answers", &answers)?,
            )
        };
        let posterior = Model::open(context, "posterior", &params.engine, required)?;
        let hinted =
            texts(&|item, thought| form.posterior_row(params.hint, item, item.reference(), thought))?;
        let hinted = posterior.score(context, "traces under the posterior", &hinted)?;
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
    .facts(|params, known| float_facts(params.engine.placement(), known))
    .resources(|params| placed(params.engine.placement(), 1, 300))
}

/// How a thought about an item becomes a row to be scored.
type RowOf<'a> = dyn Fn(&Item, &str) -> Result<Vec<Segment>, DialectError> + 'a;

fn bug(error: impl std::error::Error) -> StepError {
    StepError::internal(error.to_string())
}
