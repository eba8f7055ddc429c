//! Curves: columns of one benchmark with places on an axis, and averages of rows with places.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cell, Column, Layout, Measure, RowLayout};
use crate::section::{Axis, Plot, PlotPoint, Section, Series, SeriesStyle};

/// By row id, then column or group id.
type Cells = BTreeMap<String, BTreeMap<String, Cell>>;

/// The curves of a table; `None` where fewer than two measured columns or rows of a kind have places.
pub(super) fn curves(layout: &Layout, cells: &Cells) -> Option<Section> {
    let mut plots = of_columns(layout, cells);
    plots.extend(of_rows(layout, cells));
    (!plots.is_empty()).then(|| Section {
        title: "Curves".to_owned(),
        text: "Measured values of the table over the places of its columns or rows, each with its interval. Values of one curve \
               are of the same questions, so that they rise and fall together: a difference of two of them is known better than \
               their intervals show."
            .to_owned(),
        tables: Vec::new(),
        plots,
    })
}

/// The places of a plot on its horizontal axis, which is logarithmic.
struct Places(BTreeSet<u32>);

impl Places {
    /// Where a place stands: zero, which has no logarithm, at half of the smallest positive place.
    fn position(&self, place: u32) -> f64 {
        match place {
            0 => 0.5 * f64::from(self.0.iter().copied().find(|other| *other > 0).unwrap_or(1)),
            _ => f64::from(place),
        }
    }

    fn axis(&self, label: &str) -> Axis {
        let label = match self.0.contains(&0) {
            true => format!("{label} (0 stands at {})", self.position(0)),
            false => label.to_owned(),
        };
        Axis { label, logarithmic: true }
    }
}

/// Columns, each with its place.
type Placed<'a> = Vec<(u32, &'a Column)>;

/// One plot for each benchmark and unit of columns with places; a series for each row.
fn of_columns(layout: &Layout, cells: &Cells) -> Vec<Plot> {
    let mut sets: BTreeMap<(&str, Option<&str>), Placed<'_>> = BTreeMap::new();
    for column in &layout.columns {
        if let (Some(benchmark), Some(at)) = (&column.benchmark, column.at) {
            sets.entry((benchmark, column.amount())).or_default().push((at, column));
        }
    }
    let plot = |((benchmark, unit), mut columns): ((&str, Option<&str>), Placed<'_>)| {
        columns.sort_by_key(|(at, _)| *at);
        let places = Places(columns.iter().map(|(at, _)| *at).collect());
        let of_row = |row: &RowLayout| {
            let cells = cells.get(&row.id)?;
            let found = columns.iter().map(|(at, column)| (*at, cells.get(&column.id)));
            series(row.measured_as(), &places, found)
        };
        let names: Vec<&str> = columns.iter().map(|(_, column)| column.id.as_str()).collect();
        let title = match columns.iter().any(|(_, column)| column.is_stand_in()) {
            true => format!("{benchmark}, in the place of {}", names.join(", ")),
            false => names.join(", "),
        };
        let (x, y) = match columns.iter().all(|(_, column)| matches!(column.measure, Measure::PassAt(_))) {
            true => ("k", "pass@k"),
            false => ("place of the column", "value"),
        };
        let series: Vec<Series> = layout.rows.iter().filter_map(of_row).collect();
        plotted(title, places.axis(x), vertical(y, unit), series)
    };
    sets.into_iter().filter_map(plot).collect()
}

/// One plot for each unit of averages of rows with places; a series for each group, each named mean, and each block of rows.
fn of_rows(layout: &Layout, cells: &Cells) -> Vec<Plot> {
    let mut placed: Vec<(u32, &RowLayout)> =
        layout.rows.iter().filter_map(|row| Some((row.at?, row))).collect();
    placed.sort_by_key(|(at, _)| *at);
    let places = Places(placed.iter().map(|(at, _)| *at).collect());
    let mut blocks: Vec<Option<&String>> = Vec::new();
    for row in layout.rows.iter().filter(|row| row.at.is_some()) {
        if !blocks.contains(&row.block.as_ref()) {
            blocks.push(row.block.as_ref());
        }
    }
    let groups = layout.groups.iter().map(|group| (&group.id, &group.label));
    let averages: Vec<(&String, &String)> =
        groups.chain(layout.means.iter().map(|mean| (&mean.id, &mean.id))).collect();
    let mut by_unit: BTreeMap<Option<&str>, Vec<Series>> = BTreeMap::new();
    for (id, label) in averages {
        for block in &blocks {
            let rows = placed.iter().filter(|(_, row)| row.block.as_ref() == *block);
            let found = rows.map(|(at, row)| (*at, cells.get(&row.id).and_then(|cells| cells.get(id))));
            let label = match block {
                Some(block) if blocks.len() > 1 => format!("{label}, {block}"),
                _ => label.clone(),
            };
            by_unit.entry(layout.amount(id)).or_default().extend(series(label, &places, found));
        }
    }
    let label = layout.at_label.as_deref().unwrap_or("place of the row");
    let plot = |(unit, series): (Option<&str>, Vec<Series>)| {
        let of_unit =
            unit.filter(|unit| !unit.is_empty()).map(|unit| format!(" of {unit}")).unwrap_or_default();
        let title = format!("Averages{of_unit} over {label}");
        plotted(title, places.axis(label), vertical("average", unit), series)
    };
    by_unit.into_iter().filter_map(plot).collect()
}

fn vertical(label: &str, unit: Option<&str>) -> Axis {
    let label = match unit {
        None => format!("{label}, percent"),
        Some("") => label.to_owned(),
        Some(unit) => format!("{label}, {unit}"),
    };
    Axis { label, logarithmic: false }
}

/// The measured cells of a curve; `None` where there are fewer than two, which are no curve.
fn series<'c>(
    label: String,
    places: &Places,
    cells: impl Iterator<Item = (u32, Option<&'c Cell>)>,
) -> Option<Series> {
    let measured = cells.filter_map(|(at, cell)| Some((at, cell?.measured.as_ref()?)));
    let points: Vec<PlotPoint> = measured
        .map(|(at, found)| PlotPoint {
            x: places.position(at),
            y: found.value,
            interval: found.has_interval().then_some((found.low, found.high)),
        })
        .collect();
    (points.len() > 1).then_some(Series { label, style: SeriesStyle::Line, points })
}

/// A plot, if anything is on it.
fn plotted(title: String, x: Axis, y: Axis, series: Vec<Series>) -> Option<Plot> {
    (!series.is_empty()).then_some(Plot { title, x, y, series })
}
