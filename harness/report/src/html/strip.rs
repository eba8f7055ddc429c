//! Strips: one-line plots that share a scale, so that strips below each other make a forest plot.
//!
//! Positions are percentages of the width and sizes are pixels, so that a strip fits any width without its
//! marks changing shape.

use maud::{Markup, html};

use crate::model::{Outcome, Quantity};
use crate::number::shortest;
use crate::scale::Scale;
use crate::words::OutcomeLook as _;

/// Height of a strip in pixels: printed values above the line, the estimate on it, seeds below it.
const HEIGHT: f64 = 36.0;
const PRINTED: f64 = 8.0;
const MIDDLE: f64 = 18.0;
const SEEDS: f64 = 29.0;

/// What one strip shows.
pub(super) struct Strip<'a> {
    pub(super) scale: &'a Scale,
    /// In words, for those who cannot see it.
    pub(super) description: String,
    /// Where a claim holds.
    pub(super) zone: Option<(f64, f64)>,
    pub(super) estimate: Option<&'a Quantity>,
    /// Shape and colour of the estimate; without an outcome it is simply a measured value.
    pub(super) outcome: Option<Outcome>,
    pub(super) printed: Option<f64>,
}

impl Strip<'_> {
    pub(super) fn draw(&self) -> Markup {
        let scale = self.scale;
        let class = self.outcome.map_or("measured", |outcome| outcome.class());
        html! {
            svg.strip height=(HEIGHT) role="img" aria-label=(self.description) {
                @if let Some((low, high)) = self.zone { (zone(scale, low, high)) }
                @for tick in scale.ticks(TICKS) {
                    line.grid x1=(at(scale, tick)) x2=(at(scale, tick)) y1="0" y2=(HEIGHT) {}
                }
                @if let Some((low, high)) = self.zone {
                    @for bound in [low, high] { @if bound.is_finite() {
                        line.bound x1=(at(scale, bound)) x2=(at(scale, bound)) y1="0" y2=(HEIGHT) {}
                    } }
                }
                @if let Some(estimate) = self.estimate {
                    @for value in estimate.per_seed.values() {
                        circle.seed cx=(at(scale, *value)) cy=(SEEDS) r="2" {}
                    }
                    g class=(class) {
                        line.whisker x1=(at(scale, estimate.low)) x2=(at(scale, estimate.high)) y1=(MIDDLE) y2=(MIDDLE) {}
                        @for end in [estimate.low, estimate.high] {
                            line.whisker x1=(at(scale, end)) x2=(at(scale, end)) y1=(MIDDLE - 4.0) y2=(MIDDLE + 4.0) {}
                        }
                        svg.point x=(at(scale, estimate.value)) y=(MIDDLE) { (shape(self.outcome)) }
                    }
                }
                @if let Some(value) = self.printed {
                    svg.point x=(at(scale, value)) y=(PRINTED) { (diamond()) }
                }
            }
        }
    }
}

/// About how many numbers an axis has.
const TICKS: usize = 5;

/// The numbers below a block of strips.
pub(super) fn axis(scale: &Scale, unit: &str) -> Markup {
    html! {
        svg.strip.axis height=(if unit.is_empty() { 20 } else { 34 }) aria-hidden="true" {
            @for tick in scale.ticks(TICKS) {
                line x1=(at(scale, tick)) x2=(at(scale, tick)) y1="0" y2="4" {}
                text x=(at(scale, tick)) y="15" { (shortest(tick)) }
            }
            @if !unit.is_empty() { text x="50%" y="30" { (unit) } }
        }
    }
}

/// The marks in a legend.
pub(super) fn sample(what: Sample) -> Markup {
    html! {
        svg.sample width="28" height="12" aria-hidden="true" {
            @match what {
                Sample::Estimate => {
                    g.measured {
                        line.whisker x1="2" x2="26" y1="6" y2="6" {}
                        line.whisker x1="2" x2="2" y1="2" y2="10" {}
                        line.whisker x1="26" x2="26" y1="2" y2="10" {}
                        circle.solid cx="14" cy="6" r="4" {}
                    }
                },
                Sample::Seeds => { @for x in [8, 14, 20] { circle.seed cx=(x) cy="6" r="2" {} } },
                Sample::Printed => { svg.point x="14" y="6" { (diamond()) } },
                Sample::Zone => { rect.zone x="2" y="0" width="26" height="12" {} line.bound x1="2" x2="2" y1="0" y2="12" {} },
            }
        }
    }
}

/// What a sample in a legend shows.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    Estimate,
    Seeds,
    Printed,
    Zone,
}

fn zone(scale: &Scale, low: f64, high: f64) -> Markup {
    let (from, to) = (scale.fraction(low).clamp(0.0, 1.0), scale.fraction(high).clamp(0.0, 1.0));
    html! { rect.zone x=(share(from)) width=(share(to - from)) y="0" height=(HEIGHT) {} }
}

fn shape(outcome: Option<Outcome>) -> Markup {
    html! {
        @match outcome {
            None | Some(Outcome::Holds) => { circle.solid r="4.5" {} },
            Some(Outcome::Reversed) => { path.cross d="M-4 -4 4 4M4 -4 -4 4" {} },
            Some(Outcome::Smaller) => { path.hollow d="M-5 -4h10L0 5z" {} },
            Some(Outcome::Open) => { circle.hollow r="4.5" {} path.solid d="M0 -4.5a4.5 4.5 0 0 0 0 9z" {} },
            Some(Outcome::NotTestable) => { circle.hollow r="4.5" {} path.cross d="M-3.2 3.2 3.2 -3.2" {} },
            Some(Outcome::NotAttempted) => { circle.hollow r="4.5" {} },
        }
    }
}

fn diamond() -> Markup {
    html! { path.diamond d="M0 -4.5 4.5 0 0 4.5 -4.5 0z" {} }
}

fn at(scale: &Scale, number: f64) -> String {
    share(scale.fraction(number).clamp(0.0, 1.0))
}

/// A share of the width, in hundredths of a percent: a twentieth of a pixel on the widest strip.
fn share(fraction: f64) -> String {
    format!("{:.2}%", fraction * 100.0)
}
