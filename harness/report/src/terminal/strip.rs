//! A forest plot in characters: one strip a line, all on one scale.

use crate::model::{Part, Threshold};
use crate::number::shortest;
use crate::scale::Scale;

/// Strips narrower than this say nothing.
pub(super) const NARROWEST: usize = 20;

/// Draws strips of a width on a scale.
pub(super) struct Strips {
    scale: Scale,
    width: usize,
}

impl Strips {
    pub(super) fn new(scale: Scale, width: usize) -> Self {
        Self { scale, width }
    }

    /// Column of a number; numbers off the scale go to its ends.
    fn column(&self, number: f64) -> usize {
        let last = self.width.saturating_sub(1);
        // The fraction is between 0 and 1, the product fits.
        (self.scale.fraction(number).clamp(0.0, 1.0) * last as f64).round() as usize
    }

    /// Interval with its estimate, on dots where the part holds, with a bar at each threshold.
    pub(super) fn part(&self, part: &Part) -> String {
        let mut cells = vec![' '; self.width];
        let (low, high) = part.threshold.range();
        self.fill(&mut cells, low, high, '·');
        let bounds = match part.threshold {
            Threshold::Above { bound } | Threshold::Below { bound } => [bound, bound],
            Threshold::Within { margin } => [-margin, margin],
        };
        if let Some(estimate) = &part.estimate {
            self.fill(&mut cells, estimate.low, estimate.high, '─');
            cells[self.column(estimate.low)] = '├';
            cells[self.column(estimate.high)] = '┤';
        }
        for bound in bounds {
            let cell = &mut cells[self.column(bound)];
            *cell = if matches!(*cell, '─' | '├' | '┤') { '┼' } else { '│' };
        }
        if let Some(estimate) = &part.estimate {
            cells[self.column(estimate.value)] = '●';
        }
        cells.into_iter().collect()
    }

    fn fill(&self, cells: &mut [char], low: f64, high: f64, with: char) {
        // Out of order only in a report that was never checked.
        if let Some(range) = cells.get_mut(self.column(low)..=self.column(high)) {
            range.fill(with);
        }
    }

    /// The numbers under the strips.
    pub(super) fn axis(&self) -> String {
        let mut cells: Vec<char> = vec![' '; self.width];
        let mut free = 0;
        for tick in self.scale.ticks(self.width / 8) {
            let label: Vec<char> = shortest(tick).chars().collect();
            let start =
                self.column(tick).saturating_sub(label.len() / 2).min(self.width.saturating_sub(label.len()));
            if start >= free && label.len() <= self.width {
                cells[start..start + label.len()].copy_from_slice(&label);
                free = start + label.len() + 1;
            }
        }
        cells.into_iter().collect()
    }
}
