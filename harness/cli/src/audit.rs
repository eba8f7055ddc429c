//! `assay audit`.

use std::io::ErrorKind;

use anstyle::{AnsiColor, Style};
use assay_claims::audit::source::{Document, Format, Source, SourceError, Values, read_text, read_toml};
use assay_claims::audit::{Audit, AuditFinding, AuditTable, CellResult, Severity, audit};
use assay_claims::table::Layout;
use assay_flow::{Diagnostic, Diagnostics, Location, RecipeKind, Workspace};
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{AuditArgs, Global};
use crate::document;
use crate::failure::Failure;
use crate::session;
use crate::stdio;
use crate::visible::visible;

/// Most characters on a line of a finding's message.
const WIDTH: usize = 110;
/// The indent of these lines.
const INDENT: &str = "    ";
/// The file of shared values, in the folder of the recipes.
const SHARED: &str = "shared.toml";
/// The folder of the criteria that were fixed before the runs, in the folder of the recipes.
const CRITERIA: &str = "criteria";

/// Audits printed tables, all as parts of one paper.
pub(crate) fn run(global: &Global, args: &AuditArgs) -> Result<(), Failure> {
    let mut tables = Vec::new();
    let mut problems = Diagnostics::default();
    for (name, path) in files(global, args)? {
        match read(&path, args.header.as_deref())? {
            // A table of measured values alone counts where it is named, and is none of the paper's tables else.
            Ok(source) if args.tables.is_empty() && !prints(&source.layout) => {}
            Ok(source) => tables.push(AuditTable { name, layout: source.layout }),
            Err(errors) => errors.into_iter().for_each(|error| problems.push(diagnostic(&error))),
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let found = audit(&tables);
    if global.json {
        document::print_whole(&found)?;
    } else {
        print(&found, tables.len())?;
    }
    let grave = [Severity::ChangesAClaim, Severity::ChangesARank, Severity::ChangesAValue];
    match grave.into_iter().map(|severity| found.of_severity(severity)).sum::<usize>() {
        0 => Ok(()),
        1 => Err(Failure::Found("1 finding changes a claim, a rank or a value".to_owned())),
        grave => Err(Failure::Found(format!("{grave} findings change a claim, a rank or a value"))),
    }
}

/// Whether a table has a printed value.
fn prints(layout: &Layout) -> bool {
    layout.rows.iter().any(|row| !row.printed.is_empty() || !row.averages.is_empty())
}

/// The tables' names and files.
fn files(global: &Global, args: &AuditArgs) -> Result<Vec<(String, Utf8PathBuf)>, Failure> {
    let of_recipe = |workspace: &Workspace, name: &str| {
        let recipe = workspace.recipe(name)?;
        Ok::<_, Failure>((recipe.name.clone(), workspace.root().join(&recipe.file), recipe.kind))
    };
    let mut files = Vec::new();
    if args.tables.is_empty() {
        let workspace = session::workspace(global)?;
        for name in workspace.recipes()? {
            let (name, path, kind) = of_recipe(&workspace, &name)?;
            if kind == RecipeKind::Table {
                files.push((name, path));
            }
        }
        if files.is_empty() {
            let message = format!("no recipe in {} is of kind `table`", workspace.root().join("recipes"));
            return Err(Diagnostic::user(message).help("name a table or a file").into());
        }
    }
    for given in &args.tables {
        let path = Utf8Path::new(given);
        if path.extension().is_some_and(|extension| ["toml", "csv", "md", "tex"].contains(&extension)) {
            files.push((path.file_stem().unwrap_or(given).to_owned(), path.to_owned()));
            continue;
        }
        let (name, path, kind) = of_recipe(&session::workspace(global)?, given)?;
        if kind != RecipeKind::Table {
            let message = format!("recipe `{name}` is not a table");
            return Err(Diagnostic::user(message).help("name recipes of kind `table`").into());
        }
        files.push((name, path));
    }
    let repeated = files.iter().enumerate().find(|(at, file)| files.iter().take(*at).any(|f| f.0 == file.0));
    match repeated {
        Some((_, (name, _))) => {
            let help = "name each table once, and give files different names";
            Err(Diagnostic::user(format!("two tables are called `{name}`")).help(help).into())
        }
        None => Ok(files),
    }
}

fn read(path: &Utf8Path, header: Option<&Utf8Path>) -> Result<Result<Source, Vec<SourceError>>, Failure> {
    let text = text_of(path)?;
    let file = shown_path(path);
    let document = Document { file: &file, text: &text };
    let format = match path.extension() {
        Some("csv") => Some(Format::Csv),
        Some("md") => Some(Format::Markdown),
        Some("tex") => Some(Format::Latex),
        _ => None,
    };
    if let Some(format) = format {
        let header = header.map(|path| Ok::<_, Failure>((path, text_of(path)?))).transpose()?;
        let header = header.as_ref().map(|(path, text)| Document { file: path.as_str(), text });
        return Ok(read_text(format, document, header));
    }
    // In the order of a run: the recipe's criteria come before the values that all recipes share.
    let name = path.file_stem().unwrap_or_default();
    let folder = path.parent().unwrap_or(Utf8Path::new(""));
    let beside =
        [(Some(name), folder.join(CRITERIA).join(format!("{name}.toml"))), (None, folder.join(SHARED))];
    let mut texts = Vec::new();
    for (below, file) in beside.iter().filter(|(_, file)| file.is_file() && file != path) {
        texts.push((*below, shown_path(file), text_of(file)?));
    }
    let values: Vec<Values<'_>> = texts
        .iter()
        .map(|(below, file, text)| Values { below: *below, document: Document { file, text } })
        .collect();
    Ok(read_toml(document, &values))
}

/// A path as errors show it: from the current folder where it lies below.
fn shown_path(path: &Utf8Path) -> String {
    let here = std::env::current_dir().ok().and_then(|here| Utf8PathBuf::from_path_buf(here).ok());
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).to_string()
}

fn text_of(path: &Utf8Path) -> Result<String, Failure> {
    fs_err::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            Diagnostic::user(format!("there is no file {path}")).help("check the path").into()
        }
        ErrorKind::InvalidData => Diagnostic::user(format!("{path} is not UTF-8 text")).into(),
        _ => Failure::refused(format!("read {path}"), "check the file's permissions")(error),
    })
}

fn diagnostic(error: &SourceError) -> Diagnostic {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (line, column) = (number(error.line), number(error.column));
    let at = Location { file: error.file.as_str().into(), line, column };
    let diagnostic = Diagnostic::user(error.message.clone()).at(&at);
    match &error.help {
        Some(help) => diagnostic.help(help.clone()),
        None => diagnostic,
    }
}

/// Prints the findings, then the numbers of cells by result.
fn print(found: &Audit, tables: usize) -> Result<(), Failure> {
    let mut out = stdio::out();
    let rows: Vec<[String; 5]> = found.findings.iter().map(line).collect();
    let widths: Vec<usize> =
        (0..5).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    for (finding, row) in found.findings.iter().zip(&rows) {
        let style = style(finding.severity);
        let [severity, rest @ ..] = row;
        write!(out, "{style}{severity:width$}{style:#}", width = widths[0])?;
        let cells: String =
            rest.iter().zip(&widths[1..]).map(|(text, &width)| format!("  {text:width$}")).collect();
        writeln!(out, "{}", cells.trim_end())?;
        for line in wrapped(&visible(&told(finding))) {
            writeln!(out, "{INDENT}{line}")?;
        }
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| format!("{} {}", found.of_severity(severity), severity.name()))
        .collect();
    let of = if tables == 1 { "1 table".to_owned() } else { format!("{tables} tables") };
    let number = match found.findings.len() {
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    };
    writeln!(out, "{number} in {of}: {}", counts.join(", "))?;
    let (attempted, left): (Vec<CellResult>, Vec<CellResult>) =
        CellResult::ALL.into_iter().partition(|result| result.attempted());
    let count = |result: &CellResult| format!("{} {}", found.count(*result), result.words());
    let checked: Vec<String> = attempted.iter().map(count).collect();
    let skipped: usize = left.iter().map(|result| found.count(*result)).sum();
    let why: Vec<String> = left.iter().filter(|result| found.count(**result) > 0).map(count).collect();
    writeln!(out, "{} cells: {}, {skipped} not attempted", found.cells.len(), checked.join(", "))?;
    if !why.is_empty() {
        writeln!(out, "not attempted: {}", why.join("; "))?;
    }
    Ok(())
}

/// A finding's message, with the other places of it.
fn told(finding: &AuditFinding) -> String {
    let also: Vec<String> = finding.also.iter().map(|at| format!("{} ({})", at.table, at.row)).collect();
    match also.is_empty() {
        true => finding.message.clone(),
        false => format!("{}; also in {}", finding.message, also.join(", ")),
    }
}

/// A finding's first line: severity, detector, table, row, columns with the printed values.
fn line(finding: &AuditFinding) -> [String; 5] {
    let cells =
        finding.columns.iter().zip(&finding.printed).map(|(column, value)| format!("{column} {value}"));
    let cells: Vec<String> =
        if finding.columns.is_empty() { finding.printed.clone() } else { cells.collect() };
    let row = finding.row.clone().unwrap_or_default();
    let name = finding.detector.name().to_owned();
    let texts = [finding.severity.name().to_owned(), name, finding.table.clone(), row, cells.join(", ")];
    texts.map(|text| visible(&text))
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::ChangesAClaim => Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
        Severity::ChangesARank => Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold(),
        Severity::ChangesAValue => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        Severity::LastDigit => Style::new().bold(),
        Severity::Note => Style::new().dimmed(),
    }
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH - INDENT.len() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
