//! Rows whose scores are imported: files of `assay import` in the workspace, known by their content.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::Assurance;
use assay_claims::section::{DataTable, Datum, Heading, Section};
use assay_claims::table::{Column, Layout, Measurements, RowLayout};
use assay_flow::{Facts, ParamError, StepError, Workspace};
use assay_import::{Header, Import, ImportError};
use assay_store::{ErrorClass, Hash};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::kind::of_class;

/// Digits of a log's hash that a report shows.
const SHORT: usize = 16;

/// The hash of each imported file, by its path.
pub(super) fn facts(layout: &Layout, workspace: &Workspace) -> Facts {
    let hash = |name: &String| {
        let bytes = fs_err::read(inside(workspace, name)?).ok()?;
        Some((format!("imported {name}"), Hash::of(&bytes).to_string()))
    };
    layout.rows.iter().flat_map(|row| &row.imported).filter_map(hash).collect()
}

/// Verifies every imported file, and gives the benchmarks that they are of.
pub(super) fn check(layout: &Layout, workspace: &Workspace) -> Result<BTreeSet<String>, ParamError> {
    let columns: BTreeSet<&str> =
        layout.columns.iter().filter_map(|column| column.benchmark.as_deref()).collect();
    let (mut benchmarks, mut errors) = (BTreeSet::new(), Vec::new());
    for (at, row) in layout.rows.iter().enumerate() {
        let mut of_row = BTreeSet::new();
        for (index, name) in row.imported.iter().enumerate() {
            let path = format!("rows[{at}].imported[{index}]");
            let mut wrong = |message: String, help: &str| {
                errors.push(ParamError::new(path.as_str(), message).suggest(help));
            };
            let Some(file) = inside(workspace, name) else {
                wrong("leads out of the workspace".to_owned(), "name a file inside it");
                continue;
            };
            let header = match Import::read(&file, name).and_then(|import| {
                import.evaluation(name, &row.id)?;
                Ok(import.header)
            }) {
                Ok(header) => header,
                Err(error) => {
                    wrong(error.to_string(), error.remedy());
                    continue;
                }
            };
            let benchmark = &header.benchmark;
            if !columns.contains(benchmark.as_str()) {
                let help = format!("give a column `benchmark = \"{benchmark}\"`");
                wrong(format!("has scores on `{benchmark}`, which no column is measured on"), &help);
            } else if !of_row.insert(benchmark.clone()) {
                wrong(
                    format!("is the row's second file of `{benchmark}`"),
                    "import the logs of a benchmark together",
                );
            } else if let Some(message) = uncovered(layout, &header) {
                wrong(message, PART_OF_A_BENCHMARK);
            } else {
                benchmarks.insert(benchmark.clone());
            }
        }
    }
    ParamError::all(errors).map(|()| benchmarks)
}

/// The remedy for a file that covers a part of the paper's questions.
const PART_OF_A_BENCHMARK: &str =
    "import logs of all of them; a part is another benchmark, which needs a name of its own";

/// What is wrong with a file that has not as many questions as the paper says that the benchmark has. Nothing is known of
/// that where the column is measured on another benchmark, in the place of the paper's.
fn uncovered(layout: &Layout, header: &Header) -> Option<String> {
    let benchmark = &header.benchmark;
    let expected = stated(layout, benchmark, |column| column.paper_questions)?;
    (u64::from(expected) != header.questions).then(|| {
        format!(
            "is not comparable: it has {} questions of `{benchmark}`, for which the column states {expected}",
            header.questions
        )
    })
}

/// What a column that is measured on the benchmark of its own name states.
fn stated(layout: &Layout, benchmark: &String, of: fn(&Column) -> Option<u32>) -> Option<u32> {
    let columns = layout.columns.iter().filter(|column| column.benchmark.as_ref() == Some(benchmark));
    columns.filter(|column| !column.is_stand_in()).find_map(of)
}

/// That a file has another number of samples than the paper.
fn other_samples(layout: &Layout, row: &RowLayout, header: &Header) -> Option<String> {
    let benchmark = &header.benchmark;
    let printed = stated(layout, benchmark, |column| column.paper_samples)?;
    (printed != header.samples).then(|| {
        format!(
            "The scores of `{}` on `{benchmark}` are of {} samples a question, the printed values of {printed}",
            row.id, header.samples
        )
    })
}

/// Adds what the files of all rows hold, and gives each row's level: the lowest of its files'.
pub(super) fn add(
    layout: &Layout,
    workspace: &Workspace,
    measured: &mut Measurements,
) -> Result<BTreeMap<String, Assurance>, StepError> {
    let mut assurance = BTreeMap::new();
    let mut listed: Vec<Vec<Datum>> = Vec::new();
    for row in layout.rows.iter().filter(|row| !row.imported.is_empty()) {
        let model = row.evaluated_as().unwrap_or_default();
        for name in &row.imported {
            let file = inside(workspace, name)
                .ok_or_else(|| StepError::user(format!("{name} leads out of the workspace")))?;
            let import = Import::read(&file, name).map_err(of_import)?;
            let evaluation = import.evaluation(name, &model).map_err(of_import)?;
            comparable(&import, row, name, measured)?;
            let graded = import.graded();
            let header = import.header;
            measured.notes.extend(other_samples(layout, row, &header));
            let level = assurance.entry(row.id.clone()).or_insert(header.level);
            *level = header.level.min(*level);
            listed.push(listing(row, name, &header, graded));
            match measured.evaluations.iter_mut().find(|known| known.model == model) {
                Some(known) => {
                    known.scores.extend(evaluation.scores);
                    known.failures.extend(evaluation.failures);
                }
                None => measured.evaluations.push(evaluation),
            }
        }
    }
    measured.sections.extend((!listed.is_empty()).then(|| section(listed)));
    Ok(assurance)
}

/// Makes the questions of the file those of its benchmark, or compares them with those that are there.
fn comparable(
    import: &Import,
    row: &RowLayout,
    name: &str,
    measured: &mut Measurements,
) -> Result<(), StepError> {
    let (benchmark, questions) = (&import.header.benchmark, import.questions());
    measured.samples.entry(benchmark.clone()).or_insert(import.header.samples);
    let known = measured.questions.entry(benchmark.clone()).or_insert_with(|| questions.clone());
    let (there, own): (BTreeSet<_>, BTreeSet<_>) = (known.iter().collect(), questions.iter().collect());
    if there == own {
        return Ok(());
    }
    let message = format!(
        "row `{}` is not comparable on `{benchmark}`: {name} has {} questions, {} of them among the {} of the other rows",
        row.id,
        own.len(),
        own.intersection(&there).count(),
        there.len()
    );
    Err(StepError::user(message)
        .remedy("rows of one column answer the same questions: import the logs of these"))
}

fn listing(row: &RowLayout, name: &str, header: &Header, graded: u64) -> Vec<Datum> {
    let unscored: u64 = header.unscored.values().sum();
    let text = |text: &str| Datum::Text(text.to_owned());
    let count = |count: u64| Datum::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    let logs: Vec<String> = header
        .logs
        .iter()
        .map(|log| {
            let metric = log.metric.as_ref().map(|metric| format!(", {metric}")).unwrap_or_default();
            // The file has all digits.
            let short = log.blake3.get(..SHORT).unwrap_or(&log.blake3);
            format!("{} ({}{metric}), blake3 {short}", log.file, log.format)
        })
        .collect();
    vec![
        text(&row.label),
        text(&header.benchmark),
        text(header.level.words()),
        count(header.questions),
        count(u64::from(header.samples)),
        count(graded),
        count(unscored),
        text(name),
        text(&logs.join("; ")),
    ]
}

fn section(rows: Vec<Vec<Datum>>) -> Section {
    let labels = [
        "Row",
        "Benchmark",
        "Level",
        "Questions",
        "Samples a question",
        "Graded",
        "Not scored",
        "File",
        "Made from",
    ];
    Section {
        title: "Imported scores".to_owned(),
        text: "These rows were not measured in this run: their scores were read from logs of other tools, after it was \
               checked that these hold every question and sample. A sample without a score counts neither as right nor \
               as wrong. Graded samples have a score between 0 and 1, such as 0.5: a cell is the mean of all scores."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: labels.map(|label| Heading { label: label.to_owned(), decimals: Some(0) }).into(),
            rows,
        }],
        plots: Vec::new(),
    }
}

/// The file's place, if its path does not lead out of the workspace.
fn inside(workspace: &Workspace, name: &str) -> Option<Utf8PathBuf> {
    let stays = |part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir);
    let stays = !name.is_empty() && Utf8Path::new(name).components().all(stays);
    stays.then(|| workspace.root().join(name))
}

/// An error of an imported file as that of a step.
fn of_import(error: ImportError) -> StepError {
    let remedy = error.remedy().to_owned();
    of_class(ErrorClass::User, "an imported file cannot be used").remedy(remedy).caused_by(error)
}
