//! The score of a single sample.

/// The score of one sample: a fraction in `[0, 1]`. A verdict is 0 or 1; a graded score may lie between them.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SampleScore(f64);

impl SampleScore {
    /// The score of a wrong sample.
    pub const WRONG: Self = Self(0.0);
    /// The score of a right sample.
    pub const RIGHT: Self = Self(1.0);

    /// A score from a fraction; `None` outside of `[0, 1]`.
    pub fn new(fraction: f64) -> Option<Self> {
        (0.0..=1.0).contains(&fraction).then_some(Self(fraction))
    }

    /// The fraction, in `[0, 1]`.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Whether it is 0 or 1.
    pub fn is_verdict(self) -> bool {
        self == Self::WRONG || self == Self::RIGHT
    }
}

impl From<bool> for SampleScore {
    /// The score of a sample that is right, or is not.
    fn from(right: bool) -> Self {
        if right { Self::RIGHT } else { Self::WRONG }
    }
}
