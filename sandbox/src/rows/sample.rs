//! Samples: programs and generations of models.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::error::{Place, RowsError};
use super::extract::{Extraction, extract};
use super::file::{Row, each_row, kind, read_text, without_mark};
use super::form::has_tests;
use super::problem::{IDS, Problem};
use super::python::{defines, ends_in_head};
use super::reply::program;

/// What a model made for a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// As in the file, else the problem's id and a number.
    pub id: String,
    /// The problem, by the id or the number that the sample names.
    pub problem: String,
    /// How it names it.
    pub naming: Naming,
    /// Who made it, if the row says so (`model`).
    pub model: Option<String>,
    /// What was made.
    pub source: Source,
    /// Whether it is a solution that the problem's row has for itself, as far as the row shows.
    pub is_reference: bool,
}

/// How a sample names its problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By an id under this key of its row.
    Key(&'static str),
    /// Not at all: it has the number of its row.
    Number,
    /// By the name of its file or folder.
    File,
    /// By the id of the problem itself.
    Id,
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
    /// Nothing that can be read, and why. Nothing is known about the program: a judge failure.
    Unreadable(String),
}

impl Source {
    /// The program; `None` if there is none to be judged. For the judge `assay` a byte order mark is none of it.
    pub fn program(&self, problem: &Problem, how: Extraction) -> Option<String> {
        match self {
            Source::Program(program) if how == Extraction::Assay => Some(without_mark(program).to_owned()),
            Source::Program(program) => Some(program.clone()),
            Source::Generation(text) if how == Extraction::Assay => Some(answered(text, problem)),
            Source::Generation(text) => extract(text, how),
            Source::Completion(text) => Some([problem.prompt.as_deref().unwrap_or_default(), text].concat()),
            Source::Unreadable(_) => None,
        }
    }

    /// Why nothing can be said about it for a problem, if that is so: it goes on from what the problem does not give.
    pub fn fault(&self, problem: &Problem) -> Option<&'static str> {
        let Source::Completion(text) = self else { return None };
        let goes_on = text.lines().find(|line| !line.trim().is_empty())?.starts_with([' ', '\t']);
        let is_unknown = problem.prompt.as_deref().unwrap_or_default().trim().is_empty();
        (goes_on && is_unknown).then_some(
            "the sample is an indented completion, and the problem gives no prompt that it could go on from",
        )
    }
}

/// The program in a generation for a problem. What is indented as a whole, and does not define the function, is the body of
/// the function in whose head the prompt ends.
fn answered(generation: &str, problem: &Problem) -> String {
    let found = program(generation, &problem.names);
    let prompt = problem.prompt.as_deref().unwrap_or_default();
    let is_body = ends_in_head(prompt).is_some_and(|head| found.indentation.len() > head);
    if !is_body || defines(&found.text, &problem.names) {
        return found.text;
    }
    let prompt = prompt.trim_end_matches([' ', '\t']);
    let line_end = if prompt.ends_with('\n') { "" } else { "\n" };
    [prompt, line_end, &found.indented()].concat()
}

type MakeSource = fn(String) -> Source;

/// Where a sample may stand in a row: the first of these keys that is given counts.
const KEYS: [(&str, Shape, MakeSource); 15] = [
    ("code", Shape::Any, Source::Program),
    ("program", Shape::Any, Source::Program),
    ("code_list", Shape::List, Source::Program),
    ("completion", Shape::Any, Source::Completion),
    ("completions", Shape::List, Source::Completion),
    ("output", Shape::Any, Source::Generation),
    ("generation", Shape::Any, Source::Generation),
    ("predict", Shape::Any, Source::Generation),
    ("prediction", Shape::Any, Source::Generation),
    ("response", Shape::Any, Source::Generation),
    ("text", Shape::Any, Source::Generation),
    ("output_list", Shape::List, Source::Generation),
    ("outputs", Shape::List, Source::Generation),
    ("generations", Shape::List, Source::Generation),
    ("predictions", Shape::List, Source::Generation),
];
/// Where the benchmark's own solution stands, which counts if no model made anything.
const REFERENCES: [(&str, Shape, MakeSource); 6] = [
    ("solution", Shape::Any, Source::Program),
    ("solutions", Shape::Solutions, Source::Program),
    ("canonical_solution", Shape::Any, Source::Completion),
    ("code", Shape::Any, Source::Program),
    ("completion", Shape::Any, Source::Completion),
    ("response", Shape::Any, Source::Generation),
];
/// What is never a model's in a row that has tests: MBPP's question.
const QUESTION: &str = "text";
/// What is the benchmark's solution in a row that has tests and no [certain](CERTAIN_SOLUTIONS) one: MBPP's,
/// LeetCodeDataset's.
const SOLUTIONS: [&str; 3] = ["code", "completion", "response"];
/// What is the benchmark's solution by its name.
const CERTAIN_SOLUTIONS: [&str; 3] = ["solution", "solutions", "canonical_solution"];

/// What a key holds.
#[derive(Clone, Copy)]
enum Shape {
    /// A text, or a list of texts.
    Any,
    /// A list of texts.
    List,
    /// A program; or a list of them, also as JSON text (APPS, TACO); or CodeContests' `{language, solution}`.
    Solutions,
}

/// CodeContests' number of Python 3 among languages.
const PYTHON_3: u64 = 3;

/// Reads samples: a file of rows, or a folder of programs.
///
/// A row names its problem (`question_id`, `task_id`, `problem_id`, `task` or `id`, else its number) and
/// holds a program (`code`, `program`, `code_list`), a completion of the prompt (`completion`) or a generation
/// (`output`, `generation`, `response`, `text`, `output_list`, ...), or a list of them. If it holds several of these, the
/// first one in this order counts, and programs before generations. A solution of the benchmark's (`solution`,
/// `solutions`, `canonical_solution`; in a row that has tests but none of these `code`, `completion` and `response` too)
/// counts where there is nothing else. `null` is none, and a row that has nothing else is a sample that cannot be judged,
/// as a row is that is no sample among others. `solutions` may be those of APPS, TACO and CodeContests
/// (Python 3 only). In a folder, `PROBLEM.py` and `PROBLEM/ANY.py` are programs
/// for `PROBLEM`; what is hidden (`.NAME`) is passed over, links to folders are not followed, nor links to files outside, and a file that cannot be read
/// is a sample that cannot be judged.
///
/// # Errors
/// [`RowsError`] with the place: a file of rows that cannot be read, no row that is a sample, an id that is
/// neither a text nor an integer, two samples with one id, no row at all.
pub fn read_samples(path: &Utf8Path) -> Result<Vec<Sample>, RowsError> {
    if !path.is_dir() {
        return parse_samples(&read_text(path)?, path);
    }
    let mut samples = Vec::new();
    folder(path, path.as_std_path(), &mut samples)?;
    named(samples, path)
}

/// Reads samples from the text of a file of rows; `path` is its name for messages. See [`read_samples`].
///
/// # Errors
/// As [`read_samples`].
pub fn parse_samples(text: &str, path: &Utf8Path) -> Result<Vec<Sample>, RowsError> {
    let (mut samples, mut refused, mut is_any) = (Vec::new(), None, false);
    each_row(text, path, |row| {
        let held = held(&row);
        is_any |= held.is_ok();
        if let (None, Err(why)) = (&refused, &held) {
            refused = Some(row.error(why));
        }
        read_row(&row, held, &mut samples)
    })?;
    match refused {
        Some(error) if !is_any => Err(error),
        _ => named(samples, path),
    }
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

fn read_row(
    row: &Row<'_>,
    held: Result<Held, String>,
    samples: &mut Vec<(Sample, Place)>,
) -> Result<(), RowsError> {
    let keys = [&["question_id", "task_id", "problem_id", "task"], &IDS[..]].concat();
    let (naming, problem) = match row.id(&keys)? {
        Some((key, id)) => (Naming::Key(key), id),
        None => (Naming::Number, row.number.to_string()),
    };
    let Held { sources, is_reference } =
        held.unwrap_or_else(|why| Held { sources: vec![Source::Unreadable(why)], is_reference: false });
    let id = row.id(&["sample_id"])?.map(|(_, id)| id).unwrap_or_default();
    let model = ["model", "model_name"].iter().find_map(|key| Some(row.given(key)?.as_str()?.to_owned()));
    let several = sources.len() > 1;
    for (index, source) in sources.into_iter().enumerate() {
        let id = match (id.is_empty(), several) {
            (false, true) => format!("{id}/{index}"),
            _ => id.clone(),
        };
        let (problem, model) = (problem.clone(), model.clone());
        samples.push((Sample { id, problem, naming, model, source, is_reference }, row.place()));
    }
    Ok(())
}

/// What a row holds.
struct Held {
    sources: Vec<Source>,
    /// Whether it is the solution of the problem that the row is as well.
    is_reference: bool,
}

/// What a row holds, or why it is no sample.
fn held(row: &Row<'_>) -> Result<Held, String> {
    let has_tests = has_tests(row);
    let has_solution = CERTAIN_SOLUTIONS.iter().any(|key| row.given(key).is_some());
    let is_of_problem =
        |key: &str| has_tests && (key == QUESTION || (!has_solution && SOLUTIONS.contains(&key)));
    let of_a_model = KEYS.into_iter().filter(|(key, ..)| !is_of_problem(key));
    let keys = || of_a_model.clone().map(|key| (key, false)).chain(REFERENCES.map(|key| (key, has_tests)));
    let found = keys()
        .find_map(|((key, shape, make), of_problem)| Some((key, row.given(key)?, shape, make, of_problem)));
    let expected = "expected a program (`code`), a `completion`, or a generation (`output`, `output_list`)";
    let Some((key, value, shape, make, is_reference)) = found else {
        let absent = keys().find(|((key, ..), _)| row.object.contains_key(*key));
        let ((key, ..), _) = absent.ok_or_else(|| format!("no sample: {expected}"))?;
        return Ok(Held {
            sources: vec![Source::Unreadable(format!("its `{key}` is null"))],
            is_reference: false,
        });
    };
    let sources = match (shape, value) {
        (Shape::Any, Value::String(text)) => Some(vec![make(text.clone())]),
        (Shape::Any | Shape::List, Value::Array(items)) => {
            items.iter().map(|item| list_item(key, item, make)).collect()
        }
        (Shape::Solutions, value) => {
            solutions(value).map(|programs| programs.into_iter().map(make).collect())
        }
        (Shape::Any | Shape::List, _) => None,
    };
    let sources =
        sources.ok_or_else(|| format!("no sample: its `{key}` is {}; {expected}", unexpected(value)))?;
    Ok(Held { sources, is_reference })
}

fn list_item(key: &str, item: &Value, make: MakeSource) -> Option<Source> {
    match item {
        Value::String(text) => Some(make(text.clone())),
        Value::Null => Some(Source::Unreadable(format!("an item of its `{key}` is null"))),
        _ => None,
    }
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

/// The programs of a folder. Only what stands in it: links could lead anywhere, in circles even.
fn folder(root: &Utf8Path, path: &Path, samples: &mut Vec<(Sample, Place)>) -> Result<(), RowsError> {
    let read =
        |source| RowsError::Read { path: Utf8PathBuf::from(path.to_string_lossy().into_owned()), source };
    let mut entries: Vec<(PathBuf, bool)> = Vec::new();
    for entry in fs_err::read_dir(path).map_err(read)? {
        let entry = entry.map_err(read)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let is_folder = entry.file_type().map_err(read)?.is_dir();
        entries.push((entry.path(), is_folder));
    }
    // Folders come in no order of their own.
    entries.sort();
    for (entry, is_folder) in entries {
        if is_folder {
            folder(root, &entry, samples)?;
        } else if entry.extension().is_some_and(|extension| extension == "py") {
            let name = entry.strip_prefix(root).unwrap_or(&entry).with_extension("");
            // Of a name that is no text, what can be read of it.
            let name = Utf8PathBuf::from(name.to_string_lossy().into_owned());
            let problem = match name.parent() {
                Some(parent) if !parent.as_str().is_empty() => parent.as_str(),
                _ => name.as_str(),
            };
            if entry.is_dir() {
                continue;
            }
            let source = program_in(root, &entry).map_or_else(Source::Unreadable, Source::Program);
            let place = Place::new(&Utf8PathBuf::from(entry.to_string_lossy().into_owned()), 1, 1);
            let (id, problem) = (name.to_string(), problem.to_owned());
            let naming = Naming::File;
            let sample = Sample { id, problem, naming, model: None, source, is_reference: false };
            samples.push((sample, place));
        }
    }
    Ok(())
}

/// The program in a file of a folder, or why it cannot be read.
fn program_in(root: &Utf8Path, file: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("its file cannot be read: {error}");
    let real = file.canonicalize().map_err(failed)?;
    if !real.starts_with(root.canonicalize().map_err(failed)?) {
        return Err("its file is a link to outside of the folder".to_owned());
    }
    if !real.is_file() {
        return Err("its file is no regular file".to_owned());
    }
    let bytes = std::fs::read(&real).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| "its file is not UTF-8".to_owned())?;
    Ok(without_mark(&text).to_owned())
}
