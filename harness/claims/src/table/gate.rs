//! Gates: whether a measurement is such that a claim has a fair chance.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, ClaimLayout, Figures, GateLayout, Layout, TableError};
use crate::claim::{Claim, Comparison, Expression, Outcome, Relation};
use crate::scores::CellId;

/// What came of a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Name, such as `hint-has-leverage`.
    pub id: String,
    /// What it asks, in words.
    pub text: String,
    /// The condition in canonical form.
    pub expression: String,
    /// Whether it passes; absent where that cannot be said, because a value was not measured or is not defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    /// By name as in the expression: the value of a cell in percent, or of a figure in its unit, the mean over the seeds that
    /// have it; `null` where it was not measured.
    pub values: BTreeMap<String, Option<f64>>,
    /// Ids of the claims that need it.
    pub claims: Vec<String>,
    /// Why it does not pass, or why that cannot be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Gate {
    /// Holds a table's gates against its cells and figures.
    pub(super) fn all(
        layout: &Layout,
        cells: &BTreeMap<String, BTreeMap<String, Cell>>,
        figures: &Figures,
    ) -> Result<Vec<Self>, TableError> {
        let rows: BTreeSet<&str> = layout.rows.iter().map(|row| row.id.as_str()).collect();
        let value = |name: &CellId| match rows.contains(name.row.as_str()) {
            true => Some(cells.get(&name.row)?.get(&name.column)?.measured.as_ref()?.value),
            false => figure(figures, name),
        };
        let gates = layout.gates.iter().map(|written| {
            let condition: Claim =
                written.expression.parse().map_err(|error: crate::claim::ParseError| TableError::Gate {
                    id: written.id.clone(),
                    message: error.to_string(),
                })?;
            let names = condition.cells();
            let values = names.iter().map(|name| value(name).filter(|value| value.is_finite())).collect();
            let needs = layout.claims.iter().filter(|claim| claim.gates.contains(&written.id));
            let claims = needs.map(|claim| claim.id.clone()).collect();
            Ok(Point { names, values }.hold(written, &condition, claims))
        });
        gates.collect()
    }

    /// Why a claim is not tested, with the outcome that it has then; `None` where all of its gates pass. A gate that does
    /// not pass counts more than one of which nothing is known.
    pub(super) fn bar(gates: &[Self], claim: &ClaimLayout) -> Option<(Outcome, String)> {
        let shut: Vec<&Self> =
            gates.iter().filter(|gate| gate.passed != Some(true) && claim.gates.contains(&gate.id)).collect();
        let failed = shut.iter().any(|gate| gate.passed == Some(false));
        let outcome = if failed { Outcome::NotTestable } else { Outcome::NotAttempted };
        let said = shut.iter().map(|gate| {
            let what = if gate.passed.is_some() { "does not pass" } else { "cannot be decided" };
            let why = gate.note.as_deref().map_or_else(String::new, |why| format!(": {why}"));
            format!("gate `{}` ({}) {what}{why}", gate.id, gate.text)
        });
        (!shut.is_empty()).then(|| (outcome, said.collect::<Vec<_>>().join("; ")))
    }
}

/// A figure of a model: its mean over the seeds that have it.
fn figure(figures: &Figures, name: &CellId) -> Option<f64> {
    let of_seeds = figures.get(&name.row)?.values();
    let values: Vec<f64> = of_seeds.filter_map(|figures| figures.get(&name.column).copied()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The values of the names of a gate, in the order of the names.
struct Point {
    names: Vec<CellId>,
    values: Vec<Option<f64>>,
}

impl Point {
    fn hold(self, written: &GateLayout, condition: &Claim, claims: Vec<String>) -> Gate {
        let of_alternative =
            |parts: &Vec<Comparison>| all(parts.iter().map(|comparison| self.holds(comparison)));
        // One alternative is enough: no alternative may be wrong in all of them.
        let none = all(condition.alternatives.iter().map(|parts| of_alternative(parts).map(|holds| !holds)));
        let passed = none.map(|none| !none);
        let notes: Vec<String> = match passed {
            Some(true) => Vec::new(),
            Some(false) => condition.comparisons().filter_map(|comparison| self.misses(comparison)).collect(),
            None => self.unknown(condition),
        };
        let names = self.names.iter().map(|name| format!("{}.{}", name.row, name.column));
        Gate {
            id: written.id.clone(),
            text: written.text.clone(),
            expression: condition.to_string(),
            passed,
            values: names.zip(self.values.iter().copied()).collect(),
            claims,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    /// The value of an expression; `None` where a value that it needs is missing, or it is not defined.
    fn value(&self, expression: &Expression) -> Option<f64> {
        let values: Vec<f64> = self.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        Some(expression.evaluate(&self.names, &values).value).filter(|value| value.is_finite())
    }

    fn holds(&self, comparison: &Comparison) -> Option<bool> {
        let (left, right) = (self.value(&comparison.left)?, self.value(&comparison.right)?);
        Some(match comparison.relation {
            Relation::Above => left > right,
            Relation::Below => left < right,
            Relation::AtLeast => left >= right,
            Relation::AtMost => left <= right,
            Relation::Within(tolerance) => (left - right).abs() <= tolerance,
        })
    }

    /// What is found in the place of what a comparison asks: `prior.pi-solves is 94.0, above 40`.
    fn misses(&self, comparison: &Comparison) -> Option<String> {
        if self.holds(comparison) != Some(false) {
            return None;
        }
        let Comparison { left, relation, right } = comparison;
        let (found, bound, relation) = match (left.cells().is_empty(), relation) {
            (true, Relation::Above) => (right, left, Relation::Below),
            (true, Relation::Below) => (right, left, Relation::Above),
            (true, Relation::AtLeast) => (right, left, Relation::AtMost),
            (true, Relation::AtMost) => (right, left, Relation::AtLeast),
            (_, relation) => (left, right, *relation),
        };
        let (value, limit) = (self.value(found)?, self.value(bound)?);
        let limit_text = match bound.cells().is_empty() {
            true => bound.to_string(),
            false => format!("`{bound}`, which is {}", rounded(limit, value)),
        };
        let value = rounded(value, limit);
        Some(match relation {
            Relation::Above => format!("`{found}` is {value}, not above {limit_text}"),
            Relation::Below => format!("`{found}` is {value}, not below {limit_text}"),
            Relation::AtLeast => format!("`{found}` is {value}, below {limit_text}"),
            Relation::AtMost => format!("`{found}` is {value}, above {limit_text}"),
            Relation::Within(tolerance) => {
                format!("`{found}` is {value}, more than {tolerance} away from {limit_text}")
            }
        })
    }

    /// What keeps a condition from being decided.
    fn unknown(&self, condition: &Claim) -> Vec<String> {
        let missing: Vec<String> = self
            .names
            .iter()
            .zip(&self.values)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| format!("`{}.{}` was not measured", name.row, name.column))
            .collect();
        if !missing.is_empty() {
            return missing;
        }
        let sides = condition.comparisons().flat_map(|comparison| [&comparison.left, &comparison.right]);
        let undefined = sides.filter(|side| self.value(side).is_none());
        undefined.map(|side| format!("something is divided by zero in `{side}`")).collect()
    }
}

/// Whether all hold; one that does not decides, whatever is not known of others.
fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let parts: Vec<Option<bool>> = parts.collect();
    match parts.contains(&Some(false)) {
        true => Some(false),
        false => (!parts.contains(&None)).then_some(true),
    }
}

/// Most digits after the point in a note.
const MOST_DECIMALS: usize = 9;

/// A value with as few digits as show on which side of a bound it lies, and with at least three where it has them.
fn rounded(value: f64, bound: f64) -> String {
    let first = match value.abs() {
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let texts = (first..=MOST_DECIMALS).map(|decimals| format!("{value:.decimals$}"));
    let same_side = |text: &String| {
        let shown: f64 = text.parse().unwrap_or(f64::NAN);
        shown.partial_cmp(&bound) == value.partial_cmp(&bound)
    };
    texts.into_iter().find(same_side).unwrap_or_else(|| value.to_string())
}
