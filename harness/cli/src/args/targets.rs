//! Arguments of the commands that take several recipes.

use clap::Args;

use super::{Target, recipe};

/// What to run and at which size: one recipe, or several.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// The recipes: names in `recipes/`, such as `table-05`, or paths of files there
    #[arg(value_name = "RECIPE", value_parser = recipe, required_unless_present = "all")]
    pub(crate) recipes: Vec<String>,
    /// Every recipe of kind `table` that has something to run
    #[arg(long, conflicts_with = "recipes")]
    pub(crate) all: bool,
    /// The scale: a name in `recipes/scale/`
    #[arg(long, default_value = "embedded")]
    pub(crate) scale: String,
    /// Override one value of the scale, as in `--set final-1k.epochs=8`; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) sets: Vec<String>,
}

impl Targets {
    /// The recipe, where only one was named.
    pub(crate) fn only(&self) -> Option<Target> {
        match &self.recipes[..] {
            [recipe] if !self.all => {
                Some(Target { recipe: recipe.clone(), scale: self.scale.clone(), sets: self.sets.clone() })
            }
            _ => None,
        }
    }
}

/// At which size.
#[derive(Clone, Debug, Args)]
pub(crate) struct Size {
    /// The scale: a name in `recipes/scale/`
    #[arg(long, default_value = "embedded")]
    scale: String,
    /// Override one value of the scale; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
}

/// The recipe that a step is of, if it was named, and the size.
#[derive(Clone, Debug)]
pub(crate) struct OfStep {
    recipe: Option<String>,
    pub(crate) scale: String,
    pub(crate) sets: Vec<String>,
    /// The command with `STEP` and `RECIPE` in their places.
    command: &'static str,
}

impl OfStep {
    pub(super) fn new(recipe: Option<&String>, size: &Size, command: &'static str) -> Self {
        Self { recipe: recipe.cloned(), scale: size.scale.clone(), sets: size.sets.clone(), command }
    }

    /// The command for this step of that recipe.
    pub(crate) fn example(&self, step: &str, recipe: &str) -> String {
        self.command.replace("STEP", step).replace("RECIPE", recipe)
    }

    /// The recipe, where one was named.
    pub(crate) fn target(&self) -> Option<Target> {
        let recipe = self.recipe.clone()?;
        Some(Target { recipe, scale: self.scale.clone(), sets: self.sets.clone() })
    }
}
