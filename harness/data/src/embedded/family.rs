//! The task families, each a benchmark of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A kind of question, and a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Family {
    /// Two additions and subtractions, evaluated left to right.
    #[serde(rename = "chain2")]
    Chain2,
    /// Three additions and subtractions.
    #[serde(rename = "chain3")]
    Chain3,
    /// Five operations, multiplication by a digit among them; still strictly left to right.
    #[serde(rename = "chain5")]
    Chain5,
    /// `a*x+b=c`, solved for x.
    #[serde(rename = "linear")]
    Linear,
    /// `(a*b+c)%m`.
    #[serde(rename = "mod")]
    Mod,
    /// The program behind three points: `x+c` or `x*2+c`.
    #[serde(rename = "code-e")]
    CodeE,
    /// The program behind three points: `x*3+c` to `x*5+c`.
    #[serde(rename = "code-m")]
    CodeM,
    /// The program behind three points: quadratic.
    #[serde(rename = "code-h")]
    CodeH,
    /// One addition or subtraction with four options.
    #[serde(rename = "mc1")]
    Mc1,
    /// Two additions and subtractions with four options.
    #[serde(rename = "mc2")]
    Mc2,
    /// Seven operations, at least one multiplication among them; strictly left to right.
    #[serde(rename = "chain7")]
    Chain7,
    /// The x of `x*x-x+c=n`.
    #[serde(rename = "root")]
    Root,
    /// One of the two factors of n that have two digits each; there is one such pair.
    #[serde(rename = "factors")]
    Factors,
    /// One of two numbers whose sum and product are given.
    #[serde(rename = "sums")]
    Sums,
}

/// What a family is about, and so how its answers are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// A number, compared exactly.
    Math,
    /// A program, run on hidden inputs.
    Code,
    /// One of four options; never trained on.
    Choice,
}

impl Family {
    /// The ten families of a test set that names none, in its order.
    pub const STANDARD: [Self; 10] = [
        Self::Chain2,
        Self::Chain3,
        Self::Chain5,
        Self::Linear,
        Self::Mod,
        Self::CodeE,
        Self::CodeM,
        Self::CodeH,
        Self::Mc1,
        Self::Mc2,
    ];

    /// All families.
    pub const ALL: [Self; 14] = [
        Self::Chain2,
        Self::Chain3,
        Self::Chain5,
        Self::Linear,
        Self::Mod,
        Self::CodeE,
        Self::CodeM,
        Self::CodeH,
        Self::Mc1,
        Self::Mc2,
        Self::Chain7,
        Self::Root,
        Self::Factors,
        Self::Sums,
    ];

    /// The benchmark id, as recipes name it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Chain2 => "chain2",
            Self::Chain3 => "chain3",
            Self::Chain5 => "chain5",
            Self::Linear => "linear",
            Self::Mod => "mod",
            Self::CodeE => "code-e",
            Self::CodeM => "code-m",
            Self::CodeH => "code-h",
            Self::Mc1 => "mc1",
            Self::Mc2 => "mc2",
            Self::Chain7 => "chain7",
            Self::Root => "root",
            Self::Factors => "factors",
            Self::Sums => "sums",
        }
    }

    /// What the family is about.
    pub fn domain(self) -> Domain {
        match self {
            Self::Chain2 | Self::Chain3 | Self::Chain5 | Self::Chain7 | Self::Linear | Self::Mod => {
                Domain::Math
            }
            Self::Root | Self::Factors | Self::Sums => Domain::Math,
            Self::CodeE | Self::CodeM | Self::CodeH => Domain::Code,
            Self::Mc1 | Self::Mc2 => Domain::Choice,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// No family has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a benchmark of the embedded scale; there are {known}", known = Family::ALL.map(Family::id).join(", "))]
pub struct UnknownFamily(pub String);

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(id: &str) -> Result<Self, UnknownFamily> {
        Self::ALL.into_iter().find(|family| family.id() == id).ok_or_else(|| UnknownFamily(id.to_owned()))
    }
}
