//! The grid of an Avg@k: which printed percentages can `k` samples of each of `n` questions give?
//!
//! After Brown and Heathers 2017, "The GRIM test", extended to means over runs. All decisions are in whole
//! numbers: a value `u / 10^d` percent is compared with `100 c / (n k)` by cross-multiplication.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::printed::{BenchmarkSize, PrintedCheck};

/// Most machine words that are read and written to find the sums of rounded runs of one benchmark: about a tenth of a
/// second.
const MOST_WORK: u128 = 100_000_000;
/// How far from the stated numbers of questions and samples others that fit are looked for.
const SEARCHED: u32 = 100;
/// Most numbers of questions and samples that are listed because they fit.
const NEAREST: usize = 3;

/// A way in which a printed percentage may have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The mean was rounded once, at a tie in either direction.
    RoundedOnce,
    /// Each run was rounded to the printed digits, then their mean again.
    RoundedRuns,
    /// Digits were cut off.
    Truncation,
    /// The mean was rounded to fewer digits, and zeros were added.
    AddedZeros,
}

impl Cause {
    /// The causes in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::RoundedOnce, Self::RoundedRuns, Self::Truncation, Self::AddedZeros];

    /// As a fragment of a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::RoundedOnce => "rounding once",
            Self::RoundedRuns => "rounding each run before averaging",
            Self::Truncation => "cutting digits off",
            Self::AddedZeros => "rounding to fewer digits and adding zeros",
        }
    }
}

/// What is decided about one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The cause.
    pub cause: Cause,
    /// Whether it can give the printed value; `None` where deciding would take too long.
    pub possible: Option<bool>,
    /// If it can, an example with enough digits to check by hand.
    pub example: Option<String>,
}

/// Whether a printed percentage lies on its grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridCheck {
    /// As printed.
    pub printed: Decimal,
    /// Questions and samples.
    pub size: BenchmarkSize,
    /// The right answers, of `questions * samples`, whose percentage is closest to the printed one.
    pub closest: i128,
    /// Every cause, and whether it can give the value.
    pub causes: Vec<Decided>,
    /// The chance that a random percentage with these digits is off the grid, from 0 to 1 (Brown and Heathers
    /// 2017, `1 - N / 10^d` for percentages: `1 - questions * samples / (100 * 10^d)`).
    pub power: f64,
    /// For a value off the grid: the numbers of questions and samples on whose grid it lies and that are closest to the
    /// stated ones, up to three. The distance is how much the two numbers differ, added up, and at most 100; at the same
    /// distance, the number of samples changes least, then the smaller numbers come first.
    pub nearest: Vec<BenchmarkSize>,
}

/// Checks values against their grids. Keeps the possible sums of rounded runs, which many cells share.
#[derive(Debug, Default)]
pub struct Grids {
    sums: BTreeMap<(u32, u32, u32), Option<Sums>>,
}

impl Grids {
    /// Compares a printed percentage with its grid.
    pub fn check(&mut self, printed: Decimal, size: BenchmarkSize) -> GridCheck {
        let outcomes = outcomes(size);
        let closest = closest(printed, outcomes);
        let mut causes: Vec<Decided> = Cause::ALL.map(|cause| self.decide(cause, printed, size)).into();
        causes.retain(|decided| decided.cause != Cause::AddedZeros || printed.without_zeros() != printed);
        causes.retain(|decided| decided.cause != Cause::RoundedRuns || size.samples > 1);
        let power = 1.0 - outcomes as f64 / (100 * printed.scale()) as f64;
        let off = !once(printed, outcomes) && outcomes > 0;
        let nearest = if off { nearest(printed, size) } else { Vec::new() };
        GridCheck { printed, size, closest, causes, power: power.clamp(0.0, 1.0), nearest }
    }

    fn decide(&mut self, cause: Cause, printed: Decimal, size: BenchmarkSize) -> Decided {
        let count = outcomes(size);
        let (mut possible, mut example) = (Some(false), None);
        if count == 0 {
            return Decided { cause, possible, example };
        }
        match cause {
            Cause::RoundedOnce => {
                if once(printed, count) {
                    (possible, example) = (Some(true), Some(fraction(closest(printed, count), count)));
                }
            }
            Cause::Truncation => {
                if let Some(right) = cut(printed, count) {
                    (possible, example) = (Some(true), Some(fraction(right, count)));
                }
            }
            Cause::AddedZeros => {
                let short = printed.without_zeros();
                if short != printed && once(short, count) {
                    let digits = fraction(closest(short, count), count);
                    (possible, example) = (Some(true), Some(format!("{digits}, which rounds to {short}")));
                }
            }
            Cause::RoundedRuns => match self.rounded_sums(printed, size) {
                None => possible = None,
                Some(sums) => {
                    if let Some(&sum) = sums.first() {
                        let total = shown(sum, printed.decimals());
                        let mean = quotient(sum, i128::from(size.samples) * printed.scale(), 4);
                        possible = Some(true);
                        example = Some(format!("{} runs that sum to {total}, mean {mean}", size.samples));
                    }
                }
            },
        }
        Decided { cause, possible, example }
    }

    /// The sums of rounded runs, in units of the printed value's last digit, whose mean rounds to it; `None`
    /// where finding them would take too long.
    pub(super) fn rounded_sums(&mut self, printed: Decimal, size: BenchmarkSize) -> Option<Vec<i128>> {
        let BenchmarkSize { questions, samples } = size;
        let sums = self
            .sums
            .entry((questions, samples, printed.decimals()))
            .or_insert_with(|| Sums::of_runs(questions, samples, printed.scale()))
            .as_ref()?;
        // |sum / k - units| <= 1/2
        let k = i128::from(samples);
        let (low, high) =
            ((2 * k * printed.units() - k + 1).div_euclid(2), (2 * k * printed.units() + k) / 2);
        Some((low..=high).filter(|&sum| sums.has(sum)).collect())
    }
}

impl GridCheck {
    /// `consistent`, `off-the-grid`, or `not-attempted` where the grid is so fine that every percentage with
    /// these digits lies on it.
    pub fn result(&self) -> PrintedCheck {
        let count = outcomes(self.size);
        let percentage = (0..=100 * self.printed.scale()).contains(&self.printed.units());
        match (count == 0 || self.power <= 0.0 && percentage, self.possible(Cause::RoundedOnce)) {
            (true, _) => PrintedCheck::NotAttempted,
            (false, Some(true)) => PrintedCheck::Consistent,
            (false, _) => PrintedCheck::OffTheGrid,
        }
    }

    /// Whether a cause can give the value; `None` where deciding would take too long, `Some(false)` also for a cause
    /// that does not apply.
    pub fn possible(&self, cause: Cause) -> Option<bool> {
        self.causes.iter().find(|decided| decided.cause == cause).map_or(Some(false), |found| found.possible)
    }

    /// The percentage on the grid that is closest, with the printed digits; `None` if it has too many.
    pub fn corrected(&self) -> Option<Decimal> {
        let count = outcomes(self.size);
        let twice = 200 * self.closest * self.printed.scale() + count;
        Decimal::new(twice.checked_div(2 * count)?, self.printed.decimals())
    }

    /// For a value off the grid, the arithmetic of the two numbers of right answers around it, the closer one first:
    /// `654/1280 = 51.0938, which rounds to 51.09`.
    pub fn arithmetic(&self) -> String {
        let count = outcomes(self.size);
        let other = match 100 * self.closest * self.printed.scale() < self.printed.units() * count {
            true => self.closest + 1,
            false => self.closest - 1,
        };
        let sides = [self.closest, other].into_iter().filter(|right| (0..=count).contains(right));
        let one = |right: i128| {
            let rounded = rounded(right, count, self.printed);
            format!("{}, which rounds to {rounded}", fraction(right, count))
        };
        sides.map(one).collect::<Vec<_>>().join("; ")
    }

    /// For a value off the grid: the arithmetic and the causes decided.
    pub fn note(&self) -> Option<String> {
        (self.result() == PrintedCheck::OffTheGrid)
            .then(|| format!("{}; {}", self.arithmetic(), causes_in_words(&self.causes)))
    }
}

/// Which causes can give the value and which cannot.
pub(super) fn causes_in_words(causes: &[Decided]) -> String {
    let others = || causes.iter().filter(|decided| decided.cause != Cause::RoundedOnce);
    let possible: Vec<String> = others()
        .filter(|decided| decided.possible == Some(true))
        .map(|decided| match &decided.example {
            Some(example) => format!("{} ({example})", decided.cause.words()),
            None => decided.cause.words().to_owned(),
        })
        .collect();
    let open: Vec<&str> =
        others().filter(|decided| decided.possible.is_none()).map(|decided| decided.cause.words()).collect();
    let mut said = match (possible.is_empty(), open.is_empty()) {
        (false, _) => format!("explained by {}", possible.join(" or ")),
        (true, true) => "explained by no rule of rounding".to_owned(),
        (true, false) => String::new(),
    };
    if !open.is_empty() {
        let separator = if said.is_empty() { "" } else { "; " };
        said = format!("{said}{separator}not decided: {}", open.join(", "));
    }
    said
}

/// Sums of `k` rounded runs, as a set of whole numbers.
#[derive(Debug, Clone)]
struct Sums(Vec<u64>);

impl Sums {
    /// All sums of `samples` values, each a multiple of `100 / questions` rounded to units of `1 / scale`, in
    /// these units; at a tie both neighbours count. `None` if that is too much work.
    fn of_runs(questions: u32, samples: u32, scale: i128) -> Option<Self> {
        let full = u128::try_from(100 * scale).ok()?;
        let words = usize::try_from(full * u128::from(samples) / 64 + 1).ok()?;
        let work = u128::from(samples) * (u128::from(questions) + 1) * words as u128;
        if questions == 0 || work > MOST_WORK {
            return None;
        }
        let (n, full) = (u128::from(questions), full);
        let mut runs: Vec<usize> = Vec::new();
        for right in 0..=n {
            let twice = 2 * full * right;
            let up = (twice + n) / (2 * n);
            let tie = (twice + n) % (2 * n) == 0;
            runs.extend(tie.then(|| up as usize - 1).into_iter().chain([up as usize]));
        }
        runs.dedup();
        let mut sums = vec![0u64; words];
        sums[0] = 1;
        for run in 0..samples as usize {
            let filled = (run * full as usize) / 64 + 1;
            let mut next = vec![0u64; words];
            for &value in &runs {
                add_shifted(&mut next, &sums[..filled], value);
            }
            sums = next;
        }
        Some(Self(sums))
    }

    fn has(&self, sum: i128) -> bool {
        let Ok(sum) = usize::try_from(sum) else { return false };
        self.0.get(sum / 64).is_some_and(|word| word >> (sum % 64) & 1 == 1)
    }
}

/// `into |= from << by`, for bits in words.
fn add_shifted(into: &mut [u64], from: &[u64], by: usize) {
    let (words, bits) = (by / 64, by % 64);
    for (at, &word) in from.iter().enumerate() {
        if word == 0 {
            continue;
        }
        if let Some(low) = into.get_mut(at + words) {
            *low |= word << bits;
        }
        if let (1.., Some(high)) = (bits, into.get_mut(at + words + 1)) {
            *high |= word >> (64 - bits);
        }
    }
}

/// The numbers of questions and samples closest to `size` on whose grid a percentage lies.
fn nearest(printed: Decimal, size: BenchmarkSize) -> Vec<BenchmarkSize> {
    let others = (1..=SEARCHED).flat_map(|distance| at_distance(size, distance));
    others.filter(|other| once(printed, outcomes(*other))).take(NEAREST).collect()
}

/// The numbers of questions and samples whose differences from those of `size` add up to `distance`.
fn at_distance(size: BenchmarkSize, distance: u32) -> impl Iterator<Item = BenchmarkSize> {
    // Both signs of a difference, or the number itself where there is none.
    let both = |number: u32, by: u32| {
        let greater = number.checked_add(by).filter(|_| by > 0);
        [number.checked_sub(by), greater].into_iter().flatten().filter(|number| *number > 0)
    };
    (0..=distance).flat_map(move |by| {
        let samples = both(size.samples, by).collect::<Vec<_>>();
        let of = move |questions| samples.clone().into_iter().map(move |samples| (questions, samples));
        let pairs = both(size.questions, distance - by).flat_map(of);
        pairs.map(|(questions, samples)| BenchmarkSize { questions, samples })
    })
}

/// The number of answers behind a printed percentage.
pub(super) fn outcomes(size: BenchmarkSize) -> i128 {
    i128::from(size.questions) * i128::from(size.samples)
}

/// The number of right answers among `count` whose percentage is closest to a printed one.
pub(super) fn closest(printed: Decimal, count: i128) -> i128 {
    ((2 * printed.units() * count + 100 * printed.scale()).div_euclid(200 * printed.scale())).clamp(0, count)
}

/// Whether the percentage of `right` among `count` rounds to a printed one, at a tie in either direction.
pub(super) fn rounds_to(right: i128, count: i128, printed: Decimal) -> bool {
    2 * (100 * right * printed.scale() - printed.units() * count).abs() <= count
}

fn once(printed: Decimal, count: i128) -> bool {
    rounds_to(closest(printed, count), count, printed)
}

/// The number of right answers whose percentage becomes the printed one when digits are cut off.
fn cut(printed: Decimal, count: i128) -> Option<i128> {
    let full = 100 * printed.scale();
    let right = (printed.units() * count + full - 1).div_euclid(full);
    let fits = (0..=count).contains(&right) && right * full < (printed.units() + 1) * count;
    fits.then_some(right)
}

/// `654/1280 = 51.0938 %`.
pub(super) fn fraction(right: i128, count: i128) -> String {
    format!("{right}/{count} = {}", quotient(100 * right, count, 4))
}

fn rounded(right: i128, count: i128, like: Decimal) -> String {
    quotient(100 * right, count, like.decimals())
}

/// A quotient, rounded half up to `decimals` digits. Both numbers are at least 0, the second is not 0.
pub(super) fn quotient(numerator: i128, denominator: i128, decimals: u32) -> String {
    let units = (2 * numerator * 10i128.pow(decimals) + denominator).div_euclid(2 * denominator);
    shown(units, decimals)
}

fn shown(units: i128, decimals: u32) -> String {
    Decimal::new(units, decimals).map_or_else(|| format!("{units}e-{decimals}"), |value| value.to_string())
}
