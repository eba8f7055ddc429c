//! What a check says, which is also its JSON form.

use std::collections::BTreeMap;

use assay_claims::compare::{Call, Comparison, Difference, Pair, Samples};
use assay_report::{Outcome, Quantity};
use schemars::JsonSchema;
use serde::Serialize;

use super::steps::ChangedStep;
use crate::flips::Flips;

/// A run against its baseline.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// Name and version of the form.
    #[schemars(extend("const" = "assay-check 2"))]
    pub(super) format: &'static str,
    pub(crate) recipe: String,
    pub(crate) scale: String,
    /// Whether a cell or a claim has regressed or is missing.
    pub(crate) regression: bool,
    /// Level of the tests.
    pub(super) alpha: f64,
    /// The practical minimum, in points.
    pub(super) min_effect: f64,
    /// The drop in points that the test of the median cell finds with a power of 80 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detectable: Option<f64>,
    /// How often each call occurs among cells and claims.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub(crate) counts: BTreeMap<Call, usize>,
    /// The second look at the suspicions; absent where none was asked for or there was no suspicion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirmation: Option<Confirmed>,
    pub(crate) cells: Vec<Item>,
    pub(crate) claims: Vec<Item>,
    /// The steps that differ, each after its inputs.
    pub(crate) steps: Vec<ChangedStep>,
    /// The samples with another verdict.
    pub(crate) flipped: Flips,
    pub(crate) notes: Vec<String>,
}

/// A second look at all suspicions.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {
    /// The value of the scale that was raised.
    pub(crate) setting: String,
    /// What it was raised to: samples a question.
    pub(crate) samples: u64,
    /// Cells and comparisons of claims that were looked at again.
    pub(crate) suspects: usize,
    /// How many of them have regressed.
    pub(crate) confirmed: usize,
}

/// A cell, a claim or a comparison of a claim, with its call.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// `ROW.COLUMN`, the claim's name, or the comparison's label.
    pub(crate) id: String,
    pub(crate) call: Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<Side>,
    /// The value now minus that of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) difference: Option<Difference>,
    /// The chance of finding a change of the size that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) power: Option<f64>,
    /// Of a cell or comparison that was suspected: what came of the second look, which is its call now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirmation: Option<Confirmation>,
    /// Of a claim: its outcome before and now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcomes: Option<Outcomes>,
    /// Why there is no test, or what a claim's call rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    /// Of a claim: its comparisons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<Item>,
    /// The file that says so; filled in by the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// The line in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
}

/// The outcomes of a claim; `null` on a side that does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcomes {
    pub(crate) baseline: Option<Outcome>,
    pub(crate) now: Option<Outcome>,
}

/// What more samples say.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    /// Whether the suspicion is confirmed.
    pub(crate) confirmed: bool,
    /// Samples a question.
    pub(crate) samples: u64,
    /// The value from all samples.
    pub(crate) now: Side,
    /// The test, adjusted for as many tests as the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) difference: Option<Difference>,
}

impl Confirmation {
    /// In words.
    pub(crate) fn words(&self) -> String {
        let word = if self.confirmed { "confirmed" } else { "not confirmed" };
        format!("{word} with {} samples", self.samples)
    }
}

/// One side's value.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Side {
    pub(crate) value: f64,
    low: f64,
    high: f64,
    /// Judged samples behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u64>,
}

impl Side {
    pub(crate) fn of(quantity: &Quantity) -> Self {
        let Quantity { value, low, high, n, .. } = *quantity;
        Self { value, low, high, n }
    }
}

impl Item {
    /// A cell or a comparison as it was found.
    pub(super) fn new(id: &str, pair: &Pair<'_>, found: Comparison) -> Self {
        let reason = match (pair.baseline, pair.now) {
            (Some(_), None) => Some("measured in the baseline, not now"),
            (None, Some(_)) => Some("not measured in the baseline"),
            _ if pair.samples == Samples::OtherQuestions => Some("of other questions"),
            _ if found.call == Call::NotComparable => Some("without a standard error"),
            _ => None,
        };
        Self {
            id: id.to_owned(),
            call: Some(found.call),
            baseline: pair.baseline.map(Side::of),
            now: pair.now.map(Side::of),
            change: found.change,
            difference: found.difference,
            power: found.power,
            reason,
            ..Self::default()
        }
    }

    pub(crate) fn call(&self) -> Call {
        self.call.unwrap_or(Call::NotComparable)
    }
}

impl Check {
    /// How many tests it makes.
    pub(crate) fn tests(&self) -> usize {
        let parts = self.claims.iter().flat_map(|claim| &claim.parts);
        self.cells.iter().chain(parts).filter(|item| item.difference.is_some()).count()
    }

    /// How many cells and claims fail it.
    pub(super) fn failed(&self) -> usize {
        self.counts.iter().filter(|(call, _)| call.is_regression()).map(|(_, count)| count).sum()
    }

    /// Whether there is something and nothing of it could be compared.
    pub(super) fn is_blind(&self) -> bool {
        !self.counts.is_empty() && self.counts.keys().all(|call| *call == Call::NotComparable)
    }

    /// Counts the calls anew.
    pub(super) fn count(&mut self) {
        self.counts.clear();
        for item in self.cells.iter().chain(&self.claims) {
            *self.counts.entry(item.call()).or_insert(0) += 1;
        }
        self.regression = self.counts.keys().any(|call| call.is_regression());
    }
}
