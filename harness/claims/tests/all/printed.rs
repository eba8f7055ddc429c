use std::collections::BTreeMap;

use assay_claims::audit::{AverageCheck, AverageRule, Cause, Grids};
use assay_claims::printed::{BenchmarkSize, Decimal, PrintedCheck, PrintedTable};
use proptest::prelude::*;

use crate::support::close;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A row of the paper's tables: five members and their average, in two groups.
const MATH: [&str; 5] = ["MATH500", "AIME24", "AIME25", "AMC23", "OlympiadBench"];
const GENERAL: [&str; 5] = ["GPQA-D", "LCB-E", "LCB-M", "LCB-H", "MMLU-Pro"];

type Row = (&'static str, [&'static str; 6], [&'static str; 6]);

/// Table 5 of arXiv 2509.22637v2, every value written with two decimals.
const TABLE_5: [Row; 5] = [
    (
        "Qwen2.5-7B-Instruct",
        ["75.60", "10.94", "7.40", "51.10", "39.91", "36.99"],
        ["29.99", "62.50", "18.20", "3.35", "48.20", "32.45"],
    ),
    (
        "Bespoke-Stratos-7B-1K",
        ["77.20", "16.25", "13.96", "53.75", "40.88", "40.41"],
        ["37.94", "60.37", "13.59", "1.22", "56.07", "33.84"],
    ),
    (
        "Ours-Acc-7B-1K",
        ["81.30", "19.69", "18.44", "61.64", "45.99", "45.41"],
        ["41.16", "68.13", "21.42", "1.42", "60.94", "38.62"],
    ),
    (
        "Ours-GML-7B-1K",
        ["81.30", "19.27", "18.33", "62.50", "45.48", "45.38"],
        ["41.35", "68.41", "23.30", "2.74", "61.31", "39.42"],
    ),
    (
        "Ours-L-7B-1K",
        ["79.90", "17.81", "14.17", "59.53", "43.62", "43.01"],
        ["39.90", "66.42", "19.90", "1.93", "58.61", "37.35"],
    ),
];

fn average_of(values: [&str; 6]) -> AverageCheck {
    let members: Vec<_> = values[..5].iter().map(|text| (Some(decimal(text)), None)).collect();
    AverageCheck::new(decimal(values[5]), &members, &mut Grids::default()).unwrap()
}

#[test]
fn averages_of_table_5_follow_from_their_rows() {
    for (row, math, general) in TABLE_5 {
        for values in [math, general] {
            let check = average_of(values);
            assert_eq!(check.result(), PrintedCheck::Consistent, "{row}: {check:?}");
        }
    }
    // Ours-Acc's general average is off in its last digit if recomputed from rounded members, yet possible.
    let check = average_of(TABLE_5[2].2);
    assert_eq!(check.mean, "38.614000");
    let possible: Vec<_> = check.rules.iter().map(|decided| (decided.rule, decided.possible)).collect();
    assert_eq!(possible[0], (AverageRule::PrintedMembers, Some(false)));
    assert_eq!(possible[1], (AverageRule::ExactMembers, Some(true)));
}

/// Table 3: Bespoke-Stratos-32B prints 70.34, and its row gives 70.354, under every rule.
#[test]
fn an_average_beyond_rounding_is_contradicted() {
    let texts = ["92.60", "55.42", "46.88", "92.19", "64.68"];
    let sizes = [(500, 2), (30, 32), (30, 32), (40, 32), (674, 2)];
    let members: Vec<_> = texts
        .iter()
        .zip(sizes)
        .map(|(text, (questions, samples))| (Some(decimal(text)), Some(BenchmarkSize { questions, samples })))
        .collect();
    let of = |printed| AverageCheck::new(decimal(printed), &members, &mut Grids::default()).unwrap();
    let check = of("70.34");
    assert_eq!(check.result(), PrintedCheck::Contradicted, "{check:?}");
    assert!(check.rules.iter().all(|decided| decided.possible == Some(false)), "{check:?}");
    assert_eq!(check.arithmetic(), "(92.60 + 55.42 + 46.88 + 92.19 + 64.68) / 5 = 70.354");
    assert_eq!(check.corrected(), Some(decimal("70.35")));
    assert_eq!(of("70.35").result(), PrintedCheck::Consistent);
}

/// The edge of what rounding allows is inside: comparisons are in integers, not in floating point.
#[test]
fn the_edge_of_the_tolerance_is_inside() {
    for (printed, members, result) in [
        ("0.2", ["0.10", "0.19"], PrintedCheck::Consistent),
        ("0.21", ["0.20", "0.20"], PrintedCheck::Consistent),
        ("0.22", ["0.20", "0.20"], PrintedCheck::Contradicted),
        ("0.2", ["0.1", "0.1"], PrintedCheck::Consistent),
        ("0.20", ["0.1", "0.1"], PrintedCheck::Contradicted),
    ] {
        let members = members.map(|text| (Some(decimal(text)), None));
        let check = AverageCheck::new(decimal(printed), &members, &mut Grids::default()).unwrap();
        assert_eq!(check.result(), result, "{printed}");
    }
}

#[test]
fn an_average_with_a_missing_member_is_not_attempted() {
    for members in [vec![], vec![(Some(decimal("1.0")), None), (None, None)]] {
        assert_eq!(AverageCheck::new(decimal("1.0"), &members, &mut Grids::default()), None);
    }
}

/// AMC23: 40 questions by 32 samples. 654 of 1280 are 51.09375 %: `51.10` is off the grid, and `51.1` has too
/// few digits for the test to fail.
#[test]
fn granularity_depends_on_the_printed_digits() {
    for (text, questions, samples, result, explained) in [
        ("51.1", 40, 32, PrintedCheck::NotAttempted, false),
        ("51.09", 40, 32, PrintedCheck::Consistent, false),
        // Every run is a multiple of 2.5: rounding runs changes nothing.
        ("51.10", 40, 32, PrintedCheck::OffTheGrid, false),
        ("61.64", 40, 32, PrintedCheck::Consistent, false),
        ("81.30", 500, 2, PrintedCheck::Consistent, false),
        ("81.25", 500, 2, PrintedCheck::OffTheGrid, false),
        // 1187 of 1456 are 81.5247 %: off by rounding twice.
        ("81.53", 182, 8, PrintedCheck::OffTheGrid, true),
        // One run only: nothing to round in between.
        ("33.34", 3, 1, PrintedCheck::OffTheGrid, false),
        ("33.33", 3, 1, PrintedCheck::Consistent, false),
        // A tie may have been rounded either way: 1 of 8 is 12.5 %.
        ("12", 8, 1, PrintedCheck::Consistent, false),
        ("13", 8, 1, PrintedCheck::Consistent, false),
        ("100.0", 30, 32, PrintedCheck::Consistent, false),
        ("100.1", 30, 32, PrintedCheck::OffTheGrid, false),
        ("-0.1", 30, 32, PrintedCheck::OffTheGrid, false),
        // 12,032 questions: every percentage with two decimals is attainable.
        ("60.94", 12_032, 1, PrintedCheck::NotAttempted, false),
        ("100.01", 12_032, 1, PrintedCheck::OffTheGrid, false),
        ("60.94", 0, 8, PrintedCheck::NotAttempted, false),
    ] {
        let check = Grids::default().check(decimal(text), BenchmarkSize { questions, samples });
        let runs =
            check.result() == PrintedCheck::OffTheGrid && check.possible(Cause::RoundedRuns) == Some(true);
        assert_eq!(
            (check.result(), runs),
            (result, explained),
            "{text} of {questions} x {samples}: {check:?}"
        );
    }
}

#[test]
fn decimals_read_and_print_as_they_stand() {
    for text in ["45.41", "0.05", "-1.50", "1027", "100.00", "0"] {
        assert_eq!(decimal(text).to_string(), text);
    }
    close(decimal("-1.50").value(), -1.5, 1e-12);
    close(decimal("51.1").half_unit(), 0.05, 1e-12);
    for text in
        ["", "-", ".5", "5.", "1e3", "1,5", " 1", "NaN", "+1", "--1", "1.0000000001", "9999999999999999"]
    {
        assert!(text.parse::<Decimal>().is_err(), "{text}");
    }
}

#[test]
fn a_whole_table() {
    let mut table = PrintedTable {
        benchmarks: [("AMC23", Some(BenchmarkSize { questions: 40, samples: 32 })), ("MATH500", None)]
            .map(|(id, size)| (id.to_owned(), size))
            .into(),
        ..PrintedTable::default()
    };
    for (group, members) in [("math", MATH), ("general", GENERAL)] {
        table.groups.insert(group.to_owned(), members.map(str::to_owned).to_vec());
    }
    for (row, math, general) in TABLE_5 {
        let cells = MATH
            .into_iter()
            .chain(["math"])
            .zip(math)
            .chain(GENERAL.into_iter().chain(["general"]).zip(general));
        table
            .rows
            .insert(row.to_owned(), cells.map(|(column, text)| (column.to_owned(), decimal(text))).collect());
    }
    let audit = table.audit();
    assert_eq!(audit.len(), 5 * 12);
    let by_cell: BTreeMap<_, _> =
        audit.iter().map(|cell| ((cell.row.as_str(), cell.column.as_str()), cell)).collect();
    assert_eq!(by_cell[&("Ours-GML-7B-1K", "math")].result, PrintedCheck::Consistent);
    assert_eq!(by_cell[&("Ours-GML-7B-1K", "AMC23")].result, PrintedCheck::Consistent);
    assert_eq!(
        by_cell[&("Qwen2.5-7B-Instruct", "AMC23")].result,
        PrintedCheck::OffTheGrid,
        "if printed with two decimals"
    );
    assert_eq!(
        by_cell[&("Ours-GML-7B-1K", "MATH500")].result,
        PrintedCheck::NotAttempted,
        "its size is not given"
    );
    assert_eq!(by_cell[&("Ours-L-7B-1K", "LCB-E")].printed, "66.42");
    let note = by_cell[&("Qwen2.5-7B-Instruct", "AMC23")].note.as_deref().unwrap();
    assert!(note.starts_with("654/1280 = 51.0938, which rounds to 51.09; 655/1280 = 51.1719"), "{note}");
    assert!(note.ends_with("explained by rounding to fewer digits and adding zeros (654/1280 = 51.0938, which rounds to 51.1)"), "{note}");
}

/// Small cases by trying every tuple of runs.
#[test]
fn rounded_runs_are_decided_as_by_trying_all() {
    for questions in 1..=7u32 {
        for samples in 2..=3u32 {
            let runs: Vec<i64> = (0..=i64::from(questions))
                .flat_map(|right| {
                    let (twice, n) = (2000 * right, i64::from(questions));
                    let up = (twice + n).div_euclid(2 * n);
                    if (twice + n) % (2 * n) == 0 { vec![up - 1, up] } else { vec![up] }
                })
                .collect();
            let mut sums = vec![0i64];
            for _ in 0..samples {
                sums = sums.iter().flat_map(|sum| runs.iter().map(move |run| sum + run)).collect();
                sums.sort_unstable();
                sums.dedup();
            }
            let k = i64::from(samples);
            let mut grids = Grids::default();
            for units in 0..=1000i64 {
                let expected = sums.iter().any(|sum| (2 * sum - 2 * k * units).abs() <= k);
                let printed = Decimal::new(units.into(), 1).unwrap();
                let check = grids.check(printed, BenchmarkSize { questions, samples });
                assert_eq!(
                    check.possible(Cause::RoundedRuns),
                    Some(expected),
                    "{printed} of {questions} x {samples}"
                );
            }
        }
    }
}

/// GRIM's power: 1280 of the 10,000 percentages with two digits are on the grid.
#[test]
fn power_and_nearest_sizes() {
    let size = BenchmarkSize { questions: 40, samples: 32 };
    let check = Grids::default().check(decimal("51.10"), size);
    close(check.power, 0.872, 1e-12);
    let shown: Vec<(u32, u32)> = check.nearest.iter().map(|near| (near.questions, near.samples)).collect();
    assert_eq!(shown, nearest_by_search(5110, size));
    let on_the_grid = Grids::default().check(decimal("51.09"), size);
    assert_eq!(on_the_grid.nearest, [], "a value that fits needs no other numbers");
    // Nothing is looked for below one question or one sample.
    for size in [BenchmarkSize { questions: 1, samples: 1 }, BenchmarkSize { questions: 3, samples: 1 }] {
        let check = Grids::default().check(decimal("51.10"), size);
        assert!(!check.nearest.is_empty() && check.nearest.iter().all(|n| n.questions > 0 && n.samples > 0));
    }
}

/// The three numbers of questions and samples with the least distance, by looking at all that are near.
fn nearest_by_search(hundredths: i64, size: BenchmarkSize) -> Vec<(u32, u32)> {
    let near = |number: u32| number.saturating_sub(30).max(1)..=number + 30;
    let sizes = near(size.questions).flat_map(|questions| near(size.samples).map(move |k| (questions, k)));
    let fits = |&(questions, samples): &(u32, u32)| {
        let count = i64::from(questions) * i64::from(samples);
        (0..=count).any(|right| 2 * (10_000 * right - hundredths * count).abs() <= count)
    };
    let mut fitting: Vec<(u32, u32)> = sizes.filter(fits).collect();
    fitting.sort_by_key(|&(n, k)| {
        let by = k.abs_diff(size.samples);
        (n.abs_diff(size.questions) + by, by, n, k)
    });
    fitting.truncate(3);
    fitting
}

/// 436/674 = 64.6884: cutting digits off gives 64.68, rounding 64.69.
#[test]
fn truncation_is_decided() {
    let size = BenchmarkSize { questions: 674, samples: 2 };
    let check = Grids::default().check(decimal("64.68"), size);
    assert_eq!(check.result(), PrintedCheck::OffTheGrid);
    assert_eq!(check.possible(Cause::Truncation), Some(true));
    assert_eq!(Grids::default().check(decimal("64.67"), size).possible(Cause::Truncation), Some(false));
}

proptest! {
    /// What an experiment can give, rounded to the printed digits, is never called off the grid.
    #[test]
    fn honest_cells_pass(questions in 1u32..2000, samples in 1u32..40, share in 0.0..=1.0, digits in 0usize..5) {
        let outcomes = u64::from(questions) * u64::from(samples);
        let correct = (share * outcomes as f64) as u64;
        let text = format!("{:.digits$}", 100.0 * correct as f64 / outcomes as f64);
        let check = Grids::default().check(decimal(&text), BenchmarkSize { questions, samples });
        prop_assert!(check.result() != PrintedCheck::OffTheGrid, "{text} of {questions} x {samples}: {check:?}");
    }

    /// An average computed from unrounded members, then rounded, agrees with the rounded members.
    #[test]
    fn honest_averages_pass(members in prop::collection::vec(0.0..100.0, 1..9), digits in 0usize..4, coarse in 0usize..4) {
        let mean = members.iter().sum::<f64>() / members.len() as f64;
        let rounded: Vec<_> = members.iter().map(|m| (Some(decimal(&format!("{m:.digits$}"))), None)).collect();
        let printed = decimal(&format!("{mean:.coarse$}"));
        let check = AverageCheck::new(printed, &rounded, &mut Grids::default()).unwrap();
        prop_assert_eq!(check.result(), PrintedCheck::Consistent);
    }

    #[test]
    fn reading_never_panics(text in ".{0,30}") {
        if let Ok(value) = text.parse::<Decimal>() {
            prop_assert_eq!(value.to_string().parse::<Decimal>().unwrap(), value);
        }
    }
}
