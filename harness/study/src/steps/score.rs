//! Log-probs of traces and reference answers (pipeline steps 4 and 5).

use std::collections::BTreeMap;

use assay_flow::{StepContext, StepError};
use assay_lm::{Backend, Model, Scored};
use serde::Deserialize;

use super::kind::{FACT_ISA, Kind, in_pool, lm, one};
use super::rows::{teacher_rows, unknown};
use crate::fingerprint::{LANGUAGE_MODEL, TASKS};
use crate::records::{self, Trace, TraceScore};
use crate::tasks::{Row, TeacherRow, Template, formats};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    template: Template,
}

/// `score-traces`: each valid trace under the reasoner (question only) and the posterior (question and hint),
/// and the reference answer under the reasoner after that trace.
pub(crate) fn kind() -> Kind<Params> {
    Kind::new("score-traces", "score", &[LANGUAGE_MODEL, TASKS], |params: &Params, context| {
        let rows = teacher_rows(context)?;
        let rows: BTreeMap<&str, &TeacherRow> = rows.iter().map(|row| (row.question.id(), row)).collect();
        let traces: Vec<Trace> = records::read(&context.input("traces")?.path)?;
        let traces: Vec<(&Trace, &TeacherRow)> = traces
            .iter()
            .filter(|trace| trace.valid)
            .map(|trace| {
                Ok((trace, *rows.get(trace.question.as_str()).ok_or_else(|| unknown(&trace.question))?))
            })
            .collect::<Result<_, StepError>>()?;
        let total = 3;
        let scored = |model: &str, done, form: &(dyn Fn(&Trace, &TeacherRow) -> Row + Sync)| {
            let scores = score(context, model, traces.iter().map(|(trace, row)| form(trace, row)))?;
            context.progress(done, total, "log-probs");
            Ok::<_, StepError>(scores)
        };
        let reasoner =
            scored("reasoner", 1, &|trace, row| formats::thought_row(row.question.text(), &trace.thought))?;
        let answer = scored("reasoner", 2, &|trace, row| {
            formats::answer_row(row.question.text(), &trace.thought, row.question.reference())
        })?;
        let posterior = scored("posterior", 3, &|trace, row| {
            params.template.row(row.question.text(), row.question.reference(), &trace.thought)
        })?;
        let scores: Vec<TraceScore> = traces
            .iter()
            .zip(reasoner.into_iter().zip(posterior).zip(answer))
            .map(|((trace, _), ((reasoner, posterior), answer))| TraceScore {
                question: trace.question.clone(),
                index: trace.index,
                reasoner,
                posterior,
                answer,
            })
            .collect();
        records::write(context.output(), &scores)
    })
    .inputs(const { &[one("reasoner"), one("posterior"), one("teacher"), one("traces")] })
    .facts(&[FACT_ISA])
    .resources(1, 300)
}

/// Log-probs of the supervised tokens of each row.
fn score(
    context: &StepContext<'_>,
    model: &str,
    rows: impl Iterator<Item = Row>,
) -> Result<Vec<Vec<f32>>, StepError> {
    let model = Model::load(&context.input(model)?.path, Backend::Fused).map_err(lm)?;
    let items = rows
        .map(|row| {
            let tokens = model.tokenizer.encode(&row.text).map_err(lm)?;
            Ok(Scored { range: row.supervised_from..tokens.len(), tokens })
        })
        .collect::<Result<Vec<_>, StepError>>()?;
    in_pool(context, || assay_lm::score(&model.decoder, &items).map_err(lm))
}
