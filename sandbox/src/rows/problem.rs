//! Problems and their tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::program::Prelude;

use super::error::{Place, RowsError};
use super::file::{Row, kind, row};
use super::form::{Packed, called_functions, packed, prompt, unpack};
use super::python::last_class;
use super::raw::member;

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
    /// Functions or classes that a program has to define, as far as they are known.
    pub(super) names: Vec<String>,
    /// All ids of its row, with their keys.
    pub(super) ids: Vec<(&'static str, String)>,
    /// Which row it is, from 1.
    pub(super) number: usize,
    /// The file's name and the line.
    pub(super) place: String,
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
    /// [`RowsError`] with the place, as [`Problems::read`](super::Problems::read) has it; a row of unknown form too.
    pub fn parse(text: &str, place: Place) -> Result<Self, RowsError> {
        let mut parsed = None;
        row(text, &place, place.line, &mut |row| {
            let Read { problem, is_known } = problem(&row)?;
            parsed = Some(problem);
            if is_known { Ok(()) } else { Err(row.error(UNKNOWN)) }
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

/// Keys under which benchmarks give a problem's id.
pub(super) const IDS: [&str; 6] = ["question_id", "task_id", "problem_id", "id", "hash_id", "name"];

/// What a row is: a problem, which has no tests if its form is unknown.
pub(super) struct Read {
    pub problem: Problem,
    pub is_known: bool,
}

pub(super) const UNKNOWN: &str = "a problem of unknown form: expected `tests`, `checks`, `public_test_cases`, `public_tests`, \
                       `input_output`, `test`, or `test_list`";

pub(super) fn problem(row: &Row<'_>) -> Result<Read, RowsError> {
    let packed = packed(row).transpose();
    let is_known = packed.is_some();
    let packed = packed.unwrap_or_else(|| Err(UNKNOWN.to_owned()));
    let prompt = if row.given("entry_point").is_some() { prompt(row) } else { Ok(None) };
    let difficulty = difficulty(row);
    let packed = match (packed, &difficulty, &prompt) {
        _ if row.mended => Err("it holds a lone surrogate (such as `\\ud800`), which is no text".to_owned()),
        (_, Err(message), _) | (_, _, Err(message)) => Err(message.clone()),
        (packed, ..) => packed,
    };
    let ids = row.ids(&IDS)?;
    let problem = Problem {
        // Files that number their rows by place only.
        id: ids.first().map_or_else(|| row.number.to_string(), |(_, id)| id.clone()),
        difficulty: difficulty.unwrap_or_default(),
        columns: columns(row),
        prompt: prompt.unwrap_or_default(),
        names: names(row, packed.as_ref().ok()),
        ids,
        number: row.number,
        packed,
        place: format!("{}:{}", row.path.file_name().unwrap_or(row.path.as_str()), row.line),
    };
    Ok(Read { problem, is_known })
}

/// What a program has to define, as far as a row says it: the functions that its tests call, or else the class that it
/// names or begins.
fn names(row: &Row<'_>, packed: Option<&Packed>) -> Vec<String> {
    let functions = packed.map(called_functions).unwrap_or_default();
    if !functions.is_empty() {
        return functions;
    }
    let text = |key: &str| row.given(key).and_then(Value::as_str);
    let begun = || ["skeleton", "starter_code", "prompt"].into_iter().filter_map(text).find_map(last_class);
    text("class_name").map(str::to_owned).or_else(begun).into_iter().collect()
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
