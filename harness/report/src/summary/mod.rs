//! A summary of several reports: outcomes by table, every claim, and what stands among all of them.

mod html;
mod text;

use std::collections::BTreeMap;

use assay_claims::multiplicity::benjamini_hochberg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use html::summary_html;
pub use text::{summary_markdown, summary_terminal};

use crate::model::{Claim, Outcome, Report};

/// The `format` of a summary's JSON form.
pub const SUMMARY_FORMAT: &str = "assay-summary 1";

/// The stem of the files of a summary; no report has it as its id.
pub const SUMMARY_STEM: &str = "index";

/// The expected share of false findings among the findings that is accepted over a set of tables.
pub const FALSE_DISCOVERY_RATE: f64 = 0.05;

/// A summary of the reports of one scale.
///
/// Within a table, claims share their level by Holm's method, and outcomes are those of the reports. Over the tables the
/// summary adds Benjamini and Hochberg's adjustment, once over the primary claims and once over all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// [`SUMMARY_FORMAT`].
    pub format: String,
    /// The scale of the reports.
    pub scale: String,
    /// Level of every interval, between 0 and 1.
    pub confidence: f64,
    /// The tables, in the order of their ids.
    pub tables: Vec<TableSummary>,
    /// All claims, by table and in the order of each.
    pub claims: Vec<ClaimSummary>,
}

/// One table of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableSummary {
    /// The report's id, the stem of its files.
    pub id: String,
    /// The report's title.
    pub title: String,
    /// Where in the paper.
    pub locator: String,
    /// Hash of the report's JSON form.
    pub hash: String,
    /// The table's primary claim, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<PrimaryClaim>,
    /// How many claims have which outcome. (JSON: an object with the outcomes as keys.)
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Seconds from the start to the end of the run that made it, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_seconds: Option<f64>,
    /// Seconds of processor time of its steps, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
}

/// A table's primary claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrimaryClaim {
    /// The claim's id.
    pub id: String,
    /// What it says.
    pub text: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// One claim of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSummary {
    /// Id of its table.
    pub table: String,
    /// The claim as the report has it, without its rule and what is known of single seeds.
    pub claim: Claim,
    /// For a primary claim: its p value, adjusted for the primary claims of all tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among_primary: Option<f64>,
    /// Its p value, adjusted for all claims of all tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among_all: Option<f64>,
}

impl ClaimSummary {
    /// Whether what was found of the claim also stands among all claims; `None` where nothing was found: the claim is open,
    /// not testable here or not attempted.
    pub fn stands(&self) -> Option<bool> {
        let found =
            !matches!(self.claim.outcome, Outcome::Open | Outcome::NotTestable | Outcome::NotAttempted);
        found.then(|| self.among_all.is_some_and(|p| p <= FALSE_DISCOVERY_RATE))
    }
}

/// Why reports cannot be summed up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SummaryError {
    /// There is none.
    #[error("there is no report to sum up")]
    Nothing,
    /// Reports of two scales.
    #[error("the reports are of two scales: {first} is of `{one}`, {second} of `{other}`")]
    Scales {
        /// Id of one report.
        first: String,
        /// Its scale.
        one: String,
        /// Id of another.
        second: String,
        /// Its scale.
        other: String,
    },
    /// Reports whose intervals have different levels.
    #[error("the intervals of {first} and {second} have different levels")]
    Levels {
        /// Id of one report.
        first: String,
        /// Id of another.
        second: String,
    },
    /// Two reports of one id.
    #[error("two reports have the id {id:?}")]
    Twice {
        /// The id.
        id: String,
    },
}

impl Summary {
    /// Sums up reports of one scale, whatever their order.
    ///
    /// # Errors
    /// [`SummaryError`] when there is no report, two have one id, or they differ in scale or level.
    pub fn new(reports: &[Report]) -> Result<Self, SummaryError> {
        let mut by_id: BTreeMap<&str, &Report> = BTreeMap::new();
        for report in reports {
            if by_id.insert(&report.id, report).is_some() {
                return Err(SummaryError::Twice { id: report.id.clone() });
            }
        }
        let first = *by_id.values().next().ok_or(SummaryError::Nothing)?;
        for report in by_id.values() {
            let (id, other) = (first.id.clone(), report.id.clone());
            if report.scale != first.scale {
                let (one, two) = (first.scale.clone(), report.scale.clone());
                return Err(SummaryError::Scales { first: id, one, second: other, other: two });
            }
            if report.confidence != first.confidence {
                return Err(SummaryError::Levels { first: id, second: other });
            }
        }
        let mut claims: Vec<ClaimSummary> = by_id.values().flat_map(|report| of_report(report)).collect();
        adjust(&mut claims, |_| true, |claim| &mut claim.among_all);
        adjust(&mut claims, |claim| claim.claim.primary, |claim| &mut claim.among_primary);
        Ok(Self {
            format: SUMMARY_FORMAT.to_owned(),
            scale: first.scale.clone(),
            confidence: first.confidence,
            tables: by_id.values().map(|report| table(report)).collect(),
            claims,
        })
    }

    /// The claims that were not tested, since a gate that was fixed beforehand does not pass.
    pub fn not_testable(&self) -> impl Iterator<Item = &ClaimSummary> {
        self.claims.iter().filter(|claim| claim.claim.outcome == Outcome::NotTestable)
    }

    /// The summary as indented JSON with a final newline. Equal summaries give equal bytes.
    pub fn to_json(&self) -> String {
        crate::model::pretty(self)
    }
}

/// The JSON Schema of a summary, as indented JSON with a final newline.
pub fn summary_schema() -> String {
    crate::model::pretty(&schemars::schema_for!(Summary))
}

fn table(report: &Report) -> TableSummary {
    let count = |outcome| report.claims.iter().filter(|claim| claim.outcome == outcome).count() as u64;
    let primary = report.claims.iter().find(|claim| claim.primary);
    TableSummary {
        id: report.id.clone(),
        title: report.title.clone(),
        locator: report.locator.clone(),
        hash: report.hash(),
        primary: primary.map(|claim| PrimaryClaim {
            id: claim.id.clone(),
            text: claim.text.clone(),
            outcome: claim.outcome,
        }),
        outcomes: Outcome::ALL
            .map(|outcome| (outcome, count(outcome)))
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .collect(),
        wall_seconds: None,
        cpu_seconds: None,
    }
}

fn of_report(report: &Report) -> impl Iterator<Item = ClaimSummary> + '_ {
    report.claims.iter().map(|claim| {
        let mut claim = Claim { rule: None, ..claim.clone() };
        for part in &mut claim.parts {
            part.without_seed.clear();
            part.estimate.iter_mut().for_each(|estimate| estimate.per_seed.clear());
        }
        ClaimSummary { table: report.id.clone(), claim, among_primary: None, among_all: None }
    })
}

/// Adjusts the p values of some claims for each other. A claim without a p value was not attempted or is not testable
/// here, and is no test.
fn adjust(
    claims: &mut [ClaimSummary],
    which: impl Fn(&ClaimSummary) -> bool,
    target: impl Fn(&mut ClaimSummary) -> &mut Option<f64>,
) {
    let mut tested: Vec<(&mut ClaimSummary, f64)> = claims
        .iter_mut()
        .filter(|claim| which(claim))
        .filter_map(|claim| claim.claim.p_value.map(|p| (claim, p)))
        .collect();
    let p: Vec<f64> = tested.iter().map(|(_, p)| *p).collect();
    for ((claim, _), adjusted) in tested.iter_mut().zip(benjamini_hochberg(&p)) {
        *target(claim) = Some(adjusted);
    }
}
