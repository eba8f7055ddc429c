//! Estimates from scores: functions of cells with intervals over questions and training seeds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{CellId, PerBenchmark, Score, Scores, ScoresError};
use crate::interval::{self, Estimate, IntervalError, Stratum, average, sample_variance};
use crate::variance::{Component, Crossed, SeedTable};

/// An estimate from several training runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// From each question's mean over seeds and samples, with an interval over questions and seeds.
    pub estimate: Estimate,
    /// Each seed's own value, beside it; empty when nothing in the estimate was trained per seed.
    pub per_seed: BTreeMap<u64, f64>,
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
    seeds: &'a BTreeMap<Option<u64>, PerBenchmark>,
    benchmarks: Vec<&'a str>,
    pick: fn(&Score) -> f64,
}

impl Source<'_> {
    /// The scores on a benchmark under a seed; those of the one model there is, for a row without seeds.
    fn scores(&self, seed: Option<u64>, benchmark: &str) -> &[Score] {
        let run = self.seeds.get(&seed).or_else(|| self.seeds.get(&None));
        run.and_then(|run| run.get(benchmark)).map_or(&[], Vec::as_slice)
    }

    fn mean(&self, seed: Option<u64>) -> f64 {
        let of = |benchmark: &&str| {
            average(&self.scores(seed, benchmark).iter().map(self.pick).collect::<Vec<_>>())
        };
        self.benchmarks.iter().map(of).sum::<f64>() / self.benchmarks.len() as f64
    }
}

impl Scores {
    /// Any smooth function of cells, with an interval by the delta method: exact for linear combinations,
    /// first order for ratios. `f` is given one value per cell, in order, for the pooled scores and for each
    /// seed.
    ///
    /// Rows without seeds stand beside each seed of the others. The part of the variance that comes from training is
    /// pooled over all rows with the same seeds ([`SeedTable`]).
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
                source.pick = if (*slope > 0.0) == least { |score| score.low } else { |score| score.high };
            }
            centre = at(&sources);
        }
        let mut per_seed = BTreeMap::new();
        for &seed in &trained {
            let value = f(&sources.iter().map(|source| source.mean(Some(seed))).collect::<Vec<_>>()).value;
            if !value.is_finite() {
                return Err(IntervalError::NotFinite.into());
            }
            per_seed.insert(seed, value);
        }
        let (mut variation, questions) = influence(&sources, &centre.gradient, &seeds)?;
        variation.seeds = self.training(cells, &sources, &centre.gradient, &trained);
        if variation.seeds.is_empty() {
            variation.remainder.clear();
        }
        let estimate = Estimate::new(centre.value, &variation, questions, trained.len())?;
        Ok(Measured { estimate, per_seed })
    }

    /// What training contributes to the variance.
    fn training(
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
                    Some(average(&scores.iter().map(|score| score.value).collect::<Vec<_>>()))
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
        Ok(Source { seeds, benchmarks, pick: |score| score.value })
    }
}

/// What questions, and what neither questions nor seeds, contribute to the variance of a sum over cells; and the number of
/// questions.
fn influence(
    sources: &[Source<'_>],
    gradient: &[f64],
    seeds: &[Option<u64>],
) -> Result<(Crossed, usize), ScoresError> {
    let benchmarks: BTreeSet<&str> =
        sources.iter().flat_map(|source| source.benchmarks.iter().copied()).collect();
    let mut variation = Crossed::default();
    let mut questions = 0;
    for benchmark in benchmarks {
        // What each question adds under each seed, to first order.
        let added = |seed: &Option<u64>| -> Vec<f64> {
            let mut sums = Vec::new();
            for (source, slope) in sources.iter().zip(gradient) {
                if source.benchmarks.contains(&benchmark) {
                    let weight = slope / source.benchmarks.len() as f64;
                    let scores = source.scores(*seed, benchmark);
                    sums.resize(scores.len(), 0.0);
                    sums.iter_mut()
                        .zip(scores)
                        .for_each(|(sum, score)| *sum += weight * (source.pick)(score));
                }
            }
            sums
        };
        let by_seed: Vec<Vec<f64>> = seeds.iter().map(added).collect();
        let n = by_seed.first().map_or(0, Vec::len);
        let count = seeds.len() as f64;
        let means: Vec<f64> =
            (0..n).map(|q| by_seed.iter().map(|values| values[q]).sum::<f64>() / count).collect();
        variation.questions.extend(interval::of_questions(&[Stratum { weight: 1.0, scores: &means }])?);
        variation.remainder.extend(remainder(&by_seed, &means));
        questions += n;
    }
    if variation.questions.is_empty() {
        return Err(IntervalError::NoStratum.into());
    }
    Ok((variation, questions))
}

/// What neither question nor seed explains, as a part of the variance of the mean over both.
fn remainder(by_seed: &[Vec<f64>], means: &[f64]) -> Option<Component> {
    let (seeds, questions) = (by_seed.len(), means.len());
    if seeds < 2 || questions < 2 {
        return None;
    }
    // The spread of the residuals within each seed; the question means have taken one seed's worth of freedom.
    let squares: f64 = by_seed
        .iter()
        .map(|values| {
            let residuals: Vec<f64> = values.iter().zip(means).map(|(value, mean)| value - mean).collect();
            sample_variance(&residuals) * (questions - 1) as f64
        })
        .sum();
    let freedom = ((seeds - 1) * (questions - 1)) as f64;
    let variance = squares / freedom / (seeds * questions) as f64;
    Some(Component { variance, degrees_of_freedom: freedom })
}
