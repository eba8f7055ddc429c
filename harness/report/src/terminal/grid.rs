//! The main table: as few tables as the width allows.

use comfy_table::{CellAlignment, Table};

use super::lines::{self, Lines, Tone};
use crate::model::{Column, Quantity, Report, Row};
use crate::number::{decimals, fixed, margin};
use crate::plain::one_line;
use crate::units::unit_in_heading;
use crate::view;
use crate::words::CheckLook as _;

/// Before the first column of the lines that hold printed values. Labels never begin with a space.
const PRINTED: &str = "  ";
/// The widest that labels of rows get before they wrap.
const WIDEST_LABEL: usize = 26;
/// The empty cell.
const NOTHING: &str = "–";

/// How much one table holds.
#[derive(Clone, Copy)]
struct Layout {
    /// The margin stands below the value instead of behind it.
    stacked: bool,
    /// Headings wider than this are broken.
    widest_heading: usize,
}

const WIDE: Layout = Layout { stacked: false, widest_heading: 13 };
const NARROW: Layout = Layout { stacked: true, widest_heading: 9 };

pub(super) fn grid(report: &Report, lines: &mut Lines) {
    if report.columns.is_empty() || report.rows.is_empty() {
        return;
    }
    lines.blank();
    lines.wrap(Tone::Dim, &view::legend(report));
    let width = lines.width();
    for (columns, layout) in arranged(report, width) {
        lines.blank();
        let one_group =
            columns.iter().all(|column| Some(&column.group) == columns.first().map(|first| &first.group));
        if let Some(group) =
            columns.first().and_then(|first| view::group(report, first)).filter(|_| one_group)
        {
            lines.wrap(Tone::Bold, &group.label);
        }
        lines.table(&build(report, &columns, layout, !one_group), Some(PRINTED));
    }
}

/// The columns of each table to be written: all in one, else one for each group, else as many as it takes.
fn arranged(report: &Report, width: usize) -> Vec<(Vec<&Column>, Layout)> {
    let fits = |columns: &[&Column], layout| natural_width(&build(report, columns, layout, true)) <= width;
    let all: Vec<&Column> = report.columns.iter().collect();
    if fits(&all, WIDE) {
        return vec![(all, WIDE)];
    }
    let blocks: Vec<_> = view::blocks(report).into_iter().map(|block| block.columns).collect();
    if let Some(layout) =
        [WIDE, NARROW].into_iter().find(|layout| blocks.iter().all(|block| fits(block, *layout)))
    {
        return blocks.into_iter().map(|block| (block, layout)).collect();
    }
    let mut parts: Vec<Vec<&Column>> = Vec::new();
    for block in blocks {
        let mut part = Vec::new();
        for column in block {
            part.push(column);
            if part.len() > 1 && !fits(&part, NARROW) {
                part.pop();
                parts.push(std::mem::replace(&mut part, vec![column]));
            }
        }
        parts.push(part);
    }
    parts.into_iter().map(|part| (part, NARROW)).collect()
}

fn natural_width(table: &Table) -> usize {
    // Two columns of padding behind each column but the last.
    table
        .column_max_content_widths()
        .iter()
        .map(|width| usize::from(*width) + 2)
        .sum::<usize>()
        .saturating_sub(2)
}

fn build(report: &Report, columns: &[&Column], layout: Layout, groups: bool) -> Table {
    let mut table = lines::table(usize::from(u16::MAX));
    table.set_header(header(report, columns, layout, groups));
    let widest: Vec<usize> = columns.iter().map(|column| widest_margin(report, column)).collect();
    for row in &report.rows {
        measured_rows(row, columns, layout, &widest, &mut table);
        let cells = columns.iter().map(|column| row.cells.get(&column.id));
        if cells.clone().flatten().any(|cell| cell.printed.is_some()) {
            let printed = cells.map(|cell| match cell.and_then(|cell| cell.printed.as_ref()) {
                Some(printed) => {
                    let mark = printed.check.mark().map_or_else(String::new, |mark| format!("{mark} "));
                    format!("{mark}{}", one_line(&printed.text))
                }
                None => NOTHING.into(),
            });
            let name =
                broken(row.printed_label.as_deref().unwrap_or("printed"), WIDEST_LABEL - PRINTED.len());
            let name = name.into_iter().map(|line| format!("{PRINTED}{line}")).collect::<Vec<_>>().join("\n");
            table.add_row([name].into_iter().chain(printed));
        }
    }
    lines::spaced(&mut table);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn estimate<'a>(row: &'a Row, column: &Column) -> Option<&'a Quantity> {
    row.cells.get(&column.id)?.measured.as_ref()
}

fn widest_margin(report: &Report, column: &Column) -> usize {
    let estimates = report.rows.iter().filter_map(|row| estimate(row, column));
    estimates.map(|found| lines::width(&margin(found, decimals(column, found)))).max().unwrap_or(0)
}

fn measured_rows(row: &Row, columns: &[&Column], layout: Layout, widest: &[usize], table: &mut Table) {
    let estimates = columns.iter().map(|column| {
        let found = estimate(row, column)?;
        let digits = decimals(column, found);
        Some((fixed(found.value, digits), margin(found, digits)))
    });
    let mut label = broken(&row.label, WIDEST_LABEL);
    if let Some(level) = view::assurance(row) {
        label.extend(broken(&level, WIDEST_LABEL));
    }
    let label = [label.join("\n")];
    if layout.stacked {
        let values = estimates.clone().map(|estimate| estimate.map_or(NOTHING.into(), |(value, _)| value));
        table.add_row(label.into_iter().chain(values));
        if estimates.clone().any(|estimate| estimate.is_some()) {
            table.add_row(
                [String::new()]
                    .into_iter()
                    .chain(estimates.map(|found| found.map_or_else(String::new, |(_, margin)| margin))),
            );
        }
    } else {
        // The margins of a column align when they are equally wide.
        let values = estimates.zip(widest).map(|(estimate, widest)| {
            let words = |(value, margin): (String, String)| format!("{value} {margin:>widest$}");
            estimate.map_or(NOTHING.into(), |found| match widest {
                0 => found.0,
                _ => words(found),
            })
        });
        table.add_row(label.into_iter().chain(values));
    }
}

/// For each column its group (where tables hold several), what it was measured on, and what that stands for, each on
/// lines of its own.
fn header(report: &Report, columns: &[&Column], layout: Layout, groups: bool) -> Vec<String> {
    let label = |column: &&Column| {
        let name = view::stand_in(column).map(|name| broken(&name, layout.widest_heading));
        let place = if name.is_some() { format!("for {}", column.label) } else { column.label.clone() };
        let place = broken(&place, layout.widest_heading.max("for ".len() + 1));
        let unit = unit_in_heading(report, column).map(|unit| broken(unit, layout.widest_heading));
        name.into_iter().flatten().chain(place).chain(unit.into_iter().flatten()).collect::<Vec<String>>()
    };
    let labels: Vec<Vec<String>> = columns.iter().map(label).collect();
    let tallest = labels.iter().map(Vec::len).max().unwrap_or(1);
    let mut heads = vec![String::new()];
    let mut last = None;
    for (column, label) in columns.iter().zip(labels) {
        let mut head = Vec::new();
        let group = view::group(report, column);
        if groups && columns.iter().any(|column| column.group.is_some()) {
            let first = group.map(|group| &group.id) != last;
            head.push(group.filter(|_| first).map_or_else(String::new, |group| one_line(&group.label)));
        }
        last = group.map(|group| &group.id);
        head.extend(std::iter::repeat_n(String::new(), tallest - label.len()));
        head.extend(label);
        // An empty line would vanish from a heading, a space stays.
        let lines = head.into_iter().map(|line| if line.is_empty() { " ".into() } else { line });
        heads.push(lines.collect::<Vec<String>>().join("\n"));
    }
    heads
}

/// A heading or label in lines of at most this width, broken at spaces, behind hyphens and before capitals
/// rather than anywhere.
fn broken(label: &str, widest: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut previous = ' ';
    for character in one_line(label).chars() {
        let boundary =
            previous == ' ' || previous == '-' || (previous.is_lowercase() && character.is_uppercase());
        match pieces.last_mut() {
            Some(piece) if !boundary && lines::width(piece) < widest => piece.push(character),
            _ => pieces.push(character.into()),
        }
        previous = character;
    }
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if lines::width(line.trim_end()) + lines::width(piece.trim_end()) <= widest => {
                line.push_str(&piece)
            }
            _ => lines.push(piece),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::broken;

    #[test]
    fn headings_break_where_a_reader_would() {
        assert_eq!(broken("OlympiadBench", 13), ["OlympiadBench"]);
        assert_eq!(broken("OlympiadBench", 9), ["Olympiad", "Bench"]);
        assert_eq!(broken("LCB-Hard tasks", 9), ["LCB-Hard", "tasks"]);
        assert_eq!(broken("incomprehensibilities", 9), ["incompreh", "ensibilit", "ies"]);
        assert_eq!(broken("", 9), Vec::<String>::new());
    }
}
