//! What can go wrong when the world is generated.

use super::Family;

/// A request that the embedded world cannot meet.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// More distinct questions were asked for than the family has.
    #[error(
        "{family} has only {exist} distinct questions, {asked} were asked for; ask for fewer per benchmark"
    )]
    TooFewExist {
        /// The family that ran out.
        family: Family,
        /// How many were asked for.
        asked: u64,
        /// How many exist, see [`crate::embedded::space::distinct_questions`].
        exist: u64,
    },
    /// No new question or document was found in a great many draws: what remains after exclusion is (nearly)
    /// nothing.
    #[error("nothing new found for {what} in {attempts} draws; ask for fewer or exclude less")]
    Exhausted {
        /// What was being drawn.
        what: String,
        /// How many draws were made.
        attempts: u32,
    },
    /// A weight or share is not usable.
    #[error("{name} = {value}: {rule}")]
    Weight {
        /// The name of the setting.
        name: String,
        /// Its value.
        value: f64,
        /// What it has to be.
        rule: &'static str,
    },
    /// The teacher was asked for a trace of a multiple-choice question. Those are out of distribution on
    /// purpose and have none.
    #[error("{family} has no teacher: multiple choice is never trained on")]
    NoTeacher {
        /// The family of the question.
        family: Family,
    },
    /// A family is listed twice.
    #[error("{family} is listed twice")]
    Repeated {
        /// The family.
        family: Family,
    },
    /// A list of families is empty.
    #[error("the list names no family")]
    NoFamilies,
    /// A setting of demonstrations was given for items.
    #[error("`{setting}` is about a teacher's rows, which test items are not; leave it out")]
    OfDemonstrations {
        /// The setting.
        setting: &'static str,
    },
    /// A setting of items was given for demonstrations.
    #[error("`{setting}` is about test items; say by `mix` which families a teacher's rows are of")]
    OfItems {
        /// The setting.
        setting: &'static str,
    },
    /// A stored question does not follow the rules of its family, or disagrees with its own text.
    #[error("the stored question {id} is not one that this world generates: {reason}")]
    NotAQuestion {
        /// The id as stored.
        id: String,
        /// What disagrees.
        reason: &'static str,
    },
}

impl TaskError {
    /// The setting of the source that is wrong, where it is known to be one.
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::TooFewExist { .. } => Some("questions"),
            Self::OfDemonstrations { setting } | Self::OfItems { setting } => Some(setting),
            _ => None,
        }
    }
}
