//! Whether the parts of a report fit together.

use std::collections::BTreeSet;

use super::{
    Cell, Claim, ColumnQuestions, DataTable, Datum, Gate, Part, Plot, Quantity, Report, Section, Threshold,
};

/// Something in a report that does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The id cannot be a file name.
    #[error("report id {id:?}: use letters, digits, `-`, `_` and `.`, beginning with a letter or digit")]
    Id {
        /// The id.
        id: String,
    },
    /// Two things have one id.
    #[error("two {kind}s have the id {id:?}")]
    Duplicate {
        /// `column`, `row`, ...
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// Something is referred to that is not there.
    #[error("{place} refers to the {kind} {id:?}, which does not exist")]
    Unknown {
        /// Who refers.
        place: String,
        /// What kind of thing is referred to.
        kind: &'static str,
        /// The id that was not found.
        id: String,
    },
    /// A source was made from itself, directly or through others.
    #[error("source {id:?} is made from itself: {}", path.join(" <- "))]
    Circle {
        /// The source.
        id: String,
        /// The way around, beginning and ending with the source.
        path: Vec<String>,
    },
    /// A number is out of range.
    #[error("{place}: {what}")]
    Number {
        /// Where the number stands.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// Columns of one group are apart.
    #[error("the columns of group {group:?} do not stand together")]
    Scattered {
        /// The group.
        group: String,
    },
    /// A row of a small table has too many or too few cells.
    #[error("{place}: row {row} has {found} cells for {expected} headings")]
    Ragged {
        /// Which table.
        place: String,
        /// Number of the row, from 1.
        row: usize,
        /// Headings.
        expected: usize,
        /// Cells.
        found: usize,
    },
}

impl Report {
    /// Checks that ids are unique, that references point at something, that numbers are finite and intervals
    /// ordered, and that small tables are rectangular.
    ///
    /// # Errors
    /// The first [`Problem`], in reading order.
    pub fn check(&self) -> Result<(), Problem> {
        file_name(&self.id)?;
        finite("confidence", self.confidence)?;
        if !(0.0 < self.confidence && self.confidence < 1.0) {
            let what = format!("{} is not between 0 and 1", self.confidence);
            return Err(Problem::Number { place: "confidence".into(), what });
        }
        let ids = Ids {
            groups: unique("group", self.groups.iter().map(|group| group.id.as_str()))?,
            columns: unique("column", self.columns.iter().map(|column| column.id.as_str()))?,
            rows: unique("row", self.rows.iter().map(|row| row.id.as_str()))?,
            sources: unique("source", self.sources.iter().map(|source| source.id.as_str()))?,
        };
        self.check_sources(&ids)?;
        let claims = unique("claim", self.claims.iter().map(|claim| claim.id.as_str()))?;
        unique("gate", self.gates.iter().map(|gate| gate.id.as_str()))?;
        self.gates.iter().try_for_each(|gate| check_gate(gate, &claims))?;
        self.check_columns(&ids)?;
        for row in &self.rows {
            for (column, cell) in &row.cells {
                let place = format!("cell {}.{column}", row.id);
                known(&ids.columns, "column", column, || format!("row {:?}", row.id))?;
                check_cell(cell, &place, &ids)?;
            }
        }
        self.claims.iter().try_for_each(|claim| check_claim(claim, &ids))?;
        unique("set of questions", self.questions.iter().map(|questions| questions.column.as_str()))?;
        self.questions.iter().try_for_each(|questions| check_questions(questions, &ids))?;
        self.diagnostics.iter().try_for_each(check_section)
    }

    /// Every input exists, and following inputs ends.
    fn check_sources(&self, ids: &Ids<'_>) -> Result<(), Problem> {
        for source in &self.sources {
            for input in &source.inputs {
                known(&ids.sources, "source", input, || format!("source {:?}", source.id))?;
            }
        }
        match super::chain::circle(&self.sources) {
            None => Ok(()),
            Some(path) => Err(Problem::Circle { id: path.first().cloned().unwrap_or_default(), path }),
        }
    }

    fn check_columns(&self, ids: &Ids<'_>) -> Result<(), Problem> {
        let mut closed = BTreeSet::new();
        let mut current = None;
        for column in &self.columns {
            let group = column.group.as_deref();
            if let Some(group) = group {
                known(&ids.groups, "group", group, || format!("column {:?}", column.id))?;
                if current != Some(group) && !closed.insert(group) {
                    return Err(Problem::Scattered { group: group.into() });
                }
            }
            current = group;
        }
        Ok(())
    }
}

struct Ids<'a> {
    groups: BTreeSet<&'a str>,
    columns: BTreeSet<&'a str>,
    rows: BTreeSet<&'a str>,
    sources: BTreeSet<&'a str>,
}

fn file_name(id: &str) -> Result<(), Problem> {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if plain && id.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(Problem::Id { id: id.into() })
    }
}

fn unique<'a>(kind: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<BTreeSet<&'a str>, Problem> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Problem::Duplicate { kind, id: id.into() });
        }
    }
    Ok(seen)
}

fn known(
    ids: &BTreeSet<&str>,
    kind: &'static str,
    id: &str,
    place: impl FnOnce() -> String,
) -> Result<(), Problem> {
    if ids.contains(id) { Ok(()) } else { Err(Problem::Unknown { place: place(), kind, id: id.into() }) }
}

fn finite(place: &str, number: f64) -> Result<(), Problem> {
    if number.is_finite() {
        Ok(())
    } else {
        Err(Problem::Number { place: place.into(), what: format!("{number} is not a finite number") })
    }
}

fn ordered(place: &str, low: f64, high: f64) -> Result<(), Problem> {
    finite(place, low)?;
    finite(place, high)?;
    if low <= high {
        Ok(())
    } else {
        Err(Problem::Number {
            place: place.into(),
            what: format!("the interval [{low}, {high}] ends before it begins"),
        })
    }
}

fn check_estimate(estimate: &Quantity, place: &str) -> Result<(), Problem> {
    finite(place, estimate.value)?;
    ordered(place, estimate.low, estimate.high)?;
    estimate.standard_error.map_or(Ok(()), |error| finite(place, error))?;
    estimate.per_seed.values().try_for_each(|value| finite(place, *value))
}

fn check_cell(cell: &Cell, place: &str, ids: &Ids<'_>) -> Result<(), Problem> {
    for source in &cell.sources {
        known(&ids.sources, "source", source, || place.into())?;
    }
    cell.measured.as_ref().map_or(Ok(()), |estimate| check_estimate(estimate, place))
}

fn check_questions(questions: &ColumnQuestions, ids: &Ids<'_>) -> Result<(), Problem> {
    let ColumnQuestions { column, scores, shown } = questions;
    let place = format!("questions of {column:?}");
    known(&ids.columns, "column", column, || place.clone())?;
    let known_questions = unique("question", scores.questions.iter().map(String::as_str))?;
    for (row, of_row) in &scores.rows {
        known(&ids.rows, "row", row, || place.clone())?;
        if of_row.sums.len() != scores.questions.len() {
            let (expected, found) = (scores.questions.len(), of_row.sums.len());
            let what = format!("row {row:?} has {found} scores for {expected} questions");
            return Err(Problem::Number { place, what });
        }
        of_row.sums.iter().try_for_each(|sum| finite(&place, *sum))?;
        of_row
            .failures
            .keys()
            .try_for_each(|question| known(&known_questions, "question", question, || place.clone()))?;
    }
    for question in shown {
        known(&known_questions, "question", &question.id, || place.clone())?;
        let rows = question.samples.iter().map(|sample| &sample.row);
        rows.into_iter().try_for_each(|row| known(&ids.rows, "row", row, || place.clone()))?;
    }
    unique("shown question", shown.iter().map(|question| question.id.as_str())).map(|_| ())
}

fn check_claim(claim: &Claim, ids: &Ids<'_>) -> Result<(), Problem> {
    let place = format!("claim {:?}", claim.id);
    claim.parts.iter().try_for_each(|part| check_part(part, &place, ids))
}

fn check_gate(gate: &Gate, claims: &BTreeSet<&str>) -> Result<(), Problem> {
    let place = format!("gate {:?}", gate.id);
    for claim in &gate.claims {
        known(claims, "claim", claim, || place.clone())?;
    }
    gate.values.values().flatten().try_for_each(|value| finite(&place, *value))
}

fn check_part(part: &Part, place: &str, ids: &Ids<'_>) -> Result<(), Problem> {
    for cell in &part.cells {
        known(&ids.rows, "row", &cell.row, || place.into())?;
        known(&ids.columns, "column", &cell.column, || place.into())?;
    }
    match part.threshold {
        Threshold::Above { bound } | Threshold::Below { bound } => finite(place, bound)?,
        Threshold::Within { margin } => ordered(place, -margin, margin)?,
    }
    let found = [part.printed, part.level, part.detectable_effect, part.power, part.least_tolerance];
    for number in found.iter().flatten() {
        finite(place, *number)?;
    }
    part.estimate.as_ref().map_or(Ok(()), |estimate| check_estimate(estimate, place))
}

fn check_section(section: &Section) -> Result<(), Problem> {
    let place = format!("section {:?}", section.title);
    section.tables.iter().try_for_each(|table| check_table(table, &place))?;
    section.plots.iter().try_for_each(check_plot)
}

fn check_table(table: &DataTable, place: &str) -> Result<(), Problem> {
    let expected = table.header.len();
    for (index, row) in table.rows.iter().enumerate() {
        if row.len() != expected {
            return Err(Problem::Ragged { place: place.into(), row: index + 1, expected, found: row.len() });
        }
        for datum in row {
            match datum {
                Datum::Number(number) => finite(place, *number)?,
                Datum::Estimate(estimate) => check_estimate(estimate, place)?,
                Datum::Empty | Datum::Text(_) | Datum::Integer(_) => {}
            }
        }
    }
    Ok(())
}

fn check_plot(plot: &Plot) -> Result<(), Problem> {
    let place = format!("plot {:?}", plot.title);
    for point in plot.series.iter().flat_map(|series| &series.points) {
        let (low, high) = point.interval.unwrap_or((point.y, point.y));
        ordered(&place, low, high)?;
        for (axis, lowest) in [(&plot.x, point.x), (&plot.y, point.y.min(low))] {
            finite(&place, lowest)?;
            if axis.logarithmic && lowest <= 0.0 {
                let what = format!("{lowest} cannot stand on the logarithmic axis {:?}", axis.label);
                return Err(Problem::Number { place, what });
            }
        }
    }
    Ok(())
}
