//! How much longer a run takes, by the times that steps took in earlier runs and in this one.

use std::collections::BTreeMap;

use assay_store::{Store, StoreError};

use crate::engine::event::{Event, Record};
use crate::engine::plan::State;
use crate::language::graph::Step;

/// How long a step took in an earlier run.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// The step's instance, such as `reasoner[seed=1]`.
    pub step: String,
    /// Seconds.
    pub seconds: f64,
}

/// The steps that ran to their end in the newest runs of a store, at most this many runs.
///
/// # Errors
/// The store could not be read.
pub fn timed(store: &Store, runs: usize) -> Result<Vec<Timed>, StoreError> {
    let mut found = Vec::new();
    for run in store.runs()?.into_iter().take(runs) {
        for line in store.events(&run.id)? {
            // Most lines, and the longest, are of other events.
            let is_end = line.get(..END.len() + BEFORE_END).is_some_and(|start| start.contains(END));
            if !is_end {
                continue;
            }
            // An event that another version wrote tells nothing.
            if let Ok(Record { event: Event::StepFinished { step, seconds, .. }, .. }) =
                Record::from_json(&line)
            {
                found.push(Timed { step, seconds });
            }
        }
    }
    Ok(found)
}

/// What the line of a step's end has near its start, after the time.
const END: &str = "\"event\":\"step-finished\"";
const BEFORE_END: usize = 40;

/// How much longer a run takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Remaining {
    /// No step that is left, nor one like it, has been timed.
    Unknown,
    /// About so many seconds.
    About(f64),
    /// More than so many seconds: of this many steps nothing is known.
    MoreThan {
        /// Seconds for the steps of which something is known.
        seconds: f64,
        /// The others.
        unknown: usize,
    },
}

/// Times of steps that are alike.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    seconds: f64,
    /// The sizes of the timed steps, 1 for each of those whose kind tells none.
    size: f64,
}

impl Mean {
    fn add(&mut self, seconds: f64, size: f64) {
        self.seconds += seconds;
        self.size += size;
    }

    fn of(&self, size: f64) -> Option<f64> {
        (self.size > 0.0).then(|| self.seconds / self.size * size)
    }
}

/// One step of the run.
#[derive(Clone, Debug)]
struct Item {
    threads: usize,
    size: f64,
    /// From what is most alike to what is least: steps of the same name and other seeds, those of other models and the same
    /// part of the name, those of the kind.
    alike: [usize; 3],
    now: Now,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Now {
    /// Not to be run, or done.
    Done,
    Waits,
    /// Since when, in milliseconds, and the share that is done, if the step tells it.
    Runs {
        since_ms: u64,
        share: f64,
    },
}

/// Follows a run by its events and says how much longer it takes.
///
/// A step is expected to take as long as the mean of those that are most alike, in earlier runs and in this one: steps of
/// its own name with other seeds; else steps of the same part of other models (`final` of any); else steps of its kind. Where
/// kinds tell the size of a step ([`StepKind::size`](crate::StepKind::size)), time is in proportion to it. Steps that are
/// needed by several recipes are counted once.
#[derive(Clone, Debug)]
pub struct Forecast {
    threads: usize,
    items: Vec<Item>,
    /// Indices of the steps of an id.
    ids: BTreeMap<String, Vec<usize>>,
    means: Vec<Mean>,
}

impl Forecast {
    /// A forecast for these steps on so many threads.
    pub fn new(steps: &[Step], earlier: &[Timed], threads: usize) -> Self {
        let threads = threads.max(1);
        let mut groups: BTreeMap<(u8, String), usize> = BTreeMap::new();
        let mut forecast = Self { threads, items: Vec::new(), ids: BTreeMap::new(), means: Vec::new() };
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            let kind = step.kind.name();
            let part = step.own_name().unwrap_or(&step.name);
            let levels = [step.name.clone(), format!("{kind} {part}"), kind.to_owned()];
            let alike = [0_u8, 1, 2].map(|level| {
                let next = groups.len();
                *groups.entry((level, levels[usize::from(level)].clone())).or_insert(next)
            });
            let granted = step.kind.resources(&step.params).threads.clamp(1, threads);
            let size = step.kind.size(&step.params).filter(|size| size.is_finite() && *size > 0.0);
            forecast.items.push(Item { threads: granted, size: size.unwrap_or(1.0), alike, now: Now::Done });
            forecast.ids.entry(step.id.clone()).or_default().push(index);
            names.entry(&step.name).or_insert(index);
        }
        forecast.means = vec![Mean::default(); groups.len()];
        for Timed { step, seconds } in earlier {
            // Of a step that is not in this run its name tells nothing about its kind.
            let name = step.split_once("[seed=").map_or(step.as_str(), |(name, _)| name);
            if let Some(index) = names.get(name) {
                forecast.learn(*index, *seconds);
            }
        }
        forecast
    }

    fn learn(&mut self, index: usize, seconds: f64) {
        let Item { alike, size, .. } = self.items[index];
        alike.iter().for_each(|mean| self.means[*mean].add(seconds, size));
    }

    /// Takes in an event of the run.
    pub fn observe(&mut self, record: &Record) {
        match &record.event {
            Event::Planned { steps } => {
                for (item, entry) in self.items.iter_mut().zip(steps) {
                    item.now = if entry.state == State::Cached { Now::Done } else { Now::Waits };
                }
            }
            Event::StepStarted { step, .. } => {
                let started = Now::Runs { since_ms: record.at_ms, share: 0.0 };
                self.change(step, |now| *now == Now::Waits, started);
            }
            Event::StepProgress { step, done, total, .. } if *total > 0 => {
                let share = (*done as f64 / *total as f64).min(1.0);
                for index in self.ids.get(step).into_iter().flatten() {
                    if let Now::Runs { share: known, .. } = &mut self.items[*index].now {
                        *known = share;
                    }
                }
            }
            Event::StepFinished { step, seconds, .. } => {
                if let Some(index) = self.change(step, |now| matches!(now, Now::Runs { .. }), Now::Done) {
                    self.learn(index, *seconds);
                }
            }
            Event::StepSaved { step, .. } | Event::StepFailed { step, .. } => {
                self.change(step, |now| *now != Now::Done, Now::Done);
            }
            _ => {}
        }
    }

    /// Changes the first step of an id for which `from` holds; gives its index.
    fn change(&mut self, id: &str, from: impl Fn(&Now) -> bool, to: Now) -> Option<usize> {
        let index = self.ids.get(id)?.iter().copied().find(|index| from(&self.items[*index].now))?;
        self.items[index].now = to;
        Some(index)
    }

    /// How much longer the run takes, at this time in milliseconds since 1970-01-01 UTC.
    pub fn remaining(&self, now_ms: u64) -> Remaining {
        let (mut known, mut unknown, mut work) = (0_usize, 0_usize, 0.0);
        for item in self.items.iter().filter(|item| item.now != Now::Done) {
            match self.left(item, now_ms) {
                Some(seconds) => {
                    known += 1;
                    work += seconds * item.threads as f64;
                }
                None => unknown += 1,
            }
        }
        let seconds = work / self.threads as f64;
        match (known, unknown) {
            (_, 0) => Remaining::About(seconds),
            (0, _) => Remaining::Unknown,
            (_, unknown) => Remaining::MoreThan { seconds, unknown },
        }
    }

    /// Seconds that a step still takes.
    fn left(&self, item: &Item, now_ms: u64) -> Option<f64> {
        let expected = item.alike.iter().find_map(|mean| self.means[*mean].of(item.size));
        let Now::Runs { since_ms, share } = item.now else { return expected };
        let elapsed = now_ms.saturating_sub(since_ms) as f64 / 1000.0;
        match expected {
            // What the step tells of itself counts more the further it is.
            Some(expected) if share > 0.0 => {
                let by_itself = elapsed * (1.0 - share) / share;
                Some(share * by_itself + (1.0 - share) * (expected - elapsed).max(0.0))
            }
            Some(expected) => Some((expected - elapsed).max(0.0)),
            None if share > 0.0 => Some(elapsed * (1.0 - share) / share),
            None => None,
        }
    }
}
