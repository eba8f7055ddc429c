//! Hostile programs and what their headers say.
//!
//! A program is a file `CLASS/NAME.py` that starts with comment lines:
//!
//! ```text
//! # attack: what it tries
//! # entry: f                        a function to call; a script without
//! # test: [1] -> 2                  arguments (or standard input) and expected answer as JSON; may be repeated
//! # check: assert f(1) == 2         in the place of `test`: Python that asserts something about the program
//! # limits: fuel=1e9 memory=64      where the common ones do not do; memory and output in MiB
//! # sandbox: wrong-answer: 1        the verdict (`A or B` if it depends on the image), and a text: the whole answer, or the start of the error
//! # with: memory.py               a file of this folder that is put before the program
//! # control: native prints TEXT     where the attack succeeds, see `control.rs`; may be repeated
//! ```
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_sandbox::{
    Entry, Expected, Image, Input, Judge, Judgement, Limits, Prelude, Program, Sandbox, Task, Test, Until,
    Verdict, judge, judge_task,
    rows::{Case, Check, Tests},
};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::common::workspace;
use crate::start_of;

/// What no program can know: the answer that it should give unless its header says otherwise.
const ANSWER: u64 = 2_718_281_828;

pub(crate) struct Hostile {
    /// `CLASS/NAME`.
    pub name: String,
    pub program: Program,
    /// Inputs and expected answers.
    pub tests: Vec<(Value, Value)>,
    pub check: Option<String>,
    pub limits: Limits,
    verdicts: Vec<Verdict>,
    text: String,
    pub controls: Vec<String>,
}

pub(crate) fn folder() -> Utf8PathBuf {
    workspace().join("tests/hostile")
}

/// All programs in the order of their names.
pub(crate) fn all() -> Vec<Hostile> {
    let mut found = Vec::new();
    for class in folder().read_dir_utf8().unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        for file in class.path().read_dir_utf8().unwrap() {
            let path = file.unwrap().into_path();
            let source = fs_err::read_to_string(&path).unwrap();
            found.push(Hostile::read(&path, &source).unwrap_or_else(|error| panic!("{path}: {error}")));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Limits under which a hostile program ends within a fraction of a second.
fn limits() -> Limits {
    Limits { fuel: 200_000_000, memory_bytes: 144 << 20, output_bytes: 1 << 20, ..Limits::default() }
}

impl Hostile {
    pub(crate) fn read(path: &Utf8Path, source: &str) -> Result<Self, String> {
        let class = path.parent().and_then(Utf8Path::file_name).unwrap_or_default();
        let (mut attack, mut entry, mut tests, mut sandbox) = (None, Entry::Stdin, Vec::new(), None);
        let (mut check, mut limits, mut controls) = (None, limits(), Vec::new());
        let mut program = source.to_owned();
        for line in source.lines().map_while(|line| line.strip_prefix("# ")) {
            let (field, value) = line.split_once(": ").ok_or(format!("{line:?} is no field"))?;
            match field {
                "attack" => attack = Some(value),
                "entry" => entry = Entry::Function(value.to_owned()),
                "test" => tests.push(read_test(value)?),
                "check" => check = Some(value.to_owned()),
                "limits" => limits = raised(&limits, value)?,
                "sandbox" => sandbox = Some(value),
                "with" => program = with(value, source),
                "control" => controls.push(value.to_owned()),
                "coding" => {} // Python's own
                other => return Err(format!("unknown field {other:?}")),
            }
        }
        attack.ok_or("no `attack`")?;
        if controls.is_empty() {
            return Err("no `control`".to_owned());
        }
        if tests.is_empty() {
            tests.push(match entry {
                Entry::Stdin => (json!("9\n"), json!(format!("the answer is {ANSWER}"))),
                Entry::Function(_) => (json!([1]), json!(ANSWER)),
            });
        }
        let sandbox = sandbox.ok_or("no `sandbox`")?;
        let (word, text) = sandbox.split_once(": ").unwrap_or((sandbox, ""));
        let words: Vec<&str> = word.split(" or ").collect();
        let verdicts: Vec<Verdict> =
            serde_json::from_value(json!(words)).map_err(|error| error.to_string())?;
        if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Pass | Verdict::JudgeFailure)) {
            return Err(format!("{word} is no outcome of an attack"));
        }
        Ok(Hostile {
            name: format!("{class}/{}", path.file_stem().unwrap_or_default()),
            program: Program { source: program, entry, prelude: Prelude::None },
            tests,
            check,
            limits,
            verdicts,
            text: text.to_owned(),
            controls,
        })
    }

    pub(crate) fn class(&self) -> &str {
        self.name.split('/').next().unwrap()
    }

    /// The name of the function that is called.
    pub(crate) fn function(&self) -> Option<&str> {
        match &self.program.entry {
            Entry::Function(name) => Some(name),
            Entry::Stdin => None,
        }
    }

    pub(crate) fn judge(&self, image: &Image) -> Judgement {
        self.judge_under(image, self.limits.clone())
    }

    pub(crate) fn judge_under(&self, image: &Image, limits: Limits) -> Judgement {
        let sandbox = Sandbox::new(image, limits);
        if let Some(check) = &self.check {
            let check = Check {
                setup: String::new(),
                code: check.clone(),
                entry: None,
                prelude: Prelude::None,
                functions: Vec::new(),
            };
            return self.judge_by(&sandbox, Judge::Assay, Tests::Checks(vec![check]));
        }
        let tests: Vec<Test> = self.tests.iter().map(|(input, expected)| test(input, expected)).collect();
        judge(&sandbox, &self.program, &tests)
    }

    /// Judges it as a reference judge does; `None` if that has no such tests.
    pub(crate) fn judge_as(&self, image: &Image, judge: Judge) -> Option<Judgement> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let case = |(input, output): &(Value, Value)| {
            let input = match input {
                Value::Array(arguments) => {
                    arguments.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
                }
                input => text(input),
            };
            let output = if self.function().is_some() { output.to_string() } else { text(output) };
            Case { input, output, alternative: None, public: false }
        };
        let cases: Vec<Case> = self.tests.iter().map(case).collect();
        let tests = match (&self.check, self.function()) {
            (Some(_), _) => return None,
            (None, Some(name)) => Tests::Calls { function: name.to_owned(), cases },
            (None, None) => Tests::Scripts(cases),
        };
        Some(self.judge_by(&Sandbox::new(image, self.limits.clone()), judge, tests))
    }

    fn judge_by(&self, sandbox: &Sandbox, judge: Judge, tests: Tests) -> Judgement {
        let task = Task { judge, program: self.program.source.clone(), tests, until: Until::Every };
        let mut results = Vec::new();
        judge_task(sandbox, &task, &mut |result| results.push(result));
        Judgement::of(results)
    }

    /// What of a judgement is not as the header says.
    pub(crate) fn complaint(&self, judgement: &Judgement) -> Option<String> {
        let detail = judgement.first_failure().map_or("", |(_, test)| test.detail.trim());
        let as_told = self.verdicts.contains(&judgement.verdict)
            && match judgement.verdict {
                Verdict::WrongAnswer => self.text.is_empty() || self.text == detail,
                _ => detail.starts_with(&self.text),
            };
        let within = |test: &assay_sandbox::TestResult| {
            test.verdict != Verdict::JudgeFailure
                && test.fuel > 0
                && test.fuel <= self.limits.fuel + self.limits.fuel / 4
                && test.peak_memory <= self.limits.memory_bytes
                && test.detail.len() <= 8192
        };
        let kept = judgement.tests.iter().all(within);
        (!as_told || !kept).then(|| {
            format!("{}: not {:?} {:?} but {}", self.name, self.verdicts, self.text, start_of(judgement))
        })
    }
}

/// A program with a file of this folder before it.
pub(crate) fn with(file: &str, source: &str) -> String {
    fs_err::read_to_string(folder().join(file)).unwrap() + "\n\n" + source
}

fn read_test(text: &str) -> Result<(Value, Value), String> {
    let (input, expected) = text.split_once(" -> ").ok_or("a test is `INPUT -> EXPECTED`")?;
    let value = |text: &str| serde_json::from_str(text).map_err(|error| format!("{text}: {error}"));
    Ok((value(input)?, value(expected)?))
}

fn test(input: &Value, expected: &Value) -> Test {
    match input {
        Value::Array(arguments) => {
            Test { input: Input::Arguments(arguments.clone()), expected: Expected::Value(expected.clone()) }
        }
        text => Test {
            input: Input::Text(text.as_str().unwrap().to_owned()),
            expected: Expected::Output(expected.as_str().unwrap().to_owned()),
        },
    }
}

/// Limits with some of them changed: `fuel=1e9 memory=64 output=2`.
pub(crate) fn raised(limits: &Limits, changes: &str) -> Result<Limits, String> {
    let mut limits = limits.clone();
    for change in changes.split_whitespace() {
        let (name, value) = change.split_once('=').ok_or(format!("{change:?} is no limit"))?;
        let value = value.parse::<f64>().map_err(|error| format!("{change}: {error}"))?;
        match name {
            "fuel" => limits.fuel = value as u64,
            "memory" => limits.memory_bytes = (value as u64) << 20,
            "output" => limits.output_bytes = (value as u64) << 20,
            other => return Err(format!("unknown limit {other:?}")),
        }
    }
    Ok(limits)
}
