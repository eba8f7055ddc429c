//! Samples: programs and generations of models.

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::extract::{Extraction, extract};
use super::file::{Row, RowsError, each_row, read_text};
use super::problem::{IDS, Problem};

/// What a model made for a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// As in the file, else the problem's id and a number.
    pub id: String,
    /// The problem.
    pub problem: String,
    /// What was made.
    pub source: Source,
}

/// What a model made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A program.
    Program(String),
    /// A text that holds a program.
    Generation(String),
    /// What follows on the problem's prompt.
    Completion(String),
}

impl Source {
    /// The program; `None` if there is none to be judged.
    pub fn program(&self, problem: &Problem, how: Extraction) -> Option<String> {
        match self {
            Source::Program(program) => Some(program.clone()),
            Source::Generation(text) => extract(text, how),
            Source::Completion(text) => Some([problem.prompt.as_deref().unwrap_or_default(), text].concat()),
        }
    }
}

/// Where the program may stand in a row, in the order in which they are looked for.
const PROGRAMS: [&str; 4] = ["code", "program", "solution", "solutions"];
const PROGRAM_LISTS: [&str; 1] = ["code_list"];
const COMPLETIONS: [&str; 2] = ["completion", "canonical_solution"];
const GENERATIONS: [&str; 4] = ["output", "generation", "response", "text"];
const GENERATION_LISTS: [&str; 3] = ["output_list", "outputs", "generations"];

/// Reads samples: a file of rows, or a folder of programs.
///
/// A row names its problem (`question_id`, `task_id`, `problem_id`, `task` or `id`, else the line) and holds
/// a program (`code`, `program`, `solution`, `solutions`, `code_list`), a completion of the prompt
/// (`completion`, `canonical_solution`) or a generation (`output`, `generation`, `response`, `text`,
/// `output_list`, ...). In a folder, `PROBLEM.py` and `PROBLEM/ANY.py` are programs for `PROBLEM`.
///
/// # Errors
/// [`RowsError`] with the place: a file that cannot be read, a row that is no sample, no row at all.
pub fn read_samples(path: &Utf8Path) -> Result<Vec<Sample>, RowsError> {
    if !path.is_dir() {
        return parse_samples(&read_text(path)?, path);
    }
    let mut samples = Vec::new();
    folder(path, path, &mut samples)?;
    named(samples, path)
}

/// Reads samples from the text of a file of rows; `path` is its name for messages. See [`read_samples`].
///
/// # Errors
/// As [`read_samples`].
pub fn parse_samples(text: &str, path: &Utf8Path) -> Result<Vec<Sample>, RowsError> {
    let mut samples = Vec::new();
    each_row(text, path, |row| read_row(&row, &mut samples))?;
    named(samples, path)
}

/// At least one sample, each with an id: one that has none is named by its problem's id and its number among
/// that problem's.
fn named(mut samples: Vec<Sample>, path: &Utf8Path) -> Result<Vec<Sample>, RowsError> {
    if samples.is_empty() {
        return Err(RowsError::Empty { path: path.to_owned(), what: "sample" });
    }
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for sample in &mut samples {
        let count = counts.entry(sample.problem.clone()).or_default();
        if sample.id.is_empty() {
            sample.id = format!("{}/{count}", sample.problem);
        }
        *count += 1;
    }
    Ok(samples)
}

fn read_row(row: &Row<'_>, samples: &mut Vec<Sample>) -> Result<(), RowsError> {
    let problem = row.text(&["question_id", "task_id", "problem_id", "task"]).or_else(|| row.text(&IDS));
    let problem = problem.unwrap_or_else(|| row.line.to_string());
    let sources = sources(row).ok_or_else(|| {
        row.error("no sample: expected a program (`code`), a `completion`, or a generation (`output`, `output_list`)")
    })?;
    let id = row.text(&["sample_id"]).unwrap_or_default();
    let several = sources.len() > 1;
    for (index, source) in sources.into_iter().enumerate() {
        let id = match (id.is_empty(), several) {
            (false, true) => format!("{id}/{index}"),
            _ => id.clone(),
        };
        samples.push(Sample { id, problem: problem.clone(), source });
    }
    Ok(())
}

fn sources(row: &Row<'_>) -> Option<Vec<Source>> {
    let one = |keys: &[&str], make: fn(String) -> Source| {
        let text = keys.iter().find_map(|key| row.object.get(*key).and_then(Value::as_str))?;
        Some(vec![make(text.to_owned())])
    };
    let many = |keys: &[&str], make: fn(String) -> Source| {
        let list = keys.iter().find_map(|key| row.object.get(*key).and_then(Value::as_array))?;
        list.iter().map(|text| text.as_str().map(|text| make(text.to_owned()))).collect()
    };
    one(&PROGRAMS, Source::Program)
        .or_else(|| many(&PROGRAM_LISTS, Source::Program))
        .or_else(|| one(&COMPLETIONS, Source::Completion))
        .or_else(|| one(&GENERATIONS, Source::Generation))
        .or_else(|| many(&GENERATION_LISTS, Source::Generation))
}

fn folder(root: &Utf8Path, path: &Utf8Path, samples: &mut Vec<Sample>) -> Result<(), RowsError> {
    let read = |source| RowsError::Read { path: path.to_owned(), source };
    let mut entries: Vec<Utf8PathBuf> = Vec::new();
    for entry in path.read_dir_utf8().map_err(read)? {
        entries.push(entry.map_err(read)?.into_path());
    }
    // Folders come in no order of their own.
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            folder(root, &entry, samples)?;
        } else if entry.extension() == Some("py") {
            let text = fs_err::read_to_string(&entry)
                .map_err(|source| RowsError::Read { path: entry.clone(), source })?;
            let name = entry.strip_prefix(root).unwrap_or(&entry).with_extension("");
            let problem = match name.parent() {
                Some(parent) if !parent.as_str().is_empty() => parent.as_str(),
                _ => name.as_str(),
            };
            samples.push(Sample {
                id: name.to_string(),
                problem: problem.to_owned(),
                source: Source::Program(text),
            });
        }
    }
    Ok(())
}
