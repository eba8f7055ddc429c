//! Verdicts on answers, by the one judging path: what can be decided on the spot is, the rest are jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_data::{Demonstration, Item};
use assay_flow::{Facts, InputSpec, StepContext, StepError};
use assay_sandbox::{Judging, JudgingError, JudgingFacts, Verdict};

use super::kind::{
    ANSWER_VERDICTS, ANSWERS, DEMONSTRATIONS, GENERATIONS, ITEMS, Kind, Nothing, VERDICTS, of_class,
};
use crate::records::{self, Answer, AnswerVerdict, Generation, GenerationVerdict};

/// `judge-answers`: a verdict on each answer to a training item, in their order.
pub(crate) fn answers(judging: Arc<Judging>) -> Kind<Nothing> {
    let facts = judges(&judging);
    let about = "A verdict on each answer that was sampled after a trace";
    Kind::new("judge-answers", 1, ANSWER_VERDICTS, about, move |_: &Nothing, context| {
        let items: Vec<Item> = records::read::<Demonstration>(context, "demonstrations")?
            .into_iter()
            .map(|row| row.item)
            .collect();
        let answers: Vec<Answer> = records::read(context, "answers")?;
        let pairs = answers.iter().map(|answer| (answer.item.as_str(), answer.answer.as_deref()));
        let verdicts = verdicts(context, &judging, &items, pairs)?;
        let verdicts =
            answers.into_iter().zip(verdicts).map(|(Answer { item, trace, index, .. }, verdict)| {
                AnswerVerdict { item, trace, index, verdict }
            });
        records::write(context.output(), verdicts)
    })
    .inputs(const { &[InputSpec::one("demonstrations", DEMONSTRATIONS), InputSpec::one("answers", ANSWERS)] })
    .facts(move |_, _| facts.clone())
}

/// `judge`: a verdict on each generation, in their order.
pub(crate) fn generations(judging: Arc<Judging>) -> Kind<Nothing> {
    let facts = judges(&judging);
    let about = "A verdict on each reply to a test item";
    Kind::new("judge", 1, VERDICTS, about, move |_: &Nothing, context| {
        let items: Vec<Item> = records::read(context, "items")?;
        let generations: Vec<Generation> = records::read(context, "generations")?;
        let pairs = generations.iter().map(|reply| (reply.item.as_str(), reply.answer.as_deref()));
        let verdicts = verdicts(context, &judging, &items, pairs)?;
        let verdicts = generations.into_iter().zip(verdicts).map(
            |(Generation { item, sample, tokens, .. }, verdict)| GenerationVerdict {
                item,
                sample,
                tokens,
                verdict,
            },
        );
        records::write(context.output(), verdicts)
    })
    .inputs(const { &[InputSpec::one("items", ITEMS), InputSpec::one("generations", GENERATIONS)] })
    .facts(move |_, _| facts.clone())
}

/// Images and limits: what verdicts depend on besides programs and tests.
fn judges(judging: &Judging) -> Facts {
    let JudgingFacts { image, limits, comparison_image, comparison_limits } = judging.describe();
    Facts::from([
        ("image".to_owned(), image.to_string()),
        ("limits".to_owned(), limits),
        ("comparison-image".to_owned(), comparison_image.to_string()),
        ("comparison-limits".to_owned(), comparison_limits),
    ])
}

/// A verdict for each (item, answer); no answer is a wrong one.
fn verdicts<'a>(
    context: &StepContext<'_>,
    judging: &Judging,
    items: &[Item],
    answers: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<Vec<Verdict>, StepError> {
    let items: BTreeMap<&str, &Item> = items.iter().map(|item| (item.id.as_str(), item)).collect();
    let answers = answers
        .map(|(id, answer)| match items.get(id) {
            Some(item) => Ok((*item, answer)),
            None => Err(StepError::internal(format!("{id} is not an item"))),
        })
        .collect::<Result<Vec<_>, StepError>>()?;
    let progress = |done, total| context.progress(done, total, "judged");
    assay_data::verdicts(&answers, |jobs| {
        judging
            .run(context.store(), jobs, context.threads(), &|| context.cancelled(), &progress)
            .map_err(failed)
    })
}

fn failed(error: JudgingError) -> StepError {
    if matches!(error, JudgingError::Stopped { .. }) {
        return StepError::cancelled();
    }
    let remedy = error.remedy();
    of_class(error.class(), "the answers could not be judged").remedy(remedy).caused_by(error)
}
