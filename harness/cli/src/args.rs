//! The command line.

mod checking;
mod reporting;
mod targets;

use assay_claims::Assurance;
use assay_import::Format;
use assay_report::Outcome;
use assay_sandbox::grade::Grader;
use assay_sandbox::{Judge, Judging};
use camino::Utf8PathBuf;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use checking::{ChallengeArgs, CheckArgs, DiffArgs};
pub(crate) use reporting::{ReportArgs, SamplesArgs};
pub(crate) use targets::{OfStep, Size, Targets};

/// Recomputes every number of a paper and says which of them hold.
#[derive(Debug, Parser)]
#[command(name = "assay", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 success, also when the reader of standard output has gone; 1 a step failed, a sample could not be \
judged, an answer could not be graded, an artefact is not what its lock says, a \
challenged step is unstable or different, or an audit found something that changes a claim, a rank or a value; 2 the user's error (recipe, rows, \
arguments); 3 the environment's (disk, store, downloads); 4 an error of assay itself; 5 a check found a regression or \
rewrote its baseline, or a claim has an outcome that --fail-on names; 130 interrupted, by INT, TERM or HUP";

/// Under this heading, a command's help lists the options of every command after its own.
const EVERYWHERE: &str = "Options of every command";

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The workspace: the folder that holds `recipes/` [default: the nearest one, from the current folder upwards]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR")]
    pub(crate) root: Option<Utf8PathBuf>,
    /// The store of artefacts [default: `.assay` in the workspace]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR", env = "ASSAY_STORE")]
    pub(crate) store: Option<Utf8PathBuf>,
    /// The folder of the sandbox's Python images, which several stores may share [default: `images` in the store]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR", env = "ASSAY_IMAGES")]
    pub(crate) images: Option<Utf8PathBuf>,
    /// When to use colour
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
    /// Print JSON on standard output, and why a command failed as JSON on standard error
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On terminals, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run recipes: execute the steps whose results are not in the store, and write the reports
    Run(RunArgs),
    /// Run a recipe and compare its numbers and claims with the committed report
    Check(CheckArgs),
    /// Say what differs between two runs or reports: cells, claims, steps and samples
    Diff(DiffArgs),
    /// Repeat a step on its inputs from the store, and say whether it makes the same again
    Challenge(ChallengeArgs),
    /// Say which steps a run would execute, and why
    Plan(PlanArgs),
    /// Download what runs of recipes need, so that they need no network
    Fetch(FetchArgs),
    /// Pin files of the Hugging Face hub in a lockfile: their commits, sizes and hashes
    Lock(LockArgs),
    /// Check the printed numbers of tables, without a model: averages, grids, repeats, marks, gains, claims
    Audit(AuditArgs),
    /// Say why a step would run, or what its cached result depends on
    Why(WhyArgs),
    /// Say what this machine has for the program, GPUs included, and what is missing
    Doctor,
    /// List the kinds of steps, or describe one: its inputs, its output and its parameters
    Steps {
        /// The kind, such as `train` [default: all, in brief]
        kind: Option<String>,
    },
    /// List the values of a scale, each with the steps that use it, and those that no step uses
    Settings(SettingsArgs),
    /// Judge model-written programs in the sandbox
    Judge(JudgeArgs),
    /// Grade answers: say of each whether it equals the reference answer
    Grade(GradeArgs),
    /// Import verdicts or scores from the logs of other tools, for a row of a table
    Import(ImportArgs),
    /// Measure how much fuel corresponds to a second of native Python
    Calibrate(CalibrateArgs),
    /// Print a report from its JSON form, or write it in other forms
    Report(ReportArgs),
    /// Show what a row scored on the questions of a benchmark, or its samples of one question with their verdicts
    Samples(SamplesArgs),
    /// List the recorded runs
    Runs,
    /// Print the event log of a run
    Log {
        /// The run's id, or its first characters
        run: String,
    },
    /// Inspect, verify or clean the store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = AUDIT_EXIT_CODES)]
pub(crate) struct AuditArgs {
    /// Tables: names in `recipes/`, or files in TOML, CSV, Markdown or LaTeX; they are audited as one paper
    /// [default: all recipes of kind `table`]
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// What a CSV, Markdown or LaTeX file does not say, in TOML: questions, samples, decimals, rounding, groups,
    /// claims [default: the lines between two lines `+++` at the file's start]
    #[arg(long, value_name = "FILE")]
    pub(crate) header: Option<Utf8PathBuf>,
}

const AUDIT_EXIT_CODES: &str = "\
Exit codes: 0 no finding changes a claim, a rank or a value; 1 one does; 2 a table cannot be read or has a mistake; 3 and 4 as \
for every command";

/// What to run and at which size.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The recipe, by name or path.
    pub(crate) recipe: String,
    /// The scale: a name in `recipes/scale/`.
    pub(crate) scale: String,
    /// Values of the scale that are overridden, `PATH=VALUE`.
    pub(crate) sets: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// Print the steps themselves instead, as a recipe without templates and references
    #[arg(long, conflicts_with = "json")]
    pub(crate) expand: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// The recipe, by name or path [default: all that have something to run]
    #[arg(value_parser = recipe)]
    pub(crate) recipe: Option<String>,
    /// The scale: a name in `recipes/scale/`
    #[arg(long, default_value = "embedded")]
    pub(crate) scale: String,
    /// Override one value of the scale; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) sets: Vec<String>,
}

/// A recipe as it is given. A path is made absolute: it is meant from the current folder, and looked up from the
/// workspace.
fn recipe(given: &str) -> Result<String, String> {
    let path = Utf8PathBuf::from(given);
    if path.extension() != Some("toml") || !path.is_file() {
        return Ok(given.to_owned());
    }
    camino::absolute_utf8(&path).map(Utf8PathBuf::into_string).map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// Where to write the report [default: `reports/SCALE`, or inside the store when values are overridden]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<Utf8PathBuf>,
    /// End with exit code 5 if a claim of the table has one of these outcomes, separated by commas
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_parser = claim_outcomes())]
    pub(crate) fail_on: Vec<Outcome>,
    /// Print the outcomes of the claims alone
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// A folder that files were brought to by hand: wheels by their names, files of the hub by REPOSITORY/PATH or by their
    /// names. What it lacks is downloaded
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<Utf8PathBuf>,
    /// Leave out the images of the sandbox's Python
    #[arg(long)]
    pub(crate) no_images: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    /// The lockfile: a name in `lockfiles/`
    #[arg(value_name = "LOCKFILE")]
    pub(crate) lock: String,
    /// The entries to pin, also those that are pinned already [default: all that are unchecked]
    #[arg(value_name = "ENTRY")]
    pub(crate) entries: Vec<String>,
    /// The revision that is pinned: a commit, a tag or a branch [default: the newest commit of the main branch]
    #[arg(long, value_name = "REVISION", requires = "entries")]
    pub(crate) revision: Option<String>,
    /// A folder that files were brought to by hand, as for `fetch`: with a commit in full as REVISION, the hub is not asked
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<Utf8PathBuf>,
}

/// What a run may use of the machine.
#[derive(Debug, Args)]
pub(crate) struct Machine {
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) threads: Option<usize>,
    /// Memory for all steps that run at the same time, by their own estimates, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) memory: u64,
    /// The Python interpreter that sets up the sandbox's image, once
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(crate) python: Utf8PathBuf,
    /// A server that has models, such as http://127.0.0.1:8000, for steps whose engine is `endpoint`; several are asked in
    /// turn. A key that they want is taken from the variable ASSAY_ENDPOINT_KEY
    #[arg(
        long = "endpoint",
        value_name = "URL",
        env = "ASSAY_ENDPOINT",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) endpoints: Vec<String>,
}

fn claim_outcomes() -> impl TypedValueParser<Value = Outcome> {
    let name = |outcome: Outcome| -> &'static str {
        match outcome {
            Outcome::NotAttempted => "not-attempted",
            Outcome::NotTestable => "not-testable",
            other => other.word(),
        }
    };
    PossibleValuesParser::new(Outcome::ALL.map(name)).try_map(move |given| {
        let found = Outcome::ALL.into_iter().find(|outcome| name(*outcome) == given);
        found.ok_or_else(|| format!("no outcome `{given}`"))
    })
}

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Problems with their tests: JSON lines of LiveCodeBench, APPS, TACO, HumanEval, MBPP, CodeContests or
    /// assay's own form
    pub(crate) problems: Utf8PathBuf,
    /// Samples: JSON lines with programs or generations, or a folder of programs named PROBLEM.py or
    /// PROBLEM/ANY.py
    pub(crate) samples: Utf8PathBuf,
    /// Where to write verdicts, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<Utf8PathBuf>,
    /// Where to write the first judge's verdicts in LiveCodeBench's own form, without the samples that could
    /// not be judged
    #[arg(long, value_name = "FILE")]
    pub(crate) eval_all: Option<Utf8PathBuf>,
    /// Where to write a report in Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<Utf8PathBuf>,
    /// The judges, separated by commas: `assay` is sound; `lcb` and `skythought` are those of published
    /// numbers, flaws included
    #[arg(long, value_name = "JUDGES", value_delimiter = ',', default_value = "assay", value_parser = judges())]
    pub(crate) judges: Vec<Judge>,
    /// What the scores are grouped by
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = By::Difficulty)]
    pub(crate) by: By,
    /// Say what would be judged, and judge nothing
    #[arg(long, conflicts_with_all = ["out", "report", "eval_all", "disagreements", "explain"])]
    pub(crate) dry_run: bool,
    /// List the samples on which the judges disagree
    #[arg(long)]
    pub(crate) disagreements: bool,
    /// Judge this sample only, and show the first test that it failed
    #[arg(long, value_name = "SAMPLE", conflicts_with_all = ["out", "report", "eval_all", "disagreements"])]
    pub(crate) explain: Option<String>,
    /// Worker processes, at most 256 [default: all cores]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub(crate) workers: Option<usize>,
    /// Time limit of a test, in whole seconds of a native Python; it is measured in fuel
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = seconds)]
    pub(crate) time_limit: u32,
    /// Fuel of a test, instead of a time limit
    #[arg(long, value_name = "UNITS", conflicts_with = "time_limit", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) fuel: Option<u64>,
    /// Memory limit of a test, in MiB, from 128 to 1024
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(128..=1024))]
    pub(crate) memory: u64,
    /// An image for programs that import packages, which are `unsupported-import` without it
    #[arg(long, value_name = "PACKAGES", value_enum)]
    pub(crate) image: Option<PackagesImage>,
    /// The Python interpreter that sets up the sandbox's image, once
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(crate) python: Utf8PathBuf,
}

/// Images with packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackagesImage {
    /// numpy, in a later CPython; a download of 98 MB
    Numpy,
}

/// What scores are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The problem's difficulty
    Difficulty,
    /// The sample's `model`
    Model,
}

impl By {
    /// Its spelling in tables and documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            By::Difficulty => "difficulty",
            By::Model => "model",
        }
    }
}

fn workers() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::new().range(1..=Judging::MAX_WORKERS as u64)
}

fn judges() -> impl TypedValueParser<Value = Judge> {
    PossibleValuesParser::new(Judge::ALL.map(Judge::name)).try_map(|name| {
        let found = Judge::ALL.into_iter().find(|judge| judge.name() == name);
        found.ok_or_else(|| format!("no judge `{name}`"))
    })
}

fn graders() -> impl TypedValueParser<Value = Grader> {
    PossibleValuesParser::new(Grader::ALL.map(Grader::name))
        .try_map(|name| Grader::of_name(&name).ok_or_else(|| format!("no grader `{name}`")))
}

/// The longest time limit: no benchmark has one of an hour.
const MOST_SECONDS: u32 = 3600;

fn seconds(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=MOST_SECONDS).contains(seconds));
    seconds.ok_or_else(|| format!("expected whole seconds from 1 to {MOST_SECONDS}; --fuel is finer"))
}

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// The native Python to compare with
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(crate) against: Utf8PathBuf,
    /// Native runs of each program; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repetitions: u32,
    /// The Python interpreter that sets up the sandbox's image, once
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(crate) python: Utf8PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The step: `sft-1k-noisy.final[seed=1]`, `sft-1k-noisy.final` for all seeds, `sft-1k-noisy` for all steps of a
    /// model, or `final` for this step of all models
    pub(crate) step: String,
    /// The recipe, by name or path [default: the one that has the step]
    #[arg(long, value_name = "RECIPE", value_parser = recipe)]
    pub(crate) recipe: Option<String>,
    #[command(flatten)]
    pub(crate) size: Size,
}

impl WhyArgs {
    /// The recipe and its size.
    pub(crate) fn of_step(&self) -> OfStep {
        OfStep::new(self.recipe.as_ref(), &self.size, "assay why STEP --recipe RECIPE")
    }
}

#[derive(Debug, Args)]
pub(crate) struct GradeArgs {
    /// Rows as JSON lines or one JSON array, with `id`, `gold` and `prediction` (an answer alone) or `generation` (a
    /// whole response)
    #[arg(value_name = "PAIRS")]
    pub(crate) pairs: Utf8PathBuf,
    /// Where to write the results, as JSON lines in the order of the rows. Nothing is written when grading is
    /// interrupted; the same command goes on where it stopped
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Utf8PathBuf,
    /// The rules by which answers are compared
    #[arg(long, value_name = "NAME", default_value = "math-verify", value_parser = graders())]
    pub(crate) grader: Grader,
    /// Worker processes, at most 256 [default: all cores]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub(crate) workers: Option<usize>,
    /// Units of fuel for one comparison in the sandbox
    #[arg(long, value_name = "UNITS", default_value_t = assay_sandbox::grade::limits().fuel, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) fuel: u64,
    /// The Python interpreter that sets up the sandbox's image, once
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(crate) python: Utf8PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The logs of one model on one benchmark: of Inspect (`.eval`, `.json`), of the Language Model Evaluation
    /// Harness (`samples_*.jsonl`), of LiveCodeBench (`*_eval_all.json`), or CSV or JSON lines with `question`,
    /// `correct` or `score`, and if needed `sample`, `benchmark` and `error`
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<Utf8PathBuf>,
    /// The benchmark, as columns of recipes name it
    #[arg(long, value_name = "ID")]
    pub(crate) benchmark: String,
    /// What the logs call the benchmark, if not the same; may be repeated for a benchmark of several tasks
    #[arg(long = "task", value_name = "NAME")]
    pub(crate) tasks: Vec<String>,
    /// How many questions the benchmark has
    #[arg(long, value_name = "N", required_unless_present = "ids", conflicts_with = "ids", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) questions: Option<u64>,
    /// A file with the names of the benchmark's questions, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) ids: Option<Utf8PathBuf>,
    /// Samples a question: k of Avg@k
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) samples: u32,
    /// How much was done anew for these scores
    #[arg(long, value_name = "LEVEL", value_parser = levels())]
    pub(crate) level: Assurance,
    /// Where to write the scores, as JSON lines
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Utf8PathBuf,
    /// The format of the logs [default: recognised by content]
    #[arg(long, value_name = "NAME", value_parser = formats())]
    pub(crate) format: Option<Format>,
    /// The metric, where a log has several: a scorer of Inspect, or `METRIC,FILTER` of the Language Model
    /// Evaluation Harness
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Of LiveCodeBench: only the questions of this difficulty
    #[arg(long, value_name = "NAME")]
    pub(crate) difficulty: Option<String>,
}

fn levels() -> impl TypedValueParser<Value = Assurance> {
    PossibleValuesParser::new(Assurance::ALL.map(Assurance::name)).try_map(|name| {
        let found = Assurance::ALL.into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| format!("no level `{name}`"))
    })
}

fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name)).try_map(|name| {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| format!("no format `{name}`"))
    })
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Count what the store holds
    Stats,
    /// Check every object and remembered result against its hash; name what is damaged or missing
    Verify,
    /// List what no recorded report or latest result needs; --yes deletes it
    Gc {
        /// Delete it
        #[arg(long)]
        yes: bool,
    },
}
