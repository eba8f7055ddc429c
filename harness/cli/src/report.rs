//! `assay report`.

use assay_flow::{Diagnostic, Location};
use assay_report::{
    ReadError, Report, SUMMARY_STEM, Summary, csv, html, latex, latex_macros, markdown, summary_terminal,
    write_summary,
};
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{Global, ReportArgs};
use crate::failure::Failure;
use crate::{outputs, run, session, stdio};

/// Writes an existing report in the forms that are asked for; prints it if none is.
pub(crate) fn report(global: &Global, args: &ReportArgs) -> Result<(), Failure> {
    // The command line has a file or --all.
    let Some(file) = &args.file else { return all(global, args) };
    let files = files(args);
    let named: Vec<_> = files.iter().map(|(option, path, _)| (*option, Some(*path))).collect();
    outputs::check(&[file], &named)?;
    let report = read(file)?;
    for (_, path, form) in &files {
        outputs::write(path, form(&report).as_bytes())?;
    }
    match files.is_empty() {
        _ if global.json => stdio::out().write_all(report.to_json().as_bytes()),
        true => run::print(&report, &[]),
        false => {
            let paths: Vec<Utf8PathBuf> = files.iter().map(|(_, path, _)| (*path).to_owned()).collect();
            paths.iter().try_for_each(|path| writeln!(stdio::out(), "{path}"))
        }
    }
}

/// Sums up all reports of a scale, writes the summary beside them and prints it.
fn all(global: &Global, args: &ReportArgs) -> Result<(), Failure> {
    let folder = match &args.from {
        Some(folder) => folder.clone(),
        None => session::workspace(global)?.root().join("reports").join(&args.scale),
    };
    let reports = files_in(&folder)?.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let summary = Summary::new(&reports).map_err(|error| {
        Diagnostic::user(format!("{folder}: {error}"))
            .help("`assay run` writes reports; the folder holds those of one scale, each once")
    })?;
    let written = write_summary(&summary, &folder)?;
    if global.json {
        return stdio::out().write_all(summary.to_json().as_bytes());
    }
    write!(stdio::out(), "{}", summary_terminal(&summary, run::style()))?;
    written.iter().try_for_each(|file| writeln!(stdio::out(), "{}", file.path))
}

/// The JSON files of a folder in the order of their names, without a summary.
fn files_in(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Failure> {
    let entries =
        folder.read_dir_utf8().and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|error| {
            Diagnostic::user(format!("the reports in {folder} cannot be read: {error}"))
                .help("name another scale with --scale, or a folder with --from")
        })?;
    let mut paths: Vec<Utf8PathBuf> = entries.into_iter().map(|entry| entry.path().to_owned()).collect();
    paths.retain(|path| path.extension() == Some("json") && path.file_stem() != Some(SUMMARY_STEM));
    paths.sort();
    Ok(paths)
}

/// A form of a report.
type Form = fn(&Report) -> String;

/// The files to write: the option, the path and the form.
fn files(args: &ReportArgs) -> Vec<(&'static str, &Utf8Path, Form)> {
    let forms: [(&'static str, &Option<Utf8PathBuf>, Form); 5] = [
        ("--html", &args.html, html),
        ("--markdown", &args.markdown, markdown),
        ("--csv", &args.csv, csv),
        ("--latex", &args.latex, latex),
        ("--macros", &args.macros, latex_macros),
    ];
    forms.into_iter().filter_map(|(option, path, form)| Some((option, path.as_deref()?, form))).collect()
}

/// Reads a report from its JSON form.
pub(crate) fn read(path: &Utf8Path) -> Result<Report, Failure> {
    let text = fs_err::read_to_string(path).map_err(|error| {
        Diagnostic::user(format!("the report cannot be read: {error}"))
            .help("name a report's JSON form, such as reports/embedded/table-05.json")
    })?;
    Report::from_json(&text).map_err(|error| {
        let diagnostic = match place(path, &error) {
            Some(at) => Diagnostic::user(error.to_string()).at(&at),
            None => Diagnostic::user(format!("{path}: {error}")),
        };
        diagnostic.help("`assay run` makes reports; it writes the JSON form beside the page").into()
    })
}

/// Where in the file a report is wrong, as far as its reader says so.
fn place(path: &Utf8Path, error: &ReadError) -> Option<Location> {
    let ReadError::Malformed(error) = error else { return None };
    let number = |number: usize| u32::try_from(number).ok().filter(|number| *number > 0);
    Some(Location {
        file: path.as_str().into(),
        line: number(error.line())?,
        column: number(error.column())?,
    })
}
