//! Diagnostics of a table as sections of its report. Figures are means over the training seeds.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::section::{Axis, DataTable, Datum, Heading, Plot, PlotPoint, Section, Series, SeriesStyle};

use crate::inference::diagnostics::{ALL, Diagnostics, WeightSummary};
use crate::inference::lengths::{LengthBin, LengthProfile};
use crate::inference::objectives::{ObjectiveBin, PARTS};
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
        let always = [posterior(diagnostics), weights(diagnostics), length_bias(diagnostics)];
        let all = always.into_iter().chain(objectives(diagnostics));
        let titled = |section: Section| Section { title: format!("{}{models}", section.title), ..section };
        all.map(titled).collect::<Vec<Section>>()
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
    let text = "Thoughts of q, which sees an answer hint, and of pi_theta0, which does not, on the same training questions. \
               Right: the mean accuracy of the answers that follow a thought. Solves: questions with at least one right \
               answer. Rescued: of the questions that pi never solves, those that q does; lost: the other way round.";
    Section {
        title: "The posterior's thoughts against the reasoner's".to_owned(),
        text: format!("{text}{}", unended(diagnostics)),
        tables: vec![DataTable {
            caption: None,
            header: std::iter::once(heading("Questions", 0)).chain(header).collect(),
            rows: rows.collect(),
        }],
        plots: Vec::new(),
    }
}

/// What to say of training seeds with which no thought of the posterior ended.
fn unended(diagnostics: &BySeed) -> String {
    let without = diagnostics.iter().filter(|(_, families)| {
        families.get(ALL).is_some_and(|all| all.traces > 0 && all.valid == Some(0.0))
    });
    let seeds: Vec<String> =
        without.map(|(seed, _)| seed.map_or_else(String::new, |seed| seed.to_string())).collect();
    let seeds = match (&seeds[..], seeds.concat().is_empty()) {
        ([], _) => return String::new(),
        (_, true) => String::new(),
        ([seed], _) => format!(" with training seed {seed}"),
        (several, _) => format!(" with training seeds {}", several.join(", ")),
    };
    format!(
        " No thought of q ended{seeds}: no thought has a weight, the teacher's rows stand in for all of them, and models that \
         differ by their weights alone are then the same model."
    )
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
        text: "Correlation over thoughts of a length in tokens with a score; figure 4 of arXiv:2509.22637 shows the same pairs. \
               In the plots, thoughts and answers are sorted by length into twelve bins of about equal counts, those of one \
               length together: mean length and mean score of each bin, with the range from the lowest training seed to the \
               highest."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: vec![heading("Pair", 0), heading("Correlation", 2)],
            rows: rows.collect(),
        }],
        plots: length_plots(diagnostics),
    }
}

/// One plot for each pair; none where nothing is scored.
fn length_plots(diagnostics: &BySeed) -> Vec<Plot> {
    type Bins = fn(&LengthProfile) -> &Vec<LengthBin>;
    type Score = fn(&LengthBin) -> f64;
    const PAIRS: [(&str, &str, &str, Bins, Score); 4] = [
        ("Thought length and log pi/q", "thought", "log pi/q, nats", |p| &p.traces, |bin| bin.sum),
        (
            "Thought length and log pi/q a token",
            "thought",
            "log pi/q a token",
            |p| &p.traces,
            |bin| bin.per_token,
        ),
        (
            "Answer length and log-likelihood (L)",
            "answer",
            "log-likelihood, nats",
            |p| &p.answers,
            |bin| bin.sum,
        ),
        (
            "Answer length and log-likelihood a token (GML)",
            "answer",
            "log-likelihood a token",
            |p| &p.answers,
            |bin| bin.per_token,
        ),
    ];
    let profiles: Vec<&LengthProfile> =
        diagnostics.values().filter_map(|families| Some(&families.get(ALL)?.length_profile)).collect();
    let plot = |(title, of, score, bins, value): (&str, &str, &str, Bins, Score)| {
        let all = profiles.iter().flat_map(|profile| bins(profile));
        let points = points(all.map(|bin| (bin.bin, bin.length, value(bin))));
        let series = Series { label: score.to_owned(), style: SeriesStyle::Band, points };
        let x = Axis { label: format!("tokens of the {of}"), logarithmic: false };
        let y = Axis { label: score.to_owned(), logarithmic: false };
        (!series.points.is_empty()).then(|| Plot { title: title.to_owned(), x, y, series: vec![series] })
    };
    PAIRS.into_iter().filter_map(plot).collect()
}

/// From the bins of all seeds, each with a place and a value: for each bin the means over seeds, with the range of the
/// values.
fn points(all: impl Iterator<Item = (usize, f64, f64)>) -> Vec<PlotPoint> {
    let mut by_bin: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    all.for_each(|(bin, x, y)| by_bin.entry(bin).or_default().push((x, y)));
    let point = |seeds: Vec<(f64, f64)>| {
        let mean = |of: fn(&(f64, f64)) -> f64| seeds.iter().map(of).sum::<f64>() / seeds.len().max(1) as f64;
        let ys = || seeds.iter().map(|(_, y)| *y);
        let (low, high) = (ys().reduce(f64::min)?, ys().reduce(f64::max)?);
        // The mean of equal numbers may differ from them in the last bit.
        let y = mean(|(_, y)| *y).clamp(low, high);
        let interval = (seeds.len() > 1).then_some((low, high));
        Some(PlotPoint { x: mean(|(x, _)| *x), y, interval })
    };
    by_bin.into_values().filter_map(point).collect()
}

/// A column of the table on objectives: its heading, and a bin's value.
type Weight = (&'static str, fn(&ObjectiveBin) -> Option<f64>);

const OBJECTIVES: [Weight; 4] = [
    ("RFT (equation 10)", |bin| Some(bin.accepted)),
    ("Reward 1 or 0 (equation 11)", |bin| Some(bin.reward)),
    ("GRPO (equation 12)", |bin| bin.grpo),
    ("Ours (equation 6)", |bin| Some(bin.ours)),
];

/// What each objective makes of a question, by how often it is solved; `None` where that is not known of any seed.
fn objectives(diagnostics: &BySeed) -> Option<Section> {
    let all: Vec<&ObjectiveBin> =
        diagnostics.values().filter_map(|families| families.get(ALL)).flat_map(|d| &d.objectives).collect();
    let bins: BTreeSet<usize> = all.iter().map(|bin| bin.bin).collect();
    let seeds = diagnostics.values().filter(|families| families.get(ALL).is_some()).count();
    let row = |number: &usize| {
        let members = || all.iter().copied().filter(|bin| bin.bin == *number);
        let questions = members().map(|bin| bin.questions as f64).sum::<f64>() / seeds.max(1) as f64;
        let weights = OBJECTIVES.iter().map(|(_, weight)| average(members().filter_map(weight)));
        let start = [Datum::Text(share_of_right(*number)), Datum::Number(questions)];
        start.into_iter().chain(weights).collect()
    };
    let series = |(label, weight): &Weight| Series {
        label: (*label).to_owned(),
        style: SeriesStyle::Line,
        points: points(all.iter().filter_map(|bin| Some((bin.bin, percent(bin.accuracy), weight(bin)?)))),
    };
    let header = OBJECTIVES.iter().map(|(label, _)| heading(label, 2));
    (!bins.is_empty()).then(|| Section {
        title: "What each objective weighs".to_owned(),
        text: "Training questions by p, the share of right answers of pi_theta0 without a hint, and the weight that an \
               objective gives to one of them: p in fine-tuning on accepted samples (RFT) and under a reward of 1 or 0, the \
               root of p/(1-p) in GRPO, which is not defined where p is 1, and 1 in ours, whose weights have the sum 1 for \
               each question. Of each objective, the mean weight of the questions with a right answer is 1. Means over \
               training seeds; a seed without questions in a bin counts as 0 questions."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: [heading("p", 0), heading("Questions", 1)].into_iter().chain(header).collect(),
            rows: bins.iter().map(row).collect(),
        }],
        plots: vec![Plot {
            title: "Weight of a question by how often it is solved".to_owned(),
            x: Axis { label: "right answers without a hint, percent".to_owned(), logarithmic: false },
            y: Axis { label: "weight".to_owned(), logarithmic: false },
            series: OBJECTIVES.iter().map(series).collect(),
        }],
    })
}

/// The accuracies of a bin: `0`, `(1/8, 2/8]`, `1`.
fn share_of_right(bin: usize) -> String {
    match bin {
        0 => "0".to_owned(),
        bin if bin > PARTS => "1".to_owned(),
        bin => {
            let end = if bin == PARTS { "1)".to_owned() } else { format!("{bin}/{PARTS}]") };
            let start = if bin == 1 { "0".to_owned() } else { format!("{}/{PARTS}", bin - 1) };
            format!("({start}, {end}")
        }
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
    use crate::inference::posterior::{AnswerLikelihood, LogRatio, ScoredTrace, Weights};

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

    /// Means over the seeds, and their range where there are several.
    #[test]
    fn bins_of_several_seeds_are_one_curve() {
        let of_seed = |sums: [f64; 2], pi: f64| {
            let trace = |length: usize, sum: f64| {
                let log_ratio = LogRatio { sum, tokens: length };
                let answer = Some(AnswerLikelihood { sum, tokens: 2 });
                Some(ScoredTrace { length, log_ratio, accuracy: Some(1.0), answer })
            };
            let q = vec![trace(2, sums[0]), trace(4, sums[1])];
            let item = ItemTraces { q, pi: vec![pi], ..ItemTraces::default() };
            let summary = summarise(&[item]).unwrap_or_else(|error| panic!("{error}"));
            BTreeMap::from([(ALL.to_owned(), summary)])
        };
        let seeds = [(Some(1), of_seed([-2.0, -4.0], 0.5)), (Some(2), of_seed([-1.0, -6.0], 1.0))];
        let found = sections(&BTreeMap::from([("q".to_owned(), BTreeMap::from(seeds))]));
        let plots = &found[2].plots;
        assert_eq!(plots.len(), 4);
        let point = |x, y, low, high| PlotPoint { x, y, interval: Some((low, high)) };
        let expected = [point(2.0, -1.5, -2.0, -1.0), point(4.0, -5.0, -6.0, -4.0)];
        assert_eq!(plots[0].series[0].points, expected);
        assert_eq!(plots[1].series[0].points[0], point(2.0, -0.75, -1.0, -0.5));
        let rows = &found[3].tables[0].rows;
        let number = Datum::Number;
        // One seed has its question in (3/8, 4/8], the other has its at 1; alone, each weighs 1.
        let first = ["(3/8, 4/8]".to_owned(), "1".to_owned()].map(Datum::Text);
        assert_eq!([&rows[0][0], &rows[1][0]], [&first[0], &first[1]]);
        assert_eq!(rows[0][1..], [number(0.5), number(1.0), number(1.0), number(1.0), number(1.0)]);
        assert_eq!(rows[1][1..], [number(0.5), number(1.0), number(1.0), Datum::Empty, number(1.0)]);
        assert_eq!([0, 1, 8, 9].map(share_of_right), ["0", "(0, 1/8]", "(7/8, 1)", "1"]);
    }

    /// Each distinct set of diagnostics has its sections; a lone one needs no name.
    #[test]
    fn models_with_equal_diagnostics_share_their_sections() {
        let titles = |chains: Vec<(String, BySeed)>| -> Vec<String> {
            let titles = sections(&chains.into_iter().collect()).into_iter().map(|section| section.title);
            titles.filter(|title| title.starts_with("What the")).collect()
        };
        let (l, gml) = ([Estimator::L], [Estimator::Gml]);
        assert_eq!(titles(vec![chain("pa", &l), chain("pb", &l)]), ["What the weights select"]);
        assert_eq!(
            titles(vec![chain("pa", &l), chain("pb", &gml), chain("pc", &l)]),
            ["What the weights select: pa, pc", "What the weights select: pb"]
        );
    }
}
