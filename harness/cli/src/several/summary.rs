//! What a run of several tables came to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_flow::{How, Recipe};
use assay_report::Outcome;
use camino::Utf8Path;
use serde::Serialize;

use crate::compose::filed::Settled;
use crate::display::duration;
use crate::failure::Failure;
use crate::visible::visible;

/// What a run of several tables came to.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// In the order of the recipes.
    pub(crate) tables: Vec<Table>,
    /// Recipes that were left out, since they hold printed values only.
    pub(crate) printed_only: Vec<String>,
    /// Steps of all tables; one that several need counts once.
    pub(crate) steps: usize,
    /// Steps that several tables need.
    pub(crate) shared: usize,
    /// Steps that ran to their end.
    pub(crate) ran: usize,
    /// Steps that failed.
    pub(crate) failed: usize,
    /// How long the run took.
    pub(crate) seconds: f64,
    /// Processor time of this process, and of its workers that have ended.
    pub(crate) cpu_seconds: f64,
    /// Where the reports are.
    pub(crate) folder: String,
}

/// One table.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    recipe: String,
    title: String,
    /// False if a step that it needs failed, or its report could not be written.
    finished: bool,
    /// The primary claim, if the recipe names one.
    primary: Option<Primary>,
    /// How many claims have each outcome.
    claims: BTreeMap<&'static str, usize>,
    /// Steps that it needs.
    steps: usize,
    /// Of these, steps that ran in this run.
    ran: usize,
    /// Of these, steps that ran and that no earlier table needs.
    ran_first: usize,
    /// Sum of the times of these last ones, in seconds.
    step_seconds: f64,
    /// Its page.
    report: Option<String>,
}

#[derive(Debug, Serialize)]
struct Primary {
    claim: String,
    outcome: &'static str,
}

impl Table {
    /// A table of which no step is counted yet.
    pub(crate) fn new(recipe: &Recipe, report: Option<(&[Settled], impl AsRef<Utf8Path>)>) -> Self {
        let mut table = Self {
            recipe: recipe.name.clone(),
            title: recipe.title.clone(),
            finished: report.is_some(),
            primary: None,
            claims: BTreeMap::new(),
            steps: 0,
            ran: 0,
            ran_first: 0,
            step_seconds: 0.0,
            report: None,
        };
        if let Some((claims, page)) = report {
            for settled in claims {
                *table.claims.entry(settled.outcome.word()).or_default() += 1;
            }
            let primary = claims.iter().find(|settled| settled.primary);
            table.primary = primary
                .map(|settled| Primary { claim: settled.claim.clone(), outcome: settled.outcome.word() });
            table.report = Some(page.as_ref().to_string());
        }
        table
    }

    /// Counts a step that it needs; `before` says whether an earlier table needs it too.
    pub(crate) fn add(&mut self, how: Option<How>, before: bool) {
        self.steps += 1;
        if let Some(How::Ran { seconds }) = how {
            self.ran += 1;
            if !before {
                self.ran_first += 1;
                self.step_seconds += seconds;
            }
        }
    }

    fn outcome(&self) -> String {
        match &self.primary {
            _ if !self.finished => "not finished".to_owned(),
            Some(primary) => format!("{} {}", visible(&primary.claim), primary.outcome),
            None => "no primary claim".to_owned(),
        }
    }
}

/// Columns of the text that are neither for the title nor for the primary claim, with the spaces before each.
const OTHERS: usize = 6 * Outcome::ALL.len() + 12 + 10;

/// The version of the summary's JSON form.
const SUMMARY_FORMAT: u32 = 1;

/// The least width at which titles are worth their place.
const TITLE: usize = 14;

/// An outcome's word at the head of a narrow column.
fn heading_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::Reversed => "rev.",
        Outcome::Smaller => "small",
        Outcome::Open => "open",
        Outcome::NotTestable => "gated",
        Outcome::NotAttempted => "n/a",
    }
}

impl Summary {
    /// One line of JSON.
    pub(crate) fn to_json(&self) -> Result<String, Failure> {
        let mut value = serde_json::to_value(self).map_err(|error| Failure::Internal(error.to_string()))?;
        // Told apart from the events of the run, which stand before it.
        if let Some(fields) = value.as_object_mut() {
            fields.insert("format".to_owned(), SUMMARY_FORMAT.into());
            fields.insert("event".to_owned(), "summary".into());
        }
        Ok(value.to_string())
    }

    /// A line for each table, and totals.
    pub(crate) fn text(&self, width: usize) -> String {
        let names = self.tables.iter().map(|table| table.recipe.chars().count()).max().unwrap_or(0).max(5);
        let primary = if width < 100 { 16 } else { 20 };
        let title = width.saturating_sub(OTHERS + names + 2 + primary).min(48);
        let title = if title < TITLE { 0 } else { title };
        let mut text = String::new();
        let mut heading = format!("{:names$}", "table");
        if title > 0 {
            let _ = write!(heading, "  {:w$}", "title", w = title - 2);
        }
        let _ = write!(heading, "  {:primary$}", "primary claim");
        for outcome in Outcome::ALL {
            let _ = write!(heading, " {:>5}", heading_of(outcome));
        }
        let _ = writeln!(text, "{heading} {:>11} {:>9}", "run/cached", "time");
        for table in &self.tables {
            let _ = write!(text, "{:names$}", table.recipe);
            if title > 0 {
                let _ = write!(text, "  {:w$}", shortened(&visible(&table.title), title - 2), w = title - 2);
            }
            let _ = write!(text, "  {:primary$}", shortened(&table.outcome(), primary));
            for outcome in Outcome::ALL {
                let count = table.claims.get(outcome.word()).copied().unwrap_or(0);
                let _ = write!(text, " {count:>5}");
            }
            let steps = format!("{}/{}", table.ran, table.steps - table.ran);
            let _ = writeln!(text, " {steps:>11} {:>9}", duration(table.step_seconds));
        }
        let _ = write!(text, "\n{}", self.totals());
        text
    }

    fn totals(&self) -> String {
        let mut text = String::new();
        let outcomes = Outcome::ALL.map(|outcome| {
            let count: usize = self.tables.iter().filter_map(|table| table.claims.get(outcome.word())).sum();
            format!("{count} {}", outcome.word())
        });
        let unfinished = self.tables.iter().filter(|table| !table.finished).count();
        let left = if unfinished > 0 { format!(", {unfinished} not finished") } else { String::new() };
        let _ =
            writeln!(text, "{}{left}; claims: {}", counted(self.tables.len(), "table"), outcomes.join(", "));
        let cached = self.steps - self.ran - self.failed;
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let rest = if self.failed > 0 { "cached, saved or not started" } else { "cached or saved" };
        let _ = writeln!(
            text,
            "{}: {} executed{failed}, {cached} {rest}; {} {} shared by several tables",
            counted(self.steps, "step"),
            self.ran,
            self.shared,
            if self.shared == 1 { "is" } else { "are" }
        );
        let _ = writeln!(
            text,
            "{} of time, {} of processor time; the time of a shared step stands at the first table that needs it",
            duration(self.seconds),
            duration(self.cpu_seconds)
        );
        let _ = writeln!(text, "reports are in {}", self.folder);
        if !self.printed_only.is_empty() {
            let _ = writeln!(
                text,
                "left out, since they hold printed values only: {} (see `assay audit`)",
                self.printed_only.join(", ")
            );
        }
        text
    }
}

/// A number of things: `1 table`, `2 tables`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A text of at most so many characters.
fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
