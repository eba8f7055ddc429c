//! Figures of models: numbers about the data that a model learned from, and about its training. Conditions of claims and
//! columns of tables take them by name.

mod training;

use std::collections::{BTreeMap, BTreeSet};

use crate::inference::diagnostics::{ALL, Diagnostics};
use crate::inference::posterior::Estimator;

pub(crate) use training::of_training;

/// A kind of figure.
#[derive(Debug, Clone, Copy)]
pub struct FigureKind {
    /// Its name in claims and columns.
    pub name: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// What it is computed from.
    pub of: Origin,
}

/// What a figure is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The diagnostics of a chain of traces: over all training questions, and under `name:benchmark` over those of one
    /// benchmark.
    Diagnostics,
    /// The log of a training run.
    Training,
}

const fn diagnosed(name: &'static str, about: &'static str) -> FigureKind {
    FigureKind { name, about, of: Origin::Diagnostics }
}

const fn trained(name: &'static str, about: &'static str) -> FigureKind {
    FigureKind { name, about, of: Origin::Training }
}

/// All figures, each with what it is.
pub const FIGURES: [FigureKind; 22] = [
    diagnosed(
        "pi-solves",
        "percent of the questions of which pi_theta0 finds a right answer with any of its thoughts",
    ),
    diagnosed("q-solves", "the same for the thoughts of the posterior, which sees an answer hint"),
    diagnosed("pi-right", "percent of right answers after thoughts of pi_theta0"),
    diagnosed("q-right", "percent of right answers after thoughts of the posterior"),
    diagnosed("rescued", "percent of the questions that pi_theta0 never solves which the posterior does"),
    diagnosed("ess-acc", "effective thoughts of a question under the weights of estimator Acc: from 1 to K"),
    diagnosed("ess-gml", "the same under estimator GML"),
    diagnosed("ess-l", "the same under estimator L"),
    diagnosed("fallback-acc", "percent of the questions without any positive weight by estimator Acc"),
    diagnosed("log-ratio", "mean of log pi/q over valid thoughts, in nats a token"),
    diagnosed("answer-tokens", "median tokens of the reference answers"),
    diagnosed("length-with-log-ratio", "correlation of a thought's length with log pi/q of the whole"),
    diagnosed("length-with-log-ratio-per-token", "the same with log pi/q a token"),
    diagnosed(
        "answer-length-with-log-likelihood",
        "correlation of an answer's length with its log-likelihood",
    ),
    diagnosed("answer-length-with-log-likelihood-per-token", "the same with the log-likelihood a token"),
    trained("loss", "mean loss of the last quarter of the steps, as the run's objective defines it"),
    trained("gradient-norm", "median gradient norm before clipping"),
    trained(
        "gradient-spikes",
        "percent of the steps after the first tenth with a gradient norm above three times the run's median",
    ),
    trained("reward-first", "mean reward of the first tenth of the steps, of a run on its own samples"),
    trained("reward-last", "mean reward of the last tenth of the steps"),
    trained("mixed", "percent of the groups whose rewards differ, of a run on its own samples"),
    trained("cut", "percent of the rows that the cutoff cut, of a run with a cutoff"),
];

/// The names as plans know them: one with a colon at its end says that there is such a figure for each benchmark.
pub(crate) fn names() -> BTreeSet<String> {
    let name = |kind: &FigureKind| kind.name.to_owned();
    let of_benchmarks = FIGURES.iter().filter(|kind| kind.of == Origin::Diagnostics);
    FIGURES.iter().map(name).chain(of_benchmarks.map(|kind| format!("{}:", kind.name))).collect()
}

/// The figures of a chain's diagnostics, as far as they are defined.
pub(crate) fn of_diagnostics(by_benchmark: &BTreeMap<String, Diagnostics>) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::new();
    for (benchmark, diagnostics) in by_benchmark {
        for kind in FIGURES.iter().filter(|kind| kind.of == Origin::Diagnostics) {
            let name = match benchmark.as_str() {
                ALL => kind.name.to_owned(),
                benchmark => format!("{}:{benchmark}", kind.name),
            };
            figures.extend(diagnostic(kind.name, diagnostics).map(|value| (name, value)));
        }
    }
    figures
}

fn diagnostic(name: &str, d: &Diagnostics) -> Option<f64> {
    let effective = |estimator| d.weights.get(&estimator)?.effective_sample_size;
    let percent = |share: Option<f64>| share.map(|share| 100.0 * share);
    match name {
        "pi-solves" => percent(d.pi.solved),
        "q-solves" => percent(d.q.solved),
        "pi-right" => percent(d.pi.mean),
        "q-right" => percent(d.q.mean),
        "rescued" => percent(d.rescued),
        "ess-acc" => effective(Estimator::Acc),
        "ess-gml" => effective(Estimator::Gml),
        "ess-l" => effective(Estimator::L),
        "fallback-acc" => percent(d.weights.get(&Estimator::Acc)?.fallback),
        "log-ratio" => d.log_ratio_per_token.map(|moments| moments.mean),
        "answer-tokens" => d.answer_tokens,
        "length-with-log-ratio" => d.length.trace_with_log_ratio_sum,
        "length-with-log-ratio-per-token" => d.length.trace_with_log_ratio_per_token,
        "answer-length-with-log-likelihood" => d.length.answer_with_log_likelihood,
        "answer-length-with-log-likelihood-per-token" => d.length.answer_with_log_likelihood_per_token,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::diagnostics::{ItemTraces, summarise};
    use crate::inference::posterior::{AnswerLikelihood, LogRatio, ScoredTrace, Weights};

    /// Each figure of diagnostics can be had, under its name and under that of a benchmark.
    #[test]
    fn every_figure_of_diagnostics_has_a_value() {
        let trace = |length: usize, sum: f64, answer: usize| {
            Some(ScoredTrace {
                length,
                log_ratio: LogRatio { sum, tokens: length },
                accuracy: Some(1.0),
                answer: Some(AnswerLikelihood { sum: sum * sum, tokens: answer }),
            })
        };
        let item = ItemTraces {
            q: vec![trace(1, -0.5, 2), trace(3, -1.0, 5), trace(4, -3.0, 6)],
            pi: vec![0.0],
            weights: Estimator::ALL.map(|estimator| (estimator, Weights::normalise(&[Some(0.0); 3]))).into(),
        };
        let summary = summarise(&[item]).unwrap_or_else(|error| panic!("{error}"));
        let by_benchmark = BTreeMap::from([(ALL.to_owned(), summary.clone()), ("root".to_owned(), summary)]);
        let found = of_diagnostics(&by_benchmark);
        for kind in FIGURES.iter().filter(|kind| kind.of == Origin::Diagnostics) {
            let value = found.get(kind.name).copied();
            assert!(value.is_some_and(f64::is_finite), "{}: {value:?}", kind.name);
            assert_eq!(found.get(&format!("{}:root", kind.name)).copied(), value);
        }
        assert_eq!((found["q-solves"], found["pi-solves"], found["rescued"]), (100.0, 0.0, 100.0));
        assert!((found["ess-l"] - 3.0).abs() < 1e-12 && found["answer-tokens"] == 2.0);
    }

    #[test]
    fn names_differ_and_stand_in_the_documentation() {
        let documentation = include_str!("../../../../docs/claims.md");
        for FigureKind { name, about, .. } in FIGURES {
            assert!(documentation.contains(&format!("| `{name}` | {about} |")), "{name}: {about}");
        }
        let diagnosed = FIGURES.iter().filter(|kind| kind.of == Origin::Diagnostics).count();
        assert_eq!(names().len(), FIGURES.len() + diagnosed);
    }
}
