//! From a workspace to a checked graph.

use crate::kind::Registry;
use crate::language::checked::Checked;
use crate::language::diagnostic::Diagnostics;
use crate::language::expand::expand;
use crate::language::graph::Graph;
use crate::language::workspace::Workspace;

/// Reads a recipe, the pipeline and a scale, and checks everything that can be checked before a step runs.
///
/// `recipe` is a name in `recipes/` or the path of a file there, absolute or from the workspace's root. `sets`
/// are `path=value` arguments that replace values of the scale.
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
    let checked = Checked::read(workspace, recipe, scale, sets, registry)?;
    let mut problems = Diagnostics::default();
    let steps = expand(&checked, registry, &mut problems);
    let target = steps.len().saturating_sub(1);
    let Checked { mut recipe, content, scale, expect, files, .. } = checked;
    recipe.content = content;
    problems.or_ok(Graph { recipe, scale, expect, files, steps, target })
}
