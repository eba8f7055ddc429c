//! Rows with worked answers, of which templates make what a teacher shows.

use std::collections::BTreeSet;

use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;

use super::formulas::Texts;
use super::{Published, unusable};
use crate::{DataError, Demonstration, Item};

/// How the rows of a file become a teacher's thoughts and answers.
///
/// Templates are as in [`Published`].
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PublishedDemonstrations {
    /// The rows and their questions, as in `published-items`. `first` counts rows that are learnt from.
    pub rows: Published,
    /// The teacher's thought, as a Jinja template.
    pub thought: String,
    /// The teacher's answer, as a Jinja template; without it, the reference answer.
    #[serde(default)]
    pub reply: Option<String>,
}

/// The names of templates.
const THOUGHT: &str = "thought";
const REPLY: &str = "reply";

impl PublishedDemonstrations {
    /// Checks what is written, without a file.
    ///
    /// # Errors
    /// The parameter that is wrong, by its path, and why.
    pub fn check(&self) -> Result<(), (String, String)> {
        let path = |name: &str| {
            if [THOUGHT, REPLY].contains(&name) { name.to_owned() } else { format!("rows.{name}") }
        };
        self.rows.formulas(&self.texts()).map(drop).map_err(|(name, message)| (path(name), message))
    }

    fn texts(&self) -> [(&'static str, Option<&str>); 2] {
        [(THOUGHT, Some(&self.thought)), (REPLY, self.reply.as_deref())]
    }

    /// The demonstrations of a file, or of several, whose rows follow each other. Rows that ask what an excluded item asks are left
    /// out. `name` is what messages call the files.
    ///
    /// # Errors
    /// [`DataError`] with file and row, as in [`Published::items`]; or a thought or an answer is empty.
    pub fn demonstrations(
        &self,
        files: &[&Utf8Path],
        name: &Utf8Path,
        excluded: &[Item],
    ) -> Result<Vec<Demonstration>, DataError> {
        let texts: Texts<'_> = &self.texts();
        let formulas = self.rows.formulas(texts).map_err(|error| unusable(name, error))?;
        let asked: BTreeSet<&str> = excluded.iter().map(|item| item.question.trim()).collect();
        self.rows.each(&formulas, files, name, |item, columns| {
            if asked.contains(item.question.trim()) {
                return Ok(None);
            }
            let thought = formulas.render(THOUGHT, columns)?.unwrap_or_default();
            if thought.trim().is_empty() {
                return Err(format!("item `{}`: its thought is empty", item.id));
            }
            let answer = formulas.render(REPLY, columns)?.or_else(|| item.references.first().cloned());
            let (answer, source) = (answer.unwrap_or_default(), item.id.clone());
            if answer.trim().is_empty() {
                return Err(format!("item `{}`: its answer is empty", item.id));
            }
            Ok(Some(Demonstration { item, thought, answer, source }))
        })
    }
}
