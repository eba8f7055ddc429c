//! Figures of a training run, from what stands beside the weights.

use std::collections::BTreeMap;

use assay_flow::StepError;
use camino::Utf8Path;

use crate::inference::diagnostics::median;
use crate::records::{self, CUT_ROWS, CutRows, TRAINING_LOG, TrainingStep};

/// A gradient norm above so many times the median of its run is a spike.
const SPIKE: f64 = 3.0;

/// The figures of a model folder, as far as they are defined. A model that was not trained here has none.
///
/// # Errors
/// A file of the folder is not what a training step writes.
pub(crate) fn of_training(model: &Utf8Path) -> Result<BTreeMap<String, f64>, StepError> {
    let steps: Vec<TrainingStep> = read(&model.join(TRAINING_LOG))?;
    let cut: Vec<CutRows> = read(&model.join(CUT_ROWS))?;
    let norms: Vec<f64> = steps.iter().map(|step| step.gradient_norm).collect();
    let (tenth, quarter) = (steps.len().div_ceil(10), steps.len().div_ceil(4));
    let rewards: Vec<f64> = steps.iter().filter_map(|step| step.reward).collect();
    let mixed: Vec<f64> = steps.iter().filter_map(|step| step.mixed).collect();
    let last = |values: &[f64], number: usize| mean(&values[values.len().saturating_sub(number)..]);
    let tenth_of_rewards = rewards.len().div_ceil(10);
    let spikes = median(&norms).and_then(|median| {
        let later: Vec<f64> = norms.iter().skip(tenth).map(|norm| share(*norm > SPIKE * median)).collect();
        mean(&later)
    });
    let figures = [
        ("loss", last(&steps.iter().map(|step| step.loss).collect::<Vec<_>>(), quarter)),
        ("gradient-norm", median(&norms)),
        ("gradient-spikes", spikes),
        ("reward-first", mean(&rewards[..tenth_of_rewards])),
        ("reward-last", last(&rewards, tenth_of_rewards)),
        ("mixed", mean(&mixed).map(|share| 100.0 * share)),
        ("cut", cut.first().filter(|cut| cut.rows > 0).map(|cut| 100.0 * cut.cut as f64 / cut.rows as f64)),
    ];
    let defined = figures.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(defined.filter(|(_, value)| value.is_finite()).collect())
}

/// The lines of a file; none where there is no file.
fn read<T: serde::de::DeserializeOwned>(path: &Utf8Path) -> Result<Vec<T>, StepError> {
    if path.is_file() { records::stream(path)?.collect() } else { Ok(Vec::new()) }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// In percent.
fn share(is_one: bool) -> f64 {
    if is_one { 100.0 } else { 0.0 }
}
