//! The score of an import.

use assay_claims::Quantity;
use assay_claims::interval::{IntervalError, average, mean};
use serde::Serialize;

use crate::coverage::Import;
use crate::sample::{Outcome, Record};

/// Scores are fractions, a summary has percentages.
const PERCENT: f64 = 100.0;

/// The score of an import.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Avg@k in percent: the mean over questions of the mean over their scored samples, with a 95 % interval over
    /// questions.
    pub score: Quantity,
    /// The score in percent if every sample without a score counted as wrong, then if each counted as right; `None` if
    /// every sample has a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
}

impl Import {
    /// Computes the score.
    ///
    /// # Errors
    /// There are fewer than two questions: no interval can be computed.
    pub fn summary(&self) -> Result<Summary, IntervalError> {
        let estimate = mean(&self.means(None))?.scaled(PERCENT);
        let score = Quantity {
            value: estimate.value,
            low: estimate.low,
            high: estimate.high,
            standard_error: Some(estimate.standard_error),
            question_error: Some(estimate.question_error),
            seed_error: None,
            per_seed: Default::default(),
            n: Some(self.header.scored),
        };
        let bound = |instead| PERCENT * average(&self.means(Some(instead)));
        let bounds = (!self.header.unscored.is_empty()).then(|| (bound(0.0), bound(1.0)));
        Ok(Summary { score, bounds })
    }

    /// Each question's mean; samples without a score count as `instead`, or not at all.
    fn means(&self, instead: Option<f64>) -> Vec<f64> {
        let score = |record: &Record| match record.outcome {
            Outcome::Score(score) => Some(score),
            Outcome::Unscored(_) => instead,
        };
        self.records
            .chunk_by(|a, b| a.question == b.question)
            .map(|records| average(&records.iter().filter_map(score).collect::<Vec<_>>()))
            .collect()
    }
}
