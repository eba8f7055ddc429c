//! A report against its baseline: every cell and every claim with a call.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::compare::{
    self, Answers, Better, Call, Comparison, Pair, Rules, Samples, Spread, Term, detectable, spread,
};
use assay_claims::scores::CellId;
use assay_claims::table::NamedMean;
use assay_report::{Cell, Claim, ColumnKind, Outcome, Part, Report, Threshold, Unit};

use super::found::{Check, Item, Outcomes};
use super::steps::changed;
use crate::evidence::questions_of;
use crate::flips::Flips;

/// Scores are fractions, cells percentages.
const PERCENT: f64 = 100.0;

/// Why a claim is suspected of which no comparison is.
const WEAKER: &str = "weaker, and no comparison differs beyond chance";

/// What the user sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Level of the tests.
    pub(crate) alpha: f64,
    /// The practical minimum, in points.
    pub(crate) min_effect: f64,
    /// Tests of other recipes that the adjustment counts.
    pub(crate) others: usize,
}

/// Compares two reports of one recipe.
pub(crate) fn compared(both: &Both<'_>, target: &str, flipped: Flips) -> Check {
    let cells = both.cells();
    let claims = both.claims();
    let mut pairs: Vec<Pair<'_>> = cells.iter().map(|(_, pair)| *pair).collect();
    pairs.extend(claims.iter().flat_map(|claim| claim.parts.iter().map(|(_, pair)| *pair)));
    let mut found = compare::compare(&pairs, &both.rules());
    let of_parts = found.split_off(cells.len());
    let detectable = detectable(&found);
    let cell = |((id, pair), found): (&(CellId, Pair<'_>), Comparison)| {
        Item::new(&format!("{}.{}", id.row, id.column), pair, found)
    };
    let cells = cells.iter().zip(found).map(cell).collect();
    let mut of_parts = of_parts.into_iter();
    let claims = claims.iter().map(|claim| claim.item(&mut of_parts)).collect();
    let mut check = Check {
        format: "assay-check 2",
        recipe: both.now.id.clone(),
        scale: both.now.scale.clone(),
        regression: false,
        alpha: both.limits.alpha,
        min_effect: both.limits.min_effect,
        detectable,
        counts: BTreeMap::new(),
        confirmation: None,
        cells,
        claims,
        steps: changed(&both.baseline.sources, &both.now.sources),
        flipped,
        notes: Vec::new(),
    };
    check.count();
    check.notes = notes(&check, both, target);
    check
}

/// The two reports, and what is known beside them.
pub(crate) struct Both<'a> {
    pub(crate) baseline: &'a Report,
    pub(crate) now: &'a Report,
    pub(crate) limits: Limits,
    /// The scores of single questions on both sides, as far as they are at hand.
    pub(crate) answers: (&'a Answers, &'a Answers),
    /// The columns of means that a report does not list.
    pub(crate) means: &'a [NamedMean],
}

/// A claim of one of the reports, with the pairs of its comparisons.
pub(super) struct ClaimPairs<'a> {
    pub(super) id: &'a str,
    baseline: Option<&'a Claim>,
    pub(super) now: Option<&'a Claim>,
    pub(super) parts: Vec<(String, Pair<'a>)>,
}

impl<'a> Both<'a> {
    pub(super) fn rules(&self) -> Rules {
        Rules { alpha: self.limits.alpha, level: self.baseline.confidence, others: self.limits.others }
    }

    /// Rows with cells that were made from other artefacts than before.
    pub(crate) fn moved(baseline: &Report, now: &Report) -> BTreeSet<String> {
        let columns = || now.columns.iter().chain(&baseline.columns).map(|column| &column.id);
        let moved = |row: &str| {
            columns().any(|column| artefacts(baseline, row, column) != artefacts(now, row, column))
        };
        now.rows.iter().map(|row| row.id.clone()).filter(|row| moved(row)).collect()
    }

    /// Every cell that one of the reports has measured.
    pub(super) fn cells(&self) -> Vec<(CellId, Pair<'a>)> {
        let names = |report: &'a Report| {
            let columns = report.columns.iter().map(|column| column.id.as_str());
            let columns: Vec<&str> = columns.collect();
            let rows = report.rows.iter();
            rows.flat_map(move |row| columns.clone().into_iter().map(move |column| (row.id.as_str(), column)))
        };
        let mut seen = BTreeSet::new();
        let all = names(self.baseline).chain(names(self.now)).filter(|name| seen.insert(*name));
        let id = |row: &str, column: &str| CellId { row: row.to_owned(), column: column.to_owned() };
        all.filter_map(|(row, column)| Some((id(row, column), self.cell(row, column)?))).collect()
    }

    /// The pair of a cell; `None` where neither report has measured it.
    pub(super) fn cell(&self, row: &str, column: &str) -> Option<Pair<'a>> {
        let measured = |report| cell(report, row, column).and_then(|cell| cell.measured.as_ref());
        let (baseline, now) = (measured(self.baseline), measured(self.now));
        baseline.or(now)?;
        let margins = self.baseline.claims.iter().flat_map(|claim| &claim.parts).filter(|part| {
            matches!(part.unit, Unit::Points | Unit::Difference(_))
                && part.cells.iter().any(|cell| cell.row == row && cell.column == column)
        });
        let margins = margins.filter_map(|part| part.printed).map(f64::abs).filter(|margin| *margin > 0.0);
        Some(Pair {
            baseline,
            now,
            samples: self.samples([(row, column)].into_iter(), baseline == now),
            paired: self.spread(&[(row, column, PERCENT)]),
            better: Better::Up,
            margin: margins.min_by(f64::total_cmp),
            min_effect: if self.in_percent(column) { self.limits.min_effect } else { 0.0 },
        })
    }

    /// Whether a column has percentages, for which alone the practical minimum is meant.
    fn in_percent(&self, column: &str) -> bool {
        let columns = self.now.columns.iter().chain(&self.baseline.columns);
        columns.filter(|known| known.id == column).all(|known| known.unit.is_none())
    }

    /// The spread of the change of a weighted sum of cells, from the scores of single questions. Rows that are as they were
    /// add nothing to it.
    fn spread(&self, cells: &[(&str, &str, f64)]) -> Option<Spread> {
        let moved = cells.iter().filter(|(row, column, _)| {
            artefacts(self.baseline, row, column) != artefacts(self.now, row, column)
        });
        let terms = moved.map(|(row, column, weight)| {
            let columns = self.members(column);
            (!columns.is_empty()).then(|| Term { row: (*row).to_owned(), columns, weight: *weight })
        });
        let terms = terms.collect::<Option<Vec<Term>>>()?;
        if terms.is_empty() { None } else { spread(self.answers.0, self.answers.1, &terms) }
    }

    /// The benchmark columns that a column averages; itself for a benchmark.
    fn members(&self, column: &str) -> Vec<String> {
        if let Some(mean) = self.means.iter().find(|mean| mean.id == column) {
            return mean.columns.clone();
        }
        let Some(own) = self.now.columns.iter().find(|known| known.id == column) else { return Vec::new() };
        let average = own.kind == ColumnKind::Average;
        let members = self.now.columns.iter().filter(|member| match average {
            true => own.group.is_some() && member.kind == ColumnKind::Benchmark && member.group == own.group,
            false => member.id == own.id,
        });
        members.map(|member| member.id.clone()).collect()
    }

    /// The spread of the change of a comparison's margin, to first order around the middle of both sides.
    fn spread_of(&self, expression: &str, label: &str) -> Option<Spread> {
        let claim: assay_claims::claim::Claim = expression.parse().ok()?;
        let comparison = claim.comparisons().find(|comparison| comparison.to_string() == label)?;
        let cells = comparison.cells();
        let value =
            |report: &Report, id: &CellId| Some(cell(report, &id.row, &id.column)?.measured.as_ref()?.value);
        let middle = |id: &CellId| Some(0.5 * (value(self.baseline, id)? + value(self.now, id)?));
        let at = cells.iter().map(middle).collect::<Option<Vec<f64>>>()?;
        let slopes = comparison.margin(&cells, &at).gradient;
        let weighted = cells.iter().zip(slopes);
        let weighted = weighted.map(|(id, slope)| (id.row.as_str(), id.column.as_str(), PERCENT * slope));
        self.spread(&weighted.collect::<Vec<_>>())
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

    pub(super) fn claims(&self) -> Vec<ClaimPairs<'a>> {
        let of = |report: &'a Report, id: &str| report.claims.iter().find(|claim| claim.id == id);
        let added = self.now.claims.iter().filter(|claim| of(self.baseline, &claim.id).is_none());
        let all = self.baseline.claims.iter().chain(added);
        all.map(|claim| {
            let (baseline, now) = (of(self.baseline, &claim.id), of(self.now, &claim.id));
            let parts = match (baseline, now) {
                (Some(before), Some(after)) if before.expression == after.expression => {
                    self.parts(&before.expression, &before.parts, &after.parts)
                }
                _ => Vec::new(),
            };
            ClaimPairs { id: &claim.id, baseline, now, parts }
        })
        .collect()
    }

    fn parts(&self, expression: &str, baseline: &'a [Part], now: &'a [Part]) -> Vec<(String, Pair<'a>)> {
        let all = baseline.iter().map(|part| (part, now.iter().find(|after| after.label == part.label)));
        all.map(|(part, after)| {
            let (before, after) = (part.estimate.as_ref(), after.and_then(|after| after.estimate.as_ref()));
            let cells = part.cells.iter().map(|cell| (cell.row.as_str(), cell.column.as_str()));
            let better = match part.threshold {
                Threshold::Above { .. } => Better::Up,
                Threshold::Below { .. } => Better::Down,
                Threshold::Within { .. } => Better::NearZero,
            };
            let min_effect = match part.unit {
                Unit::Points | Unit::Percent => self.limits.min_effect,
                Unit::Ratio | Unit::Amount(_) | Unit::Difference(_) => 0.0,
            };
            let margin = part.printed.map(f64::abs).filter(|margin| *margin > 0.0);
            let samples = self.samples(cells, before == after);
            let paired = self.spread_of(expression, &part.label);
            let pair = Pair { baseline: before, now: after, samples, paired, better, margin, min_effect };
            (part.label.clone(), pair)
        })
        .collect()
    }
}

impl ClaimPairs<'_> {
    /// The claim with its call.
    fn item(&self, found: &mut impl Iterator<Item = Comparison>) -> Item {
        let parts: Vec<Item> = self
            .parts
            .iter()
            .zip(found)
            .map(|((label, pair), found)| Item::new(label, pair, found))
            .collect();
        let (call, reason) = self.call(&parts);
        let outcomes = Outcomes {
            baseline: self.baseline.map(|claim| claim.outcome),
            now: self.now.map(|claim| claim.outcome),
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

    /// The call of its worst comparison, unless the outcome says more. An outcome that has become weaker without a
    /// comparison that has is a suspicion; from the same samples it is a regression.
    pub(super) fn call(&self, parts: &[Item]) -> (Call, Option<&'static str>) {
        let worst = parts.iter().map(Item::call).min().unwrap_or(Call::Identical);
        let same = self.parts.iter().all(|(_, pair)| pair.samples == Samples::Same);
        match (self.baseline, self.now) {
            (Some(_), None) => (Call::Missing, Some("in the baseline, not now")),
            (None, _) => (Call::NotComparable, Some("not in the baseline")),
            (Some(before), Some(after)) if before.expression != after.expression => {
                (Call::NotComparable, Some("of another expression"))
            }
            // What a gate says is about the setting: no outcome is weaker or stronger for it.
            (Some(before), Some(after))
                if before.outcome != after.outcome
                    && [before.outcome, after.outcome].contains(&Outcome::NotTestable) =>
            {
                match after.outcome {
                    Outcome::NotTestable => {
                        (worst.min(Call::Suspected), Some("a gate does not pass any more"))
                    }
                    _ => (worst.min(Call::NotComparable), Some("not testable in the baseline")),
                }
            }
            (Some(before), Some(after)) => match before.outcome.cmp(&after.outcome) {
                _ if worst == Call::NotComparable => (worst, None),
                std::cmp::Ordering::Greater if same => {
                    (worst.min(Call::Regressed), Some("weaker from the same samples"))
                }
                std::cmp::Ordering::Greater if worst > Call::Suspected => (Call::Suspected, Some(WEAKER)),
                std::cmp::Ordering::Less if same && worst > Call::Improved => {
                    (Call::Improved, Some("stronger from the same samples"))
                }
                _ => (worst, None),
            },
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
    questions_of(report, &named.iter().collect()).map(|source| source.artefact.as_str()).collect()
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
    let tests = check.tests();
    let blind = all().filter(|item| item.call() == Call::Insufficient).count();
    if tests > 0 {
        let paired = all().filter_map(|item| item.difference).filter(|test| test.paired).count();
        let differences = if tests == 1 { "difference was" } else { "differences were" };
        let others = match both.limits.others {
            0 => String::new(),
            others => format!(" for these and {others} of other recipes"),
        };
        notes.push(format!(
            "{tests} {differences} tested at {} %, adjusted by Holm's method{others}; {}",
            100.0 * check.alpha,
            errors(paired, tests - paired)
        ));
    }
    if blind > 0 {
        notes.push(format!(
            "warning: {blind} of {tests} tests have a power below 50 % for a change of the printed margin or twice the \
             practical minimum; more questions, samples or seeds would help"
        ));
    }
    if check.steps.is_empty() {
        notes.extend(without_steps(check, both, target));
    }
    notes
}

/// Why numbers differ although no step does: files of imported scores, which are no artefacts, or the last step.
fn without_steps(check: &Check, both: &Both<'_>, target: &str) -> Vec<String> {
    let moved = |item: &&Item| !matches!(item.call(), Call::Identical | Call::NotComparable | Call::Missing);
    let differs = |item: &&Item| moved(item) || item.change.is_some_and(|change| change != 0.0);
    let cells = both.cells();
    let differing = cells.iter().zip(&check.cells).filter(|(_, item)| differs(item));
    let bare = |report, id: &CellId| artefacts(report, &id.row, &id.column).is_empty();
    let (imported, computed): (Vec<&CellId>, Vec<&CellId>) =
        differing.map(|((id, _), _)| id).partition(|id| bare(both.baseline, id) && bare(both.now, id));
    let rows: BTreeSet<&str> = imported.iter().map(|id| id.row.as_str()).collect();
    let rows: Vec<String> = rows.into_iter().map(|row| format!("`{row}`")).collect();
    let mut notes = Vec::new();
    if !rows.is_empty() {
        let of = if rows.len() == 1 { "row" } else { "rows" };
        notes.push(format!(
            "the scores of {of} {} are imported, and differ from those of the baseline: other files, or files with other \
             content",
            rows.join(", ")
        ));
    }
    let parts = check.claims.iter().flat_map(|claim| &claim.parts).any(|part| moved(&part));
    if !computed.is_empty() || imported.is_empty() && parts {
        notes.push(format!(
            "every artefact is that of the baseline: the numbers differ by what `{target}` computes from them"
        ));
    }
    notes
}

/// How the errors of differences came about, of which so many are paired and so many not.
fn errors(paired: usize, unpaired: usize) -> String {
    const UNPAIRED: &str = "takes the two sides as independent, which is on the safe side for answers to the same questions: \
                            the verdicts are not in the store for both sides, or no difference between them varies";
    match (paired, unpaired) {
        (_, 0) => "their errors are those of the differences question by question".to_owned(),
        (0, 1) => format!("its error {UNPAIRED}"),
        (0, _) => format!("the error of each {UNPAIRED}"),
        (_, unpaired) => format!(
            "{paired} have the error of the differences question by question; that of the other {unpaired} {UNPAIRED}"
        ),
    }
}
