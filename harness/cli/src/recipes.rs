//! The recipes that `--all` stands for.

use assay_flow::{RecipeKind, Workspace, recipes_for};

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
    let recipes = recipes_for(workspace, scale)?;
    for recipe in recipes.into_iter().filter(|recipe| recipe.kind == RecipeKind::Table) {
        let to_run = recipe.has_steps();
        if to_run { &mut tables.to_run } else { &mut tables.printed_only }.push(recipe.name);
    }
    Ok(tables)
}
