//! Samples whose verdict is another one in a second run.

use std::collections::{BTreeMap, BTreeSet};

use assay_report::Report;
use assay_sandbox::Verdict;
use assay_store::Store;
use assay_study::records::Generation;
use schemars::JsonSchema;
use serde::Serialize;

use crate::evidence::{Judged, Samples};
use crate::failure::Failure;
use crate::visible::{cut, visible};

/// Flipped samples that are printed; the JSON form has all.
const SHOWN: usize = 20;

/// Characters of a thought and of an answer that are kept.
const START: usize = 80;

/// The samples of rows that both runs have, as far as their verdicts differ.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flips {
    /// How many samples passed before and failed after.
    pub(crate) pass_to_fail: usize,
    /// How many samples failed before and passed after.
    pub(crate) fail_to_pass: usize,
    /// Those from pass to fail first, then in the order of rows and columns.
    pub(crate) samples: Vec<Flip>,
    /// Rows of other artefacts whose verdicts are not in the store for both runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_at_hand: Vec<String>,
}

/// One sample with another verdict.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flip {
    pub(crate) direction: Direction,
    pub(crate) row: String,
    /// The training seed of a row that was trained per seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    pub(crate) benchmark: String,
    pub(crate) question: String,
    /// Which of the question's samples, from 0.
    pub(crate) sample: u32,
    pub(crate) before: Reply,
    pub(crate) after: Reply,
}

/// Which way a sample went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    PassToFail,
    FailToPass,
}

/// A verdict, and how what it is about begins.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    /// As verdicts are spelled, such as `wrong-answer`.
    pub(crate) verdict: &'static str,
    /// The first 80 characters of the thought; absent where the reply is not in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thought: Option<String>,
    /// The first 80 characters of the answer; absent where the reply was cut or malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<String>,
}

impl Flips {
    /// Finds the flipped samples among rows that both sides have. Samples that the judge failed on are left out.
    pub(crate) fn of(
        (baseline, before): (&Report, &Samples),
        (now, after): (&Report, &Samples),
        store: &Store,
    ) -> Result<Self, Failure> {
        let mut flips = Self::default();
        let rows: Vec<&str> = now.rows.iter().map(|row| row.id.as_str()).collect();
        let in_both = |row: &&str| baseline.rows.iter().any(|known| known.id == **row);
        for row in rows.into_iter().filter(in_both) {
            if before.missing.contains(row) || after.missing.contains(row) {
                flips.not_at_hand.push(row.to_owned());
            }
            let (Some(before), Some(after)) = (before.rows.get(row), after.rows.get(row)) else { continue };
            for (seed, after) in after {
                if let Some(before) = before.get(seed) {
                    flips.add((row, *seed), before, after, now, store)?;
                }
            }
        }
        flips.samples.sort_by_key(|flip| flip.direction);
        let count = |direction| flips.samples.iter().filter(|flip| flip.direction == direction).count();
        (flips.pass_to_fail, flips.fail_to_pass) =
            (count(Direction::PassToFail), count(Direction::FailToPass));
        Ok(flips)
    }

    fn add(
        &mut self,
        (row, seed): (&str, Option<u64>),
        before: &Judged,
        after: &Judged,
        report: &Report,
        store: &Store,
    ) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        let benchmarks = report.columns.iter().filter_map(|column| column.measured_on.as_deref());
        let mut found = Vec::new();
        for benchmark in benchmarks.filter(|benchmark| seen.insert(*benchmark)) {
            let sides = before.verdicts.get(benchmark).zip(after.verdicts.get(benchmark));
            for (question, after) in sides.into_iter().flat_map(|(_, after)| after) {
                let before = sides.and_then(|(before, _)| before.get(question));
                for (sample, now) in after {
                    let then = before.and_then(|samples| samples.get(sample));
                    if let Some(then) = then
                        && let Some(direction) = direction(*then, *now)
                    {
                        found.push((direction, benchmark, question, *sample, *then, *now));
                    }
                }
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let (before, after) = (before.generations(store)?, after.generations(store)?);
        for (direction, benchmark, question, sample, then, now) in found {
            self.samples.push(Flip {
                direction,
                row: row.to_owned(),
                seed,
                benchmark: benchmark.to_owned(),
                question: question.clone(),
                sample,
                before: reply(then, &before, question, sample),
                after: reply(now, &after, question, sample),
            });
        }
        Ok(())
    }

    /// The flipped samples in lines: the counts, then the first of them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.samples.is_empty() {
            let (worse, better) = (self.pass_to_fail, self.fail_to_pass);
            lines.push(format!("flipped samples: {worse} pass -> fail, {better} fail -> pass"));
            for flip in self.samples.iter().take(SHOWN) {
                lines.extend(flip.lines());
            }
            if let Some(more @ 1..) = self.samples.len().checked_sub(SHOWN) {
                lines.push(format!("  and {more} more: --json lists all"));
            }
        }
        if !self.not_at_hand.is_empty() {
            let rows = visible(&self.not_at_hand.join(", "));
            lines.push(format!(
                "samples of {rows} could not be compared: their verdicts are not in the store"
            ));
        }
        lines
    }
}

impl Flip {
    /// Where it is, then each side.
    fn lines(&self) -> [String; 3] {
        let words = match self.direction {
            Direction::PassToFail => "pass -> fail",
            Direction::FailToPass => "fail -> pass",
        };
        let seed = self.seed.map_or_else(String::new, |seed| format!(" seed {seed}"));
        let head = format!(
            "  {words}  {}{seed}  {} {} sample {}",
            self.row, self.benchmark, self.question, self.sample
        );
        let side = |name: &str, reply: &Reply| cut(&format!("    {name:6}  {}", reply.words()));
        [cut(&head), side("before", &self.before), side("after", &self.after)]
    }
}

impl Reply {
    fn words(&self) -> String {
        let mut text = self.verdict.to_owned();
        if let Some(answer) = &self.answer {
            text.push_str(&format!("  answer {answer:?}"));
        }
        if let Some(thought) = &self.thought {
            text.push_str(&format!("  thought {thought:?}"));
        }
        text
    }
}

/// Which way a sample went; `None` if it passed, or failed, both times.
fn direction(before: Verdict, now: Verdict) -> Option<Direction> {
    match (before, now) {
        (Verdict::JudgeFailure, _) | (_, Verdict::JudgeFailure) => None,
        (Verdict::Pass, now) if now != Verdict::Pass => Some(Direction::PassToFail),
        (before, Verdict::Pass) if before != Verdict::Pass => Some(Direction::FailToPass),
        _ => None,
    }
}

fn reply(
    verdict: Verdict,
    generations: &BTreeMap<(String, u32), Generation>,
    question: &str,
    sample: u32,
) -> Reply {
    let start = |text: &str| text.chars().take(START).collect::<String>();
    let written = generations.get(&(question.to_owned(), sample));
    Reply {
        verdict: verdict.name(),
        thought: written.map(|written| start(&written.thought)),
        answer: written.and_then(|written| written.answer.as_deref()).map(start),
    }
}
