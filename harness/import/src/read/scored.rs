//! Logs with several scores a sample, of which one is chosen.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{ImportError, Place, content};
use crate::sample::{LogSample, Outcome, SCORES, Unscored};

/// A sample with all of its scores.
pub(super) struct Scored {
    pub(super) question: String,
    pub(super) sample: u32,
    /// The file or the entry of an archive, and the line.
    pub(super) place: Place,
    /// By metric; a value that is not a score has the reason.
    pub(super) scores: BTreeMap<String, Result<Outcome, String>>,
    /// Why the sample has no score, whatever the metric.
    pub(super) failed: Option<Unscored>,
}

/// What it means if a sample lacks the chosen metric.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// It was not scored.
    NotScored,
    /// The score is on another line.
    Elsewhere,
}

/// The samples with the wanted score; with their only score if none is named.
pub(super) fn choose(
    all: Vec<Scored>,
    file: &str,
    wanted: Option<&str>,
    lacking: Lacking,
) -> Result<(Option<String>, Vec<LogSample>), ImportError> {
    let known: BTreeSet<String> = all.iter().flat_map(|sample| sample.scores.keys().cloned()).collect();
    let metric = match (wanted, known.len()) {
        (Some(wanted), _) if known.contains(wanted) => Some(wanted.to_owned()),
        (None, 0) => None,
        (None, 1) => known.first().cloned(),
        _ => {
            let (file, known) = (file.to_owned(), known.into_iter().collect());
            return Err(ImportError::Metric { file, wanted: wanted.map(str::to_owned), known });
        }
    };
    let mut samples = Vec::new();
    for Scored { question, sample, place, mut scores, failed } in all {
        let score = metric.as_ref().and_then(|metric| scores.remove(metric));
        let outcome = match (failed, score) {
            (Some(failed), _) => Outcome::Unscored(failed),
            (None, Some(Ok(outcome))) => outcome,
            (None, Some(Err(message))) => {
                return Err(content(place, format!("question `{question}`: {message}"), SCORES));
            }
            (None, None) if lacking == Lacking::Elsewhere => continue,
            (None, None) => Outcome::Unscored(Unscored::NotScored),
        };
        samples.push(LogSample { question, sample: Some(sample), outcome, line: place.line });
    }
    Ok((metric, samples))
}
