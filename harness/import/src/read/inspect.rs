//! Logs of Inspect (`inspect_ai`), version 1 and 2 of its log format.
//!
//! An archive `.eval` has `header.json` once the evaluation is over, `samples/ID_epoch_N.json`, and
//! `summaries.json`, which lists every sample with its scores. A `.json` log is the header with the list `samples`.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use camino::Utf8Path;
use fs_err::File;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::Found;
use super::scored::{Lacking, Scored, choose};
use crate::error::{ImportError, Place, content, unreadable};
use crate::json::{Constants, broken};
use crate::sample::{Outcome, SCORES, Unscored, of_json, of_number, question};
use crate::zip::Archive;

const REMEDY: &str =
    "the file is not a log of Inspect as `inspect eval` writes it; `inspect log convert` rewrites a log";
/// The status of an evaluation that ended as it should.
const SUCCESS: &str = "success";
const VERSIONS: std::ops::RangeInclusive<u64> = 1..=2;

#[derive(Deserialize)]
struct Log {
    version: u64,
    status: String,
    eval: Eval,
    #[serde(default)]
    invalidated: bool,
    #[serde(default)]
    samples: Option<Vec<Sample>>,
}

#[derive(Deserialize)]
struct Eval {
    task: String,
    model: String,
    #[serde(default)]
    dataset: Dataset,
    #[serde(default)]
    config: Config,
}

#[derive(Default, Deserialize)]
struct Dataset {
    samples: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Config {
    epochs: Option<u32>,
}

/// A sample, or the summary of one.
#[derive(Deserialize)]
struct Sample {
    id: Value,
    epoch: u32,
    #[serde(default)]
    scores: Option<BTreeMap<String, Score>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
    #[serde(default)]
    invalidation: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Score {
    #[serde(default)]
    value: Value,
}

pub(super) fn read(path: &Utf8Path, archive: bool, metric: Option<&str>) -> Result<Found, ImportError> {
    let file = path.as_str();
    let (log, samples) = match archive {
        true => from_archive(path)?,
        false => {
            let reader = BufReader::new(File::open(path).map_err(unreadable(file))?);
            let mut log: Log = parse(reader, file)?;
            check(&log, file)?;
            let samples = log.samples.take().unwrap_or_default();
            (log, samples.into_iter().map(|sample| scored(sample, file)).collect::<Result<_, _>>()?)
        }
    };
    let (metric, samples) = choose(samples, file, metric, Lacking::NotScored)?;
    Ok(Found {
        tasks: [log.eval.task].into(),
        model: Some(log.eval.model),
        metric,
        status: Some(log.status).filter(|status| status != SUCCESS),
        declared_questions: log.eval.dataset.samples,
        declared_samples: log.eval.config.epochs,
        samples,
    })
}

/// Reads the header and the summaries. Where there are no summaries, or the header says that samples are invalid, reads
/// each sample instead: summaries do not say which samples are invalid.
fn from_archive(path: &Utf8Path) -> Result<(Log, Vec<Scored>), ImportError> {
    let mut archive = Archive::open(path)?;
    let Some(header) = archive.read("header.json")? else {
        let remedy =
            "the evaluation did not end; `inspect log recover` makes a log of the samples that are finished";
        return Err(content(Place::line(path.as_str(), 0), "the archive has no header.json", remedy));
    };
    let place = archive.place("header.json");
    let log: Log = parse(header.as_slice(), &place)?;
    check(&log, &place)?;
    let entries: Vec<String> = archive
        .names()
        .filter(|name| name.starts_with("samples/") && name.ends_with(".json"))
        .map(str::to_owned)
        .collect();
    let mut samples = Vec::new();
    match archive.read("summaries.json")?.filter(|_| !log.invalidated) {
        Some(summaries) => {
            let place = archive.place("summaries.json");
            let summaries: Vec<Sample> = parse(summaries.as_slice(), &place)?;
            if summaries.len() != entries.len() {
                let (listed, there) = (summaries.len(), entries.len());
                let message = format!("lists {listed} samples, but the archive holds {there}");
                return Err(content(Place::line(&place, 0), message, REMEDY));
            }
            for sample in summaries {
                samples.push(scored(sample, &place)?);
            }
        }
        None => {
            for name in entries {
                let place = archive.place(&name);
                let bytes = archive.read(&name)?.unwrap_or_default();
                samples.push(scored(parse(bytes.as_slice(), &place)?, &place)?);
            }
        }
    }
    Ok((log, samples))
}

fn parse<T: DeserializeOwned>(reader: impl Read, place: &str) -> Result<T, ImportError> {
    let reader = BufReader::new(Constants::new(BufReader::new(reader)));
    serde_json::from_reader(reader).map_err(|error| broken(error, place, REMEDY))
}

fn check(log: &Log, place: &str) -> Result<(), ImportError> {
    if !VERSIONS.contains(&log.version) {
        let message = format!("the log has version {} of its format", log.version);
        let remedy = "versions 1 and 2 can be read; `inspect log convert` of an older release writes them";
        return Err(content(Place::line(place, 0), message, remedy));
    }
    if log.status == "started" {
        let remedy = "wait until the evaluation is over";
        return Err(content(Place::line(place, 0), "the evaluation has not ended", remedy));
    }
    Ok(())
}

/// A sample with its scores by scorer. Each part of a score with several parts stands under `SCORER/KEY`.
fn scored(sample: Sample, place: &str) -> Result<Scored, ImportError> {
    let Sample { id, epoch, scores, error, invalidation } = sample;
    let at = Place::line(place, 0);
    let question =
        question(&id).ok_or_else(|| content(at.clone(), "`id` is neither text nor a number", REMEDY))?;
    let index = epoch
        .checked_sub(1)
        .ok_or_else(|| content(at.clone(), format!("question `{question}`: epochs count from 1"), SCORES))?;
    let mut by_metric = BTreeMap::new();
    for (scorer, score) in scores.unwrap_or_default() {
        match score.value {
            Value::Object(parts) => {
                by_metric.extend(parts.iter().map(|(key, part)| (format!("{scorer}/{key}"), of_value(part))));
            }
            value => _ = by_metric.insert(scorer, of_value(&value)),
        }
    }
    let failed = match (invalidation, error) {
        (Some(_), _) => Some(Unscored::Invalidated),
        (None, Some(_)) => Some(Unscored::Error),
        (None, None) => None,
    };
    Ok(Scored { question, sample: index, place: at, scores: by_metric, failed })
}

/// A score of Inspect: `C` (correct) is 1, `P` (partially correct) is 0.5, `I` (incorrect) and `N` (no answer) are 0.
fn of_value(value: &Value) -> Result<Outcome, String> {
    let Value::String(text) = value else { return of_json(value) };
    match text.as_str() {
        "C" => return Ok(Outcome::Score(1.0)),
        "P" => return Ok(Outcome::Score(0.5)),
        "I" | "N" => return Ok(Outcome::Score(0.0)),
        _ => {}
    }
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Ok(Outcome::Score(1.0)),
        "no" | "false" => Ok(Outcome::Score(0.0)),
        other => other.parse().map_or_else(|_| of_json(value), of_number),
    }
}
