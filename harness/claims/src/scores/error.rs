//! Why scores could not be stored or combined.

use crate::interval::IntervalError;

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
    /// An amount or a figure that is NaN or infinite.
    #[error("the value of row `{row}`{} in column `{column}` is not a finite number", of_seed(*seed))]
    NotFinite {
        /// Row id.
        row: String,
        /// Training seed.
        seed: Option<u64>,
        /// Column id.
        column: String,
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
    /// A group of shares and amounts, whose mean would have no unit.
    #[error("is a group of percentages and of other values")]
    Unlike,
}

fn of_seed(seed: Option<u64>) -> String {
    seed.map_or_else(String::new, |seed| format!(" (seed {seed})"))
}
