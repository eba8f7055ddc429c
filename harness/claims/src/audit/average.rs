//! Averages: which rules can give a printed average from its printed members?
//!
//! Every rule ends in one rounding to the printed digits, at a tie in either direction. The sums that a rule
//! allows are whole numbers over one common denominator.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::{Grids, closest, outcomes, quotient, rounds_to};
use crate::decimal::Decimal;
use crate::printed::{BenchmarkSize, PrintedCheck};

/// Most sums that are kept one by one; of more, only the lowest and the highest are kept.
const MOST_SUMS: usize = 100_000;
/// Largest common denominator.
const MOST_PARTS: i128 = 1_000_000_000_000_000_000_000;

/// The values from which an average may have been computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AverageRule {
    /// The members as printed.
    PrintedMembers,
    /// Exact percentages that round to the printed members; where a member has no grid or lies off it, any
    /// number that rounds to it.
    ExactMembers,
    /// Means of rounded runs that round to the printed members.
    RoundedRuns,
    /// Exact members, each weighted by the number of its questions: no plain average, but a common one.
    WeightedByQuestions,
}

impl AverageRule {
    /// The rules in the order in which they are listed.
    pub const ALL: [Self; 4] =
        [Self::PrintedMembers, Self::ExactMembers, Self::RoundedRuns, Self::WeightedByQuestions];

    /// As a fragment of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::PrintedMembers => "the printed members",
            Self::ExactMembers => "exact members",
            Self::RoundedRuns => "means of rounded runs",
            Self::WeightedByQuestions => "members weighted by their questions",
        }
    }
}

/// What is decided about one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidedRule {
    /// The rule.
    pub rule: AverageRule,
    /// Whether it can give the printed average; `None` where that is not decided.
    pub possible: Option<bool>,
    /// The lowest and the highest average that it gives, with four more digits than printed, before the last
    /// rounding.
    pub range: Option<(String, String)>,
}

/// How a printed average compares with its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AverageCheck {
    /// As printed.
    pub printed: Decimal,
    /// The members as printed.
    pub members: Vec<Decimal>,
    /// The mean of the printed members, with four more digits than printed.
    pub mean: String,
    /// Every rule, and whether it can give the average.
    pub rules: Vec<DecidedRule>,
}

impl AverageCheck {
    /// Compares an average with its members; `None` if a member is not printed or there are no members.
    pub fn new(
        printed: Decimal,
        members: &[(Option<Decimal>, Option<BenchmarkSize>)],
        grids: &mut Grids,
    ) -> Option<Self> {
        let members: Vec<(Decimal, Option<BenchmarkSize>)> =
            members.iter().map(|(value, size)| Some(((*value)?, *size))).collect::<Option<_>>()?;
        if members.is_empty() {
            return None;
        }
        let plain = members.len() as i128;
        let questions: Option<i128> =
            members.iter().map(|(_, size)| size.map(|size| i128::from(size.questions))).sum();
        let rules = AverageRule::ALL.into_iter().filter_map(|rule| {
            let values: Option<Vec<Values>> =
                members.iter().map(|&(value, size)| Values::of(rule, value, size, grids)).collect();
            let count = if rule == AverageRule::WeightedByQuestions { questions? } else { plain };
            let sums = values.and_then(|values| Values::sums(&values));
            let digits = printed.decimals() + 4;
            Some(DecidedRule {
                rule,
                possible: sums.as_ref().map(|sums| sums.can_round_to(printed, count)),
                range: sums.and_then(|sums| sums.range(count, digits)),
            })
        });
        let rules = rules.collect();
        let values: Vec<Values> = members.iter().map(|(value, _)| Values::exactly(*value)).collect();
        let mean = Values::sums(&values)?.range(plain, printed.decimals() + 4)?.0;
        let members = members.into_iter().map(|(value, _)| value).collect();
        Some(Self { printed, members, mean, rules })
    }

    /// `contradicted` if every rule of a plain average is decided and none can give it.
    pub fn result(&self) -> PrintedCheck {
        let mut plain = self.rules.iter().filter(|decided| decided.rule != AverageRule::WeightedByQuestions);
        let possible = plain.clone().any(|decided| decided.possible == Some(true));
        let open = plain.any(|decided| decided.possible.is_none());
        match (possible, open) {
            (true, _) => PrintedCheck::Consistent,
            (false, true) => PrintedCheck::NotAttempted,
            (false, false) => PrintedCheck::Contradicted,
        }
    }

    /// Whether the members weighted by their questions can give the average.
    pub fn weighted(&self) -> bool {
        let weighted = |decided: &&DecidedRule| decided.rule == AverageRule::WeightedByQuestions;
        self.rules.iter().find(weighted).is_some_and(|decided| decided.possible == Some(true))
    }

    /// Whether a whole column of averages is weighted by questions: this can give each of them, and no rule of a plain
    /// average can give all.
    pub(crate) fn all_weighted<'c>(column: impl Iterator<Item = &'c Self> + Clone) -> bool {
        let contradicted = |check: &Self| check.result() == PrintedCheck::Contradicted;
        column.clone().any(contradicted) && column.clone().all(Self::weighted)
    }

    /// The mean of the printed members, rounded to the printed digits.
    pub fn corrected(&self) -> Option<Decimal> {
        let mean: Decimal = self.mean.parse().ok()?;
        let by = 10i128.pow(mean.decimals().checked_sub(self.printed.decimals())?);
        Decimal::new((2 * mean.units() + by).div_euclid(2 * by), self.printed.decimals())
    }

    /// Whether a value is a mean with digits cut off: the mean of the printed members, or that of members from which
    /// digits were cut off as well, which can be up to one unit of the last digit higher.
    pub(super) fn truncates_to(&self, printed: Decimal) -> bool {
        let Ok(mean) = self.mean.parse::<Decimal>() else { return false };
        let by = 10i128.pow(mean.decimals().saturating_sub(printed.decimals()));
        (1..2 * by).contains(&(printed.units() * by + by - mean.units()))
    }

    /// The sum of the printed members, their number and the mean.
    pub fn arithmetic(&self) -> String {
        let members: Vec<String> = self.members.iter().map(Decimal::to_string).collect();
        format!("({}) / {} = {}", members.join(" + "), members.len(), trimmed(&self.mean))
    }

    /// For a contradicted average: the arithmetic and what each rule gives.
    pub fn note(&self) -> Option<String> {
        (self.result() == PrintedCheck::Contradicted)
            .then(|| format!("{}; {}", self.arithmetic(), self.rules_in_words()))
    }

    /// What each rule other than the first gives.
    pub(super) fn rules_in_words(&self) -> String {
        let range_of =
            |rule| self.rules.iter().find(|decided| decided.rule == rule).map(|decided| &decided.range);
        let exact = range_of(AverageRule::ExactMembers);
        let given = self.rules.iter().skip(1).filter_map(|decided| {
            // With as many questions behind each member, weights change nothing.
            if decided.rule == AverageRule::WeightedByQuestions && Some(&decided.range) == exact {
                return None;
            }
            let (low, high) = decided.range.as_ref()?;
            let (low, high) = (trimmed(low), trimmed(high));
            let between = if low == high { low } else { format!("{low} to {high}") };
            Some(format!("{} give {between}", decided.rule.words()))
        });
        given.collect::<Vec<_>>().join(", ")
    }
}

/// A number without trailing zeros beyond its second digit after the point.
fn trimmed(text: &str) -> String {
    let Some(point) = text.find('.') else { return text.to_owned() };
    let mut end = text.len();
    while end > point + 3 && text.as_bytes().get(end - 1) == Some(&b'0') {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Numbers over one denominator: those of a set, or every number between its lowest and its highest.
struct Values {
    parts: i128,
    set: BTreeSet<i128>,
    all_between: bool,
}

impl Values {
    fn exactly(value: Decimal) -> Self {
        Self { parts: value.scale(), set: [value.units()].into(), all_between: false }
    }

    /// All numbers that round to a value.
    fn rounding_to(value: Decimal) -> Self {
        let twice = 2 * value.units();
        Self { parts: 2 * value.scale(), set: [twice - 1, twice + 1].into(), all_between: true }
    }

    /// The values that a member may have under a rule.
    fn of(rule: AverageRule, value: Decimal, size: Option<BenchmarkSize>, grids: &mut Grids) -> Option<Self> {
        match (rule, size.filter(|&size| outcomes(size) > 0)) {
            (AverageRule::PrintedMembers, _) => Some(Self::exactly(value)),
            (AverageRule::WeightedByQuestions, None) => None,
            (AverageRule::WeightedByQuestions, Some(known)) => {
                let weight = i128::from(known.questions);
                let exact = Self::of(AverageRule::ExactMembers, value, size, grids)?;
                Some(Self { set: exact.set.into_iter().map(|value| value * weight).collect(), ..exact })
            }
            (_, None) => Some(Self::rounding_to(value)),
            (AverageRule::ExactMembers, Some(size)) => {
                let count = outcomes(size);
                let middle = closest(value, count);
                let reach = count / (100 * value.scale()) + 1;
                if reach > MOST_SUMS as i128 {
                    return Some(Self::rounding_to(value));
                }
                let near = (middle - reach..=middle + reach).filter(|right| (0..=count).contains(right));
                let set: BTreeSet<i128> =
                    near.filter(|&right| rounds_to(right, count, value)).map(|right| 100 * right).collect();
                if set.is_empty() {
                    return Some(Self::rounding_to(value));
                }
                Some(Self { parts: count, set, all_between: false })
            }
            (AverageRule::RoundedRuns, Some(size)) => {
                let set: BTreeSet<i128> = match grids.rounded_sums(value, size) {
                    Some(sums) => sums.into_iter().collect(),
                    None => return Some(Self::rounding_to(value)),
                };
                if set.is_empty() {
                    return Some(Self::rounding_to(value));
                }
                Some(Self { parts: i128::from(size.samples) * value.scale(), set, all_between: false })
            }
        }
    }

    /// The sums of one value of each member; `None` where the common denominator is too large.
    fn sums(members: &[Self]) -> Option<Self> {
        let mut parts = 1i128;
        for member in members {
            let shared = divisor(parts, member.parts);
            parts = (parts / shared).checked_mul(member.parts).filter(|&parts| parts <= MOST_PARTS)?;
        }
        let mut sums = Self { parts, set: [0].into(), all_between: false };
        for member in members {
            let by = parts / member.parts;
            let values: Vec<i128> = member.set.iter().map(|value| value * by).collect();
            sums.all_between |= member.all_between || sums.set.len() * values.len() > MOST_SUMS;
            let ends = |values: &[i128]| [values.first().copied(), values.last().copied()];
            let (left, right): (Vec<i128>, Vec<i128>) = if sums.all_between {
                let set: Vec<i128> = sums.set.iter().copied().collect();
                (ends(&set).into_iter().flatten().collect(), ends(&values).into_iter().flatten().collect())
            } else {
                (sums.set.iter().copied().collect(), values)
            };
            sums.set = left.iter().flat_map(|sum| right.iter().map(move |value| sum + value)).collect();
        }
        Some(sums)
    }

    /// Whether the mean of `count` members, rounded, can be the printed average.
    fn can_round_to(&self, printed: Decimal, count: i128) -> bool {
        // sum / (parts * count) against units / scale, within half a unit; all times 2 * parts * count * scale.
        let whole = self.parts * count;
        let distance = |sum: i128| 2 * (sum * printed.scale() - printed.units() * whole);
        if self.all_between {
            let (Some(&low), Some(&high)) = (self.set.first(), self.set.last()) else { return false };
            return distance(low) <= whole && distance(high) >= -whole;
        }
        self.set.iter().any(|&sum| distance(sum).abs() <= whole)
    }

    /// The lowest and the highest mean.
    fn range(&self, count: i128, digits: u32) -> Option<(String, String)> {
        let shown = |sum: i128| quotient(sum.max(0), self.parts * count, digits);
        Some((shown(*self.set.first()?), shown(*self.set.last()?)))
    }
}

/// The greatest common divisor.
fn divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { divisor(b, a % b) }
}
