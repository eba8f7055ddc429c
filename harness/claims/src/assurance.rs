//! How far a number was followed back towards the experiment that it is about.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much was done anew for a number, from least to most. A higher level repeats everything that a lower one
/// repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// The printed value was checked by arithmetic; nothing was computed anew.
    Audited,
    /// The score was computed anew from the verdicts on single samples that the authors published. The verdicts
    /// are taken on trust.
    RecomputedFromTheAuthorsSamples,
    /// The authors' answers were judged anew. The answers are taken on trust.
    ReJudged,
    /// The released model answered the questions anew, and the answers were judged. The model is taken on trust.
    ReSampled,
    /// The model was trained anew, sampled and judged.
    Retrained,
}

impl Assurance {
    /// All levels, in ascending order.
    pub const ALL: [Self; 5] = [
        Self::Audited,
        Self::RecomputedFromTheAuthorsSamples,
        Self::ReJudged,
        Self::ReSampled,
        Self::Retrained,
    ];

    /// The name in files and on the command line, such as `re-judged`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audited => "audited",
            Self::RecomputedFromTheAuthorsSamples => "recomputed-from-the-authors-samples",
            Self::ReJudged => "re-judged",
            Self::ReSampled => "re-sampled",
            Self::Retrained => "retrained",
        }
    }

    /// The words in reports, such as `recomputed from the authors' samples`.
    pub fn words(self) -> &'static str {
        match self {
            Self::RecomputedFromTheAuthorsSamples => "recomputed from the authors' samples",
            _ => self.name(),
        }
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
