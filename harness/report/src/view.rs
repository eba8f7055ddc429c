//! What the renderers derive from a report before they write it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Assurance, Cell, Claim, Column, Group, Outcome, Part, Printed, PrintedCheck, Quantity, Report, Row,
    Source, Threshold, Unit,
};
use crate::number::{PartNumbers, count, decimals, fixed, is_symmetric, level, probability};
use crate::units::{capitalised, units};
use crate::words::{CheckLook as _, plural};

/// Neighbouring columns of one group.
pub(crate) struct Block<'a> {
    pub(crate) group: Option<&'a Group>,
    pub(crate) columns: Vec<&'a Column>,
}

impl Block<'_> {
    /// Heading of the block; empty for columns without a group.
    pub(crate) fn label(&self) -> &str {
        self.group.map_or("", |group| &group.label)
    }
}

/// The columns in their groups.
pub(crate) fn blocks(report: &Report) -> Vec<Block<'_>> {
    report
        .columns
        .chunk_by(|left, right| left.group == right.group)
        .map(|columns| Block {
            group: columns.first().and_then(|column| group(report, column)),
            columns: columns.iter().collect(),
        })
        .collect()
}

/// The group of a column.
pub(crate) fn group<'a>(report: &'a Report, column: &Column) -> Option<&'a Group> {
    let id = column.group.as_ref()?;
    report.groups.iter().find(|group| group.id == *id)
}

/// `Mathematics: Average`, or the label alone where there is no group. A stand-in comes with what it stands for.
pub(crate) fn full_label(report: &Report, column: &Column) -> String {
    let label = match stand_in(column) {
        Some(name) => format!("{name}, {}", in_the_place_of(&column.label)),
        None => column.label.clone(),
    };
    in_group(report, column, label)
}

/// The paper's name of a column, with its group: what a printed value belongs to.
pub(crate) fn printed_label(report: &Report, column: &Column) -> String {
    in_group(report, column, column.label.clone())
}

/// A column's label behind that of its group.
fn in_group(report: &Report, column: &Column, label: String) -> String {
    match group(report, column) {
        Some(group) => format!("{}: {label}", group.label),
        None => label,
    }
}

/// What a stand-in stands for: every heading and label that a number can be quoted with says so.
pub(crate) fn in_the_place_of(paper: &str) -> String {
    format!("in the place of {paper}")
}

/// The benchmark that a column was measured on, where it is not the paper's.
pub(crate) fn stand_in(column: &Column) -> Option<String> {
    let name = column.measured_on.as_deref().filter(|name| *name != column.label)?;
    // A unit says by itself what is measured.
    let measure = column.measure.as_ref().filter(|measure| column.unit.as_ref() != Some(measure));
    Some(match measure {
        Some(measure) => format!("{name}, {measure}"),
        None => name.to_owned(),
    })
}

/// How many claims got each outcome, in the order of outcomes. `smaller`, which needs a printed margin, is left out where no
/// claim has it.
pub(crate) fn tally(claims: &[Claim]) -> Vec<(Outcome, usize)> {
    let count = |outcome| claims.iter().filter(|claim| claim.outcome == outcome).count();
    let all = Outcome::ALL.into_iter().map(|outcome| (outcome, count(outcome)));
    all.filter(|(outcome, number)| *outcome != Outcome::Smaller || *number > 0).collect()
}

/// `arXiv:2509.22637v2, Table 5 · embedded scale · 3 seeds`.
pub(crate) fn origin(report: &Report) -> String {
    let named = [&report.paper, &report.locator].into_iter().filter(|name| !name.is_empty());
    let place: Vec<&str> = named.map(String::as_str).collect();
    let mut parts: Vec<String> = [place.join(", ")].into_iter().filter(|place| !place.is_empty()).collect();
    parts.push(match imported(report) {
        Some(level) => format!("imported scores: {level}"),
        None => format!("{} scale", report.scale),
    });
    // A row without seeds is a model that was not trained here; it says nothing about the others.
    let counts: BTreeSet<usize> =
        report.rows.iter().map(|row| row.seeds.len()).filter(|number| *number > 0).collect();
    if let (Some(number), 1) = (counts.first().copied(), counts.len()) {
        parts.push(plural(number, "seed"));
    }
    parts.join(" · ")
}

/// What was done for the measured values, for titles: `recomputed at tiny scale`, or what is known of imported scores.
pub(crate) fn what_was_done(report: &Report) -> String {
    match imported(report) {
        Some(level) => format!("imported scores: {level}"),
        None if !is_measured(report) => "printed values, checked by arithmetic".to_owned(),
        None => {
            let also = if report.rows.iter().any(|row| row.assurance.is_some()) {
                ", beside imported rows"
            } else {
                ""
            };
            format!("recomputed at {} scale{also}", report.scale)
        }
    }
}

/// The lowest level of assurance, where every measured row is imported.
pub(crate) fn imported(report: &Report) -> Option<Assurance> {
    let is_measured = |row: &&Row| row.cells.values().any(|cell| cell.measured.is_some());
    let levels = report.rows.iter().filter(is_measured).map(|row| row.assurance);
    levels.collect::<Option<Vec<_>>>()?.into_iter().min()
}

/// How much was done anew for a row, in words, where the report says so.
pub(crate) fn assurance(row: &Row) -> Option<String> {
    let imported = row.assurance.map(|level| format!("imported: {level}"));
    imported.or_else(|| row.anew.map(|level| level.to_string()))
}

/// Whether any cell holds a measured value.
pub(crate) fn is_measured(report: &Report) -> bool {
    report.rows.iter().flat_map(|row| row.cells.values()).any(|cell| cell.measured.is_some())
}

/// Whether any cell holds a printed value.
pub(crate) fn is_printed(report: &Report) -> bool {
    report.rows.iter().flat_map(|row| row.cells.values()).any(|cell| cell.printed.is_some())
}

/// What the numbers in a cell of the main table are.
pub(crate) fn legend(report: &Report) -> String {
    if !is_measured(report) {
        return format!("{}, as printed in the paper.", capitalised(&units(report)));
    }
    let below = match (is_printed(report), report.rows.iter().any(|row| row.printed_label.is_some())) {
        (true, true) => "; below it the printed value",
        (true, false) => "; below it the printed value",
        (false, true) => "",
        (false, false) => "",
    };
    format!(
        "{}. Measured value ± half the width of its {} interval{}{below}.",
        capitalised(&units(report)),
        level(report.confidence),
        or_the_interval(report)
    )
}

/// What follows "half the width of its interval" where an interval is not symmetric.
pub(crate) fn or_the_interval(report: &Report) -> &'static str {
    let cells = report.rows.iter().flat_map(|row| columns_of(report, row));
    let symmetric = |(column, found): (&Column, &Quantity)| is_symmetric(found, decimals(column, found));
    match cells.filter_map(|(column, cell)| Some((column, cell.measured.as_ref()?))).all(symmetric) {
        true => "",
        false => ", or the interval where its ends are not equally far from the value",
    }
}

/// The cells of a row, each with its column.
fn columns_of<'a>(report: &'a Report, row: &'a Row) -> impl Iterator<Item = (&'a Column, &'a Cell)> {
    report.columns.iter().filter_map(|column| Some((column, row.cells.get(&column.id)?)))
}

/// What a column was measured on and with how many questions and samples, here and in the paper.
pub(crate) fn sizes(column: &Column) -> Option<String> {
    let here = size(column.questions, column.samples);
    let paper = size(column.paper_questions, column.paper_samples);
    let words = match (here, paper) {
        (Some(here), Some(paper)) => format!("{here} (paper: {paper})"),
        (Some(here), None) => here,
        (None, Some(paper)) => format!("paper: {paper}"),
        (None, None) => return None,
    };
    Some(words)
}

fn size(questions: Option<u64>, samples: Option<u64>) -> Option<String> {
    match (questions, samples) {
        (Some(questions), Some(samples)) => Some(format!("{} × {}", count(questions), count(samples))),
        (Some(questions), None) => Some(count(questions)),
        (None, _) => None,
    }
}

/// A printed value that cannot stand, and its place.
pub(crate) struct Flag<'a> {
    pub(crate) row: &'a Row,
    pub(crate) column: &'a Column,
    pub(crate) printed: &'a Printed,
}

/// Printed cells by what arithmetic says about them.
pub(crate) struct Audit<'a> {
    pub(crate) counts: [(PrintedCheck, usize); 4],
    pub(crate) flags: Vec<Flag<'a>>,
}

impl Audit<'_> {
    /// Number of printed cells.
    pub(crate) fn cells(&self) -> usize {
        self.counts.iter().map(|(_, number)| number).sum()
    }

    /// `59 consistent, 1 off the grid`, without what is not there.
    pub(crate) fn summary(&self) -> String {
        let present = self.counts.iter().filter(|(_, number)| *number > 0);
        present.map(|(check, number)| format!("{number} {}", check.word())).collect::<Vec<_>>().join(", ")
    }
}

/// Goes over the printed cells in reading order.
pub(crate) fn audit(report: &Report) -> Audit<'_> {
    let mut audit = Audit { counts: PrintedCheck::ALL.map(|check| (check, 0)), flags: Vec::new() };
    for row in &report.rows {
        for column in &report.columns {
            let Some(printed) = row.cells.get(&column.id).and_then(|cell| cell.printed.as_ref()) else {
                continue;
            };
            for (check, number) in &mut audit.counts {
                *number += usize::from(*check == printed.check);
            }
            if printed.check.mark().is_some() {
                audit.flags.push(Flag { row, column, printed });
            }
        }
    }
    audit
}

/// The artefacts behind a set of cells.
pub(crate) struct Origin<'a> {
    pub(crate) sources: Vec<&'a Source>,
    /// Rows with such cells, each with the number of its cells.
    pub(crate) rows: Vec<(&'a Row, usize)>,
}

/// Where the measured cells come from: cells with the same artefacts share one entry.
pub(crate) struct Origins<'a> {
    pub(crate) list: Vec<Origin<'a>>,
    index: BTreeMap<&'a [String], usize>,
}

impl<'a> Origins<'a> {
    /// Goes over the cells in reading order, so that the entries are in the order of the rows.
    pub(crate) fn of(report: &'a Report) -> Self {
        let by_id: BTreeMap<&str, &Source> =
            report.sources.iter().map(|source| (source.id.as_str(), source)).collect();
        let mut origins = Self { list: Vec::new(), index: BTreeMap::new() };
        for row in &report.rows {
            for column in &report.columns {
                let Some(cell) = row.cells.get(&column.id) else { continue };
                if cell.measured.is_none() || cell.sources.is_empty() {
                    continue;
                }
                let position = *origins.index.entry(&cell.sources).or_insert_with(|| {
                    let sources =
                        cell.sources.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect();
                    origins.list.push(Origin { sources, rows: Vec::new() });
                    origins.list.len() - 1
                });
                let rows = &mut origins.list[position].rows;
                match rows.last_mut() {
                    Some((last, cells)) if last.id == row.id => *cells += 1,
                    _ => rows.push((row, 1)),
                }
            }
        }
        origins
    }

    /// Position in the list of the entry behind a cell.
    pub(crate) fn position(&self, cell: &Cell) -> Option<usize> {
        cell.measured.as_ref()?;
        self.index.get(cell.sources.as_slice()).copied()
    }
}

/// The first characters of a hash, enough to tell artefacts apart by eye.
pub(crate) fn short(hash: &str) -> &str {
    hash.char_indices().nth(12).map_or(hash, |(end, _)| &hash[..end])
}

/// What the artefacts depend on beside their inputs: what all of them share is said once.
pub(crate) struct Dependence<'a> {
    shared: BTreeMap<&'a String, &'a String>,
}

impl<'a> Dependence<'a> {
    pub(crate) fn of(report: &'a Report) -> Self {
        let mut sources = report.sources.iter();
        let mut shared: BTreeMap<_, _> =
            sources.next().into_iter().flat_map(|source| &source.facts).collect();
        for source in sources {
            shared.retain(|name, value| source.facts.get(*name) == Some(*value));
        }
        Self { shared }
    }

    /// What all artefacts share; `None` when that is nothing.
    pub(crate) fn shared(&self) -> Option<String> {
        (!self.shared.is_empty()).then(|| pairs(self.shared.iter().map(|(name, value)| (*name, *value))))
    }

    /// What one artefact has beyond that.
    pub(crate) fn own(&self, source: &Source) -> String {
        pairs(source.facts.iter().filter(|(name, _)| !self.shared.contains_key(name)))
    }

    /// The names of what one artefact has beyond that.
    pub(crate) fn own_names<'b>(&self, source: &'b Source) -> Vec<&'b str> {
        source.facts.keys().filter(|name| !self.shared.contains_key(name)).map(String::as_str).collect()
    }

    /// Whether any artefact has something beyond that.
    pub(crate) fn differs(&self, report: &Report) -> bool {
        report.sources.iter().any(|source| source.facts.len() > self.shared.len())
    }
}

/// `name: value` pairs in one line.
fn pairs<'a>(facts: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    facts.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ")
}

/// The rules by which outcomes follow, each with the claims that use it: one rule for all claims is the usual
/// case.
pub(crate) fn rules(claims: &[Claim]) -> Vec<(&str, Vec<&str>)> {
    let mut rules: Vec<(&str, Vec<&str>)> = Vec::new();
    for claim in claims {
        let Some(rule) = claim.rule.as_deref() else { continue };
        match rules.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, ids)) => ids.push(&claim.id),
            None => rules.push((rule, vec![&claim.id])),
        }
    }
    rules
}

/// What the printed values say about a claim, in words.
pub(crate) fn printed_holds(claim: &Claim) -> Option<&'static str> {
    claim.printed_holds.map(|holds| if holds { "holds as printed" } else { "does not hold as printed" })
}

/// The rows that have values by seed, with those seeds in order.
pub(crate) fn seeded_rows(report: &Report) -> Vec<(&Row, BTreeSet<u64>)> {
    let rows = report.rows.iter().map(|row| {
        let estimates = row.cells.values().filter_map(|cell| cell.measured.as_ref());
        (row, estimates.flat_map(|estimate| estimate.per_seed.keys().copied()).collect::<BTreeSet<_>>())
    });
    rows.filter(|(_, seeds)| !seeds.is_empty()).collect()
}

/// The measured quantity of a part in words, e.g. `+3.5 [+0.1, +6.9]`.
pub(crate) fn quantity(part: &Part) -> String {
    let numbers = PartNumbers::of(part);
    match &part.estimate {
        Some(estimate) => {
            let words = format!("{} {}", numbers.measured(estimate.value), numbers.interval(estimate));
            words.trim_end().to_owned()
        }
        None => "not attempted".into(),
    }
}

/// The values of a part by seed, e.g. `+0.2 −0.1 +1.1`; `None` without any.
pub(crate) fn seed_values(part: &Part) -> Option<String> {
    let numbers = PartNumbers::of(part);
    let values = &part.estimate.as_ref()?.per_seed;
    let text: Vec<_> = values.values().map(|value| numbers.measured(*value)).collect();
    (!text.is_empty()).then(|| text.join(" "))
}

/// What is known of a part beside its estimate, each in a few words.
pub(crate) fn details(claim: &Claim, part: &Part) -> Vec<String> {
    let numbers = PartNumbers::of(part);
    let estimate = part.estimate.as_ref();
    let errors = estimate.and_then(|estimate| Some((estimate.question_error?, estimate.seed_error?)));
    let details = [
        Some(format!("needs {}", numbers.threshold(part.threshold))),
        part.printed.map(|printed| format!("printed {}", numbers.printed(printed))),
        seed_values(part).map(|values| format!("seeds {values}")),
        errors.map(|(questions, seeds)| {
            let error = |error: f64| match part.unit {
                Unit::Amount(_) | Unit::Difference(_) => numbers.size(error),
                Unit::Points | Unit::Percent | Unit::Ratio => fixed(error, 2),
            };
            format!("standard error {} from questions, {} from seeds", error(questions), error(seeds))
        }),
        left_out(part),
        part.bounds.map(|(least, most)| {
            format!(
                "between {} and {} with other verdicts where the judge failed",
                numbers.measured(least),
                numbers.measured(most)
            )
        }),
        detectable(claim, part).map(|words| match part.threshold {
            Threshold::Within { .. } => format!("would confirm {words}"),
            _ => format!("detectable {words}"),
        }),
    ];
    details.into_iter().flatten().collect()
}

/// With a smaller chance than this, what a measurement may confirm it hardly does.
const HARDLY: f64 = 0.2;

/// What a measurement of this size can find for a part, and at which level.
pub(crate) fn detectable(claim: &Claim, part: &Part) -> Option<String> {
    let numbers = PartNumbers::of(part);
    let power = part.power.map(|power| format!("power {} %", fixed(100.0 * power, 0)));
    let found = match (part.detectable_effect, part.least_tolerance) {
        (Some(effect), _) => numbers.size(effect),
        (None, Some(tolerance)) => format!("±{}", numbers.size(tolerance)),
        (None, None) => return power,
    };
    let level = part.level.map(|at| match claim.primary {
        true => " at the full level".to_owned(),
        false => format!(" at level {}", level(at)),
    });
    let power = match (power, part.power) {
        (Some(power), Some(chance)) if chance < HARDLY => {
            format!("; even a true difference of zero would hardly be confirmed: {power}")
        }
        (Some(power), _) => format!(" ({power})"),
        (None, _) => String::new(),
    };
    Some(format!("{found}{}{power}", level.unwrap_or_default()))
}

/// What "detectable" means.
pub(crate) const DETECTABLE: &str = "Detectable: the smallest true effect that a measurement of this size finds in four of five \
    cases, at the level that is stated: the full one for the primary claim, for another claim that of the strictest step of \
    Holm's method. Of a similarity: the smallest tolerance that would be confirmed in four of five cases if the true \
    difference is zero, and the power, the chance to confirm the claim's own tolerance.";

/// How far the estimate moves when one seed is left out.
pub(crate) fn left_out(part: &Part) -> Option<String> {
    let numbers = PartNumbers::of(part);
    let values = || part.without_seed.values().map(|estimate| estimate.value);
    let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    Some(format!("{} to {} with one seed left out", numbers.measured(least), numbers.measured(most)))
}

/// The p value of a claim, and what it is after adjustment.
pub(crate) fn p_value(claim: &Claim) -> Option<String> {
    let words = match (claim.p_value?, claim.adjusted_p_value?) {
        (p, adjusted) if p < adjusted => format!("p {}, adjusted {}", probability(p), probability(adjusted)),
        (p, _) => format!("p {}", probability(p)),
    };
    Some(if claim.primary { format!("primary claim, {words}") } else { words })
}

/// The marks that stand beside printed values.
pub(crate) fn present_marks(report: &Report) -> Vec<PrintedCheck> {
    let counts = audit(report).counts.into_iter();
    counts.filter(|(check, number)| *number > 0 && check.mark().is_some()).map(|(check, _)| check).collect()
}
