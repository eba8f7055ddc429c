//! What a recipe asks of the embedded world.

use super::dataset::check_enough;
use super::{
    Answers, Exclusions, Family, Question, StyleMix, TaskError, TrainingMix, teacher_rows, test_set_of,
    training_questions, training_seed,
};
use crate::{Demonstration, Item};
use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Items or demonstrations of the embedded world. What is left out is as in the world's first version: ten families, one
/// noisy teacher, short answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Of items: the seed. Of demonstrations: the run's seed, from which that of the questions follows.
    pub seed: u64,
    /// Of items: how many in each benchmark. Of demonstrations: how many in all.
    pub questions: usize,
    /// Of items alone: the benchmarks, in this order. Without it [`Family::STANDARD`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub families: Option<Families>,
    /// Of demonstrations alone: how often each family occurs, as relative weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<TrainingMix>,
    /// Of demonstrations alone: how the teacher writes its thoughts, as probabilities that sum to 1.
    #[serde(default, deserialize_with = "checked_styles", skip_serializing_if = "Option::is_none")]
    pub styles: Option<StyleMix>,
    /// How reference answers are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

/// Styles that are checked while they are read, so that a mistake has their place.
fn checked_styles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StyleMix>, D::Error> {
    let styles = StyleMix::deserialize(deserializer)?;
    styles.validate().map_err(de::Error::custom)?;
    Ok(Some(styles))
}

/// A list of different families, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Family>")]
#[schemars(with = "Vec<Family>")]
pub struct Families(Vec<Family>);

impl TryFrom<Vec<Family>> for Families {
    type Error = TaskError;

    fn try_from(families: Vec<Family>) -> Result<Self, TaskError> {
        let mut met = BTreeSet::new();
        match families.iter().find(|family| !met.insert(**family)) {
            Some(&family) => Err(TaskError::Repeated { family }),
            None if families.is_empty() => Err(TaskError::NoFamilies),
            None => Ok(Self(families)),
        }
    }
}

impl World {
    /// The world's first version: items with this seed, so many of each benchmark, or demonstrations of this run, so many
    /// in all.
    pub fn standard(seed: u64, questions: usize) -> Self {
        Self { seed, questions, families: None, mix: None, styles: None, answers: None }
    }

    /// The families of the items.
    pub fn families(&self) -> &[Family] {
        self.families.as_ref().map_or(&Family::STANDARD, |Families(families)| families)
    }

    /// The test items: family by family, see [`test_set_of`].
    ///
    /// # Errors
    /// A family does not have as many questions; a setting that is of demonstrations alone.
    pub fn items(&self) -> Result<Vec<Item>, TaskError> {
        self.check_items()?;
        let questions = test_set_of(self.families(), self.seed, self.questions)?;
        Ok(questions.into_iter().map(|question| question.answered(self.answers()).item()).collect())
    }

    /// Checks whether there are such items, without drawing them.
    ///
    /// # Errors
    /// Those of [`items`](Self::items).
    pub fn check_items(&self) -> Result<(), TaskError> {
        let others = [("mix", self.mix.is_some()), ("styles", self.styles.is_some())];
        if let Some((setting, _)) = others.into_iter().find(|(_, given)| *given) {
            return Err(TaskError::OfDemonstrations { setting });
        }
        self.families().iter().try_for_each(|&family| check_enough(family, self.questions))
    }

    /// The teacher's demonstrations for a run: training questions, none of them excluded, with thoughts and answers. See
    /// [`training_seed`], [`training_questions`] and [`teacher_rows`].
    ///
    /// # Errors
    /// Too little is left after the exclusions; a setting that is of items alone.
    pub fn demonstrations(&self, excluded: &Exclusions) -> Result<Vec<Demonstration>, TaskError> {
        self.check_demonstrations()?;
        let seed = training_seed(self.seed);
        let mix = self.mix.clone().unwrap_or_default();
        let questions = training_questions(seed, self.questions, &mix, excluded)?;
        let questions: Vec<Question> =
            questions.into_iter().map(|question| question.answered(self.answers())).collect();
        let rows = teacher_rows(seed, &questions, &self.styles.unwrap_or_default(), excluded)?;
        Ok(rows.into_iter().map(Demonstration::from).collect())
    }

    /// Checks the settings of demonstrations, without drawing them.
    ///
    /// # Errors
    /// A setting that is of items alone.
    pub fn check_demonstrations(&self) -> Result<(), TaskError> {
        if self.families.is_some() { Err(TaskError::OfItems { setting: "families" }) } else { Ok(()) }
    }

    fn answers(&self) -> Answers {
        self.answers.unwrap_or_default()
    }
}
