//! Diagnostics of a table as sections of its report. Figures are means over the training seeds.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::section::{DataTable, Datum, Heading, Section};

use crate::inference::diagnostics::{ALL, Diagnostics, WeightSummary};
use crate::inference::posterior::Estimator;

/// Summaries by seed, if the model is trained once for each, then by benchmark; [`ALL`] is over all of them.
pub(crate) type BySeed = BTreeMap<Option<u64>, BTreeMap<String, Diagnostics>>;

/// The sections on the diagnostics of each model; none without any. Models with equal diagnostics share their
/// sections. The titles name the models where there are different diagnostics.
pub(crate) fn sections(diagnostics: &BTreeMap<String, BySeed>) -> Vec<Section> {
    let mut distinct: Vec<(Vec<&str>, &BySeed)> = Vec::new();
    for (model, of_model) in diagnostics {
        match distinct.iter_mut().find(|(_, others)| *others == of_model) {
            Some((models, _)) => models.push(model),
            None => distinct.push((vec![model], of_model)),
        }
    }
    let several = distinct.len() > 1;
    let of_models = |(models, diagnostics): (Vec<&str>, &BySeed)| {
        let models = if several { format!(": {}", models.join(", ")) } else { String::new() };
        [posterior(diagnostics), weights(diagnostics), length_bias(diagnostics)]
            .map(|section| Section { title: format!("{}{models}", section.title), ..section })
    };
    distinct.into_iter().flat_map(of_models).collect()
}

/// A figure of one seed's summary, if it is defined there.
type Figure = fn(&Diagnostics) -> Option<f64>;

fn posterior(diagnostics: &BySeed) -> Section {
    const FIGURES: [(&str, u8, Figure); 8] = [
        ("q right %", 1, |d| d.q.mean.map(percent)),
        ("pi right %", 1, |d| d.pi.mean.map(percent)),
        ("q solves %", 1, |d| d.q.solved.map(percent)),
        ("pi solves %", 1, |d| d.pi.solved.map(percent)),
        ("rescued %", 1, |d| d.rescued.map(percent)),
        ("lost %", 1, |d| d.lost.map(percent)),
        ("log pi/q a token", 3, |d| d.log_ratio_per_token.map(|moments| moments.mean)),
        ("its sd", 3, |d| d.log_ratio_per_token.and_then(|moments| moments.standard_deviation)),
    ];
    let families: BTreeSet<&String> = diagnostics.values().flat_map(BTreeMap::keys).collect();
    let rows = families.iter().map(|family| {
        let name = if *family == ALL { "all questions" } else { family.as_str() };
        let figures = FIGURES.iter().map(|(_, _, figure)| mean(diagnostics, family, *figure));
        std::iter::once(Datum::Text(name.to_owned())).chain(figures).collect()
    });
    let header = FIGURES.iter().map(|(label, decimals, _)| heading(label, *decimals));
    Section {
        title: "The posterior's thoughts against the reasoner's".to_owned(),
        text: "Thoughts of q, which sees an answer hint, and of pi_theta0, which does not, on the same training questions. \
               Right: the mean accuracy of the answers that follow a thought. Solves: questions with at least one right \
               answer. Rescued: of the questions that pi never solves, those that q does; lost: the other way round."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: std::iter::once(heading("Questions", 0)).chain(header).collect(),
            rows: rows.collect(),
        }],
        plots: Vec::new(),
    }
}

/// One row for each estimator that some summary has.
fn weights(diagnostics: &BySeed) -> Section {
    let summaries = diagnostics.values().flat_map(BTreeMap::values);
    let estimators: BTreeSet<Estimator> =
        summaries.flat_map(|summary| summary.weights.keys().copied()).collect();
    let row = |estimator: Estimator| {
        let of = |figure: fn(&WeightSummary) -> Option<f64>| {
            let seeds = diagnostics.values().filter_map(|families| families.get(ALL));
            average(seeds.filter_map(|d| d.weights.get(&estimator).and_then(figure)))
        };
        vec![
            Datum::Text(estimator.to_string()),
            of(|w| w.effective_sample_size),
            of(|w| w.expected_accuracy.map(percent)),
            of(|w| w.best_accuracy.map(percent)),
            of(|w| w.fallback.map(percent)),
        ]
    };
    Section {
        title: "What the weights select".to_owned(),
        text: "Effective sample size of a question's normalised weights; accuracy of a thought drawn by weight and of the \
               one with the largest weight; questions without any positive weight, where the teacher's row stands in."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: vec![
                heading("Estimator", 0),
                heading("Effective thoughts", 2),
                heading("Drawn right %", 1),
                heading("Best right %", 1),
                heading("Fallback %", 1),
            ],
            rows: estimators.into_iter().map(row).collect(),
        }],
        plots: Vec::new(),
    }
}

fn length_bias(diagnostics: &BySeed) -> Section {
    const FIGURES: [(&str, Figure); 4] = [
        ("thought length, log pi/q of the whole thought", |d| d.length.trace_with_log_ratio_sum),
        ("thought length, log pi/q a token", |d| d.length.trace_with_log_ratio_per_token),
        ("answer length, log-likelihood (L)", |d| d.length.answer_with_log_likelihood),
        ("answer length, log-likelihood a token (GML)", |d| d.length.answer_with_log_likelihood_per_token),
    ];
    let rows = FIGURES
        .iter()
        .map(|(name, figure)| vec![Datum::Text((*name).to_owned()), mean(diagnostics, ALL, *figure)]);
    Section {
        title: "Length bias".to_owned(),
        text: "Correlation over thoughts of a length in tokens with a score; figure 4 of arXiv:2509.22637 shows the same pairs."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: vec![heading("Pair", 0), heading("Correlation", 2)],
            rows: rows.collect(),
        }],
        plots: Vec::new(),
    }
}

/// The mean of a figure over the seeds in which it is defined.
fn mean(diagnostics: &BySeed, family: &str, figure: Figure) -> Datum {
    average(diagnostics.values().filter_map(|families| families.get(family)).filter_map(figure))
}

fn average(figures: impl Iterator<Item = f64>) -> Datum {
    let figures: Vec<f64> = figures.collect();
    match figures.len() {
        0 => Datum::Empty,
        n => Datum::Number(figures.iter().sum::<f64>() / n as f64),
    }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

fn heading(label: &str, decimals: u8) -> Heading {
    Heading { label: label.to_owned(), decimals: Some(decimals) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::diagnostics::{ItemTraces, summarise};
    use crate::inference::posterior::Weights;

    fn summaries(estimators: &[Estimator]) -> BySeed {
        let weights = estimators.iter().map(|estimator| (*estimator, Weights::normalise(&[Some(0.0)])));
        let item = ItemTraces { q: vec![None], pi: vec![1.0], weights: weights.collect() };
        let summary = summarise(&[item]).unwrap_or_else(|error| panic!("{error}"));
        BTreeMap::from([(Some(1), BTreeMap::from([(ALL.to_owned(), summary)]))])
    }

    fn chain(name: &str, estimators: &[Estimator]) -> (String, BySeed) {
        (name.to_owned(), summaries(estimators))
    }

    /// A table says nothing of estimators that its models do not use, nor of diagnostics that it has not.
    #[test]
    fn estimators_that_were_not_used_are_not_listed() {
        assert_eq!(sections(&BTreeMap::new()), []);
        let names = |estimators: &[Estimator]| -> Vec<Datum> {
            let sections = sections(&BTreeMap::from([chain("q", estimators)]));
            sections[1].tables[0].rows.iter().map(|row| row[0].clone()).collect()
        };
        assert_eq!(names(&[Estimator::L]), [Datum::Text("L".to_owned())]);
        assert_eq!(names(&Estimator::ALL), ["Acc", "GML", "L"].map(|name| Datum::Text(name.to_owned())));
    }
    /// Each distinct set of diagnostics has its sections; a lone one needs no name.
    #[test]
    fn models_with_equal_diagnostics_share_their_sections() {
        let titles = |chains: Vec<(String, BySeed)>| -> Vec<String> {
            let titles = sections(&chains.into_iter().collect()).into_iter().map(|section| section.title);
            titles.filter(|title| title.starts_with("What")).collect()
        };
        let (l, gml) = ([Estimator::L], [Estimator::Gml]);
        assert_eq!(titles(vec![chain("pa", &l), chain("pb", &l)]), ["What the weights select"]);
        assert_eq!(
            titles(vec![chain("pa", &l), chain("pb", &gml), chain("pc", &l)]),
            ["What the weights select: pa, pc", "What the weights select: pb"]
        );
    }
}
