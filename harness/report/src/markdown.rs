//! The report as GitHub's Markdown.

use crate::asked::{self, Asked};
use crate::gates;
use crate::model::{Claim, Column, DataTable, Datum, Part, Report, Row, Section};
use crate::number::{PartNumbers, TABLE_DECIMALS, decimals, fixed, interval, level, with_margin};
use crate::plain::{one_line, paragraphs, visible};
use crate::provenance::run_command;
use crate::units::unit_in_heading;
use crate::view::{self, Dependence, Origins, short};
use crate::words::{CheckLook as _, OutcomeLook as _};

/// The empty cell.
const NOTHING: &str = "–";

/// The report as Markdown: one table for each group of columns, claims, printed values that cannot stand,
/// diagnostics' tables, and an appendix with values by seed and full hashes.
pub fn markdown(report: &Report) -> String {
    let mut page = Page::default();
    heading(report, &mut page);
    for block in view::blocks(report) {
        if !block.label().is_empty() {
            page.line(&format!("## {}\n", escaped(block.label())));
        }
        cells(report, &block.columns, &mut page);
    }
    page.line(&format!("{}\n", escaped(&view::legend(report))));
    claims(report, &mut page);
    gates(report, &mut page);
    printed(report, &mut page);
    if !report.diagnostics.is_empty() {
        page.line("## Diagnostics\n");
        report.diagnostics.iter().for_each(|section| diagnostics(section, report, &mut page));
    }
    provenance(report, &mut page);
    visible(&page.text)
}

/// The text so far.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A table of cells that are Markdown already. Columns after the first `left` are aligned to the right.
    fn table(&mut self, header: &[String], left: usize, rows: impl Iterator<Item = Vec<String>>) {
        self.line(&format!("| {} |", header.join(" | ")));
        let rules: Vec<&str> =
            (0..header.len()).map(|index| if index < left { ":--" } else { "--:" }).collect();
        self.line(&format!("| {} |", rules.join(" | ")));
        for row in rows {
            self.line(&format!("| {} |", row.join(" | ")));
        }
        self.line("");
    }
}

fn heading(report: &Report, page: &mut Page) {
    page.line(&format!("# {}\n", literal(&report.title)));
    page.line(&format!("{}\n", literal(&view::origin(report))));
    if !report.caption.is_empty() {
        page.line(&format!("{}\n", literal(&report.caption)));
    }
    let tally = view::tally(&report.claims).into_iter().filter(|(_, number)| *number > 0);
    let tally: Vec<_> = tally
        .map(|(outcome, number)| format!("{} **{number} {}**", outcome.mark(), outcome.word()))
        .collect();
    if !tally.is_empty() {
        page.line(&format!("Claims: {}\n", tally.join(", ")));
    }
    for note in &report.notes {
        page.line(&format!("- {}", literal(note)));
    }
    if !report.notes.is_empty() {
        page.line("");
    }
}

fn cells(report: &Report, columns: &[&Column], page: &mut Page) {
    let mut header = vec![String::new()];
    header.extend(columns.iter().map(|column| {
        let name = match view::stand_in(column) {
            Some(name) => format!("{}<br>{}", code(&name), escaped(&view::in_the_place_of(&column.label))),
            None => escaped(&column.label),
        };
        let unit = unit_in_heading(report, column);
        unit.map_or(name.clone(), |unit| format!("{name}<br>{}", escaped(unit)))
    }));
    let rows = report.rows.iter().map(|row| {
        let mut cells = vec![row_label(row)];
        cells.extend(columns.iter().map(|column| cell(row, column)));
        cells
    });
    page.table(&header, 1, rows);
}

fn row_label(row: &Row) -> String {
    let level = view::assurance(row).map_or_else(String::new, |level| format!("<br>{level}"));
    let label = format!("**{}**{level}", escaped(&row.label));
    match &row.printed_label {
        Some(printed) => format!("{label}<br>*{}*", escaped(&view::in_the_place_of(printed))),
        None if row.cells.values().any(|cell| cell.printed.is_some()) => format!("{label}<br>*printed*"),
        None => label,
    }
}

fn cell(row: &Row, column: &Column) -> String {
    let cell = row.cells.get(&column.id);
    let measured = cell.and_then(|cell| cell.measured.as_ref());
    let measured = measured
        .map_or_else(|| NOTHING.to_owned(), |estimate| with_margin(estimate, decimals(column, estimate)));
    let printed = cell.and_then(|cell| cell.printed.as_ref()).map_or_else(String::new, |printed| {
        let mark = printed.check.mark().map_or_else(String::new, |mark| format!(" {mark}"));
        format!("<br>*{}*{mark}", escaped(&printed.text))
    });
    format!("{measured}{printed}")
}

fn claims(report: &Report, page: &mut Page) {
    if report.claims.is_empty() {
        return;
    }
    page.line("## Claims\n");
    let header = ["Outcome", "Claim", "Quantity", "Measured", "Seeds", "Needs", "Printed", "Detectable"];
    let rows = report.claims.iter().flat_map(claim_rows);
    page.table(&header.map(String::from), 3, rows);
    for claim in &report.claims {
        if let Some(note) = &claim.note {
            page.line(&format!("- {}: {}", escaped(&claim.id), escaped(note)));
        }
    }
    if report.claims.iter().any(|claim| claim.note.is_some()) {
        page.line("");
    }
    page.line(&format!(
        "Measured: estimate and {} interval. {}\n",
        level(report.confidence),
        view::DETECTABLE
    ));
    for (rule, ids) in view::rules(&report.claims) {
        let which = if ids.len() == report.claims.len() { "all claims".into() } else { ids.join(", ") };
        page.line(&format!("Rule for {}: {}\n", escaped(&which), escaped(rule)));
    }
}

fn claim_rows(claim: &Claim) -> Vec<Vec<String>> {
    let outcome = format!("{} {}", claim.outcome.mark(), claim.outcome.word());
    let printed = view::printed_holds(claim).map_or_else(String::new, |words| format!("<br>*{words}*"));
    let p = view::p_value(claim).map_or_else(String::new, |words| format!("<br>{}", escaped(&words)));
    let words = format!("**{}** {}{printed}{p}", escaped(&claim.id), escaped(&claim.text));
    if claim.parts.is_empty() {
        let mut row = vec![outcome, words, code(&claim.expression)];
        row.resize(8, String::new());
        return vec![row];
    }
    let several = claim.parts.len() > 1;
    let rows = claim.parts.iter().enumerate().map(|(index, part)| {
        let first = |text: &str| if index == 0 { text.to_owned() } else { String::new() };
        let mut row = vec![first(&outcome), first(&words)];
        row.extend(part_cells(claim, part, several));
        row
    });
    rows.collect()
}

fn part_cells(claim: &Claim, part: &Part, several: bool) -> [String; 6] {
    let numbers = PartNumbers::of(part);
    let mark = if several { format!("{} ", part.outcome.mark()) } else { String::new() };
    [
        format!("{mark}{}", code(&part.label)),
        view::quantity(part),
        view::seed_values(part).unwrap_or_default(),
        numbers.threshold(part.threshold),
        part.printed.map_or_else(String::new, |printed| numbers.printed(printed)),
        view::detectable(claim, part).unwrap_or_default(),
    ]
}

fn gates(report: &Report, page: &mut Page) {
    if report.gates.is_empty() {
        return;
    }
    page.line(&format!("## Gates\n\n{}. {}\n", gates::headline(report), gates::ABOUT));
    let header = ["Result", "Gate", "Condition", "Found", "Claims", "Why"].map(String::from);
    let rows = report.gates.iter().map(|gate| {
        let values = gates::values(gate);
        let values = values.iter().map(|(name, value)| format!("{} {}", code(name), escaped(value)));
        vec![
            format!("{} {}", gates::look(gate).mark(), gates::word(gate)),
            format!("**{}** {}", escaped(&gate.id), escaped(&gate.text)),
            code(&gate.expression),
            values.collect::<Vec<_>>().join("<br>"),
            escaped(&gate.claims.join(", ")),
            escaped(gate.note.as_deref().unwrap_or_default()),
        ]
    });
    page.table(&header, 6, rows);
}

fn printed(report: &Report, page: &mut Page) {
    let audit = view::audit(report);
    if audit.flags.is_empty() {
        return;
    }
    page.line("## Printed values\n");
    page.line(&format!("Of {} printed values: {}.\n", audit.cells(), audit.summary()));
    let header = ["", "Row", "Column", "Why", "Printed"].map(String::from);
    let rows = audit.flags.iter().map(|flag| {
        let check = flag.printed.check;
        let mark = check.mark().map_or_else(String::new, String::from);
        vec![
            format!("{mark} {}", check.word()),
            escaped(flag.row.printed_label.as_ref().unwrap_or(&flag.row.label)),
            escaped(&view::printed_label(report, flag.column)),
            escaped(flag.printed.note.as_deref().unwrap_or_default()),
            escaped(&flag.printed.text),
        ]
    });
    page.table(&header, 4, rows);
}

fn diagnostics(section: &Section, report: &Report, page: &mut Page) {
    page.line(&format!("### {}\n", escaped(&section.title)));
    paragraphs(&section.text).for_each(|paragraph| page.line(&format!("{}\n", literal(&paragraph))));
    section.tables.iter().for_each(|table| data_table(table, report, page));
    for plot in &section.plots {
        page.line(&format!("*Plot on the HTML page: {}*\n", escaped(&plot.title)));
    }
}

fn data_table(data: &DataTable, report: &Report, page: &mut Page) {
    let intervals = data.rows.iter().flatten().any(|datum| matches!(datum, Datum::Estimate(_)));
    let level = if intervals {
        format!(" (in brackets: {} interval)", level(report.confidence))
    } else {
        String::new()
    };
    if data.caption.is_some() || intervals {
        let caption = data.caption.as_deref().unwrap_or("Values");
        page.line(&format!("{}{level}\n", literal(caption)));
    }
    let decimals =
        |index: usize| data.header.get(index).and_then(|heading| heading.decimals).unwrap_or(TABLE_DECIMALS);
    let header: Vec<String> = data.header.iter().map(|heading| escaped(&heading.label)).collect();
    let rows = data.rows.iter().map(|row| {
        let cells = row.iter().enumerate().map(|(index, datum)| match datum {
            Datum::Empty => String::new(),
            Datum::Text(text) => escaped(text),
            Datum::Integer(number) => number.to_string(),
            Datum::Number(number) => fixed(*number, decimals(index)),
            Datum::Estimate(estimate) => {
                format!("{} {}", fixed(estimate.value, decimals(index)), interval(estimate, decimals(index)))
            }
        });
        cells.collect()
    });
    // Columns of words are aligned to the left, as far as no numbers stand before them.
    let words = |column: &usize| {
        let of_row =
            |row: &Vec<Datum>| matches!(row.get(*column), Some(Datum::Text(_) | Datum::Empty) | None);
        data.rows.iter().all(of_row)
    };
    let left = (0..header.len()).take_while(words).count().max(1);
    page.table(&header, left, rows);
}

fn provenance(report: &Report, page: &mut Page) {
    page.line("## Where the numbers come from\n");
    if let Some(criteria) = &report.criteria {
        page.line(&format!(
            "Fixed before the run ({}): {}\n",
            code(short(&criteria.hash)),
            escaped(&criteria.words())
        ));
    }
    for (name, value) in &report.facts {
        page.line(&format!("- {}: {}", escaped(name), escaped(value)));
    }
    if !report.facts.is_empty() {
        page.line("");
    }
    let origins = Origins::of(report);
    if !origins.list.is_empty() {
        let header = ["Row", "Cells", "Computed from (step, artefact)"].map(String::from);
        let rows = origins.list.iter().flat_map(|origin| {
            let sources = origin.sources.iter();
            let sources: Vec<_> = sources
                .map(|source| format!("{} {}", escaped(&source.step), code(short(&source.artefact))))
                .collect();
            let sources = sources.join("<br>");
            origin
                .rows
                .iter()
                .map(move |(row, cells)| vec![escaped(&row.label), cells.to_string(), sources.clone()])
        });
        page.table(&header, 3, rows);
    }
    if !report.questions.is_empty() {
        page.line(&format!(
            "What each row scored on each question, with samples of some, is in {} and on the HTML page.\n",
            code(&format!("{}.json", report.id))
        ));
    }
    prompts(report, page);
    sizes(report, page);
    by_seed(report, page);
    sources(report, page);
}

fn prompts(report: &Report, page: &mut Page) {
    let asked = Asked::of(report);
    if asked.is_empty() {
        return;
    }
    page.line(&format!("<details><summary>What the models were asked</summary>\n\n{}\n", asked::ABOUT));
    let header = ["Benchmark", "Prompts", "Rows"].map(String::from);
    let rows =
        asked.iter().map(|asked| vec![code(asked.benchmark), code(asked.prompts), escaped(&asked.rows())]);
    page.table(&header, 3, rows);
    page.line("</details>\n");
}

fn sizes(report: &Report, page: &mut Page) {
    let sized: Vec<_> =
        report.columns.iter().filter_map(|column| Some((column, view::sizes(column)?))).collect();
    if sized.is_empty() {
        return;
    }
    page.line("<details><summary>Questions × samples of each column</summary>\n");
    let header = ["Column", "Measured on", "Questions × samples"].map(String::from);
    let rows = sized.into_iter().map(|(column, size)| {
        let on = column.measured_on.as_deref().map_or_else(String::new, code);
        vec![escaped(&view::full_label(report, column)), on, escaped(&size)]
    });
    page.table(&header, 3, rows);
    page.line("</details>\n");
}

fn by_seed(report: &Report, page: &mut Page) {
    let seeded = view::seeded_rows(report);
    if seeded.is_empty() {
        return;
    }
    page.line("<details><summary>Every measured value by seed</summary>\n");
    let mut header = vec!["Row".to_owned(), "Seed".to_owned()];
    header.extend(report.columns.iter().map(|column| escaped(&column.label)));
    let rows = seeded.into_iter().flat_map(|(row, seeds)| {
        seeds.into_iter().map(move |seed| {
            let mut cells = vec![escaped(&row.label), seed.to_string()];
            cells.extend(report.columns.iter().map(|column| {
                let estimate = row.cells.get(&column.id).and_then(|cell| cell.measured.as_ref());
                let value = estimate.and_then(|found| Some((found, found.per_seed.get(&seed)?)));
                value.map_or_else(String::new, |(found, value)| fixed(*value, decimals(column, found)))
            }));
            cells
        })
    });
    page.table(&header, 1, rows);
    page.line("</details>\n");
}

fn sources(report: &Report, page: &mut Page) {
    if report.sources.is_empty() {
        return;
    }
    if let Some(command) = run_command(report) {
        page.line(&format!("To compute all numbers again: {}\n", code(&command)));
    }
    page.line("<details><summary>All artefacts with full hashes</summary>\n");
    let dependence = Dependence::of(report);
    if let Some(shared) = dependence.shared() {
        page.line(&format!("All depend on {}\n", escaped(&shared)));
    }
    let mut header = ["Step", "Kind", "Seed", "Artefact", "Key", "Depends on"].map(String::from).to_vec();
    header.truncate(if dependence.differs(report) { 6 } else { 5 });
    let rows = report.sources.iter().map(|source| {
        let mut row = vec![
            escaped(&source.step),
            escaped(&source.kind),
            source.seed.map_or_else(String::new, |seed| seed.to_string()),
            match source.challenge {
                Some(challenge) => format!("{}, {}", code(&source.artefact), challenge.words()),
                None => code(&source.artefact),
            },
            code(&source.key),
            escaped(&dependence.own(source)),
        ];
        row.truncate(header.len());
        row
    });
    page.table(&header, header.len(), rows);
    if let Some(criteria) = &report.criteria {
        page.line(&format!("Criteria: {}\n", code(&criteria.hash)));
        criteria.history.iter().for_each(|line| page.line(&format!("- {}", escaped(line))));
        if !criteria.history.is_empty() {
            page.line("");
        }
    }
    page.line("</details>");
}

/// Text in which nothing is markup: on one line, with each character that Markdown or HTML could act on made
/// literal.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in one_line(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// As [`escaped`], for the beginning of a line, where a dash or a number with a point would begin a list and
/// a number sign a heading.
fn literal(text: &str) -> String {
    let text = escaped(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let begins_list = match rest.bytes().next() {
        Some(b'-' | b'+' | b'=' | b'#') => digits == 0,
        Some(b'.' | b')') => digits > 0,
        _ => false,
    };
    if begins_list { format!("{number}\\{rest}") } else { text }
}

/// Code on one line. A code span cannot hold backticks as they are, nor pipes inside of a table.
pub(crate) fn code(text: &str) -> String {
    let text = one_line(text);
    match text.contains(['`', '|']) {
        _ if text.is_empty() => text,
        true => format!("<code>{}</code>", escaped(&text)),
        false => format!("`{text}`"),
    }
}
