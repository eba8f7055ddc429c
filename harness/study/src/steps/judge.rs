//! Verdicts on answers, by the one judging path: what can be decided on the spot is, the rest are jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_data::Item;
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
        let items = records::demonstrations(context, |row| row.item)?;
        let answers = || records::stream::<Answer>(&context.input("answers")?.path);
        let pairs = answers()?.map(|answer| answer.map(|Answer { item, answer, .. }| (item, answer)));
        let verdicts = verdicts(context, &judging, &items, pairs)?;
        let verdicts = answers()?.zip(verdicts).map(|(answer, verdict)| {
            let Answer { item, trace, index, .. } = answer?;
            Ok(AnswerVerdict { item, trace, index, verdict })
        });
        records::try_write(context.output(), verdicts)
    })
    .inputs(const { &[InputSpec::one("demonstrations", DEMONSTRATIONS), InputSpec::one("answers", ANSWERS)] })
    .facts(move |_, _| facts.clone())
}

/// `judge`: a verdict on each generation, in their order.
pub(crate) fn generations(judging: Arc<Judging>) -> Kind<Nothing> {
    let facts = judges(&judging);
    let about = "A verdict on each reply to a test item";
    Kind::new("judge", 1, VERDICTS, about, move |_: &Nothing, context| {
        let items = records::stream::<Item>(&context.input("items")?.path)?;
        let items = records::unique("item", items.map(|item| item.map(|item| (item.id.clone(), item))))?;
        let replies = || records::stream::<Generation>(&context.input("generations")?.path);
        let pairs = replies()?.map(|reply| reply.map(|Generation { item, answer, .. }| (item, answer)));
        let verdicts = verdicts(context, &judging, &items, pairs)?;
        let verdicts = replies()?.zip(verdicts).map(|(reply, verdict)| {
            let Generation { item, sample, tokens, .. } = reply?;
            Ok(GenerationVerdict { item, sample, tokens, verdict })
        });
        records::try_write(context.output(), verdicts)
    })
    .inputs(const { &[InputSpec::one("items", ITEMS), InputSpec::one("generations", GENERATIONS)] })
    .facts(move |_, _| facts.clone())
}

/// Images and limits: what verdicts depend on besides programs and tests.
pub(crate) fn judges(judging: &Judging) -> Facts {
    let JudgingFacts { image, limits, comparison_image, comparison_limits, .. } = judging.describe();
    Facts::from([
        ("image".to_owned(), image.to_string()),
        ("limits".to_owned(), limits),
        ("comparison-image".to_owned(), comparison_image.to_string()),
        ("comparison-limits".to_owned(), comparison_limits),
    ])
}

/// A verdict for each (item, answer); no answer is a wrong one. Holds the answers, not the thoughts.
fn verdicts(
    context: &StepContext<'_>,
    judging: &Judging,
    items: &BTreeMap<String, Item>,
    answers: impl Iterator<Item = Result<(String, Option<String>), StepError>>,
) -> Result<Vec<Verdict>, StepError> {
    let answers = answers.collect::<Result<Vec<_>, StepError>>()?;
    let answers = answers
        .iter()
        .map(|(id, answer)| match items.get(id) {
            Some(item) => Ok((item, answer.as_deref())),
            None => Err(StepError::internal(format!("the answer of item {id} has no item"))),
        })
        .collect::<Result<Vec<_>, StepError>>()?;
    let (mut verdicts, all) = (Vec::with_capacity(answers.len()), answers.len() as u64);
    let mut rest = answers.as_slice();
    while !rest.is_empty() {
        let (these, others) = rest.split_at(together(rest));
        let before = verdicts.len() as u64;
        let progress = |done: u64, total: u64| match before == 0 && others.is_empty() {
            true => context.progress(done, total, "judged"),
            false => context.progress(before + done, all, "judged"),
        };
        verdicts.extend(judged(context, judging, these, &progress)?);
        rest = others;
    }
    Ok(verdicts)
}

/// How many of the first answers are judged together: each has a copy of its item's tests.
fn together(answers: &[(&Item, Option<&str>)]) -> usize {
    let mut bytes = 0;
    let fits = answers.iter().take_while(|(item, _)| {
        bytes += item.size_of_tests();
        bytes <= TESTS_TOGETHER
    });
    fits.count().max(1)
}

/// Most bytes of tests that are judged together.
const TESTS_TOGETHER: usize = 256 << 20;

/// A verdict for each item and answer, in order.
pub(crate) fn judged(
    context: &StepContext<'_>,
    judging: &Judging,
    answers: &[(&Item, Option<&str>)],
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Verdict>, StepError> {
    assay_data::verdicts(answers, |jobs| {
        judging
            .run(context.store(), jobs, context.threads(), &|| context.cancelled(), progress)
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
