//! Problems and their tests.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::program::Prelude;

use super::file::{Row, RowsError, each_row, read_text};
use super::hub::decode_payload;
use super::raw::{items, member};

/// A problem with its tests. They are unpacked when they are asked for: a benchmark's may be gigabytes
/// together.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The benchmark's id of it.
    pub id: String,
    /// `easy`, `medium`, `hard` or whatever the benchmark says.
    pub difficulty: Option<String>,
    /// The start of the program, which a completion goes on from (HumanEval).
    pub prompt: Option<String>,
    packed: Packed,
}

#[derive(Debug, Clone)]
enum Packed {
    Ready(Tests),
    Hub { public: String, private: String, function: Option<String> },
    Undecodable(String),
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
    /// If given, the test defines `check`, which is called with the program's function of this name.
    pub entry: Option<String>,
    /// What the program finds imported.
    #[serde(default)]
    pub prelude: Prelude,
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
    /// The tests, unpacked.
    ///
    /// # Errors
    /// What is wrong with the row. Its samples are then judge failures; the other problems are not touched.
    pub fn tests(&self) -> Result<Tests, String> {
        match &self.packed {
            Packed::Ready(tests) => Ok(tests.clone()),
            Packed::Undecodable(message) => Err(message.clone()),
            Packed::Hub { public, private, function } => {
                let mut cases = hub_cases(public, true)?;
                let private = decode_payload(private).map_err(|error| error.to_string())?;
                cases.extend(hub_cases(&private, false)?);
                Ok(of_function(function.clone(), cases))
            }
        }
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
    /// unknown form, two rows with one id, no row at all.
    pub fn read(path: &Utf8Path) -> Result<Self, RowsError> {
        Self::parse(&read_text(path)?, path)
    }

    /// Reads problems from the text of a file; `path` is its name for messages. See [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, path: &Utf8Path) -> Result<Self, RowsError> {
        let mut by_id = BTreeMap::new();
        each_row(text, path, |row| {
            let problem = problem(&row)?;
            let id = problem.id.clone();
            match by_id.insert(id.clone(), problem) {
                None => Ok(()),
                Some(_) => Err(row.error(format!("a second problem `{id}`"))),
            }
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
    let packed = packed(row).ok_or_else(|| {
        row.error(
            "a problem of unknown form: expected `tests`, `checks`, `public_test_cases`, `public_tests`, `input_output`, \
             `test` with `entry_point`, or `test_list`",
        )
    })?;
    Ok(Problem {
        // Files that number their rows by place only.
        id: row.text(&IDS).unwrap_or_else(|| row.line.to_string()),
        difficulty: row.text(&["difficulty", "level"]),
        prompt: if row.object.contains_key("entry_point") { row.text(&["prompt"]) } else { None },
        packed: packed.unwrap_or_else(Packed::Undecodable),
    })
}

/// The tests of a row; `None` if its form is not known, an error if what it holds cannot be decoded.
fn packed(row: &Row<'_>) -> Option<Result<Packed, String>> {
    let object = &row.object;
    let function = || row.text(&["func_name", "function", "fn_name"]);
    if object.contains_key("public_test_cases") || object.contains_key("private_test_cases") {
        return Some(hub(row));
    }
    if let Some(checks) = object.get("checks") {
        return Some(texts(checks).and_then(|codes| checks_of(row, codes)));
    }
    if let Some(codes) = object.get("test_list") {
        return Some(texts(codes).and_then(|codes| checks_of(row, codes)));
    }
    if let (Some(test), Some(entry)) = (row.text(&["test"]), row.text(&["entry_point"])) {
        let setup = row.text(&["prompt"]).unwrap_or_default();
        return Some(Ok(Packed::Ready(Tests::Checks(vec![Check {
            setup,
            code: test,
            entry: Some(entry),
            prelude: Prelude::None,
        }]))));
    }
    if object.contains_key("public_tests") {
        let keys = ["public_tests", "private_tests", "generated_tests"];
        let groups = keys.into_iter().filter_map(|key| Some((key == "public_tests", object.get(key)?)));
        let cases = groups.map(|(public, group)| parallel(group, ["input", "output"], public));
        let cases = cases.collect::<Result<Vec<_>, _>>().map(|groups| groups.concat());
        return Some(cases.map(|cases| Packed::Ready(Tests::Scripts(cases))));
    }
    let nested = || member(member(row.text, "verifier_metadata")?, "unit_tests");
    if let Some(tests) = member(row.text, "input_output").or_else(nested) {
        return Some(apps(tests).map(Packed::Ready));
    }
    let tests = match object.get("tests")? {
        Value::Array(cases) => listed(cases).map(|cases| of_function(function(), cases)),
        Value::Object(group) if group.contains_key("functional") => {
            texts(&Value::Array(vec![group["functional"].clone()])).map(|codes| {
                let check =
                    |code| Check { setup: String::new(), code, entry: None, prelude: Prelude::Benchmark };
                Tests::Checks(codes.into_iter().map(check).collect())
            })
        }
        Value::Object(_) => apps(member(row.text, "tests")?),
        _ => Err("`tests` is neither a list nor an object".to_owned()),
    };
    Some(tests.map(Packed::Ready))
}

fn of_function(function: Option<String>, cases: Vec<Case>) -> Tests {
    match function {
        Some(function) => Tests::Calls { function, cases },
        None => Tests::Scripts(cases),
    }
}

fn checks_of(row: &Row<'_>, codes: Vec<String>) -> Result<Packed, String> {
    let setup = row.text(&["test_setup_code", "setup"]).unwrap_or_default();
    let entry = row.text(&["entry"]);
    let prelude = match row.text(&["prelude"]).as_deref() {
        None | Some("none") => Prelude::None,
        Some("benchmark") => Prelude::Benchmark,
        Some(other) => return Err(format!("its `prelude` is `{other}`; expected `none` or `benchmark`")),
    };
    let check = |code| Check { setup: setup.clone(), code, entry: entry.clone(), prelude };
    Ok(Packed::Ready(Tests::Checks(codes.into_iter().map(check).collect())))
}

/// Texts that say something: an empty test would be passed by every program.
fn texts(list: &Value) -> Result<Vec<String>, String> {
    let text = |item: &Value| item.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let texts = list.as_array().and_then(|list| list.iter().map(text).collect());
    texts.ok_or_else(|| "its checks are no list of texts, or one is empty".to_owned())
}

fn hub(row: &Row<'_>) -> Result<Packed, String> {
    // Some tools write the tests unpacked. What is neither that nor a text is damaged: to take it for no
    // tests would pass programs on what is left.
    let cases = |key: &str| match row.object.get(key) {
        None => Ok("[]".to_owned()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(list @ Value::Array(_)) => Ok(list.to_string()),
        Some(_) => Err(format!("its `{key}` is neither a text nor a list")),
    };
    let function = metadata_function(row)?;
    Ok(Packed::Hub { public: cases("public_test_cases")?, private: cases("private_test_cases")?, function })
}

/// The function's name of a row of the hub, in `metadata`, which is JSON text.
fn metadata_function(row: &Row<'_>) -> Result<Option<String>, String> {
    let metadata = match row.object.get("metadata") {
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|error| format!("its `metadata` is no JSON: {error}"))?
        }
        Some(other) => other.clone(),
        None => Value::Null,
    };
    Ok(metadata.get("func_name").and_then(Value::as_str).map(str::to_owned))
}

fn hub_cases(text: &str, public: bool) -> Result<Vec<Case>, String> {
    #[derive(Deserialize)]
    struct HubCase {
        input: String,
        output: String,
    }
    let cases: Vec<HubCase> =
        serde_json::from_str(text).map_err(|error| format!("its tests are no list of tests: {error}"))?;
    Ok(cases.into_iter().map(|case| Case { input: case.input, output: case.output, public }).collect())
}

/// Tests as objects with `input` and `output`; `origin` says whether a test is public.
fn listed(cases: &[Value]) -> Result<Vec<Case>, String> {
    let case = |(index, case): (usize, &Value)| {
        let text = |key: &str| {
            let value = case.get(key).ok_or_else(|| format!("test {} has no `{key}`", index + 1))?;
            script_text(value).ok_or_else(|| format!("`{key}` of test {} is no text", index + 1))
        };
        Ok(Case {
            input: text("input")?,
            output: text("output")?,
            public: case.get("origin") == Some(&"public".into()),
        })
    };
    cases.iter().enumerate().map(case).collect()
}

/// A text, or lines of one.
fn script_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => {
            lines.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|lines| lines.join("\n"))
        }
        _ => None,
    }
}

/// Tests as two lists of the same length.
fn parallel(group: &Value, keys: [&str; 2], public: bool) -> Result<Vec<Case>, String> {
    let (inputs, outputs) = both_lists(group, keys)?;
    let cases = inputs.iter().zip(outputs).map(|(input, output)| {
        Some(Case { input: script_text(input)?, output: script_text(output)?, public })
    });
    cases
        .collect::<Option<_>>()
        .ok_or_else(|| "an input or output is neither a text nor a list of lines".to_owned())
}

fn both_lists<'a>(group: &'a Value, keys: [&str; 2]) -> Result<(&'a Vec<Value>, &'a Vec<Value>), String> {
    let list = |key| {
        group.get(key).and_then(Value::as_array).ok_or_else(|| format!("its tests have no list `{key}`"))
    };
    let (inputs, outputs) = (list(keys[0])?, list(keys[1])?);
    if inputs.len() != outputs.len() {
        return Err(format!("its tests have {} inputs and {} outputs", inputs.len(), outputs.len()));
    }
    Ok((inputs, outputs))
}

/// APPS and TACO: `inputs`, `outputs`, and `fn_name` for calls. An input of a call is the list of its
/// arguments; an output may be wrapped in a list of one. Both stay as they are written, in one line.
fn apps(text: &str) -> Result<Tests, String> {
    let unquoted: Option<String> = serde_json::from_str(text).ok();
    let text = unquoted.as_deref().unwrap_or(text);
    let tests: &Value =
        &serde_json::from_str(text).map_err(|error| format!("its tests are no JSON: {error}"))?;
    let keys = ["inputs", "outputs"];
    let Some(function) = tests.get("fn_name").and_then(Value::as_str) else {
        return parallel(tests, keys, false).map(Tests::Scripts);
    };
    both_lists(tests, keys)?;
    let [inputs, outputs] = keys.map(|key| member(text, key).and_then(items).unwrap_or_default());
    // Whether outputs are wrapped shows only where all are lists of one.
    let wrapped = outputs.iter().all(|output| items(output).is_some_and(|items| items.len() == 1));
    // Outside of texts a line break is space; in a text it is escaped.
    let line = |value: &str| value.replace(['\n', '\r'], " ");
    let case = |(input, output): (&str, &str)| {
        let arguments =
            items(input).ok_or_else(|| "the input of a call is no list of arguments".to_owned())?;
        let lines: Vec<String> = arguments.into_iter().map(line).collect();
        let value = match items(output).as_deref() {
            Some(&[only]) if wrapped => only,
            _ => output,
        };
        Ok(Case { input: lines.join("\n"), output: line(value), public: false })
    };
    let cases = inputs.into_iter().zip(outputs).map(case).collect::<Result<_, String>>()?;
    Ok(Tests::Calls { function: function.to_owned(), cases })
}
