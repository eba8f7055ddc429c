//! The checks of several recipes together, which is also their JSON form.

use std::collections::BTreeMap;

use assay_claims::compare::Call;
use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::Serialize;

use super::found::Check;
use super::text::{self, counted_all, sight};
use crate::visible::visible;

/// Several recipes against their baselines.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checks {
    /// Name and version of the form.
    #[schemars(extend("const" = "assay-checks 1"))]
    format: &'static str,
    scale: String,
    /// Whether a cell or a claim of any recipe has regressed or is missing.
    pub(super) regression: bool,
    /// How often each call occurs among cells and claims of all recipes.
    #[schemars(with = "BTreeMap<String, usize>")]
    counts: BTreeMap<Call, usize>,
    /// Of the recipe whose gate sees least: the drop in points that the test of its median cell finds with a power of 80 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    detectable: Option<f64>,
    /// The recipes that were checked, in the order in which they were named.
    pub(super) recipes: Vec<Checked>,
    /// The baselines that `--accept` has rewritten.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) accepted: Vec<Accepted>,
    #[serde(flatten)]
    left_out: LeftOut,
}

/// One of several recipes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checked {
    pub(super) recipe: String,
    pub(super) ending: Ending,
    /// Why its run is not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    /// Its check; absent where its run is not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) check: Option<Check>,
}

/// What `--accept` changed of one recipe's baseline.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    pub(super) recipe: String,
    /// How the new baseline differs, in words.
    pub(super) differences: Vec<String>,
    /// The files that were rewritten.
    #[schemars(with = "Vec<String>")]
    pub(super) changed: Vec<Utf8PathBuf>,
}

/// How the check of a recipe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    /// Nothing is worse.
    Passed,
    /// A cell or a claim has regressed or is missing.
    Regressed,
    /// Nothing in its baseline can be compared.
    NotComparable,
    /// A step that it needs failed.
    NotFinished,
}

/// What `--all` does not check.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct LeftOut {
    /// Recipes that hold printed values only.
    pub(super) printed_only: Vec<String>,
    /// Recipes without a committed report.
    pub(super) without_report: Vec<String>,
}

impl Checked {
    pub(super) fn new(check: Check) -> Self {
        let ending = match () {
            () if check.regression => Ending::Regressed,
            () if check.is_blind() => Ending::NotComparable,
            () => Ending::Passed,
        };
        Self { recipe: check.recipe.clone(), ending, problem: None, check: Some(check) }
    }

    pub(super) fn not_finished(recipe: &str, problem: &str) -> Self {
        let (recipe, problem) = (recipe.to_owned(), Some(problem.to_owned()));
        Self { recipe, ending: Ending::NotFinished, problem, check: None }
    }

    /// What is said of it in a line: its calls, and what its gate can see.
    fn words(&self) -> String {
        match (&self.check, &self.problem) {
            (Some(check), _) => {
                format!("{} · {}", counted_all(&check.counts, check.regression), sight(check))
            }
            (None, problem) => format!("not finished: {}", problem.as_deref().unwrap_or("a step failed")),
        }
    }
}

impl Checks {
    pub(super) fn new(scale: &str, recipes: Vec<Checked>, left_out: LeftOut) -> Self {
        let mut counts = BTreeMap::new();
        for (call, count) in recipes.iter().filter_map(|of| of.check.as_ref()).flat_map(|check| &check.counts)
        {
            *counts.entry(*call).or_insert(0) += count;
        }
        let sizes = recipes.iter().filter_map(|checked| checked.check.as_ref()?.detectable);
        Self {
            format: "assay-checks 1",
            scale: scale.to_owned(),
            regression: recipes.iter().any(|checked| checked.ending == Ending::Regressed),
            counts,
            detectable: sizes.max_by(f64::total_cmp),
            recipes,
            accepted: Vec::new(),
            left_out,
        }
    }

    /// The checks that there are.
    pub(super) fn checks(&self) -> impl Iterator<Item = &Check> {
        self.recipes.iter().filter_map(|checked| checked.check.as_ref())
    }

    /// The recipes whose run is not finished, each with the reason.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (&str, &str)> {
        self.recipes.iter().filter_map(|of| Some((of.recipe.as_str(), of.problem.as_deref()?)))
    }

    /// The recipes whose check ended in this way.
    pub(super) fn of(&self, ending: Ending) -> impl Iterator<Item = &str> {
        self.recipes.iter().filter(move |of| of.ending == ending).map(|of| of.recipe.as_str())
    }

    /// The first line: how often each call occurs, and what the gate of the recipe that sees least could have seen.
    fn headline(&self) -> String {
        let sight = self.recipes.iter().find(|of| {
            self.detectable.is_some() && of.check.as_ref().is_some_and(|of| of.detectable == self.detectable)
        });
        let sight = match (sight, self.detectable) {
            (Some(worst), Some(size)) => format!(
                "every gate sees drops of >= {size:.1} points in half of its cells (80 %), {} least",
                visible(&worst.recipe)
            ),
            _ if self.checks().all(|check| check.tests() == 0) => "no test was made".to_owned(),
            _ => "of the cells none was tested, comparisons of claims were".to_owned(),
        };
        let recipes = if self.recipes.len() == 1 { "recipe" } else { "recipes" };
        let unfinished = match self.unfinished().count() {
            0 => String::new(),
            count => format!(" ({count} not finished)"),
        };
        let counts = counted_all(&self.counts, self.regression);
        format!("check of {} {recipes}{unfinished}: {counts} · {sight}", self.recipes.len())
    }

    /// What was left out, in lines.
    fn left_out(&self) -> Vec<String> {
        let LeftOut { printed_only, without_report } = &self.left_out;
        let folder = format!("they have no report in reports/{}", visible(&self.scale));
        let groups = [(printed_only, "they hold printed values only"), (without_report, &folder)];
        let groups = groups.into_iter().filter(|(recipes, _)| !recipes.is_empty());
        groups
            .map(|(recipes, why)| format!("left out, since {why}: {}", visible(&recipes.join(", "))))
            .collect()
    }
}

/// The checks in lines for a terminal: the first line, a line for each recipe, and unless `quiet` all that there is to say.
pub(super) fn text(checks: &Checks, quiet: bool) -> Vec<String> {
    let mut lines = vec![checks.headline(), String::new()];
    let width = checks.recipes.iter().map(|of| of.recipe.chars().count()).max().unwrap_or_default();
    lines.extend(
        checks.recipes.iter().map(|of| format!("{:width$}  {}", visible(&of.recipe), visible(&of.words()))),
    );
    lines.extend(checks.left_out());
    if quiet {
        return lines;
    }
    for check in checks.checks() {
        let more = text::lines(check);
        if !more.is_empty() {
            lines.extend([String::new(), format!("{}:", visible(&check.recipe))]);
            lines.extend(more.into_iter().skip_while(String::is_empty));
        }
    }
    lines
}

/// The checks in GitHub's Markdown.
pub(super) fn markdown(checks: &Checks) -> String {
    let alert = if checks.regression || checks.unfinished().next().is_some() { "CAUTION" } else { "NOTE" };
    let mut text = format!("### assay check: {} recipes at scale {}\n\n", checks.recipes.len(), checks.scale);
    text.push_str(&format!("> [!{alert}]\n> {}\n\n| recipe | check |\n|---|---|\n", checks.headline()));
    for of in &checks.recipes {
        text.push_str(&format!("| {} | {} |\n", text::escaped(&of.recipe), text::escaped(&of.words())));
    }
    text.push('\n');
    checks.left_out().iter().for_each(|line| text.push_str(&format!("- {}\n", text::escaped(line))));
    // Of a recipe of which nothing is worth a line, the table above says all.
    let telling = checks.checks().filter(|check| !text::lines(check).is_empty());
    telling.for_each(|check| text.push_str(&format!("\n{}", text::markdown(check))));
    text
}
