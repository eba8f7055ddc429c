//! What logs must hold, and the check that they do, which comes before any score is computed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use assay_claims::Assurance;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{ImportError, Place};
use crate::file::{Header, Source};
use crate::format::Format;
use crate::read::Log;
use crate::sample::{LogSample, Outcome, Record};

/// Most questions that a message names.
const NAMED: usize = 5;

/// The questions of a benchmark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Questions {
    /// How many.
    Count(u64),
    /// Which, by their names in the logs.
    Ids(BTreeSet<String>),
}

/// What the logs must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The benchmark, as the recipe's columns name it.
    pub benchmark: String,
    /// The names that logs may have for it; if there are none, only its own. With several names, a question is called
    /// `TASK/QUESTION`.
    pub tasks: BTreeSet<String>,
    /// Its questions.
    pub questions: Questions,
    /// Samples a question.
    pub samples: u32,
}

/// How the logs compare with what is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Coverage {
    /// Questions that are expected.
    pub expected_questions: u64,
    /// Expected samples a question.
    pub expected_samples: u32,
    /// Questions found, unknown ones not counted.
    pub questions: u64,
    /// The number of questions that the log itself states, for a single log that states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_questions: Option<u64>,
    /// Expected questions that the logs lack. Their names are known only if names were given.
    pub missing: Named,
    /// Questions that are not expected.
    pub unknown: Named,
    /// Questions with more or fewer samples than expected, each as `QUESTION: SAMPLES`.
    pub uneven: Named,
    /// Questions without any scored sample. They leave bounds on the score, unless there is no other question.
    pub unscored: Named,
}

/// A number of questions, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Named {
    /// How many.
    pub count: u64,
    /// The first few, sorted.
    pub first: Vec<String>,
}

impl Named {
    fn of(all: impl Iterator<Item = String>) -> Self {
        let mut named = Self::default();
        for question in all {
            named.count += 1;
            if named.first.len() < NAMED {
                named.first.push(question);
            }
        }
        named
    }

    fn say(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        if self.count == 0 {
            return Ok(());
        }
        write!(f, "; {} {what}", self.count)?;
        if !self.first.is_empty() {
            let more = if self.count > self.first.len() as u64 { ", .." } else { "" };
            write!(f, " ({}{more})", self.first.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} questions", self.questions, self.expected_questions)?;
        if let Some(declared) = self.declared_questions.filter(|declared| *declared != self.questions) {
            write!(f, ", but the log states {declared}")?;
        }
        self.missing.say(f, "missing")?;
        self.unknown.say(f, "not of this benchmark")?;
        let uneven = format!("without exactly {} samples", self.expected_samples);
        self.uneven.say(f, &uneven)?;
        self.unscored.say(f, "without any scored sample")
    }
}

impl Coverage {
    /// Whether everything that is expected is there, and nothing else, with a score for one question at least.
    pub fn is_complete(&self) -> bool {
        self.questions == self.expected_questions
            && [&self.missing, &self.unknown, &self.uneven].iter().all(|named| named.count == 0)
            && self.unscored.count < self.questions
    }
}

/// All scores of one model on one benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Benchmark, level, counts and logs.
    pub header: Header,
    /// Sorted by question and sample.
    pub records: Vec<Record>,
}

/// The outcome and the place of each sample, by question and by the sample's number.
type Samples = BTreeMap<String, BTreeMap<u32, (Outcome, Place)>>;

/// The place of each sample that a plain table numbers itself, by question and number.
type Numbered = BTreeMap<(String, u32), Place>;

/// Notes the samples that a plain table numbers itself. Who numbers samples in two files means others by other numbers.
fn number(numbered: &mut Numbered, log: &Log, name: impl Fn(&str) -> String) -> Result<(), ImportError> {
    let mut own = Numbered::new();
    for LogSample { question, sample, line, .. } in &log.samples {
        let Some(sample) = *sample else { continue };
        let (key, second) = ((name(question), sample), Place::line(&log.file, *line));
        if let Some(first) = numbered.get(&key) {
            return Err(ImportError::Duplicate { question: key.0, sample, first: first.clone(), second });
        }
        own.insert(key, second);
    }
    numbered.extend(own);
    Ok(())
}

impl Import {
    /// Joins logs: the samples of a later log are numbered after those of an earlier one. Plain tables that number their
    /// samples must give each a number of its own.
    ///
    /// # Errors
    /// A log of another benchmark, the same log or sample twice, or [`ImportError::NotComparable`].
    pub fn new(logs: &[Log], expected: &Expected, level: Assurance) -> Result<Self, ImportError> {
        for (at, log) in logs.iter().enumerate() {
            of_benchmark(log, expected)?;
            if let Some(first) = logs[..at].iter().find(|other| other.blake3 == log.blake3) {
                return Err(ImportError::SameFile { first: first.file.clone(), second: log.file.clone() });
            }
        }
        let prefixed = expected.tasks.len() > 1;
        let mut samples = Samples::new();
        let mut numbered = Numbered::new();
        for log in logs {
            let prefix = log.tasks.first().filter(|_| prefixed);
            let name = |question: &str| match prefix {
                Some(task) => format!("{task}/{question}"),
                None => question.to_owned(),
            };
            if matches!(log.format, Format::Csv | Format::Jsonl) {
                number(&mut numbered, log, name)?;
            }
            add(&mut samples, log, name)?;
        }
        let coverage = coverage(&samples, logs, expected);
        if !coverage.is_complete() {
            return Err(ImportError::NotComparable(Box::new(coverage)));
        }
        let records: Vec<Record> = samples
            .into_iter()
            .flat_map(|(question, samples)| {
                (0..).zip(samples.into_values()).map(move |(sample, (outcome, _))| Record {
                    question: question.clone(),
                    sample,
                    outcome,
                })
            })
            .collect();
        let header = Header::new(expected, level, &records, logs.iter().map(Source::of).collect());
        Ok(Self { header, records })
    }
}

/// Checks that every task in the log has the benchmark's name, or one of the names that were given for it. Case and
/// punctuation are ignored.
fn of_benchmark(log: &Log, expected: &Expected) -> Result<(), ImportError> {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let own = BTreeSet::from([expected.benchmark.clone()]);
    let allowed = if expected.tasks.is_empty() { &own } else { &expected.tasks };
    let fits = |task: &str| {
        let last = task.rsplit('/').next().unwrap_or(task);
        allowed.iter().any(|name| plain(name) == plain(task) || plain(name) == plain(last))
    };
    match log.tasks.iter().find(|task| !fits(task)) {
        None => Ok(()),
        Some(task) => Err(ImportError::OtherBenchmark {
            file: log.file.clone(),
            found: task.clone(),
            expected: allowed.iter().cloned().collect::<Vec<_>>().join("`, `"),
        }),
    }
}

/// Adds the samples of a log after those of earlier logs.
fn add(samples: &mut Samples, log: &Log, name: impl Fn(&str) -> String) -> Result<(), ImportError> {
    let mut own: Samples = Samples::new();
    for LogSample { question, sample, outcome, line } in &log.samples {
        let of_question = own.entry(name(question)).or_default();
        let sample = sample.unwrap_or(of_question.len() as u32);
        let place = Place::line(&log.file, *line);
        if let Some((_, first)) = of_question.get(&sample) {
            let (question, first) = (question.clone(), first.clone());
            return Err(ImportError::Duplicate { question, sample, first, second: place });
        }
        of_question.insert(sample, (*outcome, place));
    }
    for (question, new) in own {
        let there = samples.entry(question).or_default();
        let next = there.len() as u32;
        there.extend((next..).zip(new.into_values()));
    }
    Ok(())
}

fn coverage(samples: &Samples, logs: &[Log], expected: &Expected) -> Coverage {
    let (known, count): (Option<&BTreeSet<String>>, u64) = match &expected.questions {
        Questions::Count(count) => (None, *count),
        Questions::Ids(ids) => (Some(ids), ids.len() as u64),
    };
    let is_known = |question: &str| known.is_none_or(|known| known.contains(question));
    let found = samples.keys().filter(|question| is_known(question)).count() as u64;
    let known_samples = || samples.iter().filter(|(question, _)| is_known(question));
    let uneven = known_samples().filter(|(_, list)| list.len() as u64 != u64::from(expected.samples));
    let scored = |outcome: &Outcome| matches!(outcome, Outcome::Score(_));
    let unscored = known_samples().filter(|(_, list)| !list.values().any(|(outcome, _)| scored(outcome)));
    let mut missing =
        Named::of(known.into_iter().flatten().filter(|question| !samples.contains_key(*question)).cloned());
    if known.is_none() {
        missing.count = count.saturating_sub(found);
    }
    Coverage {
        expected_questions: count,
        expected_samples: expected.samples,
        questions: found,
        declared_questions: match logs {
            [log] => log.declared_questions,
            _ => None,
        },
        missing,
        unknown: Named::of(samples.keys().filter(|question| !is_known(question)).cloned()),
        uneven: Named::of(uneven.map(|(question, list)| format!("{question}: {}", list.len()))),
        unscored: Named::of(unscored.map(|(question, _)| question.clone())),
    }
}
