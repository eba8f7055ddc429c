//! What a plan or a run is about: the steps of one recipe, or of several that were joined.

use std::borrow::Cow;

use assay_store::{Hash, Hasher};
use camino::Utf8PathBuf;

use crate::language::graph::{Graph, Step};
use crate::language::joined::JoinedGraph;
use crate::language::scale::Scale;

/// More recipes than these are not all named in a title.
const MANY: usize = 3;

/// The steps and what is wanted of them.
pub(crate) struct Work<'a> {
    /// Each after its inputs.
    pub(crate) steps: &'a [Step],
    pub(crate) scale: &'a Scale,
    /// A hash of the recipes' names, the files that they were read from, the scale and the `--set` arguments.
    pub(crate) files: Hash,
    /// One for each recipe.
    pub(crate) goals: Vec<Goal<'a>>,
}

/// A recipe with its steps.
pub(crate) struct Goal<'a> {
    /// The recipe's name.
    pub(crate) recipe: &'a str,
    /// Index of the step whose output the recipe wants.
    pub(crate) target: usize,
    /// Indices of the steps that it needs, each after its inputs, the target last.
    pub(crate) steps: Cow<'a, [usize]>,
}

impl Work<'_> {
    /// Whether a recipe wants this step's output.
    pub(crate) fn is_target(&self, index: usize) -> bool {
        self.goals.iter().any(|goal| goal.target == index)
    }

    /// For each step, the first recipe that needs it.
    pub(crate) fn first_users(&self) -> Vec<usize> {
        let mut first = vec![usize::MAX; self.steps.len()];
        for (recipe, goal) in self.goals.iter().enumerate().rev() {
            goal.steps.iter().for_each(|step| first[*step] = recipe);
        }
        first
    }

    /// For each step, the steps that take it as an input.
    pub(crate) fn users(&self) -> Vec<Vec<usize>> {
        let mut users = vec![Vec::new(); self.steps.len()];
        for (index, step) in self.steps.iter().enumerate() {
            step.upstream().for_each(|upstream| users[upstream].push(index));
        }
        users
    }

    /// The names of the recipes, and the scale's: a title for the run.
    pub(crate) fn title(&self) -> String {
        let recipes: Vec<&str> = self.goals.iter().map(|goal| goal.recipe).collect();
        let recipes = match &recipes[..] {
            [first, .., last] if recipes.len() > MANY => {
                format!("{first} to {last} ({} recipes)", recipes.len())
            }
            few => few.join(" "),
        };
        format!("{recipes} --scale {}", self.scale.name)
    }
}

/// A hash of everything that says where the parameters of recipes are written.
fn files<'a>(
    scale: &Scale,
    recipes: impl ExactSizeIterator<Item = (&'a str, &'a [(Utf8PathBuf, Hash)])>,
) -> Hash {
    let mut hasher = Hasher::new("assay files 1");
    hasher.str("scale", &scale.name).list_len("sets", scale.sets.len());
    scale.sets.iter().for_each(|set| _ = hasher.str("set", set));
    hasher.list_len("recipes", recipes.len());
    for (recipe, files) in recipes {
        hasher.str("recipe", recipe).list_len("files", files.len());
        files.iter().for_each(|(name, hash)| _ = hasher.str("name", name.as_str()).hash("text", hash));
    }
    hasher.finish()
}

impl<'a> From<&'a Graph> for Work<'a> {
    fn from(graph: &'a Graph) -> Self {
        let steps = Cow::Owned((0..graph.steps.len()).collect());
        let goal = Goal { recipe: &graph.recipe.name, target: graph.target, steps };
        let files = files(&graph.scale, [(graph.recipe.name.as_str(), &graph.files[..])].into_iter());
        Self { steps: &graph.steps, scale: &graph.scale, files, goals: vec![goal] }
    }
}

impl<'a> From<&'a JoinedGraph> for Work<'a> {
    fn from(graph: &'a JoinedGraph) -> Self {
        let goals = graph.members.iter().filter_map(|member| {
            let target = *member.steps.last()?;
            Some(Goal { recipe: &member.recipe.name, target, steps: Cow::Borrowed(&member.steps) })
        });
        let named = graph.members.iter().map(|member| (member.recipe.name.as_str(), &member.files[..]));
        let files = files(&graph.scale, named);
        Self { steps: &graph.steps, scale: &graph.scale, files, goals: goals.collect() }
    }
}
