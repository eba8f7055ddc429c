//! Learning rates over the steps of a run.

use serde::{Deserialize, Serialize};

/// How the learning rate moves after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays at its peak.
    Constant,
    /// It falls to 0 along half a cosine: `peak * (1 + cos(pi * progress)) / 2`.
    Cosine,
}

/// A learning rate for each step `t = 0, 1, ..` of a run of `steps` steps.
///
/// With `w = ceil(warmup * steps)` warm-up steps,
/// - `t < w`: `peak * t / w` (so the first step of a run with warm-up has learning rate 0),
/// - `t >= w`: the [`Schedule`] at `progress = (t - w) / (steps - w)`.
///
/// These are the definitions of `get_cosine_schedule_with_warmup` and `get_constant_schedule_with_warmup` in
/// Hugging Face transformers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate {
    peak: f64,
    schedule: Schedule,
    warmup_steps: u64,
    steps: u64,
}

impl LearningRate {
    /// `warmup` is the share of `steps`, in `[0, 1]`, over which the rate rises.
    pub fn new(peak: f64, schedule: Schedule, warmup: f64, steps: u64) -> Self {
        // The product is rounded to 9 digits first: 0.05 * 300 must give 15 steps, not 16.
        let exact = (warmup * steps as f64 * 1e9).round() / 1e9;
        Self { peak, schedule, warmup_steps: (exact.ceil() as u64).min(steps), steps }
    }

    /// The rate of step `step`, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak * step as f64 / self.warmup_steps as f64;
        }
        match self.schedule {
            Schedule::Constant => self.peak,
            Schedule::Cosine => {
                let span = (self.steps - self.warmup_steps).max(1) as f64;
                let progress = ((step - self.warmup_steps) as f64 / span).min(1.0);
                self.peak * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_the_published_schedules() {
        /// Schedule, warm-up, steps, and the share of the peak at some steps.
        type Case = (Schedule, f64, u64, &'static [(u64, f64)]);
        let table: &[Case] = &[
            (Schedule::Constant, 0.0, 10, &[(0, 1.0), (9, 1.0), (50, 1.0)]),
            (Schedule::Constant, 0.5, 10, &[(0, 0.0), (1, 0.2), (4, 0.8), (5, 1.0), (9, 1.0)]),
            (Schedule::Cosine, 0.0, 4, &[(0, 1.0), (1, 0.853_553_39), (2, 0.5), (3, 0.146_446_61), (4, 0.0)]),
            (Schedule::Cosine, 0.1, 20, &[(0, 0.0), (1, 0.5), (2, 1.0), (11, 0.5), (20, 0.0), (25, 0.0)]),
            (Schedule::Cosine, 1.0, 5, &[(0, 0.0), (4, 0.8)]),
            // 0.05 * 304 = 15.2 steps round up; 0.05 * 300 is 15 in spite of binary fractions.
            (Schedule::Cosine, 0.05, 304, &[(15, 15.0 / 16.0), (16, 1.0)]),
            (Schedule::Cosine, 0.05, 300, &[(15, 1.0)]),
        ];
        for (schedule, warmup, steps, expected) in table {
            let rate = LearningRate::new(3e-4, *schedule, *warmup, *steps);
            for (step, share) in *expected {
                let error = (rate.at(*step) - 3e-4 * share).abs();
                assert!(error < 3e-12, "{schedule:?} {warmup} of {steps} at {step}: {}", rate.at(*step));
            }
        }
    }
}
