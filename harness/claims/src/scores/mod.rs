//! Measured scores: rows by seeds by benchmarks by questions, and estimates from them.

mod error;
mod evaluate;
mod sample;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::variance::SeedVariance;
pub use error::{ColumnProblem, ScoresError};

pub(crate) use evaluate::remainder;
pub use evaluate::{Bound, Measured, Smooth, View};
pub use sample::SampleScore;
pub use values::Values;

/// One cell of a table: a row and a column, which is a benchmark or a group of benchmarks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellId {
    /// Row id.
    pub row: String,
    /// Benchmark or group id.
    pub column: String,
}

/// What is known of a question's mean over samples, with the range that samples without a verdict leave; in `[0, 1]`
/// unless its column has amounts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The mean over the samples that were judged; `None` if none was.
    pub value: Option<f64>,
    /// The mean if all samples without a verdict had the score 0.
    pub low: f64,
    /// The mean if they all had the score 1.
    pub high: f64,
}

impl From<f64> for Score {
    /// The score of a question of which every sample was judged.
    fn from(value: f64) -> Self {
        Self { value: Some(value), low: value, high: value }
    }
}

impl Score {
    /// The score of a question with these samples, and `failed` ones without a verdict. Without any judged sample it may be
    /// anything from 0 to 1.
    ///
    /// The mean of scores is unbiased whatever their distribution, and the variance over questions is that of these means,
    /// so nothing that is computed from it asks whether a sample's score is a verdict.
    pub fn of(samples: &[SampleScore], failed: u64) -> Self {
        if samples.is_empty() {
            return Self { value: None, low: 0.0, high: 1.0 };
        }
        let sum: f64 = samples.iter().map(|sample| sample.value()).sum();
        let (judged, failed) = (samples.len() as f64, failed as f64);
        Self {
            value: Some(sum / judged),
            low: sum / (judged + failed),
            high: (sum + failed) / (judged + failed),
        }
    }
}

type PerBenchmark = BTreeMap<String, Vec<Score>>;

/// Scores of one table. A score is a question's mean over samples, in `[0, 1]` unless its column has amounts
/// ([`Values`]); all rows answer the same questions, kept in one order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    columns: BTreeMap<String, Values>,
    /// The column that stands for all columns of the same questions; columns that share theirs with no other are left out.
    strata: BTreeMap<String, String>,
    unmeasured: BTreeSet<String>,
    groups: BTreeMap<String, Vec<String>>,
    rows: BTreeMap<String, BTreeMap<Option<u64>, PerBenchmark>>,
    seeds: SeedVariance,
}

impl Scores {
    /// Lays out columns of shares: benchmarks with their question ids, and groups with the benchmarks that they
    /// average.
    ///
    /// # Errors
    /// As [`Scores::of_values`].
    pub fn new(
        benchmarks: impl IntoIterator<Item = (String, Vec<String>)>,
        groups: impl IntoIterator<Item = (String, Vec<String>)>,
    ) -> Result<Self, ScoresError> {
        Self::of_values(benchmarks.into_iter().map(|(id, list)| (id, Values::Shares(list))), groups)
    }

    /// Lays out columns of any values, and groups with the columns that they average.
    ///
    /// # Errors
    /// [`ScoresError::Column`] if an id is used twice, something is empty, or a group's members are not
    /// distinct columns, or some of them shares and others amounts.
    pub fn of_values(
        columns: impl IntoIterator<Item = (String, Values)>,
        groups: impl IntoIterator<Item = (String, Vec<String>)>,
    ) -> Result<Self, ScoresError> {
        let mut scores = Self::default();
        for (id, values) in columns {
            let questions = values.questions();
            let distinct = questions.iter().collect::<BTreeSet<_>>().len();
            let problem = match () {
                () if scores.columns.contains_key(&id) => Some(ColumnProblem::DefinedTwice),
                () if questions.is_empty() && values != Values::Figures => Some(ColumnProblem::Empty),
                () if distinct < questions.len() => Some(ColumnProblem::RepeatedQuestion),
                () => None,
            };
            if let Some(problem) = problem {
                return Err(ScoresError::Column { column: id, problem });
            }
            scores.columns.insert(id, values);
        }
        for (id, members) in groups {
            if let Some(problem) = scores.problem_of_group(&id, &members) {
                return Err(ScoresError::Column { column: id, problem });
            }
            scores.groups.insert(id, members);
        }
        Ok(scores)
    }

    /// What is wrong with another group.
    fn problem_of_group(&self, id: &str, members: &[String]) -> Option<ColumnProblem> {
        let distinct: BTreeSet<_> = members.iter().filter(|m| self.columns.contains_key(*m)).collect();
        let factors = members.iter().filter_map(|member| self.columns.get(member)).map(Values::factor);
        let mut unlike = factors.clone().zip(factors.skip(1)).filter(|(one, next)| one != next);
        match () {
            () if self.columns.contains_key(id) || self.groups.contains_key(id) => {
                Some(ColumnProblem::DefinedTwice)
            }
            () if members.is_empty() => Some(ColumnProblem::Empty),
            () if distinct.len() < members.len() => Some(ColumnProblem::Members),
            () if unlike.next().is_some() => Some(ColumnProblem::Unlike),
            () => None,
        }
    }

    /// How the variance of training seeds is estimated; pooled, unless this says otherwise.
    #[must_use]
    pub fn with_seed_variance(mut self, seeds: SeedVariance) -> Self {
        self.seeds = seeds;
        self
    }

    /// Says which columns are of the same questions: pairs of a column and its benchmark. What such columns add to a variance
    /// is taken together, question by question. A column that is not named has questions of its own.
    #[must_use]
    pub fn with_benchmarks(mut self, columns: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut by_benchmark: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (column, benchmark) in columns {
            by_benchmark.entry(benchmark).or_default().insert(column);
        }
        for columns in by_benchmark.into_values() {
            let Some(first) = columns.first().cloned() else { continue };
            self.strata.extend(columns.into_iter().map(|column| (column, first.clone())));
        }
        self
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
        by_question: &BTreeMap<String, impl Into<Score> + Copy>,
    ) -> Result<(), ScoresError> {
        let Some(column) = self.columns.get(benchmark) else {
            return Err(ScoresError::UnknownColumn { column: benchmark.to_owned() });
        };
        let questions = column.questions();
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
            match by_question.get(&question).map(|&score| score.into()) {
                Some(score) if score.value.is_none_or(|value| column.admit(value)) => values.push(score),
                Some(Score { value, .. }) => {
                    let value = value.unwrap_or(f64::NAN);
                    return Err(match column.are_shares() {
                        true => ScoresError::OutOfRange { row, benchmark, question, value },
                        false => ScoresError::NotFinite { row, seed, column: benchmark },
                    });
                }
                None => return Err(ScoresError::MissingQuestion { row, seed, benchmark, question }),
            }
        }
        self.keep(row, seed, benchmark, values)
    }

    /// Adds the figure of one training run. `seed` is as for [`Scores::insert`].
    ///
    /// # Errors
    /// [`ScoresError`] if the column has no figures, the value is not finite, the entry exists, or the row has been given
    /// both with and without seeds.
    pub fn insert_figure(
        &mut self,
        row: &str,
        seed: Option<u64>,
        column: &str,
        value: f64,
    ) -> Result<(), ScoresError> {
        match self.columns.get(column) {
            Some(Values::Figures) if value.is_finite() => {
                self.keep(row, seed, column, vec![Score::from(value)])
            }
            Some(Values::Figures) => {
                let (row, column) = (row.to_owned(), column.to_owned());
                Err(ScoresError::NotFinite { row, seed, column })
            }
            _ => Err(ScoresError::UnknownColumn { column: column.to_owned() }),
        }
    }

    fn keep(
        &mut self,
        row: &str,
        seed: Option<u64>,
        column: &str,
        values: Vec<Score>,
    ) -> Result<(), ScoresError> {
        let (row, benchmark) = (row.to_owned(), column.to_owned());
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

    /// What the values of a column are; of an average, those of its first member. `None` for a column that is unknown or not
    /// measured.
    pub fn values(&self, column: &str) -> Option<&Values> {
        let first = self.groups.get(column).and_then(|members| members.first());
        self.columns.get(first.map_or(column, String::as_str))
    }

    /// By what a mean of the column is multiplied where a table or a claim has it ([`Values::factor`]).
    pub(crate) fn factor(&self, column: &str) -> f64 {
        self.values(column).map_or(1.0, Values::factor)
    }

    /// The benchmarks that a column averages: itself, or a group's members.
    ///
    /// # Errors
    /// [`ScoresError::UnknownColumn`].
    pub fn benchmarks_of<'a>(&'a self, column: &'a str) -> Result<Vec<&'a str>, ScoresError> {
        if let Some((id, _)) = self.columns.get_key_value(column) {
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

    /// Whether there are samples without a verdict.
    pub fn has_failures(&self) -> bool {
        let scores = || self.rows.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values).flatten();
        scores().any(|score| score.low < score.high)
    }

    /// One cell's mean. Of shares it is in `[0, 1]`, and its interval ends there too.
    ///
    /// # Errors
    /// [`ScoresError`] if the cell was not measured or an interval is undefined.
    pub fn cell(&self, row: &str, column: &str) -> Result<Measured, ScoresError> {
        let cell = CellId { row: row.to_owned(), column: column.to_owned() };
        let measured = self.evaluate(&[cell], |v| Smooth { value: v[0], gradient: vec![1.0] })?;
        Ok(match self.values(column) {
            Some(values) if !values.are_shares() => measured,
            _ => Measured { estimate: measured.estimate.clamped(0.0, 1.0), ..measured },
        })
    }

    /// `left - right` in one column, question by question; of shares in `[-1, 1]`.
    ///
    /// # Errors
    /// [`ScoresError`] if a cell was not measured, the rows' seeds differ, or an interval is undefined.
    pub fn difference(&self, left: &str, right: &str, column: &str) -> Result<Measured, ScoresError> {
        let cells = [left, right].map(|row| CellId { row: row.to_owned(), column: column.to_owned() });
        self.evaluate(&cells, |v| Smooth { value: v[0] - v[1], gradient: vec![1.0, -1.0] })
    }
}
