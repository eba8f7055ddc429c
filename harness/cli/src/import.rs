//! `assay import`.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::interval::IntervalError;
use assay_flow::Diagnostic;
use assay_import::{Call, Expected, Import, ImportError, Options, Questions, Summary, Unscored, read_log};
use camino::Utf8Path;

use crate::args::{Global, ImportArgs};
use crate::document;
use crate::failure::Failure;
use crate::visible::visible;
use crate::{outputs, stdio};

/// Reads the logs, checks that they hold what is expected, writes the file and prints the score.
pub(crate) fn import(global: &Global, args: &ImportArgs) -> Result<(), Failure> {
    let mut inputs: Vec<&Utf8Path> = args.logs.iter().map(AsRef::as_ref).collect();
    inputs.extend(args.ids.as_deref());
    outputs::check(&inputs, &[("--out", Some(&args.out))])?;
    let options =
        Options { format: args.format, metric: args.metric.clone(), difficulty: args.difficulty.clone() };
    let logs = args.logs.iter().map(|log| read_log(log, &options)).collect::<Result<Vec<_>, _>>()?;
    let expected = Expected {
        benchmark: args.benchmark.clone(),
        tasks: args.tasks.iter().cloned().collect(),
        questions: questions(args)?,
        samples: args.samples,
    };
    let import = match Import::new(&logs, &expected, args.level) {
        Err(ImportError::NotComparable(coverage)) => {
            if global.json {
                document::print_whole(&Call::not_comparable((*coverage).clone()))?;
            }
            return Err(ImportError::NotComparable(coverage).into());
        }
        import => import?,
    };
    let text = import.to_text().map_err(|error| Failure::Internal(error.to_string()))?;
    outputs::write(&args.out, text.as_bytes())?;
    // One question alone has no interval. Its file is written all the same.
    let summary = import.summary();
    match global.json {
        true => document::print_whole(&Call::imported(import.header, summary.ok())),
        false => print(&import, &summary, &args.out),
    }
}

/// The expected questions: their number, or their names, which a file lists one on a line.
fn questions(args: &ImportArgs) -> Result<Questions, Failure> {
    let Some(path) = &args.ids else {
        return Ok(Questions::Count(args.questions.unwrap_or_default()));
    };
    let text = fs_err::read_to_string(path).map_err(|error| {
        Diagnostic::user(format!("the questions cannot be read: {error}"))
            .help("--ids takes UTF-8 text, with the name of one question on each line")
    })?;
    let mut ids = BTreeSet::new();
    for (number, name) in (1..).zip(text.lines().map(str::trim)).filter(|(_, name)| !name.is_empty()) {
        if !ids.insert(name.to_owned()) {
            return Err(Diagnostic::user(format!("{path}:{number}: `{name}` is named twice"))
                .help("name each question once")
                .into());
        }
    }
    if ids.is_empty() {
        return Err(Diagnostic::user(format!("{path} names no question")).into());
    }
    Ok(Questions::Ids(ids))
}

fn print(import: &Import, summary: &Result<Summary, IntervalError>, file: &Utf8Path) -> Result<(), Failure> {
    let mut out = stdio::out();
    let header = &import.header;
    writeln!(out, "{}: {} questions, {} samples each", header.benchmark, header.questions, header.samples)?;
    writeln!(out, "  {:12}{}", "level", header.level)?;
    for log in &header.logs {
        let model = log.model.as_ref().map(|model| format!(", {model}")).unwrap_or_default();
        let metric = log.metric.as_ref().map(|metric| format!(", {metric}")).unwrap_or_default();
        writeln!(out, "  {:12}{} ({}{model}{metric})", "log", log.file, log.format)?;
        if let Some(status) = &log.status {
            let status = visible(status);
            writeln!(
                out,
                "  {:12}the evaluation of {} ended with the status `{status}`",
                "warning", log.file
            )?;
        }
    }
    match summary {
        Ok(Summary { score, bounds }) => {
            let k = header.samples;
            let (value, low, high) = (score.value, score.low, score.high);
            writeln!(out, "  {:12}{value:.2} %, 95 % interval {low:.2} to {high:.2}", format!("Avg@{k}"))?;
            if let Some((low, high)) = bounds {
                writeln!(
                    out,
                    "  {:12}{low:.2} % if every sample without a score were wrong, {high:.2} % if right",
                    "bounds"
                )?;
            }
        }
        Err(error) => writeln!(out, "  no interval: {error}")?,
    }
    writeln!(out, "  {:12}{}", "left out", left_out(&header.unscored))?;
    writeln!(out, "  {:12}{file}", "written to")
}

/// Which samples have no score, and why.
fn left_out(unscored: &BTreeMap<Unscored, u64>) -> String {
    if unscored.is_empty() {
        return "nothing".to_owned();
    }
    let counts: Vec<String> =
        unscored.iter().map(|(why, count)| format!("{count} samples ({})", why.name())).collect();
    counts.join(", ")
}
