//! Estimates from scores: functions of cells with intervals over questions and training seeds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CellId, PerBenchmark, Score, Scores, ScoresError, Values};
use crate::interval::{self, Estimate, IntervalError, NOISE, Stratum, average, sample_variance};
use crate::pooled::SeedTable;
use crate::spread::{Cell, Edge, Spread};
use crate::variance::{Component, Crossed, SeedVariance, of_seeds};

/// An estimate from several training runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// From each question's mean over seeds and samples, with an interval over questions and seeds.
    pub estimate: Estimate,
    /// Each seed's own value, beside it; empty when nothing in the estimate was trained per seed.
    pub per_seed: BTreeMap<u64, f64>,
    /// What the estimate varies by.
    pub spread: Spread,
}

/// The value of a function of cells, and its partial derivatives.
#[derive(Debug, Clone, PartialEq)]
pub struct Smooth {
    /// The value.
    pub value: f64,
    /// One derivative per cell, in the order of the cells.
    pub gradient: Vec<f64>,
}

/// How samples without a verdict are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bound {
    /// They are left out.
    #[default]
    Judged,
    /// So that the function of cells becomes as small as it can.
    Least,
    /// So that it becomes as large as it can.
    Most,
}

/// Which scores an estimate is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct View {
    /// A training seed that is left out.
    pub without: Option<u64>,
    /// How samples without a verdict are counted.
    pub bound: Bound,
}

/// One cell as a mean of benchmarks of one row.
struct Source<'a> {
    row: &'a str,
    seeds: &'a BTreeMap<Option<u64>, PerBenchmark>,
    benchmarks: Vec<&'a str>,
    pick: fn(&Score) -> Option<f64>,
}

impl Source<'_> {
    /// The scores on a benchmark under a seed; those of the one model there is, for a row without seeds.
    fn scores(&self, seed: Option<u64>, benchmark: &str) -> impl Iterator<Item = Option<f64>> {
        let run = self.seeds.get(&seed).or_else(|| self.seeds.get(&None));
        let scores = run.and_then(|run| run.get(benchmark)).map_or(&[][..], Vec::as_slice);
        scores.iter().map(self.pick)
    }

    /// The mean over the benchmarks of the mean over their questions with a score.
    fn mean(&self, seed: Option<u64>) -> f64 {
        let of = |benchmark: &&str| average(&self.scores(seed, benchmark).flatten().collect::<Vec<_>>());
        self.benchmarks.iter().map(of).sum::<f64>() / self.benchmarks.len() as f64
    }
}

impl Scores {
    /// Any smooth function of cells, with an interval by the delta method: exact for linear combinations,
    /// first order for ratios. `f` is given one value per cell, in order, for the pooled scores and for each
    /// seed.
    ///
    /// Rows without seeds stand beside each seed of the others. The part of the variance that comes from training follows
    /// from the values of the single seeds, and where a mean is close to 0 or 1 its limits are Wilson's: see
    /// [`variance`](crate::variance) and [`spread`](crate::spread). A question without a verdict counts in no mean of its
    /// row, and its part in the variance is left out. Amounts have no ends, and figures no questions: their variance is that
    /// of the seeds alone, and without seeds they have no interval.
    ///
    /// # Errors
    /// [`ScoresError`] if a cell was not measured, the rows' seeds differ, or a value is not finite.
    pub fn evaluate(&self, cells: &[CellId], f: impl Fn(&[f64]) -> Smooth) -> Result<Measured, ScoresError> {
        self.evaluate_view(cells, View::default(), f)
    }

    /// The same from a part of the scores, or with samples without a verdict counted in another way.
    ///
    /// # Errors
    /// As [`Scores::evaluate`].
    pub fn evaluate_view(
        &self,
        cells: &[CellId],
        view: View,
        f: impl Fn(&[f64]) -> Smooth,
    ) -> Result<Measured, ScoresError> {
        let mut sources: Vec<Source<'_>> =
            cells.iter().map(|cell| self.source(cell)).collect::<Result<_, _>>()?;
        let trained: Vec<u64> =
            self.common_seeds(cells)?.into_iter().filter(|seed| Some(*seed) != view.without).collect();
        let seeds: Vec<Option<u64>> =
            if trained.is_empty() { vec![None] } else { trained.iter().copied().map(Some).collect() };
        let at = |sources: &[Source<'_>]| {
            let mean = |source: &Source<'_>| {
                seeds.iter().map(|seed| source.mean(*seed)).sum::<f64>() / seeds.len() as f64
            };
            f(&sources.iter().map(mean).collect::<Vec<_>>())
        };
        let mut centre = at(&sources);
        if view.bound != Bound::Judged {
            let least = view.bound == Bound::Least;
            for (source, slope) in sources.iter_mut().zip(&centre.gradient) {
                source.pick =
                    if (*slope > 0.0) == least { |score| Some(score.low) } else { |score| Some(score.high) };
            }
            centre = at(&sources);
        }
        let mut per_seed = BTreeMap::new();
        let mut linear = Vec::new();
        for &seed in &trained {
            let means: Vec<f64> = sources.iter().map(|source| source.mean(Some(seed))).collect();
            let value = f(&means).value;
            if !value.is_finite() {
                return Err(IntervalError::NotFinite.into());
            }
            per_seed.insert(seed, value);
            linear.push(means.iter().zip(&centre.gradient).map(|(mean, slope)| mean * slope).sum());
        }
        let Variation { mut all, mut core, edges, questions } =
            self.variation(&sources, &centre.gradient, &seeds)?;
        let of_seeds = match self.seeds {
            SeedVariance::Pooled => self.pooled(cells, &sources, &centre.gradient, &trained),
            SeedVariance::Own => of_seeds(&linear).into_iter().collect(),
        };
        for variation in [&mut all, &mut core] {
            variation.seeds.clone_from(&of_seeds);
            if of_seeds.is_empty() {
                variation.remainder.clear();
            }
        }
        let mut estimate = Estimate::new(centre.value, &all, questions, trained.len())?;
        let spread = Spread { core: core.total(), edges };
        if !spread.edges.is_empty() {
            estimate = estimate.within(&spread);
        }
        Ok(Measured { estimate, per_seed, spread })
    }

    /// What training contributes to the variance, pooled over the rows with the same seeds.
    fn pooled(
        &self,
        cells: &[CellId],
        sources: &[Source<'_>],
        gradient: &[f64],
        trained: &[u64],
    ) -> Vec<Component> {
        let benchmarks: BTreeSet<&str> =
            sources.iter().flat_map(|source| source.benchmarks.iter().copied()).collect();
        let values = |seeds: &BTreeMap<Option<u64>, PerBenchmark>| -> Option<Vec<Vec<f64>>> {
            let of_seed = |seed: &u64| -> Option<Vec<f64>> {
                let run = seeds.get(&Some(*seed))?;
                let mean = |benchmark: &&str| {
                    let scores = run.get(*benchmark)?;
                    Some(average(&scores.iter().filter_map(|score| score.value).collect::<Vec<_>>()))
                };
                benchmarks.iter().map(mean).collect()
            };
            trained.iter().map(of_seed).collect()
        };
        let rows: BTreeMap<&str, Vec<Vec<f64>>> =
            self.rows.iter().filter_map(|(row, seeds)| Some((row.as_str(), values(seeds)?))).collect();
        let mut weights: BTreeMap<&str, Vec<f64>> =
            rows.keys().map(|row| (*row, vec![0.0; benchmarks.len()])).collect();
        for ((cell, source), slope) in cells.iter().zip(sources).zip(gradient) {
            if let Some(of_row) = weights.get_mut(cell.row.as_str()) {
                for (weight, benchmark) in of_row.iter_mut().zip(&benchmarks) {
                    if source.benchmarks.contains(benchmark) {
                        *weight += slope / source.benchmarks.len() as f64;
                    }
                }
            }
        }
        let weights: Vec<Vec<f64>> = weights.into_values().collect();
        SeedTable { values: rows.into_values().collect() }.components(&weights)
    }

    /// The least and the largest mean of a cell that verdicts on the samples without one could give; of shares in `[0, 1]`.
    ///
    /// # Errors
    /// [`ScoresError`] if the cell was not measured.
    pub fn range(&self, cell: &CellId) -> Result<(f64, f64), ScoresError> {
        let mut source = self.source(cell)?;
        let mean = |source: &Source<'_>| {
            let seeds = source.seeds.keys().map(|seed| source.mean(*seed)).sum::<f64>();
            seeds / source.seeds.len() as f64
        };
        source.pick = |score| Some(score.low);
        let least = mean(&source);
        source.pick = |score| Some(score.high);
        Ok((least, mean(&source)))
    }

    /// What questions, and what neither questions nor seeds, contribute to the variance.
    fn variation(
        &self,
        sources: &[Source<'_>],
        gradient: &[f64],
        seeds: &[Option<u64>],
    ) -> Result<Variation, ScoresError> {
        let columns: BTreeSet<&str> =
            sources.iter().flat_map(|source| source.benchmarks.iter().copied()).collect();
        if columns.is_empty() {
            return Err(IntervalError::NoStratum.into());
        }
        let mut strata: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
        for column in columns {
            let stratum = self.strata.get(column).map_or(column, String::as_str);
            match self.columns.get(column) {
                None | Some(Values::Figures) => {}
                Some(values) => strata.entry(stratum).or_default().push((column, values.are_shares())),
            }
        }
        let mut variation = Variation::default();
        for columns in strata.values() {
            let rows = Rows::of(columns, sources, gradient, seeds);
            let by_seed = rows.added();
            let n = by_seed.first().map_or(0, Vec::len);
            let means: Vec<f64> = (0..n)
                .map(|q| by_seed.iter().map(|values| values[q]).sum::<f64>() / by_seed.len() as f64)
                .collect();
            let questions = interval::of_questions(&[Stratum { weight: 1.0, scores: &means }])?;
            let remainder = remainder(&by_seed, &means);
            let edge = rows.edge();
            if edge.is_none() {
                variation.core.questions.extend(questions.iter().copied());
                variation.core.remainder.extend(remainder);
            }
            variation.edges.extend(edge);
            variation.all.questions.extend(questions);
            variation.all.remainder.extend(remainder);
            variation.questions += rows.asked;
        }
        Ok(variation)
    }

    fn common_seeds(&self, cells: &[CellId]) -> Result<BTreeSet<u64>, ScoresError> {
        let mut common: Option<(&str, BTreeSet<u64>)> = None;
        for cell in cells {
            let seeds: BTreeSet<u64> = self
                .rows
                .get(&cell.row)
                .into_iter()
                .flat_map(|seeds| seeds.keys().flatten().copied())
                .collect();
            match &common {
                _ if seeds.is_empty() => {}
                None => common = Some((&cell.row, seeds)),
                Some((_, expected)) if *expected == seeds => {}
                Some((left, _)) => {
                    return Err(ScoresError::SeedsDiffer {
                        left: (*left).to_owned(),
                        right: cell.row.clone(),
                    });
                }
            }
        }
        Ok(common.map(|(_, seeds)| seeds).unwrap_or_default())
    }

    fn source<'a>(&'a self, cell: &'a CellId) -> Result<Source<'a>, ScoresError> {
        let not_measured = |seed: Option<u64>, benchmark: &str| ScoresError::NotMeasured {
            row: cell.row.clone(),
            seed,
            benchmark: benchmark.to_owned(),
        };
        if self.unmeasured.contains(&cell.column) {
            return Err(not_measured(None, &cell.column));
        }
        let benchmarks = self.benchmarks_of(&cell.column)?;
        let Some(seeds) = self.rows.get(&cell.row) else { return Err(not_measured(None, benchmarks[0])) };
        for benchmark in &benchmarks {
            if let Some((&seed, _)) = seeds.iter().find(|(_, run)| !run.contains_key(*benchmark)) {
                return Err(not_measured(seed, benchmark));
            }
        }
        Ok(Source { row: &cell.row, seeds, benchmarks, pick: |score| score.value })
    }
}

/// What questions, and what neither questions nor seeds, contribute to the variance of a sum over cells.
#[derive(Default)]
struct Variation {
    /// Of all benchmarks.
    all: Crossed,
    /// Of those with no mean close to 0 or 1.
    core: Crossed,
    /// The others.
    edges: Vec<Edge>,
    /// Number of questions.
    questions: usize,
}

/// Scores by seed and question.
type Runs = Vec<Vec<Option<f64>>>;

/// What a sum over cells takes from the columns of one set of questions.
struct Rows {
    rows: Vec<Weighted>,
    /// All questions.
    asked: usize,
}

/// One row in one column.
struct Weighted {
    /// By how much the sum changes with its mean.
    weight: f64,
    /// Whether its scores are shares, which have ends.
    of_shares: bool,
    /// By seed: the scores on the questions that all rows, columns and seeds have a score on.
    runs: Vec<Vec<f64>>,
}

impl Rows {
    /// `columns` are of the same questions, each with whether its values are shares.
    fn of(columns: &[(&str, bool)], sources: &[Source<'_>], gradient: &[f64], seeds: &[Option<u64>]) -> Self {
        let mut rows: BTreeMap<(&str, &str), (f64, bool, Runs)> = BTreeMap::new();
        for (column, of_shares) in columns {
            for (source, slope) in sources.iter().zip(gradient) {
                if source.benchmarks.contains(column) {
                    let scores = || seeds.iter().map(|seed| source.scores(*seed, column).collect()).collect();
                    let row = rows.entry((source.row, column)).or_insert_with(|| (0.0, *of_shares, scores()));
                    row.0 += slope / source.benchmarks.len() as f64;
                }
            }
        }
        let runs = || rows.values().flat_map(|(.., runs)| runs);
        let asked = runs().map(Vec::len).max().unwrap_or(0);
        let complete: Vec<usize> =
            (0..asked).filter(|q| runs().all(|run| run.get(*q).is_some_and(Option::is_some))).collect();
        let kept = |run: &Vec<Option<f64>>| complete.iter().filter_map(|q| run[*q]).collect();
        let weighted = |(weight, of_shares, runs): &(f64, bool, Runs)| Weighted {
            weight: *weight,
            of_shares: *of_shares,
            runs: runs.iter().map(kept).collect(),
        };
        Self { rows: rows.values().map(weighted).collect(), asked }
    }

    /// What each question adds to the sum under each seed, to first order.
    fn added(&self) -> Vec<Vec<f64>> {
        let seeds = self.rows.first().map_or(0, |row| row.runs.len());
        let sum = |seed: usize| {
            let mut sums = vec![0.0; self.rows[0].runs[seed].len()];
            for Weighted { weight, runs, .. } in &self.rows {
                sums.iter_mut().zip(&runs[seed]).for_each(|(sum, score)| *sum += weight * score);
            }
            sums
        };
        (0..seeds).map(sum).collect()
    }

    /// The means over seeds of the rows, if one of them is close to 0 or 1.
    fn edge(&self) -> Option<Edge> {
        let mean = |runs: &Vec<Vec<f64>>| -> Vec<f64> {
            let of = |q: usize| runs.iter().map(|run| run[q]).sum::<f64>() / runs.len() as f64;
            (0..runs.first().map_or(0, Vec::len)).map(of).collect()
        };
        let near =
            |row: &Weighted, scores: &[f64]| Cell::near_the_end(row.weight, scores).filter(|_| row.of_shares);
        let counted = self.rows.iter().filter(|row| row.weight != 0.0);
        let rows: Vec<(Option<Cell>, &Weighted, Vec<f64>)> = counted
            .map(|row| {
                let scores = mean(&row.runs);
                (near(row, &scores), row, scores)
            })
            .collect();
        let cell = |(near, row, scores): &(Option<Cell>, &Weighted, Vec<f64>)| {
            (near.unwrap_or_else(|| Cell::of_amounts(row.weight, scores)), scores.clone())
        };
        let any = rows.iter().any(|(near, ..)| near.is_some());
        any.then(|| Edge::of_cells(&rows.iter().map(cell).collect::<Vec<_>>()))
    }
}

/// What neither question nor seed explains, as a part of the variance of the mean over both.
pub(crate) fn remainder(by_seed: &[Vec<f64>], means: &[f64]) -> Option<Component> {
    let (seeds, questions) = (by_seed.len(), means.len());
    if seeds < 2 || questions < 2 {
        return None;
    }
    let largest = by_seed.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    // The spread of the residuals within each seed; the question means have taken one seed's worth of freedom.
    let squares: f64 = by_seed
        .iter()
        .map(|values| {
            let residuals: Vec<f64> = values.iter().zip(means).map(|(value, mean)| value - mean).collect();
            let variance = sample_variance(&residuals);
            // What is left of subtracting equal numbers is no variation.
            if variance.sqrt() <= NOISE * largest { 0.0 } else { variance * (questions - 1) as f64 }
        })
        .sum();
    let freedom = ((seeds - 1) * (questions - 1)) as f64;
    let variance = squares / freedom / (seeds * questions) as f64;
    Some(Component { variance, degrees_of_freedom: freedom })
}
