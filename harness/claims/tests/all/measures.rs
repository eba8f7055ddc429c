//! Columns of pass@k, of tokens and of figures.

use std::collections::BTreeMap;

use assay_claims::claim::{Outcome, Rules};
use assay_claims::interval;
use assay_claims::pass_at_k::{PassAtKError, pass_at_k_among};
use assay_claims::scores::{CellId, SampleScore, Scores, ScoresError, Smooth, Values};
use assay_claims::student::t_quantile;
use assay_claims::table::{
    Column, Evaluation, Figures, Layout, Measure, Measurements, NamedMean, RowLayout, Table, TableError,
    Threshold, Unit,
};
use assay_claims::variance::SeedVariance;
use proptest::prelude::*;

use crate::scores::ids;
use crate::small::claim;
use crate::support::{Random, close};

/// Right and wrong samples, and samples without a verdict, of each question.
type Counts = Vec<(u32, u32, u32)>;

pub(crate) fn column(id: &str, measure: Measure) -> Column {
    let benchmark = (!matches!(measure, Measure::Figure(_))).then(|| "q".to_owned());
    Column { id: id.into(), benchmark, measure, ..Column::default() }
}

/// A row that is measured on the model of its own name.
pub(crate) fn row(id: &str) -> RowLayout {
    RowLayout { id: id.into(), label: id.to_uppercase(), model: Some(id.into()), ..RowLayout::default() }
}

/// Verdicts on one run of a model, with as many tokens as said for each question.
pub(crate) fn run(model: &str, seed: Option<u64>, counts: &[(u32, u32, u32)], tokens: &[u32]) -> Evaluation {
    let name = |at: usize| format!("q{at:03}");
    let judged = |(right, wrong, _): &(u32, u32, u32)| {
        let verdicts = [(SampleScore::RIGHT, *right), (SampleScore::WRONG, *wrong)];
        verdicts.into_iter().flat_map(|(score, times)| std::iter::repeat_n(score, times as usize)).collect()
    };
    let scores: BTreeMap<String, Vec<SampleScore>> =
        counts.iter().enumerate().map(|(at, count)| (name(at), judged(count))).collect();
    let failures: BTreeMap<String, u32> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| count.2 > 0)
        .map(|(at, count)| (name(at), count.2))
        .collect();
    let tokens: BTreeMap<String, Vec<u32>> =
        tokens.iter().enumerate().map(|(at, tokens)| (name(at), vec![*tokens, *tokens])).collect();
    let of_q = |there: bool| there.then(|| "q".to_owned());
    Evaluation {
        model: model.into(),
        seed,
        scores: of_q(!scores.is_empty()).map(|name| (name, scores)).into_iter().collect(),
        tokens: of_q(!tokens.is_empty()).map(|name| (name, tokens)).into_iter().collect(),
        failures: of_q(!failures.is_empty()).map(|name| (name, failures)).into_iter().collect(),
    }
}

pub(crate) fn measured(questions: usize, evaluations: Vec<Evaluation>) -> Measurements {
    let questions: Vec<String> = (0..questions).map(|at| format!("q{at:03}")).collect();
    Measurements { questions: [("q".to_owned(), questions)].into(), evaluations, ..Measurements::default() }
}

fn one_row(column: Column, counts: &[(u32, u32, u32)]) -> Result<Table, TableError> {
    let layout = Layout { columns: vec![column], rows: vec![row("m")], ..Layout::default() };
    Table::new(layout, measured(counts.len(), vec![run("m", None, counts, &[])]))
}

/// The share of subsets of k samples that hold a right one, by counting them.
fn by_counting(right: u32, samples: u32, k: u32) -> f64 {
    let subsets = (0_u32..1 << samples).filter(|subset| subset.count_ones() == k);
    let (hits, all) = subsets
        .fold((0_u32, 0_u32), |(hits, all), s| (hits + u32::from(s & ((1 << right) - 1) != 0), all + 1));
    f64::from(hits) / f64::from(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A cell of pass@k is the mean over questions of what counting all subsets gives.
    #[test]
    fn a_column_of_pass_at_k_is_a_count_of_subsets(
        samples in 1_u32..=9,
        k in 1_u32..=9,
        rights in proptest::collection::vec(0_u32..=9, 2..7),
    ) {
        let k = k.min(samples);
        let counts: Counts = rights.iter().map(|r| (*r.min(&samples), samples - r.min(&samples), 0)).collect();
        let table = one_row(column("P", Measure::PassAt(k)), &counts).unwrap();
        let expected: f64 = counts.iter().map(|(right, ..)| by_counting(*right, samples, k)).sum();
        let found = table.cells["m"]["P"].measured.as_ref().unwrap();
        prop_assert!((found.value - 100.0 * expected / counts.len() as f64).abs() < 1e-9);
        prop_assert!((0.0..=100.0).contains(&found.low) && (0.0..=100.0).contains(&found.high));
        prop_assert_eq!(found.n, Some(u64::from(samples) * counts.len() as u64));
    }

    /// Whatever verdicts the failed samples would have had, pass@k lies between the bounds, and the ends are reached.
    #[test]
    fn failed_samples_leave_bounds_of_pass_at_k(right in 0_u32..5, wrong in 0_u32..5, failed in 0_u32..4, k in 1_u32..8) {
        let all = right + wrong + failed;
        prop_assume!(k <= all);
        let samples = [SampleScore::RIGHT].repeat(right as usize).into_iter();
        let samples: Vec<_> = samples.chain([SampleScore::WRONG].repeat(wrong as usize)).collect();
        let score = pass_at_k_among(&samples, u64::from(failed), u64::from(k)).unwrap();
        prop_assert!((score.low - by_counting(right, all, k)).abs() < 1e-12);
        prop_assert!((score.high - by_counting(right + failed, all, k)).abs() < 1e-12);
        prop_assert_eq!(score.value.is_some(), k <= right + wrong);
        let value = score.value.unwrap_or(score.low);
        prop_assert!(score.low - 1e-12 <= value && value <= score.high + 1e-12);
    }
}

#[test]
fn pass_at_more_than_the_samples_is_a_mistake_with_its_place() {
    let error = one_row(column("P8", Measure::PassAt(8)), &[(4, 4, 0), (3, 3, 1)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `P8` has no value for row `m` on question `q001`: pass@8 needs 1 <= k <= samples, but 7 samples were \
         drawn"
    );
    assert!(matches!(error, TableError::PassAt { error: PassAtKError::K { k: 8, samples: 7 }, .. }));
    let mut graded = run("m", None, &[(1, 1, 0), (1, 1, 0)], &[]);
    graded.scores.get_mut("q").unwrap().get_mut("q000").unwrap()[0] = SampleScore::new(0.5).unwrap();
    let layout =
        Layout { columns: vec![column("P", Measure::PassAt(1))], rows: vec![row("m")], ..Layout::default() };
    let error = Table::new(layout, measured(2, vec![graded])).unwrap_err();
    assert!(matches!(error, TableError::PassAt { error: PassAtKError::Graded { .. }, .. }), "{error}");
}

/// A claim about pass@k that the failed samples could change is open; one that they could not is settled.
#[test]
fn judge_failures_keep_claims_about_pass_at_k_open() {
    let outcome = |failed: u32| {
        let ours: Counts = (0..40).map(|at| if at % 3 == 0 { (0, 4, 0) } else { (2, 2, 0) }).collect();
        let theirs: Counts = (0..40)
            .map(|at| if at % 2 == 0 { (0, 4 - failed, failed) } else { (1, 3 - failed, failed) })
            .collect();
        let layout = Layout {
            columns: vec![column("P", Measure::PassAt(2))],
            rows: vec![row("ours"), row("theirs")],
            claims: vec![claim("1", "ours.P > theirs.P")],
            ..Layout::default()
        };
        let runs = vec![run("ours", None, &ours, &[]), run("theirs", None, &theirs, &[])];
        Table::new(layout, measured(40, runs)).unwrap().claims[0].outcome
    };
    assert_eq!((outcome(0), outcome(2)), (Outcome::Holds, Outcome::Open));
}

/// Tokens are shown as they are, with the interval of Student's t whatever their values: no end is near.
#[test]
fn tokens_are_amounts() {
    for tokens in [vec![900, 1100, 18_000, 40], [vec![0; 19], vec![1]].concat(), vec![0, 0, 7]] {
        let counts: Counts = tokens.iter().map(|_| (1, 0, 1)).collect();
        let layout = Layout {
            columns: vec![column("T", Measure::Tokens), column("A", Measure::Accuracy)],
            rows: vec![row("m")],
            ..Layout::default()
        };
        let table =
            Table::new(layout, measured(tokens.len(), vec![run("m", None, &counts, &tokens)])).unwrap();
        let values: Vec<f64> = tokens.iter().copied().map(f64::from).collect();
        let expected = interval::mean(&values).unwrap();
        let found = table.cells["m"]["T"].measured.clone().unwrap();
        assert_eq!((found.value, found.low, found.high), (expected.value, expected.low, expected.high));
        assert!(found.low < 0.0 && found.n.is_none(), "not clamped, and no number of verdicts: {found:?}");
        assert_eq!(table.question_scores.keys().collect::<Vec<_>>(), ["A"]);
        assert!(table.sections.is_empty(), "the lengths stand in the table: {:?}", table.sections);
    }
}

/// Rows without tokens are not measured, and claims about them are not attempted.
#[test]
fn a_row_without_tokens_is_not_measured_on_them() {
    let counts = [(1, 1, 0); 5];
    let layout = Layout {
        columns: vec![column("T", Measure::Tokens), column("A", Measure::Accuracy)],
        rows: vec![row("m"), row("imported")],
        claims: vec![claim("1", "m.T > imported.T"), claim("2", "m.A ~ imported.A within 20")],
        ..Layout::default()
    };
    let runs = vec![run("m", None, &counts, &[3, 4, 5, 6, 7]), run("imported", None, &counts, &[])];
    let table = Table::new(layout, measured(5, runs)).unwrap();
    assert!(!table.cells["imported"].contains_key("T") && table.cells["m"].contains_key("T"));
    assert_eq!(table.claims[0].outcome, Outcome::NotAttempted);
    assert_ne!(table.claims[1].outcome, Outcome::NotAttempted);
}

/// Figures of `a` and `b` under these seeds, and of `base`, which was trained once.
fn figures(a: &[f64], b: &[f64], base: f64) -> Figures {
    let named = |value: f64| BTreeMap::from([("spikes".to_owned(), value)]);
    let by_seed = |values: &[f64]| (1..).zip(values).map(|(seed, v)| (Some(seed), named(*v))).collect();
    [("a", by_seed(a)), ("b", by_seed(b)), ("base", BTreeMap::from([(None, named(base))]))]
        .into_iter()
        .map(|(model, values)| (model.to_owned(), values))
        .collect()
}

fn of_figures(figures: Figures, claims: &[&str], seeds: SeedVariance) -> Result<Table, TableError> {
    let mut other = row("base");
    other.id = "other".into();
    let layout = Layout {
        columns: vec![Column { unit: Some("%".into()), ..column("F", Measure::Figure("spikes".into())) }],
        rows: vec![row("a"), row("b"), row("base"), other],
        claims: claims.iter().map(|text| claim(text, text)).collect(),
        rules: Rules { seeds, ..Rules::default() },
        ..Layout::default()
    };
    Table::new(layout, Measurements { figures, ..Measurements::default() })
}

/// The variance of a figure is that of seeds alone; without seeds it has a value and nothing else.
#[test]
fn figures_vary_with_seeds_alone() {
    let a = [250.0, -20.0, 130.0, 40.0];
    let found = of_figures(figures(&a, &[1.0, 2.0, 3.0, 4.0], -7.5), &[], SeedVariance::Own).unwrap();
    let cell = found.cells["a"]["F"].measured.clone().unwrap();
    let error = (interval::sample_variance(&a) / 4.0).sqrt();
    close(cell.value, 100.0, 1e-12);
    close(cell.standard_error.unwrap(), error, 1e-12);
    close(cell.high - cell.value, t_quantile(0.975, 3.0) * error, 1e-9);
    assert_eq!((cell.question_error, cell.n, cell.per_seed[&2]), (None, None, -20.0));
    close(cell.seed_error.unwrap(), error, 1e-12);
    let base = found.cells["base"]["F"].measured.clone().unwrap();
    assert_eq!((base.value, base.low, base.high, base.has_interval()), (-7.5, -7.5, -7.5, false));
    assert_eq!((base.standard_error, base.seed_error), (None, None));
    assert_eq!(found.seeds, [1, 2, 3, 4]);
    assert_eq!(found.notes.len(), 1, "no word of questions: {:?}", found.notes);
    assert!(found.notes[0].starts_with("A figure has one value for each training run"), "{:?}", found.notes);
    // Pooled over the rows, the spread of `b` counts too.
    let pooled = of_figures(figures(&a, &[1.0, 2.0, 3.0, 4.0], 0.0), &[], SeedVariance::Pooled).unwrap();
    let of_b = |table: &Table| table.cells["b"]["F"].measured.as_ref().unwrap().half_width();
    assert!(of_b(&pooled) > 5.0 * of_b(&found), "{} {}", of_b(&pooled), of_b(&found));
}

#[test]
fn claims_about_figures_need_three_seeds() {
    let claims = ["a.F > b.F", "a.F > base.F", "base.F ~ other.F within 1"];
    let outcomes = |a: &[f64], b: &[f64]| {
        let table = of_figures(figures(a, b, 1.0), &claims, SeedVariance::Own).unwrap();
        let notes = table.claims.iter().map(|claim| claim.note.clone().unwrap_or_default());
        table.claims.iter().map(|claim| claim.outcome).zip(notes).collect::<Vec<_>>()
    };
    let few = "trained with fewer than three seeds, which say too little about others".to_owned();
    let open = (Outcome::Open, few);
    for seeds in 1..=2 {
        assert_eq!(outcomes(&[9.0, 9.5][..seeds], &[1.0, 1.5][..seeds]), vec![open.clone(); 3]);
    }
    let found = outcomes(&[9.0, 9.5, 8.5, 9.1], &[1.0, 1.5, 1.2, 1.1]);
    assert_eq!((found[0].0, found[1].0), (Outcome::Holds, Outcome::Holds));
    assert_eq!(found[2], open);
    assert_eq!(outcomes(&[9.0; 4], &[1.0; 4])[0].1, "the scores do not vary");
}

#[test]
fn figures_that_are_no_numbers_or_that_runs_lack_are_refused() {
    let error = of_figures(figures(&[1.0, f64::NAN], &[1.0, 2.0], 0.0), &[], SeedVariance::Own).unwrap_err();
    assert_eq!(error.to_string(), "the value of row `a` (seed 2) in column `F` is not a finite number");
    let mut lacking = figures(&[1.0, 2.0], &[1.0, 2.0], 0.0);
    lacking.get_mut("a").unwrap().get_mut(&Some(2)).unwrap().clear();
    // Nothing at all is not a mistake.
    let found = of_figures(Figures::new(), &["a.F > b.F"], SeedVariance::Own).unwrap();
    assert_eq!(found.claims[0].outcome, Outcome::NotAttempted);
    assert!(found.cells.values().all(BTreeMap::is_empty) && found.notes.is_empty());
}

/// Each comparison is in the unit of its cells, and only percentages are multiplied by 100.
#[test]
fn claims_about_amounts_have_their_unit() {
    let tokens = || "tokens".to_owned();
    let above = |bound| Threshold::Above { bound };
    let cases = [
        ("a.T > b.T", Unit::Difference(tokens()), above(0.0), 200.0),
        ("a.T > 100", Unit::Amount(tokens()), above(100.0), 300.0),
        ("a.T / b.T > 2", Unit::Ratio, above(2.0), 3.0),
        ("avg(a.T, b.T) < 500", Unit::Amount(tokens()), Threshold::Below { bound: 500.0 }, 200.0),
        ("2 * a.T - b.T > 0", Unit::Difference(tokens()), above(0.0), 500.0),
        ("a.T ~ b.T within 50", Unit::Difference(tokens()), Threshold::Within { margin: 50.0 }, 200.0),
        ("slope(b.T at 1, a.T at 2) > 0", Unit::Difference(tokens()), above(0.0), 200.0),
        ("a.T - a.A > 0", Unit::Difference(String::new()), above(0.0), 250.0),
        ("a.A > b.A", Unit::Points, above(0.0), -25.0),
        ("a.P > 10", Unit::Percent, above(10.0), 100.0),
    ];
    let layout = Layout {
        columns: vec![
            column("T", Measure::Tokens),
            column("A", Measure::Accuracy),
            column("P", Measure::PassAt(4)),
        ],
        rows: vec![row("a"), row("b")],
        claims: cases.iter().map(|case| claim(case.0, case.0)).collect(),
        ..Layout::default()
    };
    let runs = vec![
        run("a", None, &[(2, 2, 0), (1, 3, 0), (3, 1, 0)], &[290, 300, 310]),
        run("b", None, &[(3, 1, 0), (2, 2, 0), (4, 0, 0)], &[90, 110, 100]),
    ];
    let table = Table::new(layout, measured(3, runs)).unwrap();
    for ((text, unit, threshold, value), claim) in cases.iter().zip(&table.claims) {
        let part = &claim.parts[0];
        assert_eq!((&part.unit, part.threshold), (unit, *threshold), "{text}");
        close(part.estimate.as_ref().unwrap().value, *value, 1e-9);
    }
}

/// A table of printed lengths, without any measure, is in tokens too.
#[test]
fn printed_amounts_are_no_percentages() {
    let printed = |id: &str, text: &str| RowLayout {
        printed: [("M".to_owned(), text.to_owned())].into(),
        model: None,
        ..row(id)
    };
    let layout = Layout {
        columns: vec![Column { id: "M".into(), unit: Some("tokens".into()), ..Column::default() }],
        rows: vec![printed("base", "564"), printed("sft", "5801")],
        claims: vec![claim("1", "sft.M > base.M")],
        ..Layout::default()
    };
    assert_eq!(layout.check(&Default::default()), []);
    let part = Table::new(layout, Measurements::default()).unwrap().claims[0].parts[0].clone();
    assert_eq!((part.unit, part.printed), (Unit::Difference("tokens".into()), Some(5237.0)));
}

#[test]
fn shares_and_amounts_have_no_common_mean() {
    let columns = [
        ("T".to_owned(), Values::Amounts(ids(2))),
        ("A".to_owned(), Values::Shares(ids(2))),
        ("F".to_owned(), Values::Figures),
    ];
    let group = |members: [&str; 2]| [("g".to_owned(), members.map(str::to_owned).to_vec())];
    let error = Scores::of_values(columns.clone(), group(["T", "A"])).unwrap_err();
    assert_eq!(error.to_string(), "column `g` is a group of percentages and of other values");
    let mut scores = Scores::of_values(columns, group(["T", "F"])).unwrap();
    let error = scores.insert_figure("r", None, "T", 1.0).unwrap_err();
    assert!(matches!(error, ScoresError::UnknownColumn { .. }), "{error}");
    let values: BTreeMap<String, f64> = ids(2).into_iter().zip([1e9, f64::INFINITY]).collect();
    let error = scores.insert("r", None, "T", &values).unwrap_err();
    assert!(matches!(error, ScoresError::NotFinite { .. }), "{error}");
}

/// Columns of one benchmark are of the same questions: what they add to a variance goes together, question by question.
#[test]
fn columns_of_one_benchmark_rest_on_the_same_questions() {
    let counts: Counts = (0..30).map(|at| (at % 5, 4 - at % 5, 0)).collect();
    let tokens: Vec<u32> = (0..30).map(|at| 100 + 10 * (at % 5)).collect();
    let of = |second: &str| {
        let layout = Layout {
            columns: vec![
                column("A", Measure::Accuracy),
                Column { benchmark: Some(second.into()), ..column("P", Measure::PassAt(1)) },
                column("T", Measure::Tokens),
            ],
            means: vec![NamedMean { id: "both".into(), columns: vec!["A".into(), "P".into()] }],
            rows: vec![row("m")],
            claims: vec![claim("1", "m.A > m.P"), claim("2", "m.T - 40 * m.A / 100 > 90")],
            ..Layout::default()
        };
        let mut evaluation = run("m", None, &counts, &tokens);
        evaluation.scores.insert("other".into(), evaluation.scores["q"].clone());
        let mut measured = measured(30, vec![evaluation]);
        measured.questions.insert("other".into(), measured.questions["q"].clone());
        Table::new(layout, measured).unwrap()
    };
    let error =
        |table: &Table, column: &str| table.cells["m"][column].measured.as_ref().unwrap().standard_error;
    let (same, other) = (of("q"), of("other"));
    close(error(&same, "both").unwrap(), error(&same, "A").unwrap(), 1e-9);
    close(error(&other, "both").unwrap(), error(&other, "A").unwrap() / 2.0_f64.sqrt(), 1e-9);
    assert_eq!(same.claims[0].note.as_deref(), Some("the scores do not vary"), "the two are one");
    assert_eq!(other.claims[0].note, None);
    // Every right sample goes with ten tokens, so that nothing is left to vary.
    let part = &same.claims[1].parts[0];
    close(part.estimate.as_ref().unwrap().value, 100.0, 1e-9);
    assert!(part.estimate.as_ref().unwrap().half_width() < 1e-6, "{part:?}");
}

/// Beside shares that are close to an end, amounts keep their own spread.
#[test]
fn amounts_beside_shares_at_an_end_keep_their_spread() {
    let tokens: Vec<u32> = (0..30).map(|at| 100 + 10 * (at % 7)).collect();
    let layout = Layout {
        columns: vec![column("A", Measure::Accuracy), column("T", Measure::Tokens)],
        rows: vec![row("m")],
        claims: vec![claim("1", "m.T + 0.001 * m.A > 100")],
        ..Layout::default()
    };
    let runs = vec![run("m", None, &[(4, 0, 0); 30], &tokens)];
    let table = Table::new(layout, measured(30, runs)).unwrap();
    let alone = table.cells["m"]["T"].measured.as_ref().unwrap();
    let found = table.claims[0].parts[0].estimate.as_ref().unwrap();
    close(found.low, alone.low + 0.1, 0.02);
    close(found.high, alone.high + 0.1, 0.02);
}

fn normal(random: &mut Random) -> f64 {
    (-2.0 * (1.0 - random.uniform()).ln()).sqrt() * (std::f64::consts::TAU * random.uniform()).cos()
}

/// How often 95 % intervals of a difference of two rows hold the truth, which is 50, where questions, seeds, and both
/// together move the amounts.
fn coverage(seeds: u64, questions: usize, rule: SeedVariance, repetitions: usize) -> f64 {
    let mut random = Random::new(12);
    let cells = ["a", "b"].map(|row| CellId { row: row.into(), column: "t".into() });
    let mut held = 0;
    for _ in 0..repetitions {
        let of = if questions > 0 { Values::Amounts(ids(questions)) } else { Values::Figures };
        let mut scores = Scores::of_values([("t".to_owned(), of)], []).unwrap().with_seed_variance(rule);
        let of_question: Vec<f64> = (0..questions).map(|_| 400.0 * normal(&mut random)).collect();
        for (row, mean) in [("a", 1050.0), ("b", 1000.0)] {
            let own: Vec<f64> = of_question.iter().map(|base| base + 200.0 * normal(&mut random)).collect();
            for seed in 1..=seeds {
                let level = mean + 30.0 * normal(&mut random);
                let one = |(id, base): (String, &f64)| (id, level + base + 100.0 * normal(&mut random));
                let values: BTreeMap<String, f64> = ids(questions).into_iter().zip(&own).map(one).collect();
                match questions {
                    0 => scores.insert_figure(row, Some(seed), "t", level).unwrap(),
                    _ => scores.insert(row, Some(seed), "t", &values).unwrap(),
                }
            }
        }
        let difference = |v: &[f64]| Smooth { value: v[0] - v[1], gradient: vec![1.0, -1.0] };
        let found = scores.evaluate(&cells, difference).unwrap().estimate;
        held += usize::from(found.low <= 50.0 && 50.0 <= found.high);
    }
    held as f64 / repetitions as f64
}

/// Intervals of amounts hold the truth as often as they say, to two standard errors of the simulation and the half percent
/// by which Satterthwaite's degrees of freedom are off.
#[test]
fn intervals_of_amounts_cover() {
    for (seeds, questions, rule) in [
        (5, 30, SeedVariance::Own),
        (5, 30, SeedVariance::Pooled),
        (5, 0, SeedVariance::Own),
        (5, 0, SeedVariance::Pooled),
        (10, 0, SeedVariance::Own),
    ] {
        let found = coverage(seeds, questions, rule, 2000);
        assert!((found - 0.95).abs() < 0.015, "{seeds} seeds, {questions} questions, {rule:?}: {found}");
    }
}
