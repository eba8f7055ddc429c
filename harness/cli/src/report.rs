//! `assay report`.

use assay_flow::Diagnostic;
use assay_report::{Report, csv, html, latex, latex_macros, markdown};
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{Global, ReportArgs};
use crate::failure::Failure;
use crate::{outputs, run, stdio};

/// Writes an existing report in the forms that are asked for; prints it if none is.
pub(crate) fn report(global: &Global, args: &ReportArgs) -> Result<(), Failure> {
    let files = files(args);
    let named: Vec<_> = files.iter().map(|(option, path, _)| (*option, Some(*path))).collect();
    outputs::check(&[&args.file], &named)?;
    let report = read(&args.file)?;
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
        Diagnostic::user(format!("{path}: {error}"))
            .help("`assay run` makes reports; it writes the JSON form beside the page")
            .into()
    })
}
