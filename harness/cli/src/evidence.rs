//! What stands behind the cells of a report in a store: the verdict on each sample, and what the model wrote.

use std::collections::{BTreeMap, BTreeSet};

use assay_claims::compare::{Answers, ByQuestion};
use assay_claims::scores::CellId;
use assay_claims::table::Evaluation;
use assay_report::{Report, Source};
use assay_sandbox::Verdict;
use assay_store::{Hash, Store, StoreError};
use assay_study::records::{Generation, GenerationVerdict};
use assay_study::roles::{brings_questions, brings_replies};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Verdicts by question and sample.
pub(crate) type ByQuestionAndSample = BTreeMap<String, BTreeMap<u32, Verdict>>;

/// The verdicts on one row under one training seed.
pub(crate) struct Judged {
    /// By benchmark.
    pub(crate) verdicts: BTreeMap<String, ByQuestionAndSample>,
    /// By benchmark, then question: the tokens of each sample.
    tokens: BTreeMap<String, BTreeMap<String, Vec<u32>>>,
    /// The artefact of the replies, if the report names it.
    generations: Option<Hash>,
}

/// The verdicts behind rows of a report, as far as the store has them: by row, then training seed.
#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) rows: BTreeMap<String, BTreeMap<Option<u64>, Judged>>,
    /// Rows that name artefacts which the store has not, or has not whole.
    pub(crate) missing: BTreeSet<String>,
}

/// What is read of an item.
#[derive(Deserialize)]
struct Asked {
    id: String,
    benchmark: String,
}

impl Samples {
    /// Reads the verdicts of the rows that are wanted.
    pub(crate) fn of(report: &Report, store: &Store, wanted: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        let mut samples = Self::default();
        let mut asked: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        let by_id: BTreeMap<&str, &Source> = report.sources.iter().map(|s| (s.id.as_str(), s)).collect();
        for row in report.rows.iter().filter(|row| wanted(&row.id)) {
            let named: BTreeSet<&str> =
                row.cells.values().flat_map(|cell| &cell.sources).map(String::as_str).collect();
            let sources = named.into_iter().filter_map(|id| by_id.get(id).copied());
            let mut of_row = BTreeMap::new();
            for source in sources {
                let inputs = || source.inputs.iter().filter_map(|id| by_id.get(id.as_str()).copied());
                let items = inputs().find(|input| brings_questions(&input.kind));
                let generations = inputs().find(|input| brings_replies(&input.kind));
                let judged = items.map(|items| judged(store, source, items, &mut asked)).transpose()?;
                let Some(judged) = judged.flatten() else {
                    samples.missing.insert(row.id.clone());
                    continue;
                };
                let generations = generations.and_then(|source| source.artefact.parse().ok());
                of_row.insert(source.seed, Judged { generations, ..judged });
            }
            if !of_row.is_empty() && !samples.missing.contains(&row.id) {
                samples.rows.insert(row.id.clone(), of_row);
            }
        }
        Ok(samples)
    }

    /// Scores by row, column, seed and question. A column of which some question has no verdict is left out, and so is one
    /// whose values are no means of scores.
    pub(crate) fn answers(&self, report: &Report) -> Answers {
        let mut answers = Answers::default();
        for (row, by_seed) in &self.rows {
            for column in report.columns.iter().filter(|column| column.measure.is_none()) {
                let Some(benchmark) = &column.measured_on else { continue };
                for (seed, judged) in by_seed {
                    let scores = judged.verdicts.get(benchmark).and_then(scores);
                    let cell = CellId { row: row.clone(), column: column.id.clone() };
                    scores.into_iter().for_each(|scores| answers.insert(cell.clone(), *seed, scores));
                }
            }
        }
        answers
    }
}

/// By benchmark: the ids of the questions that cells are about, in their order, as far as the store has them.
pub(crate) fn questions(report: &Report, store: &Store) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut questions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let cells = report.rows.iter().flat_map(|row| row.cells.values());
    let named: BTreeSet<&String> = cells.flat_map(|cell| &cell.sources).collect();
    for source in questions_of(report, &named) {
        let found = source.artefact.parse().ok().map(|hash| lines::<Asked>(store, &hash)).transpose()?;
        for Asked { id, benchmark } in found.flatten().into_iter().flatten() {
            questions.entry(benchmark).or_default().push(id);
        }
    }
    Ok(questions)
}

/// The questions that sources of these ids were made from.
pub(crate) fn questions_of<'r>(
    report: &'r Report,
    ids: &BTreeSet<&String>,
) -> impl Iterator<Item = &'r Source> + use<'r> {
    let named = report.sources.iter().filter(|source| ids.contains(&source.id));
    let inputs: BTreeSet<&String> = named.flat_map(|source| &source.inputs).collect();
    let inputs = report.sources.iter().filter(move |source| inputs.contains(&source.id));
    inputs.filter(|source| brings_questions(&source.kind))
}

impl Judged {
    /// The same as claims take it.
    pub(crate) fn evaluation(&self, model: &str, seed: Option<u64>) -> Evaluation {
        let tokens = self.tokens.clone();
        let mut evaluation = Evaluation { model: model.to_owned(), seed, tokens, ..Evaluation::default() };
        for (benchmark, questions) in &self.verdicts {
            for (question, verdicts) in questions {
                let (failed, judged): (Vec<Verdict>, Vec<Verdict>) =
                    verdicts.values().partition(|verdict| **verdict == Verdict::JudgeFailure);
                let judged = judged.into_iter().map(|verdict| (verdict == Verdict::Pass).into()).collect();
                let scores = evaluation.scores.entry(benchmark.clone()).or_default();
                scores.insert(question.clone(), judged);
                if !failed.is_empty() {
                    let failures = evaluation.failures.entry(benchmark.clone()).or_default();
                    failures.insert(question.clone(), u32::try_from(failed.len()).unwrap_or(u32::MAX));
                }
            }
        }
        evaluation
    }

    /// The replies by question and sample; empty if the store does not have them.
    pub(crate) fn generations(&self, store: &Store) -> Result<BTreeMap<(String, u32), Generation>, Failure> {
        let Some(hash) = &self.generations else { return Ok(BTreeMap::new()) };
        let generations = lines::<Generation>(store, hash)?.unwrap_or_default();
        Ok(generations.into_iter().map(|reply| ((reply.item.clone(), reply.sample), reply)).collect())
    }
}

/// The verdicts of an artefact; `None` if the store does not have it or the questions.
fn judged<'a>(
    store: &Store,
    source: &Source,
    items: &'a Source,
    asked: &mut BTreeMap<&'a str, BTreeMap<String, String>>,
) -> Result<Option<Judged>, Failure> {
    let read = |source: &Source| source.artefact.parse::<Hash>().ok();
    if !asked.contains_key(items.artefact.as_str()) {
        let Some(hash) = read(items) else { return Ok(None) };
        let Some(found) = lines::<Asked>(store, &hash)? else { return Ok(None) };
        let found = found.into_iter().map(|item| (item.id, item.benchmark)).collect();
        asked.insert(&items.artefact, found);
    }
    let benchmarks = &asked[items.artefact.as_str()];
    let Some(hash) = read(source) else { return Ok(None) };
    let Some(found) = lines::<GenerationVerdict>(store, &hash)? else { return Ok(None) };
    let mut judged = Judged { verdicts: BTreeMap::new(), tokens: BTreeMap::new(), generations: None };
    for GenerationVerdict { item, sample, verdict, tokens, .. } in found {
        let Some(benchmark) = benchmarks.get(&item) else { return Ok(None) };
        let counted = judged.tokens.entry(benchmark.clone()).or_default();
        counted.entry(item.clone()).or_default().push(tokens);
        let questions = judged.verdicts.entry(benchmark.clone()).or_default();
        questions.entry(item).or_default().insert(sample, verdict);
    }
    Ok(Some(judged))
}

/// The questions' means over their judged samples; `None` if one has none.
pub(crate) fn scores(questions: &ByQuestionAndSample) -> Option<ByQuestion> {
    let score = |verdicts: &BTreeMap<u32, Verdict>| {
        let judged = verdicts.values().filter(|verdict| **verdict != Verdict::JudgeFailure);
        let (right, all) = judged.fold((0_u32, 0_u32), |(right, all), verdict| {
            (right + u32::from(*verdict == Verdict::Pass), all + 1)
        });
        (all > 0).then(|| f64::from(right) / f64::from(all))
    };
    questions.iter().map(|(question, verdicts)| Some((question.clone(), score(verdicts)?))).collect()
}

/// An artefact of JSON lines; `None` if the store does not have it whole, or it holds something else.
pub(crate) fn lines<T: DeserializeOwned>(store: &Store, hash: &Hash) -> Result<Option<Vec<T>>, Failure> {
    let bytes = match store.read(hash) {
        Err(StoreError::Missing { .. } | StoreError::Corrupt { .. }) => return Ok(None),
        found => found?,
    };
    let mut records = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Ok(record) = serde_json::from_slice(line) else { return Ok(None) };
        records.push(record);
    }
    Ok(Some(records))
}
