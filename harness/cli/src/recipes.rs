//! The recipes that `--all` stands for.

use assay_flow::{Diagnostics, RecipeKind, Workspace};

use crate::failure::Failure;

/// The recipes of kind `table`, each group sorted by name.
pub(crate) struct Tables {
    /// Those that have something to run.
    pub(crate) to_run: Vec<String>,
    /// Those that hold printed values only.
    pub(crate) printed_only: Vec<String>,
}

/// Lists the recipes of kind `table` of a workspace that are for a scale. What is wrong with any of them is reported with
/// all others.
pub(crate) fn tables(workspace: &Workspace, scale: &str) -> Result<Tables, Failure> {
    let mut tables = Tables { to_run: Vec::new(), printed_only: Vec::new() };
    let mut problems = Diagnostics::default();
    for name in workspace.recipes()? {
        match workspace.recipe(&name) {
            Ok(recipe) if recipe.kind != RecipeKind::Table || !recipe.is_for(scale) => {}
            Ok(recipe) if recipe.has_steps() => tables.to_run.push(name),
            Ok(_) => tables.printed_only.push(name),
            Err(found) => found.iter().for_each(|diagnostic| problems.push(diagnostic.clone())),
        }
    }
    if problems.is_empty() { Ok(tables) } else { Err(problems.into()) }
}
