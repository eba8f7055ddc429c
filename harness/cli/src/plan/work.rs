//! What a run would download, generate and judge, as far as that is known before it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use assay_flow::{
    AbsentRow, PlanEntry, PlannedAbsence, PlannedDownloads, PlannedReplies, PlannedWork, Scale, State, Step,
    Value,
};

use crate::fetch::{MEGABYTE, downloads};

/// Where a scale says what a run is expected to take: questions by benchmark, tokens of a reply by benchmark, and tokens a second
/// of one accelerator.
const QUESTIONS: &str = "expected.questions";
const TOKENS: &str = "expected.tokens";
const RATE: &str = "expected.rate";

const SECONDS_AN_HOUR: f64 = 3600.0;
const MILLION: f64 = 1e6;

/// The work of the steps that are not cached.
#[derive(Default)]
pub(crate) struct Work {
    /// Files that are downloaded.
    files: usize,
    /// Those of them that no lock pins yet, so that their sizes are not known.
    unchecked: usize,
    /// The bytes of the others.
    bytes: u64,
    /// Steps that generate: one for each model, seed and way of sampling.
    models: usize,
    /// The replies of all of them.
    replies: f64,
    /// The tokens of all replies.
    tokens: f64,
    /// Tokens a second of one accelerator.
    rate: Option<f64>,
}

impl Work {
    /// Of steps and what a plan says of each.
    pub(crate) fn of<'a>(
        scale: &Scale,
        steps: impl IntoIterator<Item = &'a Step>,
        entries: &[PlanEntry],
    ) -> Self {
        let mut work =
            Self { rate: scale.value(RATE).and_then(|rate| number(&rate.value)), ..Self::default() };
        let waiting = steps.into_iter().zip(entries).filter(|(_, entry)| entry.state != State::Cached);
        // Steps of one key are one: what was fetched for one of them is there for the others.
        let mut met = BTreeSet::new();
        for (step, _) in waiting.filter(|(_, entry)| entry.key.is_none_or(|key| met.insert(key))) {
            if let Some(bytes) = downloads(step) {
                work.files += 1;
                work.bytes += bytes;
                work.unchecked += usize::from(bytes == 0);
            }
            if step.kind.name() == "generate" {
                work.generates(scale, step);
            }
        }
        work
    }

    /// Adds what a step generates, if the scale says what is expected.
    fn generates(&mut self, scale: &Scale, step: &Step) {
        let Some(Value::Table(questions)) = scale.value(QUESTIONS).map(|questions| &questions.value) else {
            return;
        };
        self.models += 1;
        for (benchmark, count) in questions {
            let samples = step.params.get("samples_of").and_then(|of| of.at(benchmark));
            let samples =
                samples.or_else(|| step.params.get("samples")).and_then(|samples| number(&samples.value));
            let tokens = scale.value(TOKENS).and_then(|tokens| number(&tokens.at(benchmark)?.value));
            let replies = number(&count.value).unwrap_or_default() * samples.unwrap_or_default();
            self.replies += replies;
            self.tokens += replies * tokens.unwrap_or_default();
        }
    }

    /// Hours of one accelerator, if the scale says how fast it is.
    fn hours(&self) -> Option<f64> {
        self.rate.map(|rate| self.tokens / rate / SECONDS_AN_HOUR)
    }

    /// The same as a part of a document.
    pub(crate) fn document(&self, absent: &[AbsentRow]) -> PlannedWork {
        let replies = || PlannedReplies {
            models: self.models as u64,
            replies: self.replies.round() as u64,
            tokens: self.tokens.round() as u64,
            tokens_per_second: self.rate,
            gpu_hours: self.hours(),
        };
        let absence =
            |row: &AbsentRow| PlannedAbsence { label: row.label.clone(), reason: row.reason.clone() };
        PlannedWork {
            downloads: PlannedDownloads {
                files: self.files as u64,
                bytes: self.bytes,
                unchecked: self.unchecked as u64,
            },
            generates: (self.models > 0).then(replies),
            not_measured: absent.iter().map(absence).collect(),
        }
    }

    /// Some lines; nothing if there is nothing to say.
    pub(crate) fn text(&self, absent: &[AbsentRow]) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        if self.files > 0 {
            let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
            let megabytes = self.bytes as f64 / MEGABYTE;
            let _ = match self.unchecked {
                0 => writeln!(text, "downloads     {files}, {megabytes:.1} MB"),
                unchecked => writeln!(
                    text,
                    "downloads     {files}, {unchecked} of them unchecked: a run is refused until `assay lock` has pinned them"
                ),
            };
        }
        if self.models > 0 {
            let hours = self.rate.zip(self.hours()).map_or_else(String::new, |(rate, hours)| {
                format!(
                    ": {hours:.0} GPU hours at {} tokens a second, by guesses of the scale",
                    grouped(rate)
                )
            });
            let models =
                if self.models == 1 { "1 model".to_owned() } else { format!("{} models", self.models) };
            let _ = writeln!(
                text,
                "generates     {} replies of {models}, about {:.0} million tokens{hours}\njudges        as many replies",
                grouped(self.replies),
                self.tokens / MILLION,
            );
        }
        for AbsentRow { label, reason } in absent {
            let _ = writeln!(text, "not measured  {label}: {reason}");
        }
        text
    }
}

/// A whole number with a comma between thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of a recipe or a scale.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
