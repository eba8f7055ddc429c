//! Printed values beside the same values recomputed from the authors' own samples.

use std::collections::BTreeMap;

use super::{Cell, Column, Measure, Printed, Rounding, Table};
use crate::assurance::Assurance;
use crate::printed::{Decimal, PrintedCheck};
use crate::quantity::Quantity;

/// Slack for floating-point noise, in percentage points.
const NOISE: f64 = 1e-9;

impl Table {
    /// Says how much was done anew for imported rows, by row id. Where a row was recomputed from the authors' own samples,
    /// its printed accuracies must follow from them: a value that is further away than rounding allows is contradicted.
    #[must_use]
    pub fn with_assurance(mut self, assurance: BTreeMap<String, Assurance>) -> Self {
        let rounding = self.layout.rounding;
        let recomputed =
            |(_, level): &(&String, &Assurance)| **level == Assurance::RecomputedFromTheAuthorsSamples;
        for (row, _) in assurance.iter().filter(recomputed) {
            let mut cells = self.cells.remove(row).unwrap_or_default();
            for (column, cell) in &mut cells {
                let of_accuracy = |column: &&Column| column.measure == Measure::Accuracy;
                if let Cell { measured: Some(measured), printed: Some(printed) } = cell
                    && self.layout.averaged(column).iter().all(of_accuracy)
                {
                    hold(printed, measured, rounding, self.without_score(row, column));
                }
            }
            self.cells.insert(row.clone(), cells);
        }
        self.assurance = assurance;
        self
    }

    /// The samples without a score behind a cell in percent of all: by so much at most their scores could move it.
    fn without_score(&self, row: &str, column: &str) -> f64 {
        let share = |column: &str| {
            let scores = self.question_scores.get(column)?;
            let of_row = scores.rows.get(row)?;
            let failures: u64 = of_row.failures.values().sum();
            Some(100.0 * failures as f64 / (of_row.samples * scores.questions.len() as u64) as f64)
        };
        let mean = self.layout.means.iter().find(|mean| mean.id == column);
        let members = self.layout.members(column).map(|member| &member.id);
        let members = members.chain(mean.into_iter().flat_map(|mean| &mean.columns));
        let shares: Vec<f64> = members.filter_map(|member| share(member)).collect();
        match shares.len() {
            0 => share(column).unwrap_or(0.0),
            n => shares.iter().sum::<f64>() / n as f64,
        }
    }
}

/// Holds a printed value against the recomputed one.
fn hold(printed: &mut Printed, measured: &Quantity, rounding: Option<Rounding>, without_score: f64) {
    let Ok(decimal) = printed.text.parse::<Decimal>() else { return };
    // Rounding once moves a value by half a unit of the last digit at most, cutting digits off or rounding each run by one.
    let reach = match rounding {
        Some(Rounding::Once) => decimal.half_unit(),
        Some(Rounding::Runs | Rounding::Truncation) | None => 2.0 * decimal.half_unit(),
    };
    let reach = reach + without_score;
    let apart = (decimal.value() - measured.value).abs();
    let of_samples = format!("the authors' samples give {:.4}", measured.value);
    let said = match apart <= reach + NOISE {
        true => format!("{of_samples}, which agrees"),
        false => {
            printed.check = PrintedCheck::Contradicted;
            format!(
                "{of_samples}, and {} is printed: {apart:.4} apart, where {reach:.4} can be explained",
                printed.text
            )
        }
    };
    if printed.check == PrintedCheck::NotAttempted {
        printed.check = PrintedCheck::Consistent;
    }
    printed.note = Some(match printed.note.take() {
        Some(note) => format!("{note}; {said}"),
        None => said,
    });
}
