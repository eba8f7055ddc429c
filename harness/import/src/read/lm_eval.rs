//! `samples_TASK_TIME.jsonl` of the Language Model Evaluation Harness: one line for each question and filter, with
//! `doc_id`, `filter`, the names of its `metrics`, and each metric's value under its name.

use std::collections::BTreeMap;

use camino::Utf8Path;
use serde_json::{Map, Value};

use super::scored::{Lacking, Scored, choose};
use super::{Found, lines};
use crate::error::{ImportError, Place, content};
use crate::json;
use crate::sample::{of_json, question};

const REMEDY: &str = "a sample log has one JSON object a line, with `doc_id` and the values of its metrics";

/// Keys of a line that are not metrics, for logs that do not list their metrics.
const OTHERS: [&str; 11] = [
    "doc_id",
    "doc",
    "target",
    "arguments",
    "resps",
    "filtered_resps",
    "filter",
    "metrics",
    "doc_hash",
    "prompt_hash",
    "target_hash",
];

/// The name of the filter in logs of tasks without filters.
const NO_FILTER: &str = "none";

pub(super) fn read(path: &Utf8Path, metric: Option<&str>) -> Result<Found, ImportError> {
    let file = path.as_str();
    let mut all = Vec::new();
    lines(path, |text, number| {
        let line: Map<String, Value> = json::line(text, file, number, REMEDY)?;
        let question = line.get("doc_id").and_then(question).ok_or_else(|| {
            content(Place::line(file, number), "`doc_id` is missing or neither a number nor text", REMEDY)
        })?;
        let (sample, place) = (0, Place::line(file, number));
        all.push(Scored { question, sample, place, scores: scores(&line), failed: None });
        Ok(())
    })?;
    let (metric, samples) = choose(all, file, metric, Lacking::Elsewhere)?;
    let tasks = path.file_name().and_then(task).into_iter().collect();
    Ok(Found { tasks, metric, samples, ..Found::default() })
}

/// The scores of a line by metric and filter.
fn scores(line: &Map<String, Value>) -> BTreeMap<String, Result<crate::sample::Outcome, String>> {
    let listed = line.get("metrics").and_then(Value::as_array);
    let names: Vec<&str> = match listed {
        Some(names) => names.iter().filter_map(Value::as_str).collect(),
        None => line.keys().map(String::as_str).filter(|key| !OTHERS.contains(key)).collect(),
    };
    let filter = line.get("filter").and_then(Value::as_str).filter(|filter| *filter != NO_FILTER);
    let named = |name: &str| match filter {
        Some(filter) if !name.contains(',') => format!("{name},{filter}"),
        _ => name.to_owned(),
    };
    let value = |name: &str| line.get(name).or_else(|| line.get(&named(name))).unwrap_or(&Value::Null);
    names.into_iter().map(|name| (named(name), of_json(value(name)))).collect()
}

/// The task in `samples_TASK_TIME.jsonl`.
fn task(name: &str) -> Option<String> {
    let rest = name.strip_prefix("samples_")?.strip_suffix(".jsonl")?;
    let time = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('T');
    match rest.rsplit_once('_') {
        Some((task, last)) if time(last) => Some(task.to_owned()),
        _ => Some(rest.to_owned()),
    }
}
