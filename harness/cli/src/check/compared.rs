//! A report against its baseline: every cell and every claim with a call.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::compare::{self, Better, Call, Comparison, Difference, Pair, Rules, Samples, detectable};
use assay_report::{Cell, Claim, Outcome, Part, Quantity, Report, Threshold, Unit};
use serde::Serialize;

use super::steps::{ChangedStep, changed};

/// The kind of the steps that bring questions.
const ITEMS: &str = "items";

/// What the user sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Level of the tests.
    pub(crate) alpha: f64,
    /// The practical minimum, in points.
    pub(crate) min_effect: f64,
}

/// Everything that a check says, which is also its JSON form.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    format: &'static str,
    pub(crate) recipe: String,
    pub(crate) scale: String,
    /// Whether a cell or a claim has regressed or is missing.
    pub(crate) regression: bool,
    alpha: f64,
    min_effect: f64,
    /// The drop in points that the test of the median cell finds with a power of 80 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detectable: Option<f64>,
    /// How often each call occurs.
    pub(crate) counts: BTreeMap<Call, usize>,
    pub(crate) cells: Vec<Item>,
    pub(crate) claims: Vec<Item>,
    /// The steps that differ, each after its inputs.
    pub(crate) steps: Vec<ChangedStep>,
    pub(crate) notes: Vec<String>,
}

/// A cell, a claim or a comparison of a claim, with its call.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Item {
    /// `ROW.COLUMN`, the claim's name, or the comparison's label.
    pub(crate) id: String,
    pub(crate) call: Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) difference: Option<Difference>,
    /// The chance of finding a change of the size that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) power: Option<f64>,
    /// Of a claim: its outcome before and now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcomes: Option<(Option<Outcome>, Option<Outcome>)>,
    /// Why there is no test, or what a claim's call rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<Item>,
    /// Where the recipe says so; filled in by the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
}

impl Item {
    pub(crate) fn call(&self) -> Call {
        self.call.unwrap_or(Call::NotComparable)
    }
}

/// One side's value.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Side {
    pub(crate) value: f64,
    low: f64,
    high: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u64>,
}

impl Side {
    fn of(quantity: &Quantity) -> Self {
        let Quantity { value, low, high, n, .. } = *quantity;
        Self { value, low, high, n }
    }
}

/// Compares two reports of one recipe.
pub(crate) fn compared(baseline: &Report, now: &Report, target: &str, limits: Limits) -> Check {
    let both = Both { baseline, now, limits };
    let cells = both.cells();
    let claims = both.claims();
    let mut pairs: Vec<Pair<'_>> = cells.iter().map(|(_, pair)| *pair).collect();
    pairs.extend(claims.iter().flat_map(|claim| claim.parts.iter().map(|(_, pair)| *pair)));
    let rules = Rules { alpha: limits.alpha, level: baseline.confidence };
    let mut found = compare::compare(&pairs, &rules);
    let of_parts = found.split_off(cells.len());
    let detectable = detectable(&found);
    let cells: Vec<Item> = cells.iter().zip(found).map(|((id, pair), found)| item(id, pair, found)).collect();
    let mut of_parts = of_parts.into_iter();
    let claims: Vec<Item> = claims.iter().map(|claim| claim.item(&mut of_parts)).collect();
    let mut counts = BTreeMap::new();
    for item in cells.iter().chain(&claims) {
        *counts.entry(item.call()).or_insert(0) += 1;
    }
    let mut check = Check {
        format: "assay-check 1",
        recipe: now.id.clone(),
        scale: now.scale.clone(),
        regression: counts.keys().any(|call| call.is_regression()),
        alpha: limits.alpha,
        min_effect: limits.min_effect,
        detectable,
        steps: changed(&baseline.sources, &now.sources),
        notes: Vec::new(),
        counts,
        cells,
        claims,
    };
    check.notes = notes(&check, &both, target);
    check
}

fn item(id: &str, pair: &Pair<'_>, found: Comparison) -> Item {
    let reason = match (pair.baseline, pair.now) {
        (Some(_), None) => Some("measured in the baseline, not now"),
        (None, Some(_)) => Some("not measured in the baseline"),
        _ if pair.samples == Samples::OtherQuestions => Some("of other questions"),
        _ if found.call == Call::NotComparable => Some("without a standard error"),
        _ => None,
    };
    Item {
        id: id.to_owned(),
        call: Some(found.call),
        baseline: pair.baseline.map(Side::of),
        now: pair.now.map(Side::of),
        change: found.change,
        difference: found.difference,
        power: found.power,
        reason,
        ..Item::default()
    }
}

/// The two reports.
struct Both<'a> {
    baseline: &'a Report,
    now: &'a Report,
    limits: Limits,
}

/// A claim of one of the reports, with the pairs of its comparisons.
struct ClaimPairs<'a> {
    id: &'a str,
    baseline: Option<&'a Claim>,
    now: Option<&'a Claim>,
    parts: Vec<(String, Pair<'a>)>,
}

impl<'a> Both<'a> {
    /// Every cell that one of the reports has measured.
    fn cells(&self) -> Vec<(String, Pair<'a>)> {
        let names = |report: &'a Report| {
            let columns = report.columns.iter().map(|column| column.id.as_str());
            let columns: Vec<&str> = columns.collect();
            let rows = report.rows.iter();
            rows.flat_map(move |row| columns.clone().into_iter().map(move |column| (row.id.as_str(), column)))
        };
        let mut seen = BTreeSet::new();
        let all = names(self.baseline).chain(names(self.now)).filter(|name| seen.insert(*name));
        all.filter_map(|(row, column)| Some((format!("{row}.{column}"), self.cell(row, column)?))).collect()
    }

    /// The pair of a cell; `None` where neither report has measured it.
    fn cell(&self, row: &str, column: &str) -> Option<Pair<'a>> {
        let measured = |report| cell(report, row, column).and_then(|cell| cell.measured.as_ref());
        let (baseline, now) = (measured(self.baseline), measured(self.now));
        baseline.or(now)?;
        let margins = self.baseline.claims.iter().flat_map(|claim| &claim.parts).filter(|part| {
            part.unit == Unit::Points
                && part.cells.iter().any(|cell| cell.row == row && cell.column == column)
        });
        let margins = margins.filter_map(|part| part.printed).map(f64::abs).filter(|margin| *margin > 0.0);
        Some(Pair {
            baseline,
            now,
            samples: self.samples([(row, column)].into_iter(), baseline == now),
            better: Better::Up,
            margin: margins.min_by(f64::total_cmp),
            min_effect: self.limits.min_effect,
        })
    }

    /// What values that rest on these cells were made from. Where the reports name no artefacts, as for imported scores,
    /// only equal values are taken to be of the same samples.
    fn samples<'c>(&self, cells: impl Iterator<Item = (&'c str, &'c str)> + Clone, equal: bool) -> Samples {
        if cells.clone().any(|(row, column)| self.of_other_questions(row, column)) {
            return Samples::OtherQuestions;
        }
        let same = cells.clone().all(|(row, column)| {
            let (before, after) = (artefacts(self.baseline, row, column), artefacts(self.now, row, column));
            before == after && (equal || !before.is_empty())
        });
        if same { Samples::Same } else { Samples::Other }
    }

    fn of_other_questions(&self, row: &str, column: &str) -> bool {
        let (before, after) = (questions(self.baseline, column), questions(self.now, column));
        let there = !before.is_empty() && !after.is_empty();
        let (items_before, items) = (items(self.baseline, row, column), items(self.now, row, column));
        let known = !items_before.is_empty() && !items.is_empty();
        (there && before != after) || (known && items_before != items)
    }

    fn claims(&self) -> Vec<ClaimPairs<'a>> {
        let of = |report: &'a Report, id: &str| report.claims.iter().find(|claim| claim.id == id);
        let added = self.now.claims.iter().filter(|claim| of(self.baseline, &claim.id).is_none());
        let all = self.baseline.claims.iter().chain(added);
        all.map(|claim| {
            let (baseline, now) = (of(self.baseline, &claim.id), of(self.now, &claim.id));
            let parts = match (baseline, now) {
                (Some(before), Some(after)) if before.expression == after.expression => {
                    self.parts(&before.parts, &after.parts)
                }
                _ => Vec::new(),
            };
            ClaimPairs { id: &claim.id, baseline, now, parts }
        })
        .collect()
    }

    fn parts(&self, baseline: &'a [Part], now: &'a [Part]) -> Vec<(String, Pair<'a>)> {
        let all = baseline.iter().map(|part| (part, now.iter().find(|after| after.label == part.label)));
        all.map(|(part, after)| {
            let (before, after) = (part.estimate.as_ref(), after.and_then(|after| after.estimate.as_ref()));
            let cells = part.cells.iter().map(|cell| (cell.row.as_str(), cell.column.as_str()));
            let better = match part.threshold {
                Threshold::Above { .. } => Better::Up,
                Threshold::Below { .. } => Better::Down,
                Threshold::Within { .. } => Better::NearZero,
            };
            let min_effect = if part.unit == Unit::Ratio { 0.0 } else { self.limits.min_effect };
            let margin = part.printed.map(f64::abs).filter(|margin| *margin > 0.0);
            let samples = self.samples(cells, before == after);
            (part.label.clone(), Pair { baseline: before, now: after, samples, better, margin, min_effect })
        })
        .collect()
    }
}

impl ClaimPairs<'_> {
    /// The claim with its call: that of its worst comparison, unless the outcome says more. An outcome that has become
    /// weaker without a comparison that has is a suspicion; from the same samples it is a regression.
    fn item(&self, found: &mut impl Iterator<Item = Comparison>) -> Item {
        let parts: Vec<Item> =
            self.parts.iter().zip(found).map(|((label, pair), found)| item(label, pair, found)).collect();
        let outcomes = (self.baseline.map(|claim| claim.outcome), self.now.map(|claim| claim.outcome));
        let worst = parts.iter().map(Item::call).min().unwrap_or(Call::Identical);
        let same = self.parts.iter().all(|(_, pair)| pair.samples == Samples::Same);
        let (call, reason) = match (self.baseline, self.now) {
            (Some(_), None) => (Call::Missing, Some("in the baseline, not now")),
            (None, _) => (Call::NotComparable, Some("not in the baseline")),
            (Some(before), Some(after)) if before.expression != after.expression => {
                (Call::NotComparable, Some("of another expression"))
            }
            (Some(before), Some(after)) => match before.outcome.cmp(&after.outcome) {
                _ if worst == Call::NotComparable => (worst, None),
                std::cmp::Ordering::Greater if same => {
                    (worst.min(Call::Regressed), Some("weaker from the same samples"))
                }
                std::cmp::Ordering::Greater if worst > Call::Suspected => {
                    (Call::Suspected, Some("weaker, and no comparison differs beyond chance"))
                }
                std::cmp::Ordering::Less if same && worst > Call::Improved => {
                    (Call::Improved, Some("stronger from the same samples"))
                }
                _ => (worst, None),
            },
        };
        Item {
            id: self.id.to_owned(),
            call: Some(call),
            outcomes: Some(outcomes),
            reason,
            parts,
            ..Item::default()
        }
    }
}

fn cell<'a>(report: &'a Report, row: &str, column: &str) -> Option<&'a Cell> {
    report.rows.iter().find(|known| known.id == row)?.cells.get(column)
}

/// The artefacts that a cell was computed from, sorted.
fn artefacts<'a>(report: &'a Report, row: &str, column: &str) -> Vec<&'a str> {
    let named = cell(report, row, column).map(|cell| &cell.sources[..]).unwrap_or_default();
    let known = report.sources.iter().filter(|source| named.contains(&source.id));
    let mut artefacts: Vec<&str> = known.map(|source| source.artefact.as_str()).collect();
    artefacts.sort_unstable();
    artefacts
}

/// The artefacts of the questions that a cell's samples answer.
fn items<'a>(report: &'a Report, row: &str, column: &str) -> BTreeSet<&'a str> {
    let named = cell(report, row, column).map(|cell| &cell.sources[..]).unwrap_or_default();
    let inputs = report.sources.iter().filter(|source| named.contains(&source.id)).flat_map(|s| &s.inputs);
    let inputs: BTreeSet<&String> = inputs.collect();
    let items = report.sources.iter().filter(|source| source.kind == ITEMS && inputs.contains(&source.id));
    items.map(|source| source.artefact.as_str()).collect()
}

/// What a column, or each member of an average, was measured on, and on how many questions.
fn questions<'a>(report: &'a Report, column: &str) -> Vec<(&'a str, Option<&'a str>, Option<u64>)> {
    let Some(own) = report.columns.iter().find(|known| known.id == column) else { return Vec::new() };
    let average = own.kind == assay_report::ColumnKind::Average;
    let members = report.columns.iter().filter(|member| match average {
        true => member.group == own.group,
        false => member.id == own.id,
    });
    members.map(|member| (member.id.as_str(), member.measured_on.as_deref(), member.questions)).collect()
}

/// What a reader must know of this check.
fn notes(check: &Check, both: &Both<'_>, target: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let facts: BTreeSet<&String> = both.baseline.facts.keys().chain(both.now.facts.keys()).collect();
    for name in facts {
        let of = |report: &Report| report.facts.get(name).cloned().unwrap_or_else(|| "not stated".to_owned());
        let (before, after) = (of(both.baseline), of(both.now));
        if before != after {
            notes.push(format!(
                "{name}: the baseline has {before}, this run {after}; equal bytes cannot be expected, so values are compared \
                 statistically"
            ));
        }
    }
    let all = || check.cells.iter().chain(check.claims.iter().flat_map(|claim| &claim.parts));
    let tests = all().filter(|item| item.difference.is_some()).count();
    let blind = all().filter(|item| item.call() == Call::Insufficient).count();
    if tests > 0 {
        notes.push(format!(
            "{tests} differences were tested at {} %, adjusted by Holm's method; their errors take the two sides as \
             independent, which is on the safe side for answers to the same questions",
            100.0 * check.alpha
        ));
    }
    if blind > 0 {
        notes.push(format!(
            "warning: {blind} of {tests} tests have a power below 50 % for a change of the printed margin or twice the \
             practical minimum; more questions, samples or seeds would help"
        ));
    }
    let moved =
        all().any(|item| !matches!(item.call(), Call::Identical | Call::NotComparable | Call::Missing));
    if check.steps.is_empty() && moved {
        notes.push(format!(
            "every artefact is that of the baseline: the numbers differ by what `{target}` computes from them"
        ));
    }
    notes
}
