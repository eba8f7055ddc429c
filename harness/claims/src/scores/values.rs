//! What the values of a column are.

/// What the values of a column are, and what they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Shares in `[0, 1]`, one for each of these questions. Tables and claims have them in percent.
    Shares(Vec<String>),
    /// Amounts, such as tokens, one for each of these questions: finite numbers, which tables and claims have as they are.
    Amounts(Vec<String>),
    /// One amount a training run; there are no questions, and all of its variance is that of training seeds.
    Figures,
}

/// Shares are shown in percent.
const PERCENT: f64 = 100.0;

impl Values {
    /// The ids of the questions; none for figures.
    pub fn questions(&self) -> &[String] {
        match self {
            Self::Shares(questions) | Self::Amounts(questions) => questions,
            Self::Figures => &[],
        }
    }

    /// Whether they lie in `[0, 1]`.
    pub fn are_shares(&self) -> bool {
        matches!(self, Self::Shares(_))
    }

    /// By what a value is multiplied where a table or a claim has it: 100 for shares, else 1.
    pub fn factor(&self) -> f64 {
        if self.are_shares() { PERCENT } else { 1.0 }
    }

    /// Whether a value may be one of them.
    pub(super) fn admit(&self, value: f64) -> bool {
        if self.are_shares() { (0.0..=1.0).contains(&value) } else { value.is_finite() }
    }
}
