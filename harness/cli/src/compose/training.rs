//! How the models of a table were trained: the logs beside their weights, as a section of the report.

use std::collections::BTreeMap;

use assay_report::{Axis, DataTable, Datum, Heading, Plot, PlotPoint, Section, Series, SeriesStyle};
use assay_store::{Hash, Store, StoreError};
use assay_study::records::{self, TrainingStep};

use super::models::Model;

/// The title of the section.
pub(crate) const TRAINING: &str = "Training";

/// The log in a model's folder.
const LOG: &str = records::TRAINING_LOG;

/// Points of a curve at most.
const POINTS: usize = 60;

/// The logs of one model, by its seed.
type Logs = BTreeMap<Option<u64>, Vec<TrainingStep>>;

/// What the logs of models come to.
pub(super) struct Training {
    /// The training curves; `None` without any.
    pub(super) section: Option<Section>,
    /// Whether the store had every log that there is.
    pub(super) whole: bool,
}

/// The training curves of all models that have a log.
pub(super) fn section(store: &Store, all: &[Model]) -> Training {
    let mut models: Vec<(&str, Logs)> = Vec::new();
    let mut unreadable: Vec<&str> = Vec::new();
    let mut whole = true;
    for Model { id, name, seed, artefact } in all {
        match log(store, artefact) {
            Log::Steps(steps) => match models.iter_mut().find(|(known, _)| known == name) {
                Some((_, logs)) => _ = logs.insert(*seed, steps),
                None => models.push((name, BTreeMap::from([(*seed, steps)]))),
            },
            Log::None => {}
            Log::Lost => whole = false,
            Log::Unreadable => unreadable.push(id),
        }
    }
    let section = (!models.is_empty() || !unreadable.is_empty()).then(|| Section {
        title: TRAINING.to_owned(),
        text: text(&unreadable),
        tables: if models.is_empty() { Vec::new() } else { vec![summary(&models)] },
        plots: models.iter().flat_map(|(name, logs)| curves(name, logs)).collect(),
    });
    Training { section, whole }
}

/// What there is of a log.
enum Log {
    Steps(Vec<TrainingStep>),
    /// The model has none.
    None,
    /// The store has not got it, or not as it was.
    Lost,
    Unreadable,
}

fn log(store: &Store, model: &Hash) -> Log {
    let path = match store.path_in_tree(model, LOG) {
        Ok(path) => path,
        // A model that was not trained here has no log.
        Err(StoreError::NotInTree { .. } | StoreError::WrongKind { .. }) => return Log::None,
        Err(_) => return Log::Lost,
    };
    let steps = records::stream::<TrainingStep>(&path).and_then(Iterator::collect);
    match steps {
        Ok(steps) => Log::some(steps),
        Err(_) => Log::Unreadable,
    }
}

impl Log {
    /// A log of finite numbers with at least one step.
    fn some(steps: Vec<TrainingStep>) -> Self {
        let finite = |step: &TrainingStep| step.loss.is_finite() && step.gradient_norm.is_finite();
        match steps.iter().all(finite) {
            _ if steps.is_empty() => Self::None,
            true => Self::Steps(steps),
            false => Self::Unreadable,
        }
    }
}

fn text(unreadable: &[&str]) -> String {
    let mut text = format!(
        "Loss and gradient norm (before clipping) of each optimiser step, as the training logged them. A curve is the mean \
         over the training seeds, with the range from the lowest seed to the highest. A log of more than {POINTS} steps is \
         drawn in {POINTS} points or fewer, each the mean of as many consecutive steps. Losses of models that are trained on \
         different rows, or with different weights, do not compare."
    );
    if !unreadable.is_empty() {
        text.push_str(&format!(
            " Logs with numbers that are not finite are left out: {}.",
            unreadable.join(", ")
        ));
    }
    text
}

/// First and last loss, and the largest gradient norm, of each model: means over seeds.
fn summary(models: &[(&str, Logs)]) -> DataTable {
    let heading = |label: &str, decimals| Heading { label: label.to_owned(), decimals: Some(decimals) };
    let mean = |logs: &Logs, figure: fn(&[TrainingStep]) -> Option<f64>| {
        let figures: Vec<f64> = logs.values().filter_map(|steps| figure(steps)).collect();
        Datum::Number(figures.iter().sum::<f64>() / figures.len().max(1) as f64)
    };
    let count = |number: usize| Datum::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let row = |(name, logs): &(&str, Logs)| {
        vec![
            Datum::Text((*name).to_owned()),
            count(logs.len()),
            count(logs.values().map(Vec::len).max().unwrap_or_default()),
            mean(logs, |steps| Some(steps.first()?.loss)),
            mean(logs, |steps| Some(steps.last()?.loss)),
            mean(logs, |steps| steps.iter().map(|step| step.gradient_norm).reduce(f64::max)),
        ]
    };
    DataTable {
        caption: Some("Means over seeds".to_owned()),
        header: vec![
            heading("Model", 0),
            heading("Trained", 0),
            heading("Steps logged", 0),
            heading("First loss", 3),
            heading("Last loss", 3),
            heading("Largest gradient norm", 2),
        ],
        rows: models.iter().map(row).collect(),
    }
}

/// The curves of one model: loss, and gradient norm.
fn curves(name: &str, logs: &Logs) -> [Plot; 2] {
    let plot = |what: &str, value: fn(&TrainingStep) -> f64| Plot {
        title: format!("{name}: {what}"),
        x: Axis { label: "optimiser step".to_owned(), logarithmic: false },
        y: Axis { label: what.to_owned(), logarithmic: false },
        series: vec![Series {
            label: what.to_owned(),
            style: SeriesStyle::Band,
            points: points(logs, value),
        }],
    };
    [plot("loss", |step| step.loss), plot("gradient norm", |step| step.gradient_norm)]
}

/// The mean over seeds with the range of the seeds, in at most [`POINTS`] windows of consecutive steps. Only steps that
/// every seed has count.
fn points(logs: &Logs, value: fn(&TrainingStep) -> f64) -> Vec<PlotPoint> {
    let steps = logs.values().map(Vec::len).min().unwrap_or_default();
    let window = steps.div_ceil(POINTS).max(1);
    let windows = (0..steps).step_by(window).map(|start| start..(start + window).min(steps));
    let point = |window: std::ops::Range<usize>| {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let of_seed = |steps: &Vec<TrainingStep>| {
            let values: Vec<f64> = steps.get(window.clone())?.iter().map(value).collect();
            Some(mean(&values))
        };
        let seeds: Vec<f64> = logs.values().filter_map(of_seed).collect();
        let last = logs.values().next()?.get(window.end.checked_sub(1)?)?;
        let (low, high) = (seeds.iter().copied().reduce(f64::min)?, seeds.iter().copied().reduce(f64::max)?);
        // Steps count from 0 in the log; a reader counts steps that were done.
        let x = (last.step + 1) as f64;
        // The mean of equal numbers may differ from them in the last bit.
        let y = mean(&seeds).clamp(low, high);
        Some(PlotPoint { x, y, interval: (seeds.len() > 1).then_some((low, high)) })
    };
    windows.filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(losses: &[f64]) -> Vec<TrainingStep> {
        let step = |(step, loss): (u64, &f64)| TrainingStep {
            step,
            loss: *loss,
            gradient_norm: 1.0,
            learning_rate: 0.1,
            reward: None,
            mixed: None,
        };
        (0..).zip(losses).map(step).collect()
    }

    #[test]
    fn a_point_is_the_mean_over_seeds_with_their_range() {
        let logs = Logs::from([(Some(1), log(&[4.0, 2.0])), (Some(2), log(&[2.0, 1.0, 0.5]))]);
        let found = points(&logs, |step| step.loss);
        let expected = [(1.0, 3.0, Some((2.0, 4.0))), (2.0, 1.5, Some((1.0, 2.0)))];
        assert_eq!(found, expected.map(|(x, y, interval)| PlotPoint { x, y, interval }));
        let alone = points(&Logs::from([(None, log(&[4.0]))]), |step| step.loss);
        assert_eq!(alone, [PlotPoint { x: 1.0, y: 4.0, interval: None }]);
        assert_eq!(points(&Logs::new(), |step| step.loss), []);
    }

    #[test]
    fn long_logs_are_thinned_and_end_where_they_end() {
        for steps in [60, 61, 119, 1000] {
            let losses: Vec<f64> = (0..steps).map(f64::from).collect();
            let found = points(&Logs::from([(None, log(&losses))]), |step| step.loss);
            assert!(found.len() <= POINTS && found.len() > POINTS / 3, "{steps}: {}", found.len());
            assert_eq!(found.last().map(|point| point.x), Some(f64::from(steps)));
        }
    }
}
