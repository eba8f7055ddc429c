//! Samples behind the cells of a report: some of them in the report itself, and any others by `assay samples`.

use std::collections::{BTreeMap, BTreeSet};

use assay_flow::{Diagnostic, StepError};
use assay_report::{ColumnQuestions, Report, Row, Sample, ShownQuestion, Source};
use assay_store::{ErrorClass, Hash, Store, StoreError};
use assay_study::roles::{brings_questions, brings_replies};
use assay_study::samples::{Question, Reply, questions, replies};

use crate::args::{Global, SamplesArgs};
use crate::failure::Failure;
use crate::visible::visible;
use crate::{document, report, session, stdio};

/// Questions of a column that a report shows samples of.
const SHOWN: usize = 3;

/// The artefacts behind a row's cells under one seed.
struct Evidence {
    seed: Option<u64>,
    verdicts: Hash,
    generations: Hash,
    items: Hash,
}

/// Puts samples into a report: of each column the first questions by id, and of each row every sample of its first seed.
/// Rows whose artefacts are not in the store, or were imported, have none. Says whether the store had all artefacts that were
/// looked for.
pub(crate) fn show(store: &Store, report: &mut Report) -> Result<bool, Failure> {
    let chosen: BTreeMap<String, BTreeSet<String>> =
        report.questions.iter().map(|of_column| (of_column.column.clone(), first(of_column))).collect();
    let all: BTreeSet<String> = chosen.values().flatten().cloned().collect();
    let (mut texts, mut found, mut whole) = (BTreeMap::new(), Vec::new(), true);
    for row in &report.rows {
        let mut sound = None;
        for evidence in evidence(report, row) {
            if evidence.is_sound(store)? {
                sound = Some(evidence);
                break;
            }
            whole = false;
        }
        let Some(evidence) = sound else { continue };
        for question in evidence.questions(store, &all)? {
            texts.insert(question.id.clone(), question);
        }
        found.push((row.id.clone(), evidence.seed, evidence.replies(store, &all)?));
    }
    if found.is_empty() {
        return Ok(whole);
    }
    for of_column in &mut report.questions {
        let ids = chosen.get(&of_column.column).into_iter().flatten();
        of_column.shown = ids.filter_map(|id| Some(shown(texts.get(id)?, &found))).collect();
    }
    report.samples_chosen = Some(format!(
        "Samples are shown of the first {SHOWN} questions of each column by id, for each row those of its first seed, all of \
         them."
    ));
    Ok(whole)
}

/// The first questions of a column by id.
fn first(questions: &ColumnQuestions) -> BTreeSet<String> {
    let sorted: BTreeSet<&String> = questions.scores.questions.iter().collect();
    sorted.into_iter().take(SHOWN).cloned().collect()
}

/// A row, its seed, and the replies of its model by question.
type Found = (String, Option<u64>, BTreeMap<String, Vec<Reply>>);

fn shown(question: &Question, found: &[Found]) -> ShownQuestion {
    let of_row = |(row, seed, replies): &Found| -> Vec<Sample> {
        let replies = replies.get(&question.id).into_iter().flatten();
        replies.map(|reply| sample(row, *seed, reply)).collect()
    };
    ShownQuestion {
        id: question.id.clone(),
        text: question.text.clone(),
        references: question.references.clone(),
        samples: found.iter().flat_map(of_row).collect(),
    }
}

fn sample(row: &str, seed: Option<u64>, reply: &Reply) -> Sample {
    Sample {
        row: row.to_owned(),
        seed,
        number: reply.number,
        thought: reply.thought.clone(),
        answer: reply.answer.clone(),
        verdict: reply.verdict.name().to_owned(),
    }
}

/// The artefacts behind a row's cells, by seed. Empty where the report does not name them.
fn evidence(report: &Report, row: &Row) -> Vec<Evidence> {
    let by_id: BTreeMap<&str, &Source> =
        report.sources.iter().map(|source| (source.id.as_str(), source)).collect();
    let ids = row.cells.values().map(|cell| &cell.sources).find(|sources| !sources.is_empty());
    let of_verdicts = |verdicts: &&Source| {
        let input = |is_wanted: fn(&str) -> bool| {
            let inputs = verdicts.inputs.iter().filter_map(|id| by_id.get(id.as_str()));
            inputs.copied().find(|source| is_wanted(&source.kind))?.artefact.parse().ok()
        };
        Some(Evidence {
            seed: verdicts.seed,
            verdicts: verdicts.artefact.parse().ok()?,
            generations: input(brings_replies)?,
            items: input(brings_questions)?,
        })
    };
    let verdicts = ids.into_iter().flatten().filter_map(|id| by_id.get(id.as_str()));
    let mut all: Vec<Evidence> = verdicts.filter_map(of_verdicts).collect();
    all.sort_by_key(|evidence| evidence.seed);
    all
}

impl Evidence {
    /// Whether the store has all of it, undamaged.
    fn is_sound(&self, store: &Store) -> Result<bool, Failure> {
        for hash in [&self.verdicts, &self.generations, &self.items] {
            match store.path(hash) {
                Ok(_) => {}
                Err(StoreError::Missing { .. } | StoreError::Corrupt { .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn questions(&self, store: &Store, ids: &BTreeSet<String>) -> Result<Vec<Question>, Failure> {
        questions(&store.path(&self.items)?, ids).map_err(failed)
    }

    fn replies(
        &self,
        store: &Store,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<Reply>>, Failure> {
        replies(&store.path(&self.generations)?, &store.path(&self.verdicts)?, ids).map_err(failed)
    }
}

/// An error of reading artefacts that a report shows.
pub(crate) fn failed(error: StepError) -> Failure {
    let message = error.message();
    match error.class() {
        ErrorClass::Internal => Failure::Internal(message),
        _ => Diagnostic::environment(message).into(),
    }
}

/// `assay samples`: prints questions of a benchmark with a row's score, or the samples of one of them.
pub(crate) fn samples(global: &Global, args: &SamplesArgs) -> Result<(), Failure> {
    let report = report::read(&args.report)?;
    let row = named(&report.rows, &args.row, "row", |row| &row.id)?;
    let of_column = column(&report, &args.benchmark)?;
    let Some(id) = &args.question else { return list(global, of_column, row) };
    named(&of_column.scores.questions, id, "question", |question| question)?;
    // What the report itself shows, where the store has no more.
    let shown_there = || {
        let question = of_column.shown.iter().find(|question| question.id == *id)?;
        let is_wanted =
            |sample: &&Sample| sample.row == row.id && (args.seed.is_none() || sample.seed == args.seed);
        let samples: Vec<Sample> = question.samples.iter().filter(is_wanted).cloned().collect();
        (!samples.is_empty()).then(|| ShownQuestion { samples, ..question.clone() })
    };
    let store = match session::store(global) {
        Ok(store) => store,
        Err(failure) => return shown_there().map_or(Err(failure), |shown| tell(global, &shown)),
    };
    let ids = BTreeSet::from([id.clone()]);
    let wanted = |evidence: &Evidence| args.seed.is_none() || evidence.seed == args.seed;
    let all: Vec<Evidence> = evidence(&report, row).into_iter().filter(wanted).collect();
    if all.is_empty() {
        return Err(Diagnostic::user(format!(
            "the report names no samples of row `{}`{}",
            row.id,
            of(args.seed)
        ))
        .help("samples are known of rows whose models were run here, for the seeds of the report")
        .into());
    }
    let mut shown: Option<ShownQuestion> = None;
    for evidence in &all {
        if !evidence.is_sound(&store)?
            && let Some(shown) = shown_there()
        {
            return tell(global, &shown);
        }
        let replies = evidence.replies(&store, &ids)?.remove(id).unwrap_or_default();
        let found = [(row.id.clone(), evidence.seed, BTreeMap::from([(id.clone(), replies)]))];
        for question in evidence.questions(&store, &ids)? {
            let next = self::shown(&question, &found);
            match &mut shown {
                Some(known) => known.samples.extend(next.samples),
                None => shown = Some(next),
            }
        }
    }
    match shown {
        Some(shown) => tell(global, &shown),
        None => Err(Failure::Internal(format!("the items do not have question {id}"))),
    }
}

fn tell(global: &Global, shown: &ShownQuestion) -> Result<(), Failure> {
    if global.json { document::print_whole(shown) } else { print(shown) }
}

fn of(seed: Option<u64>) -> String {
    seed.map_or_else(String::new, |seed| format!(" under seed {seed}"))
}

/// The one of this name, or an error that lists some.
fn named<'a, T>(all: &'a [T], name: &str, what: &str, id: impl Fn(&T) -> &String) -> Result<&'a T, Failure> {
    let mut known: Vec<&str> = all.iter().map(|one| id(one).as_str()).collect();
    let more = known.len() > NAMED;
    known.truncate(NAMED);
    all.iter().find(|one| id(one) == name).ok_or_else(|| {
        let known = known.join(", ");
        Diagnostic::user(format!("the report has no {what} `{name}`"))
            .help(format!("it has {known}{}", if more { ", and others" } else { "" }))
            .into()
    })
}

/// Names that an error lists.
const NAMED: usize = 20;

/// The questions of a benchmark, by the name of its column or by what the column was measured on.
fn column<'a>(report: &'a Report, name: &str) -> Result<&'a ColumnQuestions, Failure> {
    let measured_on = report.columns.iter().filter(|column| column.measured_on.as_deref() == Some(name));
    let by_benchmark = measured_on.map(|column| &column.id).next();
    let found = report
        .questions
        .iter()
        .find(|of_column| of_column.column == name || Some(&of_column.column) == by_benchmark);
    match found {
        Some(found) => Ok(found),
        None if report.questions.is_empty() => {
            Err(Diagnostic::user(format!("{} says nothing about single questions", report.id))
                .help("run its recipe again with this version of assay")
                .into())
        }
        None => named(&report.questions, name, "measured benchmark", |of_column| &of_column.column),
    }
}

fn list(global: &Global, of_column: &ColumnQuestions, row: &Row) -> Result<(), Failure> {
    let scores = &of_column.scores;
    let Some(of_row) = scores.rows.get(&row.id) else {
        return Err(
            Diagnostic::user(format!("row `{}` was not measured on `{}`", row.id, of_column.column)).into()
        );
    };
    let mut out = stdio::out();
    for (question, sum) in scores.questions.iter().zip(&of_row.sums) {
        let failed = of_row.failures.get(question).copied().unwrap_or_default();
        if global.json {
            let line = serde_json::json!({
                "question": question, "sum": sum, "samples": of_row.samples, "not_judged": failed,
            });
            writeln!(out, "{line}")?;
            continue;
        }
        let failed = if failed > 0 { format!(", {failed} not judged") } else { String::new() };
        writeln!(out, "{sum:>6} of {}{failed}  {}", of_row.samples, visible(question))?;
    }
    Ok(())
}

fn print(shown: &ShownQuestion) -> Result<(), Failure> {
    let mut out = stdio::out();
    writeln!(out, "{}\n{}", visible(&shown.id), visible(&shown.text))?;
    if !shown.references.is_empty() {
        writeln!(out, "right: {}", visible(&shown.references.join("; ")))?;
    }
    for sample in &shown.samples {
        let seed = sample.seed.map_or_else(String::new, |seed| format!("seed {seed}, "));
        writeln!(out, "\n{seed}sample {}: {}", sample.number, sample.verdict)?;
        writeln!(out, "  thought: {}", visible(&sample.thought))?;
        let answer = sample.answer.as_deref().unwrap_or("none: the text was cut or malformed");
        writeln!(out, "  answer:  {}", visible(answer))?;
    }
    Ok(())
}
