//! Plots of series over two axes.

use maud::{Markup, html};

use crate::model::{Axis, Plot, PlotPoint, Series, SeriesStyle};
use crate::number::{fixed, shortest};
use crate::scale::Scale;

/// Size of the drawing and of its margins, in pixels at full size.
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;

/// Series look different in colour, in dashes and in the shape of their points; more than this many repeat.
const LOOKS: usize = 6;

/// Draws a plot with its legend, or its title alone when there is nothing to draw.
pub(super) fn plot(plot: &Plot) -> Markup {
    html! {
        figure.plot {
            figcaption { (plot.title) }
            @if let Some(frame) = Frame::of(plot) {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(description(plot)) {
                    (frame.axes(plot))
                    @for (index, series) in plot.series.iter().enumerate() {
                        g class={ "series look-" (index % LOOKS + 1) } { (frame.series(series, index % LOOKS)) }
                    }
                }
                @if plot.series.len() > 1 || plot.series.iter().any(|series| series.style != SeriesStyle::Band) { ul.key {
                    @for (index, series) in plot.series.iter().enumerate() {
                        li {
                            svg width="26" height="12" aria-hidden="true" {
                                g class={ "series look-" (index % LOOKS + 1) } {
                                    @if series.style != SeriesStyle::Points { path d="M1 6H25" {} }
                                    @if series.style != SeriesStyle::Band { (shape(index % LOOKS, 13.0, 6.0)) }
                                }
                            }
                            " " (series.label)
                        }
                    }
                } }
            } @else {
                p.absent { "no points" }
            }
        }
    }
}

fn description(plot: &Plot) -> String {
    let series: Vec<_> = plot.series.iter().map(in_words).collect();
    format!("{}: {} over {}, series {}", plot.title, plot.y.label, plot.x.label, series.join(", "))
}

/// The name of a series; of a line also where it begins and ends, and its lowest and highest point.
fn in_words(series: &Series) -> String {
    let ends =
        series.points.first().zip(series.points.last()).filter(|_| series.style != SeriesStyle::Points);
    let Some((first, last)) = ends else { return series.label.clone() };
    let values = || series.points.iter().map(|point| point.y);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    format!(
        "{} from {} at {} to {} at {}, between {} and {}",
        series.label,
        fixed(first.y, DECIMALS),
        shortest(first.x),
        fixed(last.y, DECIMALS),
        shortest(last.x),
        fixed(least, DECIMALS),
        fixed(most, DECIMALS)
    )
}

/// Digits behind the point where a curve is told in words.
const DECIMALS: u8 = 3;

struct Frame {
    x: Scale,
    y: Scale,
}

impl Frame {
    fn of(plot: &Plot) -> Option<Self> {
        let points = || plot.series.iter().flat_map(|series| &series.points);
        let heights = |point: &PlotPoint| {
            let (low, high) = point.interval.unwrap_or((point.y, point.y));
            [point.y, low, high]
        };
        Some(Self {
            x: scale(&plot.x, points().map(|point| point.x))?,
            y: scale(&plot.y, points().flat_map(heights))?,
        })
    }

    fn left(&self, x: f64) -> f64 {
        LEFT + self.x.fraction(x) * (WIDTH - LEFT - RIGHT)
    }

    fn top(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.fraction(y) * (HEIGHT - TOP - BOTTOM)
    }

    fn axes(&self, plot: &Plot) -> Markup {
        let bottom = HEIGHT - BOTTOM;
        html! {
            @for tick in self.y.ticks(5) {
                @let y = pixels(self.top(tick));
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text.y x=(LEFT - 8.0) y=(y) dy="4" { (shortest(tick)) }
            }
            @for tick in self.x.ticks(7) {
                @let x = pixels(self.left(tick));
                line.grid x1=(x) x2=(x) y1=(TOP) y2=(bottom) {}
                text x=(x) y=(bottom + 17.0) { (shortest(tick)) }
            }
            line.base x1=(LEFT) x2=(WIDTH - RIGHT) y1=(bottom) y2=(bottom) {}
            text.name x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 8.0) { (plot.x.label) }
            @let middle = (TOP + bottom) / 2.0;
            text.name x="14" y=(middle) transform={ "rotate(-90 14 " (middle) ")" } { (plot.y.label) }
        }
    }

    fn series(&self, series: &Series, look: usize) -> Markup {
        if series.style == SeriesStyle::Band {
            return self.band(&series.points);
        }
        html! {
            @if series.style == SeriesStyle::Line { path d=(self.path(&series.points)) {} }
            @for point in &series.points {
                @let (x, y) = (self.left(point.x), self.top(point.y));
                @if let Some((low, high)) = point.interval {
                    line x1=(pixels(x)) x2=(pixels(x)) y1=(pixels(self.top(low))) y2=(pixels(self.top(high))) {}
                }
                (shape(look, x, y))
            }
        }
    }

    /// A line over the area between the ends of its intervals.
    fn band(&self, points: &[PlotPoint]) -> Markup {
        let end = |point: &PlotPoint, y: f64| PlotPoint { x: point.x, y, interval: None };
        let with_interval = || points.iter().filter_map(|point| Some((point, point.interval?)));
        let upper = with_interval().map(|(point, (_, high))| end(point, high));
        let lower = with_interval().rev().map(|(point, (low, _))| end(point, low));
        let around: Vec<PlotPoint> = upper.chain(lower).collect();
        html! {
            @if !around.is_empty() { path.band d={ (self.path(&around)) "Z" } {} }
            path d=(self.path(points)) {}
        }
    }

    fn path(&self, points: &[PlotPoint]) -> String {
        let steps = points.iter().enumerate().map(|(index, point)| {
            let command = if index == 0 { 'M' } else { 'L' };
            format!("{command}{} {}", pixels(self.left(point.x)), pixels(self.top(point.y)))
        });
        steps.collect()
    }
}

fn scale(axis: &Axis, numbers: impl Iterator<Item = f64>) -> Option<Scale> {
    if axis.logarithmic { Scale::logarithmic(numbers) } else { Scale::linear(numbers) }
}

/// The point of a look: disc, square, diamond, triangle, triangle on its tip, cross.
fn shape(look: usize, x: f64, y: f64) -> Markup {
    let path = match look {
        0 => "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
        1 => "M-2.8 -2.8H2.8V2.8H-2.8z",
        2 => "M0 -3.8 3.8 0 0 3.8 -3.8 0z",
        3 => "M0 -3.6 3.6 2.8H-3.6z",
        4 => "M0 3.6 3.6 -2.8H-3.6z",
        _ => "M-1.2 -3.8H1.2V-1.2H3.8V1.2H1.2V3.8H-1.2V1.2H-3.8V-1.2H-1.2z",
    };
    html! { path.dot transform={ "translate(" (pixels(x)) " " (pixels(y)) ")" } d=(path) {} }
}

/// A position, to a tenth of a pixel.
fn pixels(position: f64) -> String {
    format!("{position:.1}")
}
