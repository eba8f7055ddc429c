//! Counts and scores of judges.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::pass_at_k::pass_at_k;
use assay_sandbox::Verdict;
use serde_json::{Value, json};

use super::{Judged, Results};
use crate::failure::Failure;

/// Values of k. One is reported if every problem has that many samples.
pub(super) const KS: [u64; 5] = [1, 5, 10, 50, 100];

/// One judge's counts and scores.
pub(super) struct Score {
    pub(super) judge: &'static str,
    pub(super) verdicts: BTreeMap<Verdict, usize>,
    pub(super) borderline: usize,
    /// By difficulty, and at the end all problems together.
    pub(super) groups: Vec<Group>,
    pub(super) missing: Missing,
}

/// Scores of the problems of one difficulty.
pub(super) struct Group {
    /// The difficulty as the benchmark has it; `None` for all problems together.
    pub(super) difficulty: Option<String>,
    pub(super) problems: usize,
    pub(super) samples: usize,
    /// k and the unbiased pass@k, the mean over problems.
    pub(super) pass: Vec<(u64, f64)>,
    /// The mean over problems of the share of right samples.
    pub(super) average: f64,
    /// The least and the greatest number of samples per problem; 0 if there are none.
    pub(super) per_problem: (u64, u64),
}

/// Problems that are in no score.
pub(super) struct Missing {
    pub(super) problems: usize,
    /// Nobody has tried them.
    pub(super) without_samples: usize,
    /// None of their samples could be judged, for lack of tests or another reason.
    pub(super) not_judged: usize,
}

/// The scores of all judges.
pub(super) fn scores(results: &Results<'_>) -> Result<Vec<Score>, Failure> {
    (0..results.judges.len()).map(|judge| score(results, judge)).collect()
}

fn score(results: &Results<'_>, judge: usize) -> Result<Score, Failure> {
    let mut verdicts = BTreeMap::new();
    let mut borderline = 0;
    // Samples and right ones by problem. What the judge failed on is neither.
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut tried: BTreeSet<&str> = BTreeSet::new();
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        let Judged { judge, judgement } = &judged[judge];
        *verdicts.entry(judgement.verdict).or_default() += 1;
        borderline += usize::from(results.limits.is_any_borderline(*judge, &judgement.tests));
        tried.insert(&sample.problem);
        if judgement.verdict != Verdict::JudgeFailure {
            let (samples, right) = counts.entry(&sample.problem).or_default();
            *samples += 1;
            *right += u64::from(judgement.verdict == Verdict::Pass);
        }
    }
    let difficulty = |id: &str| results.problems.get(id).and_then(|problem| problem.difficulty.as_deref());
    let mut groups = Vec::new();
    for name in in_order(counts.keys().filter_map(|id| difficulty(id)).collect()) {
        let of_group = counts.iter().filter(|(id, _)| difficulty(id) == Some(name));
        groups.push(group(Some(name.to_owned()), of_group.map(|(_, counts)| *counts).collect())?);
    }
    groups.push(group(None, counts.values().copied().collect())?);
    let ids = || results.problems.ids();
    let missing = Missing {
        problems: results.problems.len(),
        without_samples: ids().filter(|id| !tried.contains(id)).count(),
        not_judged: ids().filter(|id| tried.contains(id) && !counts.contains_key(id)).count(),
    };
    Ok(Score { judge: results.judges[judge].version(), verdicts, borderline, groups, missing })
}

/// Difficulties from easy to hard, then those of other names.
fn in_order(names: BTreeSet<&str>) -> Vec<&str> {
    let known = ["easy", "medium", "hard"];
    let others = names.iter().filter(|name| !known.contains(name));
    known.iter().filter(|name| names.contains(*name)).chain(others).copied().collect()
}

fn group(difficulty: Option<String>, counts: Vec<(u64, u64)>) -> Result<Group, Failure> {
    let sizes = || counts.iter().map(|(samples, _)| *samples);
    let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut pass = Vec::new();
    for k in KS.into_iter().filter(|k| *k <= least) {
        let each = counts.iter().map(|(samples, right)| pass_at_k(*samples, *right, k));
        let each =
            each.collect::<Result<Vec<f64>, _>>().map_err(|error| Failure::Internal(error.to_string()))?;
        pass.push((k, mean(each)));
    }
    Ok(Group {
        difficulty,
        problems: counts.len(),
        samples: sizes().sum::<u64>() as usize,
        pass,
        average: mean(counts.iter().map(|(samples, right)| *right as f64 / *samples as f64).collect()),
        per_problem: (least, most),
    })
}

impl Score {
    /// All problems together have the difficulty `null`.
    pub(super) fn json(&self) -> Value {
        let verdicts: BTreeMap<&str, usize> =
            self.verdicts.iter().map(|(verdict, count)| (verdict.name(), *count)).collect();
        let groups = self.groups.iter().map(|group| {
            let (least, most) = group.per_problem;
            let mut object = json!({
                "difficulty": group.difficulty,
                "problems": group.problems,
                "samples": group.samples,
                "samples_per_problem": [least, most],
                "average": (least > 0).then_some(group.average),
            });
            for (k, value) in &group.pass {
                object[format!("pass@{k}")] = json!(value);
            }
            object
        });
        json!({
            "judge": self.judge,
            "verdicts": verdicts,
            "borderline": self.borderline,
            "scores": groups.collect::<Vec<_>>(),
            "not_scored": {
                "without_samples": self.missing.without_samples,
                "not_judged": self.missing.not_judged,
            },
        })
    }

    /// How many problems the scores leave out, and why; `None` if they have all.
    pub(super) fn left_out(&self) -> Option<String> {
        let Missing { problems, without_samples, not_judged } = self.missing;
        let reasons: Vec<String> =
            [(without_samples, "without samples"), (not_judged, "without a judged sample")]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, why)| format!("{count} {why}"))
                .collect();
        let left_out = without_samples + not_judged;
        (left_out > 0).then(|| {
            format!("{}: {left_out} of {problems} problems not scored: {}", self.judge, reasons.join(", "))
        })
    }
}
