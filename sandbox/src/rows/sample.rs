//! Samples: programs and generations of models.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::error::{Place, RowsError};
use super::extract::{Extraction, extract};
use super::file::{Row, each_row, kind, read_text};
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

type MakeSource = fn(String) -> Source;

/// Where a sample may stand in a row: the first of these keys that is given counts.
const KEYS: [(&str, Shape, MakeSource); 14] = [
    ("code", Shape::One, Source::Program),
    ("program", Shape::One, Source::Program),
    ("solution", Shape::One, Source::Program),
    ("solutions", Shape::Solutions, Source::Program),
    ("code_list", Shape::List, Source::Program),
    ("completion", Shape::One, Source::Completion),
    ("canonical_solution", Shape::One, Source::Completion),
    ("output", Shape::One, Source::Generation),
    ("generation", Shape::One, Source::Generation),
    ("response", Shape::One, Source::Generation),
    ("text", Shape::One, Source::Generation),
    ("output_list", Shape::List, Source::Generation),
    ("outputs", Shape::List, Source::Generation),
    ("generations", Shape::List, Source::Generation),
];

/// What a key holds.
#[derive(Clone, Copy)]
enum Shape {
    One,
    List,
    /// A program; or a list of them, also as JSON text (APPS, TACO); or CodeContests' `{language, solution}`.
    Solutions,
}

/// CodeContests' number of Python 3 among languages.
const PYTHON_3: u64 = 3;

/// Reads samples: a file of rows, or a folder of programs.
///
/// A row names its problem (`question_id`, `task_id`, `problem_id`, `task` or `id`, else its number) and
/// holds a program (`code`, `program`, `solution`, `solutions`, `code_list`), a completion of the prompt
/// (`completion`, `canonical_solution`) or a generation (`output`, `generation`, `response`, `text`,
/// `output_list`, ...). If it holds several of these, the first one in this order counts, and programs before
/// generations; `null` is none. `solutions` may be those of APPS, TACO and CodeContests (Python 3 only). In a
/// folder, `PROBLEM.py` and `PROBLEM/ANY.py` are programs for `PROBLEM`; links to folders are not followed.
///
/// # Errors
/// [`RowsError`] with the place: a file that cannot be read, a row that is no sample, an id that is
/// neither a text nor an integer, two samples with one id, no row at all.
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

/// At least one sample, each with an id of its own: one that has none is named by its problem's id and its
/// number among that problem's.
fn named(samples: Vec<(Sample, Place)>, path: &Utf8Path) -> Result<Vec<Sample>, RowsError> {
    if samples.is_empty() {
        return Err(RowsError::Empty { path: path.to_owned(), what: "sample" });
    }
    let (mut counts, mut lines) = (BTreeMap::<String, usize>::new(), BTreeMap::new());
    let mut all = Vec::with_capacity(samples.len());
    for (mut sample, place) in samples {
        let count = counts.entry(sample.problem.clone()).or_default();
        if sample.id.is_empty() {
            sample.id = format!("{}/{count}", sample.problem);
        }
        *count += 1;
        if let Some(first) = lines.insert(sample.id.clone(), place.line) {
            return Err(RowsError::Twice { place, what: "sample", id: sample.id, first });
        }
        all.push(sample);
    }
    Ok(all)
}

fn read_row(row: &Row<'_>, samples: &mut Vec<(Sample, Place)>) -> Result<(), RowsError> {
    let keys = [&["question_id", "task_id", "problem_id", "task"], &IDS[..]].concat();
    let problem = row.id(&keys)?.unwrap_or_else(|| row.number.to_string());
    let sources = sources(row).map_err(|why| {
        row.error(format!(
            "no sample: {why}expected a program (`code`), a `completion`, or a generation (`output`, `output_list`)"
        ))
    })?;
    let id = row.id(&["sample_id"])?.unwrap_or_default();
    let several = sources.len() > 1;
    for (index, source) in sources.into_iter().enumerate() {
        let id = match (id.is_empty(), several) {
            (false, true) => format!("{id}/{index}"),
            _ => id.clone(),
        };
        samples.push((Sample { id, problem: problem.clone(), source }, row.place()));
    }
    Ok(())
}

/// What a row holds, or why that is no sample, if there is more to say than that it holds nothing.
fn sources(row: &Row<'_>) -> Result<Vec<Source>, String> {
    let found = KEYS.into_iter().find_map(|(key, shape, make)| Some((key, row.given(key)?, shape, make)));
    let (key, value, shape, make) = found.ok_or_else(String::new)?;
    let texts = match (shape, value) {
        (Shape::One, Value::String(text)) => Some(vec![text.clone()]),
        (Shape::List, value) => texts(value),
        (Shape::Solutions, value) => solutions(value),
        (Shape::One, _) => None,
    };
    let texts = texts.ok_or_else(|| format!("its `{key}` is {}; ", unexpected(value)))?;
    Ok(texts.into_iter().map(make).collect())
}

fn unexpected(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list that is not of texts, or not expected".to_owned(),
        other => kind(other).to_owned(),
    }
}

fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The Python programs in a value as [`Shape::Solutions`] has it.
fn solutions(value: &Value) -> Option<Vec<String>> {
    match value {
        // No program that does anything is a list of texts.
        Value::String(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| vec![text.clone()])),
        Value::Object(all) => {
            let (programs, languages) = (texts(all.get("solution")?)?, all.get("language")?.as_array()?);
            let python = |language: &Value| language.as_u64() == Some(PYTHON_3) || language == "PYTHON3";
            (programs.len() == languages.len()).then(|| {
                let all = programs.into_iter().zip(languages);
                all.filter(|(_, language)| python(language)).map(|(program, _)| program).collect()
            })
        }
        list => texts(list),
    }
}

/// The programs of a folder. Only what stands in it: links to folders could lead anywhere, in circles even.
fn folder(root: &Utf8Path, path: &Utf8Path, samples: &mut Vec<(Sample, Place)>) -> Result<(), RowsError> {
    let read = |source| RowsError::Read { path: path.to_owned(), source };
    let mut entries: Vec<(Utf8PathBuf, bool)> = Vec::new();
    for entry in path.read_dir_utf8().map_err(read)? {
        let entry = entry.map_err(read)?;
        let is_folder = entry.file_type().map_err(read)?.is_dir();
        entries.push((entry.into_path(), is_folder));
    }
    // Folders come in no order of their own.
    entries.sort();
    for (entry, is_folder) in entries {
        if is_folder {
            folder(root, &entry, samples)?;
        } else if entry.extension() == Some("py") {
            let about = fs_err::metadata(&entry);
            if !about.map_err(|source| RowsError::Read { path: entry.clone(), source })?.is_file() {
                continue;
            }
            let text = read_text(&entry)?;
            let name = entry.strip_prefix(root).unwrap_or(&entry).with_extension("");
            let problem = match name.parent() {
                Some(parent) if !parent.as_str().is_empty() => parent.as_str(),
                _ => name.as_str(),
            };
            let (id, source) = (name.to_string(), Source::Program(text));
            samples.push((Sample { id, problem: problem.to_owned(), source }, Place::new(&entry, 1, 1)));
        }
    }
    Ok(())
}
