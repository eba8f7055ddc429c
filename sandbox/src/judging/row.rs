//! A line of a file of verdicts.

use std::collections::BTreeMap;

use assay_store::Hash;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use super::{Judged, JudgingFacts};
use crate::limits::Limits;
use crate::rows::Sample;
use crate::verdict::Verdict;

/// The version of [`VerdictRow`].
pub const VERDICT_FORMAT: u32 = 1;

/// What one judge says of one sample: a line of a file of verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictRow {
    /// The version of this form, in every line.
    #[schemars(extend("const" = VERDICT_FORMAT))]
    pub format: u32,
    /// The sample.
    pub sample_id: String,
    /// The problem that it is an answer to.
    pub problem_id: String,
    /// The judge and its version, such as `assay 1`.
    pub judge: String,
    /// The verdict on all tests.
    pub verdict: Verdict,
    /// Whether a test is so close to a limit that a slightly different limit could change the verdict.
    pub borderline: bool,
    /// The verdict on each test.
    pub tests: Vec<Verdict>,
    /// Units of fuel that each test used.
    pub fuel: Vec<u64>,
    /// Most bytes of linear memory in each test.
    pub peak_memory: Vec<u64>,
    /// What the test says that explains the verdict; empty if the verdict says it all.
    pub detail: String,
    /// The limits of a test: fuel, bytes of memory, bytes of output.
    pub limits: String,
    /// The image that the program ran in, 64 hexadecimal digits.
    pub image: Hash,
    /// The version of its CPython, such as `3.14.0`; empty in files of before it was told.
    #[serde(default)]
    pub python: String,
    /// Packages of that image that programs may import, with their versions; absent where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
    /// The test that explains the verdict, where that was asked for and the sample did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailedTest>,
}

/// The test that explains a verdict. What is not known, or does not exist for this kind of test, is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailedTest {
    /// Its number, from 1.
    pub test: usize,
    /// What the program was given.
    pub input: Option<String>,
    /// What it should have written or returned.
    pub expected: Option<String>,
    /// The test itself, if it is Python.
    pub check: Option<String>,
    /// What the program wrote or returned.
    pub written: Option<String>,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl VerdictRow {
    /// The line of a sample.
    #[must_use]
    pub fn new(sample: &Sample, judged: &Judged, limits: &Limits, facts: &JudgingFacts) -> Self {
        let Judged { judge, judgement, with_packages } = judged;
        let packages = facts.packages.as_ref().filter(|_| *with_packages);
        let tests = &judgement.tests;
        Self {
            format: VERDICT_FORMAT,
            sample_id: sample.id.clone(),
            problem_id: sample.problem.clone(),
            judge: judge.version().to_owned(),
            verdict: judgement.verdict,
            borderline: limits.is_any_borderline(*judge, tests),
            tests: tests.iter().map(|test| test.verdict).collect(),
            fuel: tests.iter().map(|test| test.fuel).collect(),
            peak_memory: tests.iter().map(|test| test.peak_memory).collect(),
            detail: judgement.first_failure().map_or_else(String::new, |(_, test)| test.detail.clone()),
            limits: limits.describe(),
            image: packages.map_or(facts.image, |packages| packages.image),
            python: packages.map_or(&facts.python, |packages| &packages.python).clone(),
            packages: packages.map(|packages| packages.packages.clone()).unwrap_or_default(),
            failure: None,
        }
    }

    /// The JSON Schema of a line.
    #[must_use]
    pub fn schema() -> Schema {
        schemars::schema_for!(VerdictRow)
    }
}
