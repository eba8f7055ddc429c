//! What the columns are of: measures, units and places that do not fit.

use super::{Check, Finding};
use crate::table::{Column, Measure, RowLayout};

impl Check<'_> {
    /// A column beside those before it.
    pub(super) fn measure(&mut self, at: usize, column: &Column, before: &[Column]) {
        let place = |field: &str| format!("columns[{at}].{field}");
        match &column.measure {
            Measure::PassAt(0) => self.wrong(&place("measure.pass-at"), "is 0, but must be at least 1"),
            Measure::Figure(name) => self.figure(&place("measure.figure"), name, before),
            _ => {}
        }
        if let (Measure::Figure(_), Some(_)) = (&column.measure, &column.benchmark) {
            let message =
                "stands beside the measure `figure`: a figure is of the row's model, not of a benchmark";
            self.wrong(&place("benchmark"), message);
        }
        let percent = match column.measure {
            Measure::PassAt(_) => true,
            Measure::Accuracy => column.benchmark.is_some(),
            Measure::Tokens | Measure::Figure(_) => false,
        };
        if let Some(unit) = column.unit.as_ref().filter(|_| percent) {
            let message =
                format!("is `{unit}`, but the column's measured values are percentages, which need no unit");
            self.wrong(&place("unit"), message);
        }
        let Some(benchmark) = &column.benchmark else { return };
        let of_benchmark = || before.iter().filter(|other| other.benchmark.as_ref() == Some(benchmark));
        if of_benchmark().any(|other| other.measure == column.measure) {
            let of = column.measure.words().map(|words| format!(" of {words}")).unwrap_or_default();
            self.wrong(&place("benchmark"), format!("`{benchmark}` stands in two columns{of}"));
        } else if let Some(other) = of_benchmark()
            .find(|other| column.at.is_some() && other.at == column.at && other.amount() == column.amount())
        {
            let message = format!("is the place of column `{}` on `{benchmark}` too", other.id);
            self.wrong(&place("at"), message);
        }
    }

    fn figure(&mut self, path: &str, name: &String, before: &[Column]) {
        if let Some(known) = self.known.figures.filter(|_| self.known.has_figure(name) == Some(false)) {
            let message = format!("there is no figure `{name}`");
            self.findings.push(Finding::new(path, message).meant(name, known));
        } else if before.iter().any(|other| other.measure == Measure::Figure(name.clone())) {
            self.wrong(path, format!("`{name}` stands in two columns"));
        }
    }

    /// The columns that something at `path` averages.
    pub(super) fn of_one_unit(&mut self, path: &str, members: &[&Column]) {
        let in_words = |column: &Column| match column.amount() {
            None => "in percent".to_owned(),
            Some("") => "without a unit".to_owned(),
            Some(unit) => format!("in {unit}"),
        };
        let Some((first, others)) = members.split_first() else { return };
        if let Some(other) = others.iter().find(|other| other.amount() != first.amount()) {
            let message = format!(
                "an average is of values of one kind, but `{}` is {} and `{}` {}",
                first.id,
                in_words(first),
                other.id,
                in_words(other)
            );
            self.wrong(path, message);
        }
    }

    /// The places of rows, of which a curve needs one for each row.
    pub(super) fn places(&mut self, rows: &[RowLayout]) {
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.at.is_some()) {
            let same = |other: &&RowLayout| other.at == row.at && other.block == row.block;
            if let Some(other) = rows[..at].iter().find(same) {
                let message = format!(
                    "is the place of row `{}` too: rows of one block have different places",
                    other.id
                );
                self.wrong(&format!("rows[{at}].at"), message);
            }
        }
    }
}
