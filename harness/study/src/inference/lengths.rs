//! How scores go with length, in bins: figure 4 of arXiv:2509.22637 shows the same pairs as a density.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::diagnostics::ItemTraces;
use super::posterior::ScoredTrace;

/// Bins of about equal counts.
pub const LENGTH_BINS: usize = 12;

/// Scores by length. A bin without any is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthProfile {
    /// Valid traces, with `log pi/q`.
    pub traces: Vec<LengthBin>,
    /// Reference answers after valid traces, with their log-likelihood.
    pub answers: Vec<LengthBin>,
}

/// What has about one length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthBin {
    /// Which of the [`LENGTH_BINS`], from 0, the shortest.
    pub bin: usize,
    /// How many there are, at least 1.
    pub count: usize,
    /// Mean length in tokens.
    pub length: f64,
    /// Mean score of the whole, in nats.
    pub sum: f64,
    /// Mean score a token, in nats.
    pub per_token: f64,
}

/// A length in tokens, with the score of the whole and a token.
struct Scored {
    length: usize,
    sum: f64,
    per_token: f64,
}

/// The profile of all valid traces of some items.
#[must_use]
pub fn profile(questions: &[ItemTraces]) -> LengthProfile {
    let valid = || questions.iter().flat_map(|question| question.q.iter().flatten());
    let trace = |trace: &ScoredTrace| Scored {
        length: trace.length,
        sum: trace.log_ratio.sum,
        per_token: trace.log_ratio.per_token(),
    };
    let answers = valid().filter_map(|trace| trace.answer).map(|answer| Scored {
        length: answer.tokens,
        sum: answer.sum,
        per_token: answer.per_token(),
    });
    LengthProfile { traces: bins(valid().map(trace)), answers: bins(answers) }
}

/// What has one length is in one bin: the one in which the middle of it would be if counts were equal.
fn bins(all: impl Iterator<Item = Scored>) -> Vec<LengthBin> {
    let mut by_length: BTreeMap<usize, Vec<Scored>> = BTreeMap::new();
    for scored in all {
        by_length.entry(scored.length).or_default().push(scored);
    }
    let number: usize = by_length.values().map(Vec::len).sum();
    let mut bins: BTreeMap<usize, Vec<Scored>> = BTreeMap::new();
    let mut before = 0;
    for of_length in by_length.into_values() {
        let middle = 2 * before + of_length.len();
        before += of_length.len();
        let bin = (LENGTH_BINS * middle / (2 * number)).min(LENGTH_BINS - 1);
        bins.entry(bin).or_default().extend(of_length);
    }
    let bin = |(bin, members): (usize, Vec<Scored>)| {
        let mean = |of: fn(&Scored) -> f64| members.iter().map(of).sum::<f64>() / members.len().max(1) as f64;
        LengthBin {
            bin,
            count: members.len(),
            length: mean(|scored| scored.length as f64),
            sum: mean(|scored| scored.sum),
            per_token: mean(|scored| scored.per_token),
        }
    };
    bins.into_iter().map(bin).collect()
}
