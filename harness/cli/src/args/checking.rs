//! Arguments of the commands that compare and repeat.

use camino::Utf8PathBuf;
use clap::Args;

use super::{Machine, OfStep, Size, Targets, recipe};

#[derive(Debug, Args)]
#[command(after_help = CHECK_EXIT_CODES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// The report to compare with, for one recipe [default: `reports/SCALE/RECIPE.json`]
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<Utf8PathBuf>,
    /// Level of the tests, adjusted by Holm's method for all of them, over all recipes
    #[arg(long, value_name = "LEVEL", default_value_t = 0.05, value_parser = level)]
    pub(crate) alpha: f64,
    /// The practical minimum in points: smaller differences are none
    #[arg(long, value_name = "POINTS", default_value_t = 0.0, value_parser = points)]
    pub(crate) min_effect: f64,
    /// Sample the rows of suspected cells and claims more often, and test those again: what is confirmed is regressed.
    /// The scale says which value is raised: `confirmation.samples`
    #[arg(long)]
    pub(crate) confirm: bool,
    /// Take this run's report as the baseline: rewrite it, print what differs, and fail once if anything does
    #[arg(long, conflicts_with_all = ["baseline", "sets"])]
    pub(crate) accept: bool,
    /// Where to write the check for JUnit readers: one test case for each cell and claim
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<Utf8PathBuf>,
    /// Print annotations for GitHub, and append a summary to the file of --step-summary
    #[arg(long, conflicts_with = "json")]
    pub(crate) github: bool,
    /// The file that --github appends its summary to
    #[arg(long, value_name = "FILE", env = "GITHUB_STEP_SUMMARY")]
    pub(crate) step_summary: Option<Utf8PathBuf>,
    /// Print the first line and the outcomes of the claims alone; of several recipes a line for each
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

const CHECK_EXIT_CODES: &str = "\
Exit codes: 0 nothing is worse (a suspicion does not fail unless --confirm confirms it); 5 a cell or a claim has regressed or is missing, or --accept \
changed the baseline; 2 there is no baseline, or nothing in it can be compared; 1, 3 and 4 as for every command. Of several recipes the worst decides, \
in this order: 5, then 1, 3 and 4, then 2";

fn level(text: &str) -> Result<f64, String> {
    let level = text.parse().ok().filter(|level: &f64| *level > 0.0 && *level < 1.0);
    level.ok_or_else(|| "expected a number between 0 and 1, such as 0.05".to_owned())
}

fn points(text: &str) -> Result<f64, String> {
    let points = text.parse().ok().filter(|points: &f64| *points >= 0.0 && points.is_finite());
    points.ok_or_else(|| "expected a number of points, 0 or more".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct ChallengeArgs {
    /// The step, as `assay why` takes it
    pub(crate) step: String,
    /// How often to repeat it
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) times: u32,
    /// The recipe, by name or path [default: the one that has the step]
    #[arg(value_parser = recipe)]
    recipe: Option<String>,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

impl ChallengeArgs {
    /// The recipe and its size.
    pub(crate) fn of_step(&self) -> OfStep {
        OfStep::new(self.recipe.as_ref(), &self.size, "assay challenge STEP RECIPE")
    }
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A run, by its id or the beginning of it as `assay runs` lists it, or a report's JSON form
    #[arg(value_name = "A")]
    pub(crate) a: Utf8PathBuf,
    /// Another run or report of the same recipe
    #[arg(value_name = "B")]
    pub(crate) b: Utf8PathBuf,
}
