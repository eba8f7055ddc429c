//! Measured scores: rows by seeds by benchmarks by questions, and estimates from them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::interval::{self, Estimate, IntervalError, Stratum, average};

/// Why scores could not be stored or combined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScoresError {
    /// The layout of columns is contradictory.
    #[error("column `{column}` {problem}")]
    Column {
        /// Benchmark or group id.
        column: String,
        /// What is wrong with it.
        problem: ColumnProblem,
    },
    /// A column that the layout does not have.
    #[error("there is no benchmark or group `{column}`")]
    UnknownColumn {
        /// The id asked for.
        column: String,
    },
    /// A question has no score.
    #[error("row `{row}`{} has no score for question `{question}` of `{benchmark}`", of_seed(*seed))]
    MissingQuestion {
        /// Row id.
        row: String,
        /// Training seed.
        seed: Option<u64>,
        /// Benchmark id.
        benchmark: String,
        /// Question id.
        question: String,
    },
    /// A score for a question that the benchmark does not have.
    #[error("row `{row}`{} scores question `{question}`, which is not in `{benchmark}`", of_seed(*seed))]
    UnknownQuestion {
        /// Row id.
        row: String,
        /// Training seed.
        seed: Option<u64>,
        /// Benchmark id.
        benchmark: String,
        /// Question id.
        question: String,
    },
    /// A score outside `[0, 1]`.
    #[error("row `{row}` scores {value} on question `{question}` of `{benchmark}`, outside [0, 1]")]
    OutOfRange {
        /// Row id.
        row: String,
        /// Benchmark id.
        benchmark: String,
        /// Question id.
        question: String,
        /// The value found.
        value: f64,
    },
    /// The same row, seed and benchmark twice.
    #[error("row `{row}`{} has scores for `{benchmark}` already", of_seed(*seed))]
    Duplicate {
        /// Row id.
        row: String,
        /// Training seed.
        seed: Option<u64>,
        /// Benchmark id.
        benchmark: String,
    },
    /// A row both with and without seeds.
    #[error("row `{row}` has scores with and without a training seed")]
    MixedSeeds {
        /// Row id.
        row: String,
    },
    /// No scores where some are needed.
    #[error("row `{row}`{} was not measured on `{benchmark}`", of_seed(*seed))]
    NotMeasured {
        /// Row id.
        row: String,
        /// Training seed, if only some seeds lack it.
        seed: Option<u64>,
        /// Benchmark id.
        benchmark: String,
    },
    /// Rows trained with different seeds cannot be compared seed by seed.
    #[error("rows `{left}` and `{right}` were trained with different seeds; measure both with the same ones")]
    SeedsDiffer {
        /// One row.
        left: String,
        /// The other row.
        right: String,
    },
    /// The statistics are undefined.
    #[error(transparent)]
    Interval(#[from] IntervalError),
}

/// What is wrong with a column's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ColumnProblem {
    /// The id is used twice.
    #[error("is defined twice")]
    DefinedTwice,
    /// A benchmark without questions, or a group without benchmarks.
    #[error("is empty")]
    Empty,
    /// A benchmark lists a question twice.
    #[error("lists a question twice")]
    RepeatedQuestion,
    /// A group names something that is not a benchmark, or names it twice.
    #[error("is a group whose members are not distinct benchmarks")]
    Members,
}

fn of_seed(seed: Option<u64>) -> String {
    seed.map_or_else(String::new, |seed| format!(" (seed {seed})"))
}

/// One cell of a table: a row and a column, which is a benchmark or a group of benchmarks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellId {
    /// Row id.
    pub row: String,
    /// Benchmark or group id.
    pub column: String,
}

/// An estimate from several training runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// From each question's mean over seeds and samples. Its interval is about the choice of questions, for
    /// the models as trained; it does not cover what other seeds would have given.
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

type PerBenchmark = BTreeMap<String, Vec<f64>>;

/// Scores of one table. A score is a question's mean over samples, in `[0, 1]`; all rows answer the same
/// questions, kept in one order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    questions: BTreeMap<String, Vec<String>>,
    unmeasured: BTreeSet<String>,
    groups: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<String, BTreeMap<Option<u64>, PerBenchmark>>,
}

impl Scores {
    /// Lays out the columns: benchmarks with their question ids, and groups with the benchmarks that they
    /// average.
    ///
    /// # Errors
    /// [`ScoresError::Column`] if an id is used twice, something is empty, or a group's members are not
    /// distinct benchmarks.
    pub fn new(
        benchmarks: impl IntoIterator<Item = (String, Vec<String>)>,
        groups: impl IntoIterator<Item = (String, Vec<String>)>,
    ) -> Result<Self, ScoresError> {
        let mut scores = Self::default();
        for (id, questions) in benchmarks {
            let distinct = questions.iter().collect::<BTreeSet<_>>().len();
            let problem = match () {
                () if scores.questions.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if questions.is_empty() => Some(ColumnProblem::Empty),
                () if distinct < questions.len() => Some(ColumnProblem::RepeatedQuestion),
                () => None,
            };
            if let Some(problem) = problem {
                return Err(ScoresError::Column { column: id, problem });
            }
            scores.questions.insert(id, questions);
        }
        for (id, members) in groups {
            let distinct =
                members.iter().filter(|m| scores.questions.contains_key(*m)).collect::<BTreeSet<_>>();
            let problem = match () {
                () if scores.questions.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if scores.groups.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if members.is_empty() => Some(ColumnProblem::Empty),
                () if distinct.len() < members.len() => Some(ColumnProblem::Members),
                () => None,
            };
            if let Some(problem) = problem {
                return Err(ScoresError::Column { column: id, problem });
            }
            scores.groups.insert(id, members);
        }
        Ok(scores)
    }

    /// Adds columns that nothing is measured on, so that a claim about them is not attempted rather than a
    /// mistake.
    #[must_use]
    pub fn with_unmeasured(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.unmeasured.extend(columns);
        self
    }

    /// Adds the scores of one row on one benchmark, by question id. `seed` is the training seed, `None` for a
    /// model that was not trained per seed.
    ///
    /// # Errors
    /// [`ScoresError`] if a question is missing, unknown or out of range, the entry exists, or the row has
    /// been given both with and without seeds.
    pub fn insert(
        &mut self,
        row: &str,
        seed: Option<u64>,
        benchmark: &str,
        by_question: &BTreeMap<String, f64>,
    ) -> Result<(), ScoresError> {
        let Some(questions) = self.questions.get(benchmark) else {
            return Err(ScoresError::UnknownColumn { column: benchmark.to_owned() });
        };
        let at = || (row.to_owned(), benchmark.to_owned());
        let known: BTreeSet<_> = questions.iter().collect();
        if let Some(question) = by_question.keys().find(|question| !known.contains(question)) {
            let (row, benchmark) = at();
            return Err(ScoresError::UnknownQuestion { row, seed, benchmark, question: question.clone() });
        }
        let mut values = Vec::with_capacity(questions.len());
        for question in questions {
            let (row, benchmark) = at();
            let question = question.clone();
            match by_question.get(&question) {
                Some(&value) if (0.0..=1.0).contains(&value) => values.push(value),
                Some(&value) => return Err(ScoresError::OutOfRange { row, benchmark, question, value }),
                None => return Err(ScoresError::MissingQuestion { row, seed, benchmark, question }),
            }
        }
        let (row, benchmark) = at();
        let seeds = self.rows.entry(row.clone()).or_default();
        if seeds.keys().any(|other| other.is_some() != seed.is_some()) {
            return Err(ScoresError::MixedSeeds { row });
        }
        let entry = seeds.entry(seed).or_default();
        if entry.contains_key(&benchmark) {
            return Err(ScoresError::Duplicate { row, seed, benchmark });
        }
        entry.insert(benchmark, values);
        Ok(())
    }

    /// The benchmarks that a column averages: itself, or a group's members.
    ///
    /// # Errors
    /// [`ScoresError::UnknownColumn`].
    pub fn benchmarks_of<'a>(&'a self, column: &'a str) -> Result<Vec<&'a str>, ScoresError> {
        if let Some((id, _)) = self.questions.get_key_value(column) {
            return Ok(vec![id]);
        }
        match self.groups.get(column) {
            Some(members) => Ok(members.iter().map(String::as_str).collect()),
            None => Err(ScoresError::UnknownColumn { column: column.to_owned() }),
        }
    }

    /// Whether no seed of the row has scores on some benchmark of the column: nobody has tried to measure it.
    ///
    /// # Errors
    /// [`ScoresError::UnknownColumn`].
    pub fn is_missing(&self, cell: &CellId) -> Result<bool, ScoresError> {
        if self.unmeasured.contains(&cell.column) {
            return Ok(true);
        }
        let benchmarks = self.benchmarks_of(&cell.column)?;
        let measured = |benchmark: &str| {
            self.rows.get(&cell.row).is_some_and(|seeds| seeds.values().any(|b| b.contains_key(benchmark)))
        };
        Ok(!benchmarks.iter().all(|benchmark| measured(benchmark)))
    }

    /// One cell's mean, in `[0, 1]`.
    ///
    /// # Errors
    /// [`ScoresError`] if the cell was not measured or an interval is undefined.
    pub fn cell(&self, row: &str, column: &str) -> Result<Measured, ScoresError> {
        let cell = CellId { row: row.to_owned(), column: column.to_owned() };
        self.evaluate(&[cell], |v| Smooth { value: v[0], gradient: vec![1.0] })
    }

    /// `left - right` in one column, question by question, in `[-1, 1]`.
    ///
    /// # Errors
    /// [`ScoresError`] if a cell was not measured, the rows' seeds differ, or an interval is undefined.
    pub fn difference(&self, left: &str, right: &str, column: &str) -> Result<Measured, ScoresError> {
        let cells = [left, right].map(|row| CellId { row: row.to_owned(), column: column.to_owned() });
        self.evaluate(&cells, |v| Smooth { value: v[0] - v[1], gradient: vec![1.0, -1.0] })
    }

    /// Any smooth function of cells, with an interval by the delta method: exact for linear combinations,
    /// first order for ratios. `f` is given one value per cell, in order, for the pooled scores and for each
    /// seed.
    ///
    /// Rows without seeds stand beside each seed of the others.
    ///
    /// # Errors
    /// [`ScoresError`] if a cell was not measured, the rows' seeds differ, or a value is not finite.
    pub fn evaluate(&self, cells: &[CellId], f: impl Fn(&[f64]) -> Smooth) -> Result<Measured, ScoresError> {
        let pooled: Vec<Pooled<'_>> = cells.iter().map(|cell| self.pool(cell)).collect::<Result<_, _>>()?;
        let at_means = f(&pooled.iter().map(Pooled::mean).collect::<Vec<_>>());

        // What each question adds, per benchmark: the gradient times the weight of the benchmark in the
        // cell's mean.
        let mut influence: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (cell, slope) in pooled.iter().zip(&at_means.gradient) {
            let weight = slope / cell.benchmarks.len() as f64;
            for (benchmark, scores) in &cell.benchmarks {
                let sums = influence.entry(benchmark).or_insert_with(|| vec![0.0; scores.len()]);
                sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += weight * score);
            }
        }
        let strata: Vec<_> = influence.values().map(|scores| Stratum { weight: 1.0, scores }).collect();
        let estimate = interval::around(at_means.value, &strata)?;

        let mut per_seed = BTreeMap::new();
        for seed in self.common_seeds(cells)? {
            let values: Vec<f64> = pooled.iter().map(|cell| cell.mean_of_seed(seed)).collect();
            let value = f(&values).value;
            if !value.is_finite() {
                return Err(IntervalError::NotFinite.into());
            }
            per_seed.insert(seed, value);
        }
        Ok(Measured { estimate, per_seed })
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

    fn pool<'a>(&'a self, cell: &'a CellId) -> Result<Pooled<'a>, ScoresError> {
        let not_measured = |seed: Option<u64>, benchmark: &str| ScoresError::NotMeasured {
            row: cell.row.clone(),
            seed,
            benchmark: benchmark.to_owned(),
        };
        if self.unmeasured.contains(&cell.column) {
            return Err(not_measured(None, &cell.column));
        }
        let mut pooled = Pooled { benchmarks: BTreeMap::new(), by_seed: BTreeMap::new() };
        for benchmark in self.benchmarks_of(&cell.column)? {
            let Some(seeds) = self.rows.get(&cell.row) else { return Err(not_measured(None, benchmark)) };
            let mut sums = vec![0.0; self.questions.get(benchmark).map_or(0, Vec::len)];
            for (&seed, benchmarks) in seeds {
                let scores = benchmarks.get(benchmark).ok_or_else(|| not_measured(seed, benchmark))?;
                sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
                pooled.by_seed.entry(seed).or_default().push(average(scores));
            }
            let count = seeds.len() as f64;
            pooled.benchmarks.insert(benchmark, sums.into_iter().map(|sum| sum / count).collect());
        }
        Ok(pooled)
    }
}

/// One cell's scores, averaged over seeds, and each seed's benchmark means.
struct Pooled<'a> {
    benchmarks: BTreeMap<&'a str, Vec<f64>>,
    by_seed: BTreeMap<Option<u64>, Vec<f64>>,
}

impl Pooled<'_> {
    fn mean(&self) -> f64 {
        self.benchmarks.values().map(|scores| average(scores)).sum::<f64>() / self.benchmarks.len() as f64
    }

    /// The mean under one seed; of the one model there is, for a row without seeds.
    fn mean_of_seed(&self, seed: u64) -> f64 {
        self.by_seed
            .get(&Some(seed))
            .or_else(|| self.by_seed.get(&None))
            .map_or(f64::NAN, |means| average(means))
    }
}
