//! Single samples of a model, read from artefacts for people: what was asked, what the model wrote, the verdict.

use std::collections::{BTreeMap, BTreeSet};

use assay_data::Item;
use assay_flow::StepError;
use assay_sandbox::Verdict;
use camino::Utf8Path;

use crate::records::{self, Generation, GenerationVerdict};

/// A question of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Right answers.
    pub references: Vec<String>,
}

/// One reply of a model to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Which of the samples of the question, from 0.
    pub number: u32,
    /// What the model wrote before its answer, as far as it came.
    pub thought: String,
    /// Its answer; `None` when the reply was cut or malformed.
    pub answer: Option<String>,
    /// The verdict on the answer.
    pub verdict: Verdict,
}

/// The questions of these ids, in the order of the ids, from an artefact of items.
///
/// # Errors
/// The file cannot be read, or a line of it is no item.
pub fn questions(items: &Utf8Path, ids: &BTreeSet<String>) -> Result<Vec<Question>, StepError> {
    let mut found = BTreeMap::new();
    for item in records::stream::<Item>(items)? {
        let Item { id, question, references, .. } = item?;
        if ids.contains(&id) {
            found.insert(id.clone(), Question { id, text: question, references });
        }
    }
    Ok(found.into_values().collect())
}

/// The replies to the questions of these ids, by id, from an artefact of generations and that of their verdicts. Holds no
/// more than the replies that are asked for.
///
/// # Errors
/// A file cannot be read or is malformed; an internal error if the two are not about the same replies.
pub fn replies(
    generations: &Utf8Path,
    verdicts: &Utf8Path,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<Reply>>, StepError> {
    let mut found: BTreeMap<String, Vec<Reply>> = BTreeMap::new();
    let judged = records::stream::<GenerationVerdict>(verdicts)?;
    for (reply, judged) in records::stream::<Generation>(generations)?.zip(judged) {
        let (Generation { item, sample, thought, answer, .. }, judged) = (reply?, judged?);
        if (&item, sample) != (&judged.item, judged.sample) {
            let message = format!("{generations} and {verdicts} are not about the same replies");
            return Err(StepError::internal(message));
        }
        if ids.contains(&item) {
            let reply = Reply { number: sample, thought, answer, verdict: judged.verdict };
            found.entry(item).or_default().push(reply);
        }
    }
    Ok(found)
}
