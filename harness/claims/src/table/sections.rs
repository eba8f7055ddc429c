//! Sections that follow from the layout and the evaluations.

use std::collections::BTreeSet;

use super::assemble::Row;
use super::{Column, Deviation, Layout, Measure};
use crate::section::{DataTable, Datum, Heading, Section};

/// Tokens that models write, by row and column; `None` where nothing is known of them.
pub(super) fn completion_lengths(layout: &Layout, rows: &[Row<'_>]) -> Option<Section> {
    // Where a column of the table is of tokens, they stand there; several columns of one benchmark have the same.
    let counted = |column: &Column| column.measure == Measure::Tokens;
    let in_table: BTreeSet<&String> =
        layout.columns.iter().filter(|column| counted(column)).filter_map(|c| c.benchmark.as_ref()).collect();
    let mut seen = in_table;
    let columns = layout.columns.iter();
    let columns: Vec<&Column> =
        columns.filter(|column| column.benchmark.as_ref().is_some_and(|name| seen.insert(name))).collect();
    let mean = |row: &Row<'_>, column: &Column| {
        let benchmark = column.benchmark.as_ref()?;
        let lengths: Vec<f64> = row.runs.iter().filter_map(|run| run.length(benchmark)).collect();
        (!lengths.is_empty()).then(|| lengths.iter().sum::<f64>() / lengths.len() as f64)
    };
    let rows: Vec<Vec<Datum>> = rows
        .iter()
        .filter(|row| columns.iter().any(|column| mean(row, column).is_some()))
        .map(|row| {
            let cells = columns.iter().map(|column| mean(row, column).map_or(Datum::Empty, Datum::Number));
            std::iter::once(Datum::Text(row.layout.measured_as())).chain(cells).collect()
        })
        .collect();
    let heading = |label: &str, decimals| Heading { label: label.to_owned(), decimals: Some(decimals) };
    (!rows.is_empty()).then(|| Section {
        title: "Completion lengths".to_owned(),
        text: "Tokens that a model writes for a question, all of its text together: the mean over questions, samples \
               and seeds. Where an answer is chosen among given options, what it writes before the choice."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: std::iter::once(heading("Model", 0))
                .chain(columns.iter().map(|column| heading(&column.measured_as(), 1)))
                .collect(),
            rows,
        }],
        plots: Vec::new(),
    })
}

/// What differs from the paper; `None` where nothing is listed.
pub(super) fn deviations(deviations: &[Deviation]) -> Option<Section> {
    let heading = |label: &str| Heading { label: label.to_owned(), decimals: None };
    let rows = deviations.iter().map(|Deviation { what, paper, here, why }| {
        [what, paper, here, why].map(|text| Datum::Text(text.clone())).to_vec()
    });
    (!deviations.is_empty()).then(|| Section {
        title: "Deviations".to_owned(),
        text: "What differs from the paper and from the code released with it, and why.".to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: ["What", "Paper", "Here", "Why"].map(heading).to_vec(),
            rows: rows.collect(),
        }],
        plots: Vec::new(),
    })
}
