//! Curves over the places of columns and rows.

use assay_claims::section::{Plot, Section};
use assay_claims::table::{Column, Group, Layout, Measure, NamedMean, RowLayout, Table};

use crate::measures::{column, measured, row, run};

fn section(table: &Table) -> Option<&Section> {
    table.sections.iter().find(|section| section.title == "Curves")
}

/// Label and positions of each series.
fn series(plot: &Plot) -> Vec<(&str, Vec<f64>)> {
    let xs = |series: &assay_claims::section::Series| series.points.iter().map(|point| point.x).collect();
    plot.series.iter().map(|series| (series.label.as_str(), xs(series))).collect()
}

/// Columns of pass@k in another order than that of k; the last row is measured on nothing.
fn of_columns() -> Table {
    let place = |k: u32| Column { at: Some(k), ..column(&format!("pass@{k}"), Measure::PassAt(k)) };
    let first = RowLayout { stand_in: Some("0.3M".into()), ..row("a") };
    let layout = Layout {
        columns: vec![
            place(4),
            place(1),
            place(2),
            column("A", Measure::Accuracy),
            Column { at: Some(1), ..column("T", Measure::Tokens) },
        ],
        rows: vec![first, row("b"), RowLayout { model: None, ..row("c") }],
        ..Layout::default()
    };
    let counts = [(1, 3, 0), (2, 2, 0), (0, 4, 0)];
    let runs = vec![run("a", None, &counts, &[5, 6, 7]), run("b", None, &[(4, 0, 0); 3], &[1, 2, 3])];
    Table::new(layout, measured(3, runs)).unwrap()
}

#[test]
fn columns_with_places_are_one_plot_for_each_benchmark() {
    let table = of_columns();
    let section = section(&table).unwrap();
    let [plot] = &section.plots[..] else { panic!("a single column of tokens is no curve: {section:?}") };
    assert_eq!(plot.title, "q, in the place of pass@1, pass@2, pass@4");
    assert_eq!((plot.x.label.as_str(), plot.x.logarithmic), ("k", true));
    assert_eq!((plot.y.label.as_str(), plot.y.logarithmic), ("pass@k, percent", false));
    assert_eq!(series(plot), [("0.3M, in the place of A", vec![1.0, 2.0, 4.0]), ("B", vec![1.0, 2.0, 4.0])]);
    for (point, column) in plot.series[0].points.iter().zip(["pass@1", "pass@2", "pass@4"]) {
        let cell = table.cells["a"][column].measured.as_ref().unwrap();
        assert_eq!((point.y, point.interval), (cell.value, Some((cell.low, cell.high))));
    }
}

/// Rows at these places, each in a block, with a group, a named mean, and a group of tokens.
fn of_rows(places: &[(u32, Option<&str>)], at_label: Option<&str>) -> Table {
    let group = |id: &str| Group { id: id.into(), label: id.to_uppercase(), columns: Vec::new() };
    let of = |id: &str, group: &str, measure| Column { group: Some(group.into()), ..column(id, measure) };
    let rows: Vec<RowLayout> = places
        .iter()
        .enumerate()
        .map(|(index, (at, block))| RowLayout {
            at: Some(*at),
            block: block.map(str::to_owned),
            ..row(&format!("r{index}"))
        })
        .collect();
    let names: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let layout = Layout {
        groups: vec![group("math"), group("length")],
        columns: vec![of("A", "math", Measure::Accuracy), of("T", "length", Measure::Tokens)],
        means: vec![NamedMean { id: "same".into(), columns: vec!["A".into()] }],
        rows: rows.into_iter().chain([row("baseline")]).collect(),
        at_label: at_label.map(str::to_owned),
        ..Layout::default()
    };
    let counts = [(1, 3, 0), (2, 2, 0), (0, 4, 0)];
    let runs = names.iter().map(|name| run(name, None, &counts, &[5, 6, 7])).collect();
    Table::new(layout, measured(3, runs)).unwrap()
}

#[test]
fn averages_of_rows_with_places_are_one_plot_for_each_unit() {
    let table = of_rows(&[(8, None), (0, None), (2, None)], Some("traces a question"));
    let [percent, tokens] = &section(&table).unwrap().plots[..] else { panic!("{:?}", table.sections) };
    assert_eq!(percent.x.label, "traces a question (0 stands at 1)");
    assert_eq!((percent.y.label.as_str(), tokens.y.label.as_str()), ("average, percent", "average, tokens"));
    assert_eq!(series(percent), [("MATH", vec![1.0, 2.0, 8.0]), ("same", vec![1.0, 2.0, 8.0])]);
    assert_eq!(tokens.title, "Averages of tokens over traces a question");
    assert_eq!(series(tokens), [("LENGTH", vec![1.0, 2.0, 8.0])]);
    assert!(percent.x.logarithmic && percent.series[0].points[0].x == 1.0, "half of the smallest place");
    assert!(percent.series[0].points.iter().all(|point| point.interval.is_some()));
}

#[test]
fn blocks_of_rows_have_series_of_their_own() {
    let places = [(1, Some("PA")), (4, Some("PA")), (1, Some("PB")), (4, Some("PB")), (9, Some("PC"))];
    let table = of_rows(&places, None);
    let plot = &section(&table).unwrap().plots[0];
    assert_eq!(plot.x.label, "place of the row");
    let labels: Vec<&str> = plot.series.iter().map(|series| series.label.as_str()).collect();
    assert_eq!(labels, ["MATH, PA", "MATH, PB", "same, PA", "same, PB"], "one point is no curve");
}

#[test]
fn without_places_there_are_no_curves() {
    let mut table = of_rows(&[(1, None)], None);
    assert_eq!(section(&table), None, "one row is no curve");
    table.layout.rows.iter_mut().for_each(|row| row.at = None);
    let runs = vec![run("r0", None, &[(1, 1, 0); 3], &[])];
    assert_eq!(section(&Table::new(table.layout, measured(3, runs)).unwrap()), None);
}
