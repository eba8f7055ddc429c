//! Where items and demonstrations are from.

use std::collections::{BTreeMap, BTreeSet};

use assay_store::Hash;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::embedded::{Exclusions, World};
use crate::{DataError, Demonstration, Item, read_demonstrations, read_items};

/// Where items or demonstrations are from, as a recipe says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// The embedded world.
    Embedded(World),
    /// A file of JSON lines, by its path in the workspace.
    File(#[schemars(with = "String")] Utf8PathBuf),
}

impl Source {
    /// The items.
    ///
    /// # Errors
    /// See [`read_items`]; or the embedded world does not have as many.
    pub fn items(&self, workspace: &Utf8Path) -> Result<Vec<Item>, DataError> {
        match self {
            Self::Embedded(world) => Ok(world.items()?),
            Self::File(path) => read_items(&inside(workspace, path)?, path),
        }
    }

    /// Checks that there are items to measure on: two in each benchmark at least, without which there is no
    /// interval. Of a file all of it is checked.
    ///
    /// # Errors
    /// [`DataError::TooFew`]; those of [`items`](Self::items).
    pub fn check_items(&self, workspace: &Utf8Path) -> Result<(), DataError> {
        let counts = match self {
            Self::Embedded(world) => {
                world.check_items()?;
                BTreeMap::from([("each benchmark".to_owned(), world.questions)])
            }
            Self::File(_) => {
                let mut counts = BTreeMap::new();
                for item in self.items(workspace)? {
                    *counts.entry(format!("benchmark `{}`", item.benchmark)).or_default() += 1;
                }
                counts
            }
        };
        let few = counts.into_iter().find(|(_, count)| *count < 2);
        few.map_or(Ok(()), |(of, count)| {
            Err(DataError::TooFew { what: format!("questions of {of}"), count, least: 2 })
        })
    }

    /// Checks that there are demonstrations. Of a file all of it is checked.
    ///
    /// # Errors
    /// [`DataError::TooFew`]; those of [`demonstrations`](Self::demonstrations).
    pub fn check_demonstrations(&self, workspace: &Utf8Path) -> Result<(), DataError> {
        match self {
            Self::Embedded(World { questions: 0, .. }) => {
                Err(DataError::TooFew { what: "questions".to_owned(), count: 0, least: 1 })
            }
            Self::Embedded(world) => Ok(world.check_demonstrations()?),
            Self::File(_) => self.demonstrations(workspace, &[]).map(drop),
        }
    }

    /// The benchmarks that there are items of.
    ///
    /// # Errors
    /// Those of [`items`](Self::items).
    pub fn benchmarks(&self, workspace: &Utf8Path) -> Result<BTreeSet<String>, DataError> {
        match self {
            Self::Embedded(world) => {
                Ok(world.families().iter().map(|family| family.id().to_owned()).collect())
            }
            Self::File(_) => Ok(self.items(workspace)?.into_iter().map(|item| item.benchmark).collect()),
        }
    }

    /// The demonstrations, none of which asks what an excluded item asks: the embedded world draws others, a
    /// file that has one is refused.
    ///
    /// # Errors
    /// See [`read_demonstrations`]; a demonstration of an excluded question; or the embedded world does not
    /// have as many.
    pub fn demonstrations(
        &self,
        workspace: &Utf8Path,
        excluded: &[Item],
    ) -> Result<Vec<Demonstration>, DataError> {
        match self {
            Self::Embedded(world) => Ok(world.demonstrations(&Exclusions::new(excluded))?),
            Self::File(path) => {
                let demonstrations = read_demonstrations(&inside(workspace, path)?, path)?;
                let tests: BTreeMap<&str, &Item> =
                    excluded.iter().map(|item| (item.question.trim(), item)).collect();
                for Demonstration { item, .. } in &demonstrations {
                    if let Some(test) = tests.get(item.question.trim()) {
                        let (id, test) = (item.id.clone(), test.id.clone());
                        return Err(DataError::Leak { path: path.clone(), id, test });
                    }
                }
                Ok(demonstrations)
            }
        }
    }

    /// The hash of the file's bytes, which belongs to the key of whatever is made of it; `None` where the
    /// recipe says it all.
    ///
    /// # Errors
    /// The file cannot be read, or is not inside the workspace.
    pub fn content_hash(&self, workspace: &Utf8Path) -> Result<Option<Hash>, DataError> {
        let Self::File(path) = self else { return Ok(None) };
        let bytes = fs_err::read(inside(workspace, path)?)
            .map_err(|source| DataError::Read { path: path.clone(), source })?;
        Ok(Some(Hash::of(&bytes)))
    }
}

/// The file's place, if its path does not lead out of the workspace.
fn inside(workspace: &Utf8Path, path: &Utf8Path) -> Result<Utf8PathBuf, DataError> {
    let stays = |part| matches!(part, Utf8Component::Normal(_) | Utf8Component::CurDir);
    if path.as_str().is_empty() || !path.components().all(stays) {
        return Err(DataError::Outside { path: path.to_owned() });
    }
    Ok(workspace.join(path))
}
