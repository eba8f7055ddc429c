//! The second step of a check: the rows that are suspected are sampled more often, and the suspicions are tested again.
//!
//! A suspicion is a drop by the test of its own cell that does not hold among all tests. The second step tests it with more
//! samples, and it must hold among as many tests as before: the baseline is the same, so a suspicion that chance made is
//! likely to be made again, and a test at its own level would confirm it. Samples that are there are used again: each has a
//! random stream of its own, so that only those with higher numbers are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_claims::compare::{self, Call, Comparison, Pair, Rules};
use assay_claims::scores::CellId;
use assay_claims::table::{Evaluation, Figures, Layout, Measure, Measurements, Table};
use assay_flow::{Diagnostic, Scale, Value};
use assay_report::Report;

use super::compared::{Both, Limits};
use super::finished::Finished;
use super::found::{Check, Confirmation, Confirmed, Item, Side};
use crate::args::{Global, Machine, Target};
use crate::display::Display;
use crate::evidence::{Samples, questions};
use crate::failure::Failure;
use crate::run;

/// The value of a scale that names the value to raise: the samples a question.
const SAMPLES: &str = "confirmation.samples";

/// The value of a scale that says how many times as many samples are drawn.
const TIMES: &str = "confirmation.times";

/// What a second look needs.
pub(super) struct Again<'a> {
    pub(super) global: &'a Global,
    pub(super) machine: &'a Machine,
    pub(super) target: &'a Target,
    pub(super) display: &'a Arc<Display>,
    pub(super) cancel: &'a AtomicBool,
}

/// The value that is raised.
struct Raised {
    path: String,
    samples: i64,
}

/// What is suspected, by its place in the check.
#[derive(Default)]
struct Suspects {
    cells: Vec<(usize, CellId)>,
    /// Claim, then comparison.
    parts: Vec<(usize, usize)>,
    claims: BTreeSet<usize>,
    /// The rows that they rest on, as far as these were made anew.
    rows: BTreeSet<String>,
}

impl Again<'_> {
    /// Looks again at every suspicion. Nothing runs where there is none.
    pub(super) fn confirm(
        &self,
        check: &mut Check,
        finished: &Finished,
        limits: Limits,
    ) -> Result<(), Failure> {
        let raised = raised(finished.session.graph.scale())?;
        let both = finished.both(limits);
        let suspects = Suspects::of(check, &both);
        if suspects.rows.is_empty() {
            return Ok(());
        }
        let now = self.sampled(&raised, finished, &suspects.rows)?;
        let samples = Samples::of(&now, &finished.session.store, |row| suspects.rows.contains(row))?;
        let again = Both { now: &now, answers: (both.answers.0, &samples.answers(&now)), ..both };
        let samples = u64::try_from(raised.samples).unwrap_or_default();
        check.confirmation = Some(suspects.decide(check, &again, samples, raised.path));
        check.count();
        Ok(())
    }

    /// The report with these rows sampled more often, and all cells and claims computed anew. Nothing else runs.
    fn sampled(
        &self,
        raised: &Raised,
        finished: &Finished,
        rows: &BTreeSet<String>,
    ) -> Result<Report, Failure> {
        let (now, given) = (&finished.now, self.target);
        let others = given
            .sets
            .iter()
            .filter(|set| set.split_once('=').is_none_or(|(path, _)| path.trim() != raised.path));
        let sets = others.cloned().chain([format!("{}={}", raised.path, raised.samples)]);
        let target = Target { sets: sets.collect(), ..given.clone() };
        let mut session = run::open(self.global, &target, self.machine, self.display)?;
        let cells = now.rows.iter().filter(|row| rows.contains(&row.id)).flat_map(|row| row.cells.values());
        let wanted = cells.flat_map(|cell| cell.sources.iter().cloned()).collect();
        session.graph = session
            .graph
            .towards(&wanted)
            .ok_or_else(|| Failure::Internal("the suspected rows have no steps".to_owned()))?;
        let outcome = run::carry_out_until(&session, self.machine, self.display, self.cancel, false)?;
        let mut report = now.clone();
        for step in &outcome.steps {
            for source in report.sources.iter_mut().filter(|source| source.id == step.step) {
                (source.key, source.artefact) = (step.key.to_string(), step.output.to_string());
            }
        }
        computed(report, finished)
    }
}

/// The value to raise and what it becomes, as the scale says.
fn raised(scale: &Scale) -> Result<Raised, Failure> {
    let wrong = |message: String| {
        Diagnostic::user(message).help(format!(
            "add `confirmation = {{ samples = \"evaluation.samples\", times = 4 }}` to {}, with the path of the value \
             that says how many samples a question has",
            scale.file
        ))
    };
    let Some(path) = scale.value(SAMPLES).and_then(|named| named.value.as_str()) else {
        let message =
            format!("scale `{}` does not say what --confirm raises: it has no `{SAMPLES}`", scale.name);
        return Err(wrong(message).into());
    };
    let whole = |path: &str, least: i64| match scale.value(path).map(|found| &found.value) {
        Some(Value::Int(number)) if *number >= least => Ok(*number),
        _ => Err(wrong(format!("`{path}` of scale `{}` is no whole number from {least}", scale.name))),
    };
    let samples = whole(path, 1)?.saturating_mul(whole(TIMES, 2)?);
    Ok(Raised { path: path.to_owned(), samples })
}

/// The report with its cells and claims computed anew from its artefacts.
fn computed(mut report: Report, finished: &Finished) -> Result<Report, Failure> {
    let store = &finished.session.store;
    let samples = Samples::of(&report, store, |_| true)?;
    if let Some(row) = samples.missing.first() {
        return Err(Diagnostic::environment(format!(
            "the verdicts of row `{row}` are no longer in the store"
        ))
        .help("`assay run` makes them anew")
        .into());
    }
    let mut evaluations: BTreeMap<(String, Option<u64>), Evaluation> = BTreeMap::new();
    for row in &finished.layout.rows {
        let Some((model, by_seed)) = row.evaluated_as().zip(samples.rows.get(&row.id)) else { continue };
        for (seed, judged) in by_seed {
            let evaluation = || judged.evaluation(&model, *seed);
            evaluations.entry((model.clone(), *seed)).or_insert_with(evaluation);
        }
    }
    let measured = Measurements {
        questions: questions(&report, store)?,
        evaluations: evaluations.into_values().collect(),
        figures: figures(&report, &finished.layout),
        ..Measurements::default()
    };
    // More samples decide no gate anew: figures of models stay what they are, and so does which claims are tested.
    let mut layout = finished.layout.clone();
    let untested = |id: &str| {
        let mut barred = report.gates.iter().filter(|gate| gate.passed != Some(true));
        barred.any(|gate| gate.claims.iter().any(|claim| claim == id))
    };
    layout.claims.retain(|claim| !untested(&claim.id));
    layout.claims.iter_mut().for_each(|claim| claim.gates.clear());
    layout.gates.clear();
    let table = Table::new(layout, measured)
        .map_err(|error| Failure::Internal(format!("the table with more samples: {error}")))?;
    for row in &mut report.rows {
        let cells = table.cells.get(&row.id);
        for (column, cell) in &mut row.cells {
            let found = cells.and_then(|cells| cells.get(column));
            cell.measured = found.and_then(|found| found.measured.clone());
        }
    }
    for claim in table.claims {
        if let Some(known) = report.claims.iter_mut().find(|known| known.id == claim.id) {
            *known = claim;
        }
    }
    Ok(report)
}

/// The figures in the table's columns, which more samples do not change.
fn figures(report: &Report, layout: &Layout) -> Figures {
    let mut figures = Figures::new();
    let rows = layout.rows.iter().filter_map(|row| Some((row, row.model.as_ref()?)));
    for (row, model) in rows {
        let Some(cells) = report.rows.iter().find(|known| known.id == row.id).map(|known| &known.cells)
        else {
            continue;
        };
        for column in &layout.columns {
            let (Measure::Figure(name), Some(cell)) = (&column.measure, cells.get(&column.id)) else {
                continue;
            };
            let Some(measured) = &cell.measured else { continue };
            let by_seed = measured.per_seed.iter().map(|(seed, value)| (Some(*seed), *value));
            let once = measured.per_seed.is_empty().then_some((None, measured.value));
            for (seed, value) in by_seed.chain(once) {
                let of_model = figures.entry(model.clone()).or_default();
                of_model.entry(seed).or_default().insert(name.clone(), value);
            }
        }
    }
    figures
}

impl Suspects {
    fn of(check: &Check, both: &Both<'_>) -> Self {
        let moved = Both::moved(both.baseline, both.now);
        let mut suspects = Self::default();
        let suspected = |item: &Item| item.call() == Call::Suspected;
        for (index, (id, _)) in both.cells().into_iter().enumerate() {
            if check.cells.get(index).is_some_and(suspected) {
                suspects.rows.insert(id.row.clone());
                suspects.cells.push((index, id));
            }
        }
        for (index, claim) in both.claims().iter().enumerate() {
            let Some(item) = check.claims.get(index).filter(|item| suspected(item)) else { continue };
            suspects.claims.insert(index);
            let parts = item.parts.iter().enumerate().filter(|(_, part)| suspected(part));
            suspects.parts.extend(parts.map(|(part, _)| (index, part)));
            let cells = claim.now.into_iter().flat_map(|claim| &claim.parts).flat_map(|part| &part.cells);
            suspects.rows.extend(cells.map(|cell| cell.row.clone()));
        }
        suspects.rows.retain(|row| moved.contains(row));
        suspects
    }

    /// Tests all suspicions again, among as many tests as before, and gives each its call.
    fn decide(&self, check: &mut Check, again: &Both<'_>, samples: u64, setting: String) -> Confirmed {
        let claims = again.claims();
        let mut pairs: Vec<Option<Pair<'_>>> =
            self.cells.iter().map(|(_, id)| again.cell(&id.row, &id.column)).collect();
        let part =
            |(claim, part): &(usize, usize)| claims.get(*claim)?.parts.get(*part).map(|(_, pair)| *pair);
        pairs.extend(self.parts.iter().map(part));
        let known: Vec<Pair<'_>> = pairs.iter().flatten().copied().collect();
        let others = again.limits.others + check.tests().saturating_sub(known.len());
        let rules = Rules { others, ..again.rules() };
        let mut found = compare::compare(&known, &rules).into_iter();
        let mut found =
            pairs.iter().map(|pair| pair.zip(found.by_ref().take(usize::from(pair.is_some())).next()));
        let mut confirmed = 0;
        let mut take = |item: Option<&mut Item>| {
            if let (Some(item), Some(Some((pair, found)))) = (item, found.next()) {
                settle(item, &pair, found, samples);
                confirmed += usize::from(item.call() == Call::Regressed);
            }
        };
        self.cells.iter().for_each(|(index, _)| take(check.cells.get_mut(*index)));
        for (claim, part) in &self.parts {
            take(check.claims.get_mut(*claim).and_then(|claim| claim.parts.get_mut(*part)));
        }
        for index in &self.claims {
            if let (Some(item), Some(claim)) = (check.claims.get_mut(*index), claims.get(*index)) {
                let (call, reason) = claim.call(&item.parts);
                (item.call, item.reason) = (Some(call), reason);
            }
        }
        Confirmed { setting, samples, suspects: self.cells.len() + self.parts.len(), confirmed }
    }
}

/// A suspicion takes the call of its second test.
fn settle(item: &mut Item, pair: &Pair<'_>, found: Comparison, samples: u64) {
    let Some(now) = pair.now else { return };
    item.call = Some(found.call);
    item.confirmation = Some(Confirmation {
        confirmed: found.call == Call::Regressed,
        samples,
        now: Side::of(now),
        difference: found.difference,
    });
}
