//! The recipes that are for a scale.

use crate::language::checked::read_scale;
use crate::language::diagnostic::Diagnostics;
use crate::language::recipe::Recipe;
use crate::language::sets::Sets;
use crate::language::workspace::{Reader, Workspace};

/// Reads the recipes that are for a scale, without their graphs, sorted by name: those that do not list other scales, as far
/// as the scale does not list other recipes.
///
/// # Errors
/// Everything that is wrong with the scale and with any of the recipes.
pub fn recipes_for(workspace: &Workspace, scale: &str) -> Result<Vec<Recipe>, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut reader = Reader::new(workspace);
    let scale = read_scale(&mut reader, scale, &mut Sets::new(&[], &mut problems), &mut problems);
    let mut recipes = Vec::new();
    for name in workspace.recipes()? {
        recipes.extend(reader.recipe(&name, &mut problems));
    }
    let Some(scale) = scale else { return Err(problems) };
    recipes.retain(|recipe| recipe.is_for(&scale.name) && scale.is_for(&recipe.name));
    problems.or_ok(recipes)
}
