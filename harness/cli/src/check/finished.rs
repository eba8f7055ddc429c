//! A recipe whose run is finished, with its baseline: everything that its check is made from.

use assay_claims::compare::Answers;
use assay_claims::table::Layout;
use assay_flow::Outcome;
use assay_report::Report;
use camino::Utf8PathBuf;

use super::baseline::Baseline;
use super::compared::{Both, Limits, compared};
use super::found::Check;
use super::steps;
use crate::compose::Basis;
use crate::diff::{Beside, Differences};
use crate::evidence::Samples;
use crate::failure::Failure;
use crate::flips::Flips;
use crate::run;
use crate::session::Session;

/// A recipe whose run is finished, with its baseline.
pub(super) struct Finished {
    pub(super) session: Session,
    outcome: Outcome,
    pub(super) baseline: Baseline,
    pub(super) now: Report,
    pub(super) layout: Layout,
    before: (Samples, Answers),
    after: (Samples, Answers),
}

impl Finished {
    /// Composes the report of a run, and reads the verdicts of both sides, as far as the store has them.
    pub(super) fn new(session: Session, outcome: Outcome, baseline: Baseline) -> Result<Self, Failure> {
        let basis = Basis::of(&session, &outcome)?;
        let table = basis.table(&session.store)?;
        let layout = table.layout.clone();
        let now = basis.compose(&session.store, table)?.report;
        let moved = Both::moved(&baseline.report, &now);
        let read = |report: &Report| -> Result<(Samples, Answers), Failure> {
            let samples = Samples::of(report, &session.store, |row| moved.contains(row))?;
            let answers = samples.answers(report);
            Ok((samples, answers))
        };
        let (before, after) = (read(&baseline.report)?, read(&now)?);
        Ok(Self { session, outcome, baseline, now, layout, before, after })
    }

    /// The two reports, as they are compared.
    pub(super) fn both(&self, limits: Limits) -> Both<'_> {
        Both {
            baseline: &self.baseline.report,
            now: &self.now,
            limits,
            answers: (&self.before.1, &self.after.1),
            means: &self.layout.means,
        }
    }

    /// How many tests the check makes.
    pub(super) fn tests(&self, limits: Limits) -> usize {
        compared(&self.both(limits), "", Flips::default()).tests()
    }

    /// Every cell and claim with its call.
    pub(super) fn check(&self, limits: Limits) -> Result<Check, Failure> {
        let (before, after) = ((&self.baseline.report, &self.before.0), (&self.now, &self.after.0));
        let flipped = Flips::of(before, after, &self.session.store)?;
        Ok(compared(&self.both(limits), &self.session.graph.target().id, flipped))
    }

    /// Finds out why the steps differ with which the change begins.
    pub(super) fn explain(&self, check: &mut Check) -> Result<(), Failure> {
        let sources = (&self.baseline.report.sources[..], &self.now.sources[..]);
        steps::explain(&mut check.steps, &self.session.store, sources)
    }

    /// Takes this run's report as the baseline. The differences in lines, and the files that have changed.
    pub(super) fn accept(&self) -> Result<(Vec<String>, Vec<Utf8PathBuf>), Failure> {
        let written = assay_report::write(&self.now, &self.session.report_folder())?;
        run::pin(&self.session.store, (&self.outcome.run, None), run::kept(&self.outcome))?;
        let differences = Differences::of(&self.baseline.report, &self.now, Beside::default())?;
        let changed = written.into_iter().filter(|file| file.changed).map(|file| file.path);
        Ok((differences.lines(), changed.collect()))
    }
}
