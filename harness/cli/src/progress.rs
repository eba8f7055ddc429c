//! Progress of work without an event log: judging and grading.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState};

use crate::display::{PLAIN_INTERVAL, style};
use crate::stdio::say;

/// On standard error: a bar with rate and remaining time on a terminal, a line now and then elsewhere.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// What is done to each, such as `judged`.
    done: &'static str,
    /// When a line last told how far it is; `None` where no line ever does.
    told: Option<Mutex<Instant>>,
}

impl Progress {
    /// The progress of so many; `quiet` shows nothing at all.
    pub(crate) fn new(quiet: bool, total: usize, done: &'static str) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let template = format!("{{elapsed:>4}} {{bar:30}} {{pos}}/{{len}} {done}, {{rate}}, {{eta}} left");
        bar.set_style(style(&template).with_key(
            "rate",
            |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                _ = write!(out, "{:.1} a second", state.per_sec());
            },
        ));
        let plain = !terminal && !quiet;
        Self { bar, done, told: plain.then(|| Mutex::new(Instant::now())) }
    }

    /// So many are done. May be called on any thread.
    pub(crate) fn reach(&self, done: usize) {
        self.bar.set_position(done as u64);
        let Some(told) = &self.told else { return };
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= PLAIN_INTERVAL {
            *told = Instant::now();
            let (position, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let left = self.bar.eta().as_secs();
            say(format_args!("{position}/{total} {}, {left} s left", self.done));
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
