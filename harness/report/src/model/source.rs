//! Where numbers come from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::view::short;

/// An artefact that cells were computed from, or that such an artefact was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name that cells and other sources refer to.
    pub id: String,
    /// The step that made it, e.g. `verdicts-acc[seed=1]`.
    pub step: String,
    /// What kind of step that is, e.g. `judge`.
    pub kind: String,
    /// Key of the step's action: everything that its result depends on, hashed.
    pub key: String,
    /// Hash of the artefact.
    pub artefact: String,
    /// Ids of the sources that it was made from, in no particular order. They make no circle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Seed of the training run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What else the result depends on, e.g. judge, image, limits.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// Of replies: by benchmark, the hash of the prompts as they were rendered, all of them in order. Reports with equal hashes
    /// asked the same questions in the same words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prompts: BTreeMap<String, String>,
    /// What came of repeating the step; absent where nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
}

/// What came of repeating the step that made an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// What is said of the artefact.
    pub label: ChallengeLabel,
    /// How often the step was repeated in all.
    pub repetitions: u32,
}

/// What is said of an artefact whose step was repeated, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChallengeLabel {
    /// Every repetition made the same bytes.
    BitIdentical,
    /// Some made other bytes, and the rates of right answers agree within the error of their difference.
    StatisticallyEqual,
    /// Some made other rates of right answers, beyond that error.
    Unstable,
    /// Some made other bytes, and nothing that could be compared as rates.
    Different,
}

impl ChallengeLabel {
    /// The label as it is written, e.g. `bit-identical`.
    pub fn word(self) -> &'static str {
        match self {
            Self::BitIdentical => "bit-identical",
            Self::StatisticallyEqual => "statistically-equal",
            Self::Unstable => "unstable",
            Self::Different => "different",
        }
    }
}

impl Challenge {
    /// In words, e.g. `bit-identical in 3 repetitions`.
    pub(crate) fn words(self) -> String {
        let plural = if self.repetitions == 1 { "" } else { "s" };
        format!("{} in {} repetition{plural}", self.label.word(), self.repetitions)
    }
}

/// What was fixed before the run: regimes, seeds, questions, thresholds, rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Hash of all files that state the criteria, as the run read them, and of the values that were overridden.
    pub hash: String,
    /// The files, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<CriteriaFile>,
    /// What was known before they were fixed, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<String>,
}

/// One file that states criteria.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CriteriaFile {
    /// Path from the workspace's root.
    pub file: String,
    /// Hash of its text.
    pub hash: String,
    /// The first commit in which it had this text; absent where it is not committed, or no history is at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_commit: Option<String>,
}

impl Criteria {
    /// The files with the commits since when they have stood, in words.
    pub(crate) fn words(&self) -> String {
        let file = |file: &CriteriaFile| match &file.first_commit {
            Some(commit) => format!("{}, as it has stood since commit {}", file.file, short(commit)),
            None => format!("{}, which is not committed in this form", file.file),
        };
        let files: Vec<String> = self.files.iter().map(file).collect();
        format!("Seeds, questions, regimes, claims and rules were fixed in {}.", files.join("; "))
    }
}
