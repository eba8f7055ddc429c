//! The command lines of `report` and `samples`.

use camino::Utf8PathBuf;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The report: the JSON form, which `assay run` writes beside the page
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) file: Option<Utf8PathBuf>,
    /// Sum up all reports of a scale: outcomes by table, every claim, and which findings stand among all of them. Writes
    /// `index.md`, `index.json` and `index.html` beside the reports, and prints the summary
    #[arg(long, conflicts_with_all = ["html", "markdown", "csv", "latex", "macros"])]
    pub(crate) all: bool,
    /// With --all: the scale, a folder in `reports/`
    #[arg(long, value_name = "NAME", default_value = "embedded", requires = "all")]
    pub(crate) scale: String,
    /// With --all: the folder of the reports, if not that of the scale
    #[arg(long, value_name = "DIR", requires = "all")]
    pub(crate) from: Option<Utf8PathBuf>,
    /// Where to write it as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<Utf8PathBuf>,
    /// Where to write it as Markdown
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<Utf8PathBuf>,
    /// Where to write the cells of the table as comma-separated values, with each seed
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<Utf8PathBuf>,
    /// Where to write the table for LaTeX, with booktabs
    #[arg(long, value_name = "FILE")]
    pub(crate) latex: Option<Utf8PathBuf>,
    /// Where to write a LaTeX package with the numbers as macros: `\assay{ROW.COLUMN}` in a text, `\assaycheck{HASH}`
    /// against numbers that have changed since
    #[arg(long, value_name = "FILE")]
    pub(crate) macros: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SamplesArgs {
    /// The report: the JSON form, which `assay run` writes beside the page
    #[arg(value_name = "REPORT")]
    pub(crate) report: Utf8PathBuf,
    /// The row, by its id
    #[arg(long, value_name = "ROW")]
    pub(crate) row: String,
    /// The benchmark: the name of a column, or of what it was measured on
    #[arg(long, value_name = "BENCHMARK")]
    pub(crate) benchmark: String,
    /// The question whose samples are printed [default: list all questions with the row's score]
    #[arg(long, value_name = "QUESTION")]
    pub(crate) question: Option<String>,
    /// Only samples of the model that was trained with this seed
    #[arg(long, value_name = "SEED", requires = "question")]
    pub(crate) seed: Option<u64>,
}
