//! The error of a difference between two runs that answered the same questions.

use std::collections::{BTreeMap, BTreeSet};

use crate::interval::{Stratum, average, of_questions};
use crate::pooled::SeedTable;
use crate::scores::{CellId, remainder};
use crate::variance::{Component, Crossed};

/// Scores by question: the mean over a question's samples, in `[0, 1]`.
pub type ByQuestion = BTreeMap<String, f64>;

/// The scores of one run, as far as they are known: by row and benchmark column, then training seed, then question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    by_cell: BTreeMap<CellId, BTreeMap<Option<u64>, ByQuestion>>,
}

impl Answers {
    /// Takes in the scores of a row on a benchmark column; `seed` is `None` for a row that was not trained per seed.
    pub fn insert(&mut self, cell: CellId, seed: Option<u64>, scores: ByQuestion) {
        self.by_cell.entry(cell).or_default().insert(seed, scores);
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.by_cell.is_empty()
    }

    fn of(&self, row: &str, column: &str) -> Option<&BTreeMap<Option<u64>, ByQuestion>> {
        self.by_cell.get(&CellId { row: row.to_owned(), column: column.to_owned() })
    }
}

/// A part of a quantity: the mean of one row over some benchmark columns, times a weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The row.
    pub row: String,
    /// The benchmark columns, which count alike.
    pub columns: Vec<String>,
    /// The factor of the mean, which lies in `[0, 1]`: 100 for a percentage.
    pub weight: f64,
}

/// How far a difference may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Its standard error; positive.
    pub standard_error: f64,
    /// The degrees of freedom behind it.
    pub degrees_of_freedom: f64,
}

/// The spread of `sum of terms now - sum of terms in the baseline`, from the difference of each question under each seed.
/// What both runs share, above all how hard a question is, falls out (E. Miller 2024, "Adding Error Bars to Evals",
/// arXiv 2411.00640, section 4).
///
/// The part of the seeds is pooled over all rows whose scores are known on both sides, as in a table ([`SeedTable`]): with
/// one such row it is the spread of its own differences.
///
/// `None` where a term's scores are not known on both sides for the same seeds and questions, where a column has fewer than
/// two questions, or where no difference varies.
pub fn spread(baseline: &Answers, now: &Answers, terms: &[Term]) -> Option<Spread> {
    let seeds = common_seeds(now, terms)?;
    let mut by_column: BTreeMap<&str, BySeed> = BTreeMap::new();
    for term in terms {
        let weight = term.weight / term.columns.len() as f64;
        for column in &term.columns {
            let (before, after) = (baseline.of(&term.row, column)?, now.of(&term.row, column)?);
            if !before.keys().eq(after.keys()) {
                return None;
            }
            add(by_column.entry(column).or_default(), (before, after), &seeds, weight)?;
        }
    }
    let mut variation = of_questions_and_rest(&by_column)?;
    variation.seeds = of_seeds(baseline, now, terms, &seeds);
    if variation.seeds.is_empty() {
        variation.remainder.clear();
    }
    let Component { variance, degrees_of_freedom } = variation.total();
    (variance.is_finite() && variance > 0.0)
        .then(|| Spread { standard_error: variance.sqrt(), degrees_of_freedom })
}

/// What each question adds to the difference, seed by seed.
type BySeed = Vec<BTreeMap<String, f64>>;

/// The seeds of the trained rows, which must be the same; one that stands for all where none was trained.
fn common_seeds(answers: &Answers, terms: &[Term]) -> Option<Vec<Option<u64>>> {
    let mut common: Option<Vec<Option<u64>>> = None;
    for term in terms {
        for column in &term.columns {
            let seeds: Vec<Option<u64>> = answers.of(&term.row, column)?.keys().copied().collect();
            match &common {
                _ if seeds == [None] => {}
                Some(known) if *known != seeds => return None,
                _ => common = Some(seeds),
            }
        }
    }
    Some(common.unwrap_or_else(|| vec![None]))
}

/// Scores by question of one row and column, by training seed.
type OfSeeds = BTreeMap<Option<u64>, ByQuestion>;

/// Adds a row's weighted differences on one column. The first row says which questions there are.
fn add(
    sums: &mut BySeed,
    (before, after): (&OfSeeds, &OfSeeds),
    seeds: &[Option<u64>],
    weight: f64,
) -> Option<()> {
    let of = |side: &OfSeeds, seed: &Option<u64>| -> Option<ByQuestion> {
        side.get(seed).or_else(|| side.get(&None)).cloned()
    };
    let first = sums.is_empty();
    sums.resize(seeds.len(), BTreeMap::new());
    for (sum, seed) in sums.iter_mut().zip(seeds) {
        let (before, after) = (of(before, seed)?, of(after, seed)?);
        if !before.keys().eq(after.keys()) || !(first || sum.keys().eq(after.keys())) {
            return None;
        }
        for ((question, now), then) in after.into_iter().zip(before.into_values()) {
            *sum.entry(question).or_default() += weight * (now - then);
        }
    }
    // Seeds answer the same questions.
    sums.iter().all(|sum| sum.keys().eq(sums[0].keys())).then_some(())
}

/// What questions, and what neither questions nor seeds, add to the variance of the sum over columns of their means.
fn of_questions_and_rest(by_column: &BTreeMap<&str, BySeed>) -> Option<Crossed> {
    let mut variation = Crossed::default();
    for by_seed in by_column.values() {
        let by_seed: Vec<Vec<f64>> =
            by_seed.iter().map(|scores| scores.values().copied().collect()).collect();
        let count = by_seed.len() as f64;
        let questions = by_seed.first()?.len();
        let mean = |question: usize| by_seed.iter().map(|scores| scores[question]).sum::<f64>() / count;
        let means: Vec<f64> = (0..questions).map(mean).collect();
        variation.questions.extend(of_questions(&[Stratum { weight: 1.0, scores: &means }]).ok()?);
        variation.remainder.extend(remainder(&by_seed, &means));
    }
    Some(variation)
}

/// What training adds to the variance; empty with fewer than two seeds.
fn of_seeds(baseline: &Answers, now: &Answers, terms: &[Term], seeds: &[Option<u64>]) -> Vec<Component> {
    let columns: BTreeSet<&str> =
        terms.iter().flat_map(|term| term.columns.iter().map(String::as_str)).collect();
    // The mean difference of a row, seed by seed and column by column; `None` for a row that was not trained per seed.
    let differences = |row: &str| -> Option<Vec<Vec<f64>>> {
        let of = |seed: &Option<u64>, column: &str| {
            let mean = |answers: &Answers| Some(mean(answers.of(row, column)?.get(seed)?));
            Some(mean(now)? - mean(baseline)?)
        };
        seeds.iter().map(|seed| columns.iter().map(|column| of(seed, column)).collect()).collect()
    };
    let trained = |row: &&str| seeds.iter().all(Option::is_some) && differences(row).is_some();
    let rows: BTreeSet<&str> =
        baseline.by_cell.keys().map(|cell| cell.row.as_str()).filter(trained).collect();
    let weight = |row: &str, column: &str| -> f64 {
        let of = terms.iter().filter(|term| term.row == row);
        let of = of.filter(|term| term.columns.iter().any(|known| known == column));
        of.map(|term| term.weight / term.columns.len() as f64).sum()
    };
    let weights: Vec<Vec<f64>> =
        rows.iter().map(|row| columns.iter().map(|column| weight(row, column)).collect()).collect();
    SeedTable { values: rows.iter().filter_map(|row| differences(row)).collect() }.components(&weights)
}

fn mean(scores: &ByQuestion) -> f64 {
    average(&scores.values().copied().collect::<Vec<_>>())
}
