//! From a workspace to a checked graph.

use std::sync::Arc;

use crate::kind::Registry;
use crate::language::checked::Checked;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::expand::expand;
use crate::language::graph::Graph;
use crate::language::joined::{JoinedGraph, Member};
use crate::language::workspace::Workspace;

/// Reads a recipe, the pipeline and a scale, and checks everything that can be checked before a step runs.
///
/// `recipe` is a name in `recipes/` or the path of a file there, absolute or from the workspace's root. `sets`
/// are `path=value` arguments that replace values of the scale, or of what was fixed beforehand for the recipe
/// (`RECIPE.path=value`).
///
/// # Errors
/// Everything that is wrong, except mistakes that another one hides. Nothing has been run or written.
pub fn load(
    workspace: &Workspace,
    recipe: &str,
    scale: &str,
    sets: &[String],
    registry: &Registry,
) -> Result<Graph, Diagnostics> {
    let joined = load_all(workspace, &[recipe.to_owned()], scale, sets, registry)?;
    // One recipe was asked for and none was left out.
    joined.into_only().ok_or_else(|| Diagnostic::user(format!("there is no recipe `{recipe}`")).into())
}

/// Reads several recipes as [`load`] reads one, and joins their graphs.
///
/// # Errors
/// Everything that is wrong with any of them, and a recipe that is named twice.
pub fn load_all(
    workspace: &Workspace,
    recipes: &[String],
    scale: &str,
    sets: &[String],
    registry: &Registry,
) -> Result<JoinedGraph, Diagnostics> {
    let checked = Checked::read(workspace, recipes, scale, sets, registry)?;
    let Some(first) = checked.first() else {
        return Err(Diagnostic::user("no recipe was named").help("name one, such as `table-05`").into());
    };
    let scale = Arc::clone(&first.scale);
    let mut problems = Diagnostics::default();
    let expanded = expand(&checked, registry, &mut problems);
    let member = |(checked, steps): (Checked, Vec<usize>)| {
        let Checked { mut recipe, content, expect, files, .. } = checked;
        recipe.content = content;
        Member { recipe, expect, files, steps }
    };
    let members = checked.into_iter().zip(expanded.members).map(member).collect();
    problems.or_ok(JoinedGraph { scale, steps: expanded.steps, members })
}
