//! The seeds of each row: one average against another.

use maud::{Markup, html};

use super::plot;
use crate::model::{Axis, Column, ColumnKind, Plot, PlotPoint, Report, Row, Series, SeriesStyle};
use crate::units::unit;
use crate::view;

/// One plot for the first average against each other one; nothing where no row has several seeds.
pub(super) fn seeds(report: &Report) -> Option<Markup> {
    let averages: Vec<&Column> =
        report.columns.iter().filter(|column| column.kind == ColumnKind::Average).collect();
    let (first, others) = averages.split_first()?;
    let plots: Vec<Plot> = others.iter().filter_map(|other| scatter(report, first, other)).collect();
    (!plots.is_empty()).then(|| {
        html! { div.panels { @for drawing in &plots { (plot::plot(drawing)) } } }
    })
}

fn scatter(report: &Report, across: &Column, up: &Column) -> Option<Plot> {
    let series: Vec<Series> = report
        .rows
        .iter()
        .map(|row| Series {
            label: row.label.clone(),
            style: SeriesStyle::Points,
            points: points(row, across, up),
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    series.iter().any(|series| series.points.len() > 1).then(|| Plot {
        title: "Each seed of each row".into(),
        x: Axis {
            label: format!("{}, {}", view::full_label(report, across), unit(across)),
            logarithmic: false,
        },
        y: Axis { label: format!("{}, {}", view::full_label(report, up), unit(up)), logarithmic: false },
        series,
    })
}

fn points(row: &Row, across: &Column, up: &Column) -> Vec<PlotPoint> {
    let values = |column: &Column| row.cells.get(&column.id)?.measured.as_ref().map(|found| &found.per_seed);
    let (Some(xs), Some(ys)) = (values(across), values(up)) else { return Vec::new() };
    let both = xs.iter().filter_map(|(seed, x)| Some((*x, *ys.get(seed)?)));
    both.map(|(x, y)| PlotPoint { x, y, interval: None }).collect()
}
