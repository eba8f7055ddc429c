//! LaTeX: the table for a paper, and its numbers as macros.

use crate::model::{Cell, Column, Report, Row};
use crate::number::{decimals, fixed, interval, is_symmetric, level};
use crate::plain::{one_line, visible};
use crate::units::{capitalised, unit_in_heading, units};
use crate::view;

/// Characters of the hash that stand for it in a text.
const SHORT: usize = 12;

/// Makes a table that is wider than its place as wide as that, and leaves others alone.
const FIT: &str = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%";

/// The table as a LaTeX `table` for `booktabs` and `graphicx`: measured values with half the width of their intervals, and below
/// them, in italics, the printed ones. What stands in for something else is named in its heading.
pub fn latex(report: &Report) -> String {
    let mut text = format!(
        "% {}, assay report, blake3 {}\n% Needs \\usepackage{{booktabs}} and \\usepackage{{graphicx}}.\n\\begin{{table}}\n  \\centering\n  \\small\n  {FIT}\n",
        comment(&report.id),
        report.hash()
    );
    text.push_str(&format!("  \\begin{{tabular}}{{l{}}}\n    \\toprule\n", "r".repeat(report.columns.len())));
    head(report, &mut text);
    text.push_str("    \\midrule\n");
    for (index, row) in report.rows.iter().enumerate() {
        if index > 0 {
            text.push_str("    \\addlinespace\n");
        }
        lines(report, row, &mut text);
    }
    text.push_str("    \\bottomrule\n  \\end{tabular}%\n  }\n");
    text.push_str(&format!(
        "  \\caption{{{}}}\n  \\label{{tab:{}}}\n\\end{{table}}\n",
        caption(report),
        report.id
    ));
    text
}

fn head(report: &Report, text: &mut String) {
    if report.columns.iter().any(|column| column.group.is_some()) {
        let (mut heads, mut rules, mut at) = (String::new(), String::new(), 2);
        for block in view::blocks(report) {
            let width = block.columns.len();
            heads.push_str(&format!(" & \\multicolumn{{{width}}}{{c}}{{{}}}", line(block.label())));
            if block.group.is_some() {
                rules.push_str(&format!("\\cmidrule(lr){{{at}-{}}}", at + width - 1));
            }
            at += width;
        }
        text.push_str(&format!("   {heads} \\\\\n    {rules}\n"));
    }
    let row = |words: &dyn Fn(&Column) -> String| {
        report.columns.iter().map(|column| format!(" & {}", words(column))).collect::<String>()
    };
    let label = |column: &Column| match unit_in_heading(report, column) {
        Some(unit) => format!("{} ({})", line(&column.label), line(unit)),
        None => line(&column.label),
    };
    text.push_str(&format!("   {} \\\\\n", row(&label)));
    if report.columns.iter().any(|column| column.measured_on.is_some()) {
        let words = |column: &Column| match &column.measured_on {
            Some(name) => {
                format!("\\scriptsize {}", line(&view::stand_in(column).unwrap_or_else(|| name.clone())))
            }
            None => String::new(),
        };
        text.push_str(&format!("    \\scriptsize measured on{} \\\\\n", row(&words)));
    }
}

/// The measured values of a row, and below them the printed ones.
fn lines(report: &Report, row: &Row, text: &mut String) {
    let cells = |words: &dyn Fn(&Column, &Cell) -> Option<String>| {
        let words = |column: &Column| row.cells.get(&column.id).and_then(|cell| words(column, cell));
        let cells = report.columns.iter().map(words);
        cells.map(|words| format!(" & {}", words.unwrap_or_default())).collect::<String>()
    };
    let measured = |column: &Column, cell: &Cell| {
        let found = cell.measured.as_ref()?;
        let digits = decimals(column, found);
        let margin = match is_symmetric(found, digits) {
            _ if !found.has_interval() => return Some(value(found.value, digits)),
            true => format!("$\\pm${}", fixed(found.half_width(), digits)),
            false => escaped(&interval(found, digits)),
        };
        Some(format!("{} {{\\scriptsize{margin}}}", value(found.value, digits)))
    };
    let printed =
        |_: &Column, cell: &Cell| Some(format!("\\textit{{{}}}", line(&cell.printed.as_ref()?.text)));
    let has_measured = row.cells.values().any(|cell| cell.measured.is_some());
    let has_printed = row.cells.values().any(|cell| cell.printed.is_some());
    let of_paper = row.printed_label.as_ref().map(|label| format!("\\textit{{{}}}", line(label)));
    if has_measured || !has_printed {
        text.push_str(&format!("    {}{} \\\\\n", line(&row.label), cells(&measured)));
    }
    if has_printed || of_paper.is_some() {
        // A row that was not measured has one line, and needs a name there.
        let other = if has_measured { String::new() } else { line(&row.label) };
        text.push_str(&format!("    {}{} \\\\\n", of_paper.unwrap_or(other), cells(&printed)));
    }
}

fn caption(report: &Report) -> String {
    let named =
        [report.title.as_str(), report.caption.as_str()].into_iter().filter(|words| !words.is_empty());
    let mut words: Vec<String> = named.map(|words| line(words.trim_end_matches('.'))).collect();
    let place: Vec<String> = [&report.locator, &report.paper]
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(|name| line(name))
        .collect();
    if view::is_measured(report) {
        let of = if place.is_empty() { String::new() } else { format!("{}, ", place.join(" of ")) };
        words.push(format!("{of}{}", line(&view::what_was_done(report))));
        words.push(format!(
            "{}, with half the width of the {} interval{}",
            line(&capitalised(&units(report))),
            line(&level(report.confidence)),
            view::or_the_interval(report)
        ));
        if view::is_printed(report) {
            words.push("In italics: as printed in the paper".into());
        }
    } else {
        words.push(format!(
            "{}, as printed{}",
            line(&capitalised(&units(report))),
            if place.is_empty() { String::new() } else { format!(" in {}", place.join(" of ")) }
        ));
    }
    words.iter().map(|sentence| format!("{sentence}.")).collect::<Vec<_>>().join(" ")
}

/// The numbers of the table as LaTeX macros, for a `.sty` file.
///
/// | macro | expands to |
/// |---|---|
/// | `\assay{ROW.COLUMN}` | the measured value |
/// | `\assaymargin{ROW.COLUMN}` | how far the end of its interval lies from it; where the ends are not equally far, the farther one |
/// | `\assaylow{ROW.COLUMN}`, `\assayhigh{ROW.COLUMN}` | the ends of its interval |
/// | `\assayprinted{ROW.COLUMN}` | the printed value |
/// | `\assayoutcome{CLAIM}` | the outcome of a claim |
/// | `\assayhash` | the first twelve characters of the report's hash |
/// | `\assaycheck{HASH}` | nothing, if the numbers are those of the report with this hash |
///
/// A name that the report does not have, and a hash that is not the report's, stop LaTeX with an error. In a name,
/// a character that LaTeX gives a meaning stands as `<U+25>`, here for `%`.
pub fn latex_macros(report: &Report) -> String {
    let hash = report.hash();
    let short = hash.get(..SHORT).unwrap_or(&hash);
    let mut text = format!("% {}, assay report\n", comment(&report.id));
    text.push_str(&MACROS.replace("@HASH@", &hash).replace("@SHORT@", short));
    for row in &report.rows {
        for column in &report.columns {
            let Some(cell) = row.cells.get(&column.id) else { continue };
            let id = format!("{}.{}", row.id, column.id);
            if let Some(found) = &cell.measured {
                let digits = decimals(column, found);
                define(&mut text, "value", &id, &value(found.value, digits));
                let margin = match is_symmetric(found, digits) {
                    true => found.half_width(),
                    false => (found.value - found.low).max(found.high - found.value),
                };
                define(&mut text, "margin", &id, &value(margin, digits));
                define(&mut text, "low", &id, &value(found.low, digits));
                define(&mut text, "high", &id, &value(found.high, digits));
            }
            if let Some(printed) = &cell.printed {
                define(&mut text, "printed", &id, &line(&printed.text));
            }
        }
    }
    for claim in &report.claims {
        define(&mut text, "outcome", &claim.id, claim.outcome.word());
    }
    text.push_str("\\endinput\n");
    text
}

/// What the macros do. Names are taken letter by letter, so no package can give one of their characters a meaning.
const MACROS: &str = r"\NeedsTeXFormat{LaTeX2e}
\ProvidesPackage{\@currname}
\def\assay@full{@HASH@}
\def\assayhash{@SHORT@}
\def\assay@set#1#2#3{\expandafter\gdef\csname assay@#1@\detokenize{#2}\endcsname{#3}}
\def\assay@get#1#2{%
  \ifcsname assay@#1@\detokenize{#2}\endcsname
    \csname assay@#1@\detokenize{#2}\endcsname
  \else
    \errmessage{assay: the report \assayhash\space has no #1 named `\detokenize{#2}'}%
  \fi}
\def\assay#1{\assay@get{value}{#1}}
\def\assaymargin#1{\assay@get{margin}{#1}}
\def\assaylow#1{\assay@get{low}{#1}}
\def\assayhigh#1{\assay@get{high}{#1}}
\def\assayprinted#1{\assay@get{printed}{#1}}
\def\assayoutcome#1{\assay@get{outcome}{#1}}
\def\assaycheck#1{%
  \edef\assay@given{\detokenize{#1}}%
  \edef\assay@one{\expandafter\detokenize\expandafter{\assay@full}}%
  \edef\assay@other{\expandafter\detokenize\expandafter{\assayhash}}%
  \ifx\assay@given\assay@one\else
    \ifx\assay@given\assay@other\else
      \errmessage{assay: the numbers are those of the report \assayhash, and the text was written for
        \assay@given. Check what it says, then write \string\assaycheck{\assayhash}}%
    \fi
  \fi}
";

fn define(text: &mut String, what: &str, id: &str, value: &str) {
    text.push_str(&format!("\\assay@set{{{what}}}{{{}}}{{{value}}}\n", name(id)));
}

/// A name in which no character means anything to LaTeX.
fn name(id: &str) -> String {
    let mut text = String::new();
    for character in id.chars() {
        if character.is_ascii_alphanumeric() || ".-_:+*/()=,;!?@[] ".contains(character) {
            text.push(character);
        } else {
            text.push_str(&format!("<U+{:X}>", u32::from(character)));
        }
    }
    text
}

fn value(number: f64, decimals: u8) -> String {
    escaped(&fixed(number, decimals))
}

fn line(text: &str) -> String {
    escaped(&one_line(&visible(text)))
}

/// A text in a comment, which ends with its line.
fn comment(text: &str) -> String {
    one_line(&visible(text))
}

/// Text in which nothing is a command. Signs that a report uses become commands that every LaTeX has; other
/// characters stay, and need an engine and a font that know them.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match replacement(character) {
            Some(command) => out.push_str(command),
            None => out.push(character),
        }
    }
    out
}

fn replacement(character: char) -> Option<&'static str> {
    Some(match character {
        '\\' => r"\textbackslash{}",
        '{' => r"\{",
        '}' => r"\}",
        '$' => r"\$",
        '&' => r"\&",
        '#' => r"\#",
        '%' => r"\%",
        '_' => r"\_",
        '^' => r"\textasciicircum{}",
        '~' => r"\textasciitilde{}",
        '<' => r"\textless{}",
        '>' => r"\textgreater{}",
        '|' => r"\textbar{}",
        '"' => r"\symbol{34}",
        '\u{2212}' => "$-$",
        '±' => r"$\pm$",
        '×' => r"$\times$",
        '·' => r"$\cdot$",
        '≠' => r"$\neq$",
        '≤' => r"$\leq$",
        '≥' => r"$\geq$",
        '≈' => r"$\approx$",
        '→' => r"$\to$",
        'α' => r"$\alpha$",
        'β' => r"$\beta$",
        'θ' => r"$\theta$",
        'λ' => r"$\lambda$",
        'μ' => r"$\mu$",
        'π' => r"$\pi$",
        'σ' => r"$\sigma$",
        'φ' => r"$\phi$",
        '\u{fffd}' => "?",
        _ => return None,
    })
}
