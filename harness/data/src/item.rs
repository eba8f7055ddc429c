//! Items and demonstrations.

use assay_sandbox::rows::{Case, Tests};
use serde::{Deserialize, Serialize};

use crate::{Check, TestsCheck};

/// A question with its check.
///
/// A line of a file of items is one of these as JSON (`harness/data/schema/item.schema.json`), such as
///
/// ```json
/// {"id": "aime24-1", "benchmark": "aime24", "question": "...", "references": ["204"],
///  "check": {"kind": "grade", "grader": "math-verify", "form": "response"}}
/// {"id": "gpqa-1", "benchmark": "gpqa", "question": "... A) .. B) ..", "references": ["B"],
///  "check": {"kind": "choice", "labels": ["A", "B", "C", "D"], "forced": true}}
/// {"id": "lcb-1", "benchmark": "lcb-e", "question": "...", "references": ["print(input())"],
///  "check": {"kind": "tests", "program": "fenced", "tests": {"scripts": [{"input": "1", "output": "1", "public": false}]}}}
/// ```
///
/// (each on one line).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Item {
    /// Its name, which no other item of the same file or world has.
    pub id: String,
    /// The benchmark that it belongs to.
    pub benchmark: String,
    /// The question x.
    pub question: String,
    /// Right answers. The first is the reference answer y*. In a file there is at least one; an item that is only asked, and
    /// whose tests say what is right, may have none.
    pub references: Vec<String>,
    /// How an answer is checked.
    pub check: Check,
}

impl Item {
    /// The reference answer y*: the first of the references; empty where there is none.
    pub fn reference(&self) -> &str {
        self.references.first().map_or("", String::as_str)
    }

    /// Bytes of its tests' texts.
    #[must_use]
    pub fn size_of_tests(&self) -> usize {
        let of_cases = |cases: &[Case]| cases.iter().map(|case| case.input.len() + case.output.len()).sum();
        match &self.check {
            Check::Tests(TestsCheck {
                tests: Tests::Scripts(cases) | Tests::Calls { cases, .. }, ..
            }) => of_cases(cases),
            Check::Tests(TestsCheck { tests: Tests::Checks(checks), .. }) => {
                checks.iter().map(|check| check.setup.len() + check.code.len()).sum()
            }
            _ => 0,
        }
    }

    /// The item without its tests, for who asks it and does not judge.
    #[must_use]
    pub fn without_tests(mut self) -> Self {
        if let Check::Tests(check) = &mut self.check {
            check.tests = Tests::Scripts(Vec::new());
        }
        self
    }
}

/// What a teacher shows for an item: x, z, y.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Demonstration {
    /// The question x, with its reference answer.
    pub item: Item,
    /// The thought z.
    pub thought: String,
    /// The answer y.
    pub answer: String,
    /// Where the row is from, such as `numina/17`; for people.
    pub source: String,
}
