//! What a reader must know of the numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Column, Layout, Measure, NamedMean};
use crate::scores::Scores;
use crate::variance::{FEWEST_SEEDS, SeedVariance};

/// What the table's columns are of, where they are not of accuracy.
pub(super) fn about_measures(layout: &Layout, scores: &Scores) -> Vec<String> {
    let measured =
        |of: &dyn Fn(&Column) -> bool| layout.columns.iter().any(|c| of(c) && scores.values(&c.id).is_some());
    let pass_at = measured(&|column| matches!(column.measure, Measure::PassAt(_)));
    let figures = measured(&|column| matches!(column.measure, Measure::Figure(_)));
    let pass_at = pass_at.then_some(
        "pass@k of a question is estimated without bias from all of its samples (Chen et al. 2021, arXiv:2107.03374), so that \
         k may be smaller than their number",
    );
    let figures = figures.then_some(
        "A figure has one value for each training run: its interval is about the choice of training seeds alone, and the figure \
         of a model that was trained once has none",
    );
    pass_at.into_iter().chain(figures).map(str::to_owned).collect()
}

/// What a named mean is.
pub(super) fn about_mean(mean: &NamedMean) -> String {
    format!(
        "`{}` is the mean of {}; claims speak of it, and the paper does not print it",
        mean.id,
        mean.columns.join(", ")
    )
}

/// What the intervals are about.
pub(super) fn about_intervals(seeds: &BTreeSet<u64>, rule: SeedVariance) -> String {
    let seeds_part = match rule {
        SeedVariance::Pooled => "is pooled over the trained rows of the table, as if they varied alike",
        SeedVariance::Own => {
            "follows from the values under each seed of what the interval is of, so that rows may vary differently"
        }
    };
    let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
    match seeds.len() {
        0 => "An interval is about the choice of questions".to_owned(),
        1 => format!(
            "An interval is about the choice of questions, for models trained with seed {} alone: it does not say what other \
             seeds would have given, and no claim about trained models is settled",
            list.join(", ")
        ),
        n => format!(
            "An interval is about the choice of questions and of training seeds ({n} of them: {}); the part of the seeds \
             {seeds_part}{}",
            list.join(", "),
            if n < FEWEST_SEEDS { ". So few seeds settle no claim about trained models" } else { "" }
        ),
    }
}

/// Rows with another number of samples.
pub(super) fn about_samples(
    layout: &Layout,
    of_rows: &BTreeMap<String, BTreeMap<String, u32>>,
    samples: &BTreeMap<String, u32>,
) -> Vec<String> {
    let mut notes = Vec::new();
    for row in &layout.rows {
        let mut by_count: BTreeMap<(u32, u32), Vec<&str>> = BTreeMap::new();
        for (benchmark, own) in of_rows.get(&row.id).into_iter().flatten() {
            let common = samples.get(benchmark).copied().unwrap_or_default();
            by_count.entry((*own, common)).or_default().push(benchmark);
        }
        notes.extend(by_count.into_iter().map(|((own, common), benchmarks)| {
            let place = match benchmarks.len() == samples.len() {
                true => "every benchmark".to_owned(),
                false => benchmarks.join(", "),
            };
            format!(
                "`{}` ({}) has {own} samples a question on {place}, where other rows have {common} under each seed",
                row.id,
                row.measured_as()
            )
        }));
    }
    notes
}

pub(super) fn about_failures(failures: u64) -> Option<String> {
    (failures > 0)
        .then(|| format!("The judge failed on {failures} samples; they count neither as right nor as wrong, and a claim that their verdicts could change is open"))
}
