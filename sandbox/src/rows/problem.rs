//! Problems and their tests.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::program::Prelude;

use super::error::{Place, RowsError};
use super::file::{Row, each_row, kind, read_text, row};
use super::form::{Packed, packed, prompt, unpack};
use super::raw::member;
use super::sample::Sample;

/// A problem with its tests. They are unpacked when they are asked for: a benchmark's may be gigabytes
/// together.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The benchmark's id of it.
    pub id: String,
    /// `easy`, `medium`, `hard` or whatever the benchmark says.
    pub difficulty: Option<String>,
    /// What else LiveCodeBench's scores are made from, as far as the row has it: its title, platform and the
    /// contest's date.
    pub columns: BTreeMap<&'static str, String>,
    /// The start of the program, which a completion goes on from (HumanEval).
    pub prompt: Option<String>,
    packed: Result<Packed, String>,
    /// The file's name and the line.
    place: String,
}

/// The tests of a problem, all of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tests {
    /// From standard input to standard output.
    Scripts(Vec<Case>),
    /// Calls of a function.
    Calls {
        /// Its name: of a method of `Solution`, or of a plain function.
        function: String,
        /// Arguments as JSON, one per line, and the expected value as JSON.
        cases: Vec<Case>,
    },
    /// Python that asserts things about the program.
    Checks(Vec<Check>),
}

/// An input and what is expected for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// Standard input, or arguments.
    pub input: String,
    /// Standard output, or value.
    pub output: String,
    /// Another value that is right as well, for the judge `assay`: a row that wraps values in lists may mean the
    /// list or what it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<String>,
    /// Whether a solver could see it. Some judges use hidden tests only.
    pub public: bool,
}

/// A test that is Python itself. It runs in an interpreter of its own, apart from the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Check {
    /// Python that is run before it.
    pub setup: String,
    /// The test: statements that raise an `AssertionError` for a wrong answer. Names that it does not define
    /// are the program's.
    pub code: String,
    /// If given, the test defines `check`, which is called with the program's function of this name, or with what
    /// this expression gives, such as `Solution().f`.
    pub entry: Option<String>,
    /// What the program finds imported.
    #[serde(default)]
    pub prelude: Prelude,
    /// Names with a capital that the row itself gives to functions, in its solution or prompt: whatever a program makes of
    /// them, the test does not take them for classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
}

impl Case {
    /// A case with one right output.
    pub fn new(input: impl Into<String>, output: impl Into<String>, public: bool) -> Self {
        Case { input: input.into(), output: output.into(), alternative: None, public }
    }
}

impl Tests {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Tests::Scripts(cases) | Tests::Calls { cases, .. } => cases.len(),
            Tests::Checks(checks) => checks.len(),
        }
    }

    /// Whether there are none. Then there is nothing to judge by: a judge failure.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those from number `start` on.
    pub(crate) fn skip(&self, start: usize) -> Tests {
        match self {
            Tests::Scripts(cases) => Tests::Scripts(cases[start..].to_vec()),
            Tests::Calls { function, cases } => {
                Tests::Calls { function: function.clone(), cases: cases[start..].to_vec() }
            }
            Tests::Checks(checks) => Tests::Checks(checks[start..].to_vec()),
        }
    }
}

impl Problem {
    /// Reads one row of a file, which stands at `place`.
    ///
    /// # Errors
    /// [`RowsError`] with the place, as [`Problems::read`] has it.
    pub fn parse(text: &str, place: Place) -> Result<Self, RowsError> {
        let mut parsed = None;
        row(text, &place, place.line, &mut |row| {
            parsed = Some(problem(&row)?);
            Ok(())
        })?;
        parsed.ok_or(RowsError::Empty { path: place.path, what: "problem" })
    }

    /// The tests, unpacked.
    ///
    /// # Errors
    /// What is wrong with the row, and its place. Its samples are then judge failures; the other problems are
    /// not touched.
    pub fn tests(&self) -> Result<Tests, String> {
        let tests = self.packed.as_ref().map_err(String::clone).and_then(unpack);
        tests.map_err(|message| format!("{}: {message}", self.place))
    }
}

/// The problems of a file, by id.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    by_id: BTreeMap<String, Problem>,
}

impl Problems {
    /// Reads the problems of a file in any of the known forms. A row whose tests cannot be decoded is a
    /// problem without tests.
    ///
    /// # Errors
    /// [`RowsError`] with the place: a file that cannot be read, a line that is no JSON object, a row of
    /// unknown form, an id that is neither a text nor an integer, two rows with one id, no row at all.
    pub fn read(path: &Utf8Path) -> Result<Self, RowsError> {
        Self::parse(&read_text(path)?, path)
    }

    /// Reads problems from the text of a file; `path` is its name for messages. See [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, RowsError> {
        let (mut by_id, mut lines) = (BTreeMap::new(), BTreeMap::new());
        each_row(text, path, |row| {
            let problem = problem(&row)?;
            let id = problem.id.clone();
            if let Some(first) = lines.insert(id.clone(), row.line) {
                return Err(RowsError::Twice { place: row.place(), what: "problem", id, first });
            }
            by_id.insert(id, problem);
            Ok(())
        })?;
        if by_id.is_empty() {
            return Err(RowsError::Empty { path: path.to_owned(), what: "problem" });
        }
        Ok(Problems { by_id })
    }

    /// The problem with this id.
    pub fn get(&self, id: &str) -> Option<&Problem> {
        self.by_id.get(id)
    }

    /// Gives samples of a folder, whose problems are named by folders and files, the ids that those stand for: EvalPlus
    /// writes `_` for the `/` in `HumanEval/0`. A name that two problems could have stays as it is.
    pub fn name_folders(&self, samples: &mut [Sample]) {
        let mut ids: BTreeMap<String, Option<&str>> = BTreeMap::new();
        for id in self.ids() {
            ids.entry(id.replace('/', "_")).and_modify(|known| *known = None).or_insert(Some(id));
        }
        for sample in samples.iter_mut().filter(|sample| !self.by_id.contains_key(&sample.problem)) {
            if let Some(Some(id)) = ids.get(&sample.problem) {
                sample.problem = (*id).to_owned();
            }
        }
    }

    /// All ids in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none; a file without problems is an error, so this is false.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// Keys under which benchmarks give a problem's id.
pub(super) const IDS: [&str; 6] = ["question_id", "task_id", "problem_id", "id", "hash_id", "name"];

fn problem(row: &Row<'_>) -> Result<Problem, RowsError> {
    let packed = packed(row).transpose().ok_or_else(|| {
        row.error(
            "a problem of unknown form: expected `tests`, `checks`, `public_test_cases`, `public_tests`, `input_output`, \
             `test` with `entry_point`, or `test_list`",
        )
    })?;
    let prompt = if row.given("entry_point").is_some() { prompt(row) } else { Ok(None) };
    let difficulty = difficulty(row);
    let packed = match (packed, &difficulty, &prompt) {
        _ if row.mended => Err("it holds a lone surrogate (such as `\\ud800`), which is no text".to_owned()),
        (_, Err(message), _) | (_, _, Err(message)) => Err(message.clone()),
        (packed, ..) => packed,
    };
    Ok(Problem {
        // Files that number their rows by place only.
        id: row.id(&IDS)?.unwrap_or_else(|| row.number.to_string()),
        difficulty: difficulty.unwrap_or_default(),
        columns: columns(row),
        prompt: prompt.unwrap_or_default(),
        packed,
        place: format!("{}:{}", row.path.file_name().unwrap_or(row.path.as_str()), row.line),
    })
}

/// Columns that are carried through, nothing of which decides a verdict.
const COLUMNS: [&str; 3] = ["question_title", "platform", "contest_date"];

fn columns(row: &Row<'_>) -> BTreeMap<&'static str, String> {
    let text = |name| Some((name, row.object.get(name)?.as_str()?.to_owned()));
    COLUMNS.into_iter().filter_map(text).collect()
}

/// A text or a number.
fn difficulty(row: &Row<'_>) -> Result<Option<String>, String> {
    let keys = ["difficulty", "level"];
    match keys.into_iter().find_map(|key| Some((key, row.given(key)?))) {
        None => Ok(None),
        Some((_, Value::String(text))) => Ok(Some(text.clone())),
        Some((key, Value::Number(_))) => Ok(member(row.text, key).map(str::to_owned)),
        Some((key, other)) => Err(format!("its `{key}` is {}; expected a text or a number", kind(other))),
    }
}
