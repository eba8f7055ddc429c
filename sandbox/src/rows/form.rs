//! The forms in which benchmarks publish a problem's tests.
//!
//! What a row gives and what cannot be read as it should makes the row undecodable. Nothing is passed over:
//! a test that is left out could let a wrong program pass.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::program::Prelude;

use super::extract::{Extraction, extract};
use super::file::{Row, kind};
use super::hub::decode_payload;
use super::problem::{Case, Check, Tests};
use super::python::{
    gives_a_function, looks_like_python, only_defines, python_in, without_common_indentation,
};
use super::raw::{items, member, read};

/// A problem's tests as they are kept.
#[derive(Debug, Clone)]
pub(super) enum Packed {
    Ready(Tests),
    /// What is absent or null is `[]`.
    Hub {
        public: String,
        private: String,
        function: Option<String>,
    },
}

/// The tests, unpacked.
pub(super) fn unpack(packed: &Packed) -> Result<Tests, String> {
    match packed {
        Packed::Ready(tests) => Ok(tests.clone()),
        Packed::Hub { public, private, function } => {
            let mut cases = hub_cases(public, true, function.is_some())?;
            let private = decode_payload(private).map_err(|error| error.to_string())?;
            cases.extend(hub_cases(&private, false, function.is_some())?);
            Ok(of_function(function.clone(), cases))
        }
    }
}

const HUB: [&str; 2] = ["public_test_cases", "private_test_cases"];
const CODE_CONTESTS: [&str; 3] = ["public_tests", "private_tests", "generated_tests"];
/// Keys by which the other forms are known.
const FORMS: [&str; 5] = ["checks", "test_list", "test", "input_output", "tests"];

/// Whether a row gives tests in one of the forms.
pub(super) fn has_tests(row: &Row<'_>) -> bool {
    let keys = HUB.iter().chain(&CODE_CONTESTS).chain(&FORMS).chain(&["verifier_metadata"]);
    keys.into_iter().any(|key| row.given(key).is_some())
}

/// The tests of a row; `None` if its form is not known, an error if what it holds cannot be decoded.
pub(super) fn packed(row: &Row<'_>) -> Result<Option<Packed>, String> {
    if HUB.iter().any(|key| row.given(key).is_some()) {
        return hub(row).map(Some);
    }
    Ok(tests(row)?.map(Packed::Ready))
}

fn tests(row: &Row<'_>) -> Result<Option<Tests>, String> {
    if let Some(codes) = row.unpacked("checks") {
        if row.given("tests").is_some() {
            return Err("it has both `tests` and `checks`; expected one of them".to_owned());
        }
        let checks = checks(row, texts(&codes, "checks")?, &["entry", "entry_point"], Prelude::None)?;
        return Ok(Some(Tests::Checks(checks)));
    }
    if let Some(codes) = row.unpacked("test_list") {
        let codes = texts(&codes, "test_list")?;
        let mut all = checks(row, codes, &["entry"], Prelude::None)?;
        // MBPP+ keeps its tests beside those of MBPP.
        if let Some(more) = test(row)? {
            all.extend(more);
        }
        return Ok(Some(Tests::Checks(all)));
    }
    if row.given("entry_point").is_some()
        && let Some(checks) = test(row)?
    {
        return Ok(Some(Tests::Checks(checks)));
    }
    if CODE_CONTESTS.iter().any(|key| row.given(key).is_some()) {
        let groups = CODE_CONTESTS
            .iter()
            .filter_map(|key| Some((*key == "public_tests", row.unpacked(key)?)))
            .map(|(public, group)| parallel(&group, ["input", "output"], public));
        return Ok(Some(Tests::Scripts(groups.collect::<Result<Vec<_>, _>>()?.concat())));
    }
    let nested = || member(member(row.text, "verifier_metadata")?, "unit_tests");
    let written = member(row.text, "input_output").filter(|tests| *tests != "null");
    if let Some(tests) = written.or_else(nested).filter(|tests| *tests != "null") {
        return apps(tests, function(row)?).map(Some);
    }
    let tests = row.unpacked("tests");
    match tests.as_deref() {
        Some(Value::Array(cases)) => {
            let function = function(row)?;
            Ok(Some(of_function(function.clone(), listed(cases, function.is_some())?)))
        }
        Some(Value::Object(group)) => match group.get("functional") {
            Some(code) => {
                let codes = texts(&Value::Array(vec![code.clone()]), "functional")?;
                Ok(Some(Tests::Checks(checks(row, codes, &["entry"], Prelude::Benchmark)?)))
            }
            None => apps(member(row.text, "tests").unwrap_or_default(), function(row)?).map(Some),
        },
        Some(other) => Err(format!("its `tests` is {}; expected a list or an object", kind(other))),
        None => match test(row)? {
            Some(checks) => Ok(Some(Tests::Checks(checks))),
            None => nothing(row),
        },
    }
}

/// What is wrong with a row that gives no tests; nothing, if it has no key of theirs.
fn nothing(row: &Row<'_>) -> Result<Option<Tests>, String> {
    let mut keys = HUB.iter().chain(&CODE_CONTESTS).chain(&FORMS);
    match keys.find(|key| row.object.contains_key(**key)) {
        Some(key) => Err(format!("its `{key}` is null")),
        None => Ok(None),
    }
}

/// The functions by which tests call a program.
pub(super) fn called_functions(packed: &Packed) -> Vec<String> {
    let functions: BTreeSet<&str> = match packed {
        Packed::Hub { function, .. } => function.iter().map(String::as_str).collect(),
        Packed::Ready(Tests::Calls { function, .. }) => BTreeSet::from([function.as_str()]),
        Packed::Ready(Tests::Scripts(_)) => BTreeSet::new(),
        Packed::Ready(Tests::Checks(checks)) => {
            let entries = checks.iter().filter_map(|check| check.entry.as_deref());
            entries.filter_map(|entry| entry.rsplit('.').next()).collect()
        }
    };
    functions.into_iter().map(str::to_owned).collect()
}

/// The function that is called, if the row names one.
fn function(row: &Row<'_>) -> Result<Option<String>, String> {
    row.name(&["func_name", "function", "fn_name"])?.map(called).transpose()
}

/// The name of a function or of a method of `Solution`; anything else could call what it does not name.
fn called(name: String) -> Result<String, String> {
    let method = ["Solution().", "Solution."].into_iter().find_map(|class| name.strip_prefix(class));
    let function = method.unwrap_or(&name);
    if gives_a_function(function) && !function.contains('.') {
        return Ok(function.to_owned());
    }
    Err(format!("its function `{}` is no name of Python's", name.escape_debug()))
}

/// What a check is called with: a function, or an expression that gives one.
fn entry(row: &Row<'_>, keys: &[&str]) -> Result<Option<String>, String> {
    match row.name(keys)? {
        Some(entry) if !gives_a_function(&entry) => Err(format!(
            "its `{}` is `{}`; expected a function's name, or an expression like `Solution().name`",
            keys.join("` or `"),
            entry.escape_debug()
        )),
        entry => Ok(entry),
    }
}

fn of_function(function: Option<String>, cases: Vec<Case>) -> Tests {
    match function {
        Some(function) => Tests::Calls { function, cases },
        None => Tests::Scripts(cases),
    }
}

/// The `test` of HumanEval, which defines `check`, or, without an `entry_point`, what tests by itself: the statements of
/// MBPP+, the unit tests of ClassEval and KodCode.
fn test(row: &Row<'_>) -> Result<Option<Vec<Check>>, String> {
    let Some(code) = row.name(&["test"])? else { return Ok(None) };
    let Some(entry) = entry(row, &["entry_point"])? else {
        return checks(row, vec![code], &["entry"], Prelude::None).map(Some);
    };
    let setup = prompt(row)?.unwrap_or_default();
    let (code, functions) = (without_common_indentation(&code), functions(row));
    Ok(Some(vec![Check { setup, code, entry: Some(entry), prelude: Prelude::None, functions }]))
}

/// The start of the program that a row's prompt is, without what it says in prose.
pub(super) fn prompt(row: &Row<'_>) -> Result<Option<String>, String> {
    Ok(row.text(&["prompt"])?.map(|prompt| python_of_prompt(&prompt)))
}

fn python_of_prompt(prompt: &str) -> String {
    let python = python_in(prompt);
    if !python.is_empty() || !prompt.contains("```") {
        return python.to_owned();
    }
    let block = extract(prompt, Extraction::Assay).unwrap_or_default();
    if looks_like_python(&block) { block } else { String::new() }
}

/// Tests that are Python. `entries` are the keys of the function that `check` is called with.
fn checks(
    row: &Row<'_>,
    codes: Vec<String>,
    entries: &[&str],
    default_prelude: Prelude,
) -> Result<Vec<Check>, String> {
    let codes: Vec<String> = codes.iter().map(|code| without_common_indentation(code)).collect();
    let mut setup = imports(row, "test_imports")?;
    setup.extend(class_imports(row)?);
    setup.extend(row.text(&["test_setup_code", "setup"])?);
    let setup = setup.join("\n");
    let entry = entry(row, entries)?;
    if entry.is_none()
        && let Some(index) = codes.iter().position(|code| only_defines(code))
    {
        return Err(format!(
            "its check {} only defines things, so that every program would pass; expected statements that test, \
             unit tests, or the function's name as `entry`",
            index + 1
        ));
    }
    let prelude = match row.text(&["prelude"])?.as_deref() {
        None => default_prelude,
        Some("none") => Prelude::None,
        Some("benchmark") => Prelude::Benchmark,
        Some(other) => return Err(format!("its `prelude` is `{other}`; expected `none` or `benchmark`")),
    };
    let functions = functions(row);
    let check = |code| Check {
        setup: setup.clone(),
        code,
        entry: entry.clone(),
        prelude,
        functions: functions.clone(),
    };
    Ok(codes.into_iter().map(check).collect())
}

/// The names with a capital that the row's texts, such as its own solution, give to functions.
fn functions(row: &Row<'_>) -> Vec<String> {
    let texts = ["code", "canonical_solution", "solution", "reference", "prompt", "starter_code"];
    let lines = texts.iter().filter_map(|key| row.given(key)?.as_str()).flat_map(str::lines);
    let named = lines.filter_map(|line| {
        let line = line.trim_start();
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ")?;
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').find(|name| !name.is_empty())?;
        name.starts_with(char::is_uppercase).then(|| name.to_owned())
    });
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// MBPP's imports, each a line.
fn imports(row: &Row<'_>, key: &str) -> Result<Vec<String>, String> {
    let Some(list) = row.given(key) else { return Ok(Vec::new()) };
    let line = |item: &Value| item.as_str().map(str::to_owned);
    let lines = list.as_array().and_then(|list| list.iter().map(line).collect());
    lines.ok_or_else(|| format!("its `{key}` is no list of texts"))
}

/// The imports that ClassEval puts before a program: a list of them, or a text.
fn class_imports(row: &Row<'_>) -> Result<Vec<String>, String> {
    match row.given("import_statement") {
        Some(Value::String(lines)) => Ok(vec![lines.clone()]),
        _ => imports(row, "import_statement"),
    }
}

/// Texts that say something: an empty test would be passed by every program.
fn texts(list: &Value, key: &str) -> Result<Vec<String>, String> {
    let text = |item: &Value| item.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let texts = list.as_array().and_then(|list| list.iter().map(text).collect());
    texts.ok_or_else(|| format!("its `{key}` is no list of texts, or one is empty"))
}

fn hub(row: &Row<'_>) -> Result<Packed, String> {
    let function = match metadata_function(row)? {
        None => function(row)?,
        named => named,
    };
    // Some tools write the tests unpacked. What is neither that nor a text is damaged: to take it for no
    // tests would pass programs on what is left.
    let [public, private] = HUB.map(|key| match row.given(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(list @ Value::Array(_)) => Ok(list.to_string()),
        Some(other) => Err(format!("its `{key}` is {}, which is neither a text nor a list", kind(other))),
        None => Ok("[]".to_owned()),
    });
    Ok(Packed::Hub { public: public?, private: private?, function })
}

/// The function's name of a row of the hub, in `metadata`, which is JSON text.
fn metadata_function(row: &Row<'_>) -> Result<Option<String>, String> {
    let metadata = match row.given("metadata") {
        Some(Value::String(text)) => {
            read(text).map_err(|error| format!("its `metadata` is no JSON: {error}"))?
        }
        Some(other) => other.clone(),
        None => return Ok(None),
    };
    let Value::Object(metadata) = metadata else {
        return Err(format!("its `metadata` is {}; expected an object", kind(&metadata)));
    };
    named(metadata.get("func_name"), "func_name")?.map(called).transpose()
}

/// A function's name that is a part of something; `null` is none.
fn named(value: Option<&Value>, key: &str) -> Result<Option<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if !name.trim().is_empty() => Ok(Some(name.clone())),
        Some(Value::String(_)) => Err(format!("its `{key}` is empty; expected a name")),
        Some(other) => Err(format!("its `{key}` is {}; expected a text", kind(other))),
    }
}

fn hub_cases(text: &str, public: bool, calls: bool) -> Result<Vec<Case>, String> {
    #[derive(Deserialize)]
    struct HubCase {
        input: String,
        output: String,
        testtype: Option<String>,
    }
    let cases: Vec<HubCase> =
        read(text).map_err(|error| format!("its tests are no list of tests: {error}"))?;
    let case = |(index, case): (usize, HubCase)| {
        of_type(case.testtype.as_deref(), calls, index)?;
        Ok(Case::new(case.input, case.output, public))
    };
    cases.into_iter().enumerate().map(case).collect()
}

/// A test's type, if it says one, is that of the row: calls, or not.
fn of_type(testtype: Option<&str>, calls: bool, index: usize) -> Result<(), String> {
    let test = index + 1;
    match (testtype, calls) {
        (None, _) | (Some("functional"), true) | (Some("stdin"), false) => Ok(()),
        (Some("functional"), false) => {
            Err(format!("test {test} calls a function, but the row names none (`func_name`)"))
        }
        (Some("stdin"), true) => {
            Err(format!("test {test} is for standard input, but the row names a function (`func_name`)"))
        }
        (Some(other), _) => {
            Err(format!("the `testtype` of test {test} is `{other}`; expected `functional` or `stdin`"))
        }
    }
}

/// Tests as objects with `input` and `output`; `origin` says whether a test is public.
fn listed(cases: &[Value], calls: bool) -> Result<Vec<Case>, String> {
    let case = |(index, case): (usize, &Value)| {
        let text = |key: &str| {
            let value = case.get(key).ok_or_else(|| format!("test {} has no `{key}`", index + 1))?;
            script_text(value).ok_or_else(|| format!("`{key}` of test {} is no text", index + 1))
        };
        let word = |key: &str| match case.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(word)) => Ok(Some(word.as_str())),
            Some(other) => Err(format!("`{key}` of test {} is {}; expected a text", index + 1, kind(other))),
        };
        of_type(word("testtype")?, calls, index)?;
        Ok(Case::new(text("input")?, text("output")?, word("origin")? == Some("public")))
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
    let cases = inputs
        .iter()
        .zip(outputs)
        .map(|(input, output)| Some(Case::new(script_text(input)?, script_text(output)?, public)));
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

/// APPS and TACO: `inputs`, `outputs`, and `fn_name` for calls, unless the function is named `beside` them.
/// An input of a call is the list of its arguments; an output that is a list of one may be that list or what
/// it holds, which APPS' own judge leaves open for each test. Both stay as they are written, in one line.
fn apps(text: &str, beside: Option<String>) -> Result<Tests, String> {
    let unquoted: Option<String> = serde_json::from_str(text).ok();
    let text = unquoted.as_deref().unwrap_or(text);
    let tests: &Value = &read(text).map_err(|error| format!("its tests are no JSON: {error}"))?;
    let keys = ["inputs", "outputs"];
    let function = match (named(tests.get("fn_name"), "fn_name")?.map(called).transpose()?, beside) {
        (Some(inside), Some(beside)) if inside != beside => {
            return Err(format!("it names two functions, `{inside}` and `{beside}`"));
        }
        (inside, beside) => inside.or(beside),
    };
    let Some(function) = function else {
        return parallel(tests, keys, false).map(Tests::Scripts);
    };
    both_lists(tests, keys)?;
    let [inputs, outputs] = keys.map(|key| member(text, key).and_then(items).unwrap_or_default());
    // Where all are lists of one, they are rather wrapped.
    let wrapped = outputs.iter().all(|output| items(output).is_some_and(|items| items.len() == 1));
    // Outside of texts a line break is space; in a text it is escaped.
    let line = |value: &str| value.replace(['\n', '\r'], " ");
    let case = |(input, output): (&str, &str)| {
        let arguments =
            items(input).ok_or_else(|| "the input of a call is no list of arguments".to_owned())?;
        let lines: Vec<String> = arguments.into_iter().map(line).collect();
        let (output, alternative) = match items(output).as_deref() {
            Some(&[only]) if wrapped => (line(only), Some(line(output))),
            Some(&[only]) => (line(output), Some(line(only))),
            _ => (line(output), None),
        };
        Ok(Case { input: lines.join("\n"), output, alternative, public: false })
    };
    let cases = inputs.into_iter().zip(outputs).map(case).collect::<Result<_, String>>()?;
    Ok(Tests::Calls { function, cases })
}
