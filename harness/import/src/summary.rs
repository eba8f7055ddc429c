//! The score of an import.

use assay_claims::Quantity;
use assay_claims::interval::{IntervalError, average, mean_score};
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::coverage::{Coverage, Import};
use crate::file::Header;
use crate::sample::{Outcome, Record};

/// Scores are fractions, a summary has percentages.
const PERCENT: f64 = 100.0;

/// The score of an import.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Summary {
    /// Avg@k in percent: the mean over questions of the mean over their scored samples, with a 95 % interval over
    /// questions, which is Wilson's where the score is close to 0 or 100. Questions without any score are left out.
    pub score: Quantity,
    /// The score in percent if every sample without a score counted as wrong, then if each counted as right; `None` if
    /// every sample has a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
}

/// The version of [`Call`].
pub const CALL_FORMAT: u32 = 1;

/// What came of the logs: the document that an import prints.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "call", rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub enum Call {
    /// They hold what is expected.
    Imported {
        /// The version of this form.
        #[schemars(extend("const" = CALL_FORMAT))]
        format: u32,
        /// The header of the file.
        header: Header,
        /// The score; `null` where there is no interval.
        summary: Option<Summary>,
    },
    /// They do not.
    NotComparable {
        /// The version of this form.
        #[schemars(extend("const" = CALL_FORMAT))]
        format: u32,
        /// What they hold.
        coverage: Coverage,
    },
}

impl Call {
    /// The logs were imported.
    pub fn imported(header: Header, summary: Option<Summary>) -> Self {
        Self::Imported { format: CALL_FORMAT, header, summary }
    }

    /// The logs do not hold what is expected.
    pub fn not_comparable(coverage: Coverage) -> Self {
        Self::NotComparable { format: CALL_FORMAT, coverage }
    }

    /// The JSON Schema of this document.
    pub fn schema() -> Schema {
        schemars::schema_for!(Call)
    }
}

impl Import {
    /// Computes the score.
    ///
    /// # Errors
    /// There are fewer than two questions: no interval can be computed.
    pub fn summary(&self) -> Result<Summary, IntervalError> {
        let score = mean_score(&self.means(None))?.quantity(PERCENT, Some(self.header.scored));
        let bound = |instead| PERCENT * average(&self.means(Some(instead)));
        let bounds = (!self.header.unscored.is_empty()).then(|| (bound(0.0), bound(1.0)));
        Ok(Summary { score, bounds })
    }

    /// Each question's mean; samples without a score count as `instead`, or not at all. A question of which no sample counts
    /// is left out.
    fn means(&self, instead: Option<f64>) -> Vec<f64> {
        let score = |record: &Record| match record.outcome {
            Outcome::Score(score) => Some(score),
            Outcome::Unscored(_) => instead,
        };
        self.records
            .chunk_by(|a, b| a.question == b.question)
            .map(|records| records.iter().filter_map(score).collect::<Vec<f64>>())
            .filter(|scores| !scores.is_empty())
            .map(|scores| average(&scores))
            .collect()
    }
}
