//! How an answer is checked.

use assay_sandbox::grade::{Grader, Options};
use assay_sandbox::rows::Tests;
use serde::{Deserialize, Serialize};

/// How an answer is checked: plain data, enough to judge any answer by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Check {
    /// The answer, without space around it, is one of the references.
    Exact {},
    /// A grader compares it with the references; it is right if it equals one of them.
    Grade(GradeCheck),
    /// It names one of a few options.
    Choice(ChoiceCheck),
    /// It is, or holds, a program that has to pass tests.
    Tests(TestsCheck),
}

/// A comparison by a grader of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GradeCheck {
    /// The grader.
    pub grader: Grader,
    /// What an answer is to the grader.
    #[serde(default)]
    pub form: AnswerForm,
    /// Settings of the grader.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Options,
}

/// What an answer is to a grader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerForm {
    /// The answer alone.
    #[default]
    Answer,
    /// A text from which the grader extracts the answer.
    Response,
}

/// A choice among options. The reference is the label, or the value, of the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ChoiceCheck {
    /// The options' labels, such as `a` to `d`, all different.
    pub labels: Vec<String>,
    /// The options' values, numbers in the order of the labels. Where they are given, an answer may state the
    /// value instead, in any spelling that the grader `rational` reads, and what counts is the text after the
    /// last `=`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Whether a model answers by its likeliest label after the thought, instead of writing an answer.
    #[serde(default)]
    pub forced: bool,
}

/// Tests that a program has to pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TestsCheck {
    /// How the program is found in an answer.
    pub program: ProgramForm,
    /// The tests, at least one.
    pub tests: Tests,
}

/// How a program is found in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProgramForm {
    /// The last fenced block, closed or not; without a fence the whole answer.
    Fenced,
    /// The whole answer.
    Plain,
    /// The text after the last `=` is an expression, which becomes a function of one parameter. What is
    /// empty, too long or has other characters is a compile error, and is not run.
    Expression {
        /// The function's name.
        function: String,
        /// The parameter's name.
        parameter: String,
        /// The characters that an expression may be made of.
        characters: String,
        /// The most characters that it may have.
        longest: usize,
    },
}

fn is_default(options: &Options) -> bool {
    *options == Options::default()
}

/// The text after the last `=`, so that `35`, `x=35` and `12+30-7=35` are the same answer.
pub(crate) fn after_equals(answer: &str) -> &str {
    answer.rsplit('=').next().unwrap_or(answer)
}
