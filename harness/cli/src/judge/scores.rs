//! Counts and scores of judges.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::pass_at_k::pass_at_k;
use assay_sandbox::Verdict;
use assay_sandbox::rows::Sample;
use serde_json::{Value, json};

use super::{Judged, Results};
use crate::args::By;
use crate::failure::Failure;

/// Values of k. One is reported if every problem has that many samples.
pub(super) const KS: [u64; 5] = [1, 5, 10, 50, 100];

/// One judge's counts and scores.
pub(super) struct Score {
    pub(super) judge: &'static str,
    pub(super) verdicts: BTreeMap<Verdict, usize>,
    pub(super) borderline: usize,
    /// By difficulty or model, and at the end all together.
    pub(super) groups: Vec<Group>,
    pub(super) missing: Missing,
}

/// Scores of the problems of one difficulty, or of the samples of one model.
pub(super) struct Group {
    /// The difficulty or model as the file has it; `None` for all together.
    pub(super) name: Option<String>,
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

/// Samples and right ones by problem.
type Counts<'a> = BTreeMap<&'a str, (u64, u64)>;

/// The scores of all judges.
pub(super) fn scores(results: &Results<'_>) -> Result<Vec<Score>, Failure> {
    (0..results.judges.len()).map(|judge| score(results, judge)).collect()
}

fn score(results: &Results<'_>, judge: usize) -> Result<Score, Failure> {
    let mut verdicts = BTreeMap::new();
    let mut borderline = 0;
    // Of all, and of each group. What the judge failed on is in neither.
    let mut counts: Counts<'_> = BTreeMap::new();
    let mut by_group: BTreeMap<&str, Counts<'_>> = BTreeMap::new();
    let mut tried: BTreeSet<&str> = BTreeSet::new();
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        let Judged { judge, judgement, .. } = &judged[judge];
        *verdicts.entry(judgement.verdict).or_default() += 1;
        borderline += usize::from(results.limits.is_any_borderline(*judge, &judgement.tests));
        if results.problems.find(sample).is_ok() {
            tried.insert(&sample.problem);
        }
        if judgement.verdict == Verdict::JudgeFailure {
            continue;
        }
        let of_group = group_of(results, sample).map(|name| by_group.entry(name).or_default());
        for counts in of_group.into_iter().chain([&mut counts]) {
            let (samples, right) = counts.entry(&sample.problem).or_default();
            *samples += 1;
            *right += u64::from(judgement.verdict == Verdict::Pass);
        }
    }
    let mut groups = Vec::new();
    for name in in_order(by_group.keys().copied().collect()) {
        groups.push(group(Some(name.to_owned()), by_group[name].values().copied().collect())?);
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

/// The difficulty or model by which a sample is grouped.
fn group_of<'a>(results: &Results<'a>, sample: &'a Sample) -> Option<&'a str> {
    match results.by {
        By::Difficulty => results.problems.get(&sample.problem)?.difficulty.as_deref(),
        By::Model => sample.model.as_deref(),
    }
}

/// Difficulties from easy to hard, then those of other names.
fn in_order(names: BTreeSet<&str>) -> Vec<&str> {
    let known = ["easy", "medium", "hard"];
    let others = names.iter().filter(|name| !known.contains(name));
    known.iter().filter(|name| names.contains(*name)).chain(others).copied().collect()
}

fn group(name: Option<String>, counts: Vec<(u64, u64)>) -> Result<Group, Failure> {
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
        name,
        problems: counts.len(),
        samples: sizes().sum::<u64>() as usize,
        pass,
        average: mean(counts.iter().map(|(samples, right)| *right as f64 / *samples as f64).collect()),
        per_problem: (least, most),
    })
}

impl Score {
    /// All together have the difficulty or model `null`.
    pub(super) fn json(&self, by: By) -> Value {
        let verdicts: BTreeMap<&str, usize> =
            self.verdicts.iter().map(|(verdict, count)| (verdict.name(), *count)).collect();
        let groups = self.groups.iter().map(|group| {
            let (least, most) = group.per_problem;
            let pass: BTreeMap<String, f64> =
                group.pass.iter().map(|(k, value)| (k.to_string(), *value)).collect();
            json!({
                by.name(): group.name,
                "problems": group.problems,
                "samples": group.samples,
                "samples_per_problem": [least, most],
                "average": (least > 0).then_some(group.average),
                "pass_at": pass,
            })
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
