//! Continuous batching: rows that finish make room for the next samples at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::choose::{Choice, Scratch, choose};
use super::forward::{Forward, Row};
use super::stops::{Found, Seen, Stops};
use super::stream::Stream;
use super::{End, Prompt, Sample, SampleConfig, SampleEvent};
use crate::error::{LmError, Result};

/// Most prompt tokens fed in one step, unless a single prompt is longer.
const PROMPT_TOKENS_PER_STEP: usize = 4096;

/// Samples that share their prompt and have not been started.
struct Group<'p> {
    tokens: &'p [u32],
    waiting: VecDeque<usize>,
}

/// A sample in flight.
struct Active {
    /// Index of its prompt.
    index: usize,
    slot: usize,
    stream: Stream,
    tokens: Vec<u32>,
    log_probs: Vec<f32>,
    /// What its text ends with, where stop strings are looked for.
    seen: Option<Seen>,
    /// Tokens fed so far.
    fed: usize,
}

/// What was drawn for a sample in flight.
struct Drawn {
    choice: Choice,
    /// The stop string that it completes.
    found: Option<Found>,
}

/// A prompt that was read while more of its samples were waiting than there were rows.
struct Held<'p> {
    tokens: &'p [u32],
    logits: Vec<f32>,
}

/// The samples of one call.
pub(crate) struct Batch<'p> {
    config: &'p SampleConfig,
    stops: Option<&'p Stops<'p>>,
    vocabulary: usize,
    prompts: &'p [Prompt],
    /// The slot behind the rows' slots.
    spare_slot: usize,
    groups: VecDeque<Group<'p>>,
    free: Vec<usize>,
    active: Vec<Active>,
    held: Option<Held<'p>>,
}

/// What one step feeds, and which logits each active sample draws from.
#[derive(Default)]
struct Step {
    rows: Vec<Row>,
    wanted: Vec<usize>,
    /// For each active sample, the index of its logits among those wanted, or `None` for those held.
    sources: Vec<Option<usize>>,
    /// Slots to be filled after the step, from a slot: `(from, to, positions)`.
    copies: Vec<(usize, usize, usize)>,
}

impl Step {
    /// Feeds a prompt to the first of several slots, which the others copy; returns the index of its logits.
    fn read_prompt(&mut self, tokens: &[u32], mut slots: impl Iterator<Item = usize>) -> usize {
        if let Some(slot) = slots.next() {
            let rows = tokens.iter().enumerate();
            self.rows.extend(rows.map(|(position, &token)| Row { token, slot, position }));
            self.copies.extend(slots.map(|copy| (slot, copy, tokens.len())));
        }
        self.wanted.push(self.rows.len() - 1);
        self.wanted.len() - 1
    }
}

impl<'p> Batch<'p> {
    pub(crate) fn new(
        config: &'p SampleConfig,
        stops: Option<&'p Stops<'p>>,
        vocabulary: usize,
        prompts: &'p [Prompt],
        rows: usize,
    ) -> Self {
        let mut by_tokens = BTreeMap::new();
        let mut groups: VecDeque<Group<'p>> = VecDeque::new();
        for (index, prompt) in prompts.iter().enumerate() {
            let group = *by_tokens.entry(prompt.tokens.as_slice()).or_insert_with(|| {
                groups.push_back(Group { tokens: &prompt.tokens, waiting: VecDeque::new() });
                groups.len() - 1
            });
            groups[group].waiting.push_back(index);
        }
        Self {
            config,
            stops,
            vocabulary,
            prompts,
            spare_slot: rows,
            groups,
            free: (0..rows).rev().collect(),
            active: Vec::with_capacity(rows),
            held: None,
        }
    }

    pub(crate) fn run(
        mut self,
        forward: &mut dyn Forward,
        observer: &mut dyn FnMut(SampleEvent) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let mut logits = Vec::new();
        loop {
            let mut step = self.continue_active();
            let keep = self.admit(forward, &mut step)?;
            if self.active.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            forward.feed(&step.rows, &step.wanted, &mut logits)?;
            for (from, to, positions) in &step.copies {
                forward.copy(*from, *to, *positions)?;
            }
            let drawn = self.draw(&step, &logits)?;
            if let Some((tokens, source)) = keep {
                let logits = logits[source * self.vocabulary..][..self.vocabulary].to_vec();
                self.held = Some(Held { tokens, logits });
            }
            if observer(SampleEvent::Step { rows: self.active.len() }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            for (index, sample) in self.extend(&drawn) {
                if observer(SampleEvent::Finished { index, sample }).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }

    /// Feeds the last token of each sample in flight.
    fn continue_active(&mut self) -> Step {
        let mut step = Step::default();
        for active in &mut self.active {
            if let Some(&token) = active.tokens.last() {
                step.sources.push(Some(step.wanted.len()));
                step.wanted.push(step.rows.len());
                step.rows.push(Row { token, slot: active.slot, position: active.fed });
                active.fed += 1;
            }
        }
        step
    }

    /// Starts waiting samples while there are free rows. A prompt is fed once, for all of its samples that
    /// start now; if more are left it is kept, and returned with the index of its logits.
    fn admit(&mut self, forward: &mut dyn Forward, step: &mut Step) -> Result<Option<(&'p [u32], usize)>> {
        let mut prompt_tokens = 0;
        while let (Some(group), false) = (self.groups.front_mut(), self.free.is_empty()) {
            let tokens = group.tokens;
            let held = self.held.as_ref().is_some_and(|held| held.tokens == tokens);
            if !held {
                if prompt_tokens > 0 && prompt_tokens + tokens.len() > PROMPT_TOKENS_PER_STEP {
                    break;
                }
                prompt_tokens += tokens.len();
            }
            let starting = group.waiting.len().min(self.free.len());
            let indices: Vec<usize> = group.waiting.drain(..starting).collect();
            let more = !group.waiting.is_empty();
            let slots = self.free.split_off(self.free.len() - starting);

            let source = if held {
                for &slot in &slots {
                    forward.copy(self.spare_slot, slot, tokens.len())?;
                }
                None
            } else {
                let keeping = more.then_some(self.spare_slot);
                Some(step.read_prompt(tokens, slots.iter().copied().chain(keeping)))
            };
            for (slot, index) in slots.into_iter().zip(indices) {
                self.start(index, slot, source, step);
            }
            if more {
                return Ok(source.map(|source| (tokens, source)));
            }
            self.groups.pop_front();
        }
        Ok(None)
    }

    fn start(&mut self, index: usize, slot: usize, source: Option<usize>, step: &mut Step) {
        let Prompt { tokens, sample_index } = &self.prompts[index];
        step.sources.push(source);
        self.active.push(Active {
            index,
            slot,
            stream: Stream::new(self.config.seed, tokens, *sample_index),
            tokens: Vec::new(),
            log_probs: Vec::new(),
            seen: self.stops.map(Stops::start),
            fed: tokens.len(),
        });
    }

    /// The next token of each active sample.
    fn draw(&mut self, step: &Step, logits: &[f32]) -> Result<Vec<Drawn>> {
        let stops = self.stops;
        let Self { config, vocabulary, active, held, .. } = self;
        let held = held.as_ref().map_or(&[][..], |held| &held.logits);
        // Small vocabularies are not worth a task per row.
        let rows_per_task = (16_384 / *vocabulary).max(1);
        active
            .par_iter_mut()
            .zip(&step.sources)
            .with_min_len(rows_per_task)
            .map_init(Scratch::default, |scratch, (active, source)| {
                let logits = match source {
                    Some(at) => &logits[at * *vocabulary..][..*vocabulary],
                    None => held,
                };
                let choice = choose(logits, config, active.stream.uniform(), scratch)
                    .ok_or(LmError::NoDistribution { prompt: active.index })?;
                let found = match (stops, &mut active.seen) {
                    (Some(stops), Some(seen)) => stops.push(seen, choice.token)?,
                    _ => None,
                };
                Ok(Drawn { choice, found })
            })
            .collect()
    }

    /// Appends the tokens drawn; takes out the samples that are complete.
    fn extend(&mut self, drawn: &[Drawn]) -> Vec<(usize, Sample)> {
        let mut finished = Vec::new();
        let mut going_on = Vec::with_capacity(self.active.len());
        for (mut active, Drawn { choice, found }) in self.active.drain(..).zip(drawn) {
            active.tokens.push(choice.token);
            active.log_probs.push(choice.log_prob);
            let end = if let Some(found) = found {
                End::Text(*found)
            } else if self.config.stop.contains(&choice.token) {
                End::Token
            } else if active.tokens.len() == self.config.max_new_tokens {
                End::Length
            } else {
                going_on.push(active);
                continue;
            };
            self.free.push(active.slot);
            let Active { index, tokens, log_probs, .. } = active;
            finished.push((index, Sample { tokens, log_probs, end }));
        }
        self.active = going_on;
        finished
    }
}
