//! The report on a terminal.

mod claims;
mod grid;
mod lines;
mod strip;

use camino::Utf8PathBuf;
use comfy_table::CellAlignment;

use crate::model::{DataTable, Datum, Report, Section};
use crate::number::{TABLE_DECIMALS, fixed, interval, level};
use crate::plain::{one_line, paragraphs};
use crate::view::{self, Audit};
use crate::words::CheckLook as _;
pub(crate) use lines::{Lines, Tone};

/// How text for a terminal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; fewer than 40 are treated as 40.
    pub width: usize,
    /// Whether to use ANSI colours. Nothing is said by colour alone.
    pub colour: bool,
}

impl Default for Style {
    /// 100 columns without colour, for files and pipes.
    fn default() -> Self {
        Self { width: 100, colour: false }
    }
}

/// The narrowest width that is tried for.
pub(crate) const NARROWEST: usize = 40;

/// The report as text for a terminal: table, claims, gates that do not pass, printed values that cannot stand,
/// diagnostics' tables, and the given files at the end. Plots, sources and the other gates are in the other forms.
pub fn terminal(report: &Report, style: Style, files: &[Utf8PathBuf]) -> String {
    let width = style.width.max(NARROWEST);
    let mut lines = Lines::new(width);
    heading(report, &mut lines);
    if !report.claims.is_empty() {
        lines.blank();
        claims::outcomes(report, &mut lines);
    }
    grid::grid(report, &mut lines);
    claims::claims(report, &mut lines);
    claims::gates(report, &mut lines);
    printed(&view::audit(report), report, &mut lines);
    report.diagnostics.iter().for_each(|section| diagnostics(section, report, &mut lines));
    if !files.is_empty() {
        lines.heading("Files");
        files.iter().for_each(|file| lines.push(Tone::Plain, format!("  {file}")));
    }
    if !report.claims.is_empty() {
        // Once more where the reader's eyes are when the command ends.
        lines.heading("Outcomes");
        claims::outcomes(report, &mut lines);
    }
    lines.finish(style.colour)
}

/// The outcomes of the claims alone, on a few lines.
pub fn outcomes(report: &Report, style: Style) -> String {
    let mut lines = Lines::new(style.width.max(NARROWEST));
    lines.wrap(Tone::Bold, &format!("{}, {}", report.title, view::origin(report)));
    claims::outcomes(report, &mut lines);
    lines.finish(style.colour)
}

fn heading(report: &Report, lines: &mut Lines) {
    lines.wrap(Tone::Bold, &report.title);
    lines.wrap(Tone::Dim, &view::origin(report));
    if !report.caption.is_empty() {
        lines.wrap(Tone::Plain, &report.caption);
    }
    if !report.notes.is_empty() {
        lines.blank();
        report.notes.iter().for_each(|note| lines.item("-", note));
    }
}

fn printed(audit: &Audit<'_>, report: &Report, lines: &mut Lines) {
    if audit.flags.is_empty() {
        return;
    }
    lines.heading("Printed values");
    lines.wrap(Tone::Plain, &format!("Of {} printed values: {}.", audit.cells(), audit.summary()));
    for flag in &audit.flags {
        let check = flag.printed.check;
        let why = flag.printed.note.as_deref().map_or_else(String::new, |note| format!(": {note}"));
        let row = flag.row.printed_label.as_ref().unwrap_or(&flag.row.label);
        let place = format!("{row}, {}", view::printed_label(report, flag.column));
        let mark = check.mark().map_or_else(String::new, String::from);
        lines.item(&mark, &format!("{place}: {} is {}{why}", flag.printed.text, check.word()));
    }
}

fn diagnostics(section: &Section, report: &Report, lines: &mut Lines) {
    lines.heading(&section.title);
    paragraphs(&section.text).for_each(|paragraph| lines.wrap(Tone::Plain, &paragraph));
    for table in &section.tables {
        lines.blank();
        if let Some(caption) = &table.caption {
            lines.wrap(Tone::Plain, caption);
        }
        data_table(table, report, lines);
    }
    for plot in &section.plots {
        lines.wrap(Tone::Dim, &format!("Plot on the HTML page: {}", one_line(&plot.title)));
    }
}

fn data_table(data: &DataTable, report: &Report, lines: &mut Lines) {
    let mut table = lines::table(lines.width());
    table.set_header(data.header.iter().map(|heading| one_line(&heading.label)));
    let decimals = |column: usize| {
        data.header.get(column).and_then(|heading| heading.decimals).unwrap_or(TABLE_DECIMALS)
    };
    for row in &data.rows {
        table.add_row(row.iter().enumerate().map(|(column, datum)| match datum {
            Datum::Empty => String::new(),
            Datum::Text(text) => one_line(text),
            Datum::Integer(number) => fixed(*number as f64, 0),
            Datum::Number(number) => fixed(*number, decimals(column)),
            Datum::Estimate(estimate) => {
                format!(
                    "{} {}",
                    fixed(estimate.value, decimals(column)),
                    interval(estimate, decimals(column))
                )
            }
        }));
    }
    lines::spaced(&mut table);
    for (index, column) in table.column_iter_mut().enumerate() {
        if data.rows.iter().any(|row| row.get(index).is_some_and(Datum::is_number)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    lines.table(&table, None);
    let intervals = data.rows.iter().flatten().any(|datum| matches!(datum, Datum::Estimate(_)));
    if intervals {
        lines.wrap(Tone::Dim, &format!("In brackets: {} interval.", level(report.confidence)));
    }
}
