//! Plain tables: CSV with a header row, or JSON lines. Keys: `question`; `correct` (a verdict) or `score` (0 to 1);
//! and optionally `sample` (a number), `benchmark`, and `error` (why there is no score). Without `sample`, the rows
//! of a question are numbered in their order.

use std::collections::BTreeSet;

use camino::Utf8Path;
use fs_err::File;
use serde::Deserialize;
use serde_json::Value;

use super::{Found, lines};
use crate::error::{ImportError, Place, content, unreadable};
use crate::json;
use crate::sample::{LogSample, Outcome, SCORES, Unscored, of_json, of_number, question};

const REMEDY: &str =
    "the keys are `question`, `correct` or `score`, and if needed `sample`, `benchmark` and `error`";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    question: Value,
    #[serde(default)]
    sample: Option<u32>,
    #[serde(default)]
    benchmark: Option<String>,
    // `null` means that the score is missing. That is not the same as an absent key.
    #[serde(default, deserialize_with = "present")]
    correct: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    score: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

pub(super) fn jsonl(path: &Utf8Path) -> Result<Found, ImportError> {
    let file = path.as_str();
    let mut found = Found::default();
    lines(path, |text, number| {
        let row: Row = json::line(text, file, number, REMEDY)?;
        add(&mut found, row, &Place::line(file, number))
    })?;
    Ok(found)
}

fn add(found: &mut Found, row: Row, place: &Place) -> Result<(), ImportError> {
    let wrong = |message: &str, remedy| content(place.clone(), message, remedy);
    let question = question(&row.question)
        .ok_or_else(|| wrong("`question` is neither text nor a whole number", REMEDY))?;
    let outcome = match (row.error, row.correct, row.score) {
        (Some(error), ..) if !error.is_empty() => Outcome::Unscored(Unscored::Error),
        (_, Some(_), Some(_)) => return Err(wrong("the row has both `correct` and `score`", REMEDY)),
        (_, None, None) => return Err(wrong("the row has neither `correct` nor `score`", REMEDY)),
        (_, Some(correct), None) => match of_json(&correct).map_err(|message| wrong(&message, SCORES))? {
            Outcome::Score(score) if score > 0.0 && score < 1.0 => {
                return Err(wrong(&format!("`correct` is {score}, but a verdict is 0 or 1"), SCORES));
            }
            outcome => outcome,
        },
        (_, None, Some(score)) => of_json(&score).map_err(|message| wrong(&message, SCORES))?,
    };
    found.tasks.extend(row.benchmark.filter(|name| !name.is_empty()));
    found.samples.push(LogSample { question, sample: row.sample, outcome, line: place.line });
    Ok(())
}

/// The columns of a CSV file, by the order of its header.
const COLUMNS: [&str; 6] = ["question", "sample", "benchmark", "correct", "score", "error"];

pub(super) fn csv(path: &Utf8Path) -> Result<Found, ImportError> {
    let file = path.as_str();
    let opened = File::open(path).map_err(unreadable(file))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(opened);
    let header = reader.headers().map_err(|error| broken(error, file))?.clone();
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
    let distinct: BTreeSet<&&str> = names.iter().collect();
    let unknown = names.iter().find(|name| !COLUMNS.contains(name));
    if let Some(name) = unknown {
        return Err(content(Place::line(file, 1), format!("unknown column `{name}`"), REMEDY));
    }
    if distinct.len() < names.len() || !names.contains(&"question") {
        return Err(content(
            Place::line(file, 1),
            "the header has a column twice, or no column `question`",
            REMEDY,
        ));
    }
    let mut found = Found::default();
    for record in reader.records() {
        let record = record.map_err(|error| broken(error, file))?;
        let place = Place::line(file, record.position().map_or(0, csv::Position::line));
        let cell = |name: &str| names.iter().position(|known| *known == name).and_then(|at| record.get(at));
        let row = row(cell).map_err(|message| content(place.clone(), message, REMEDY))?;
        add(&mut found, row, &place)?;
    }
    Ok(found)
}

/// A row from its cells. An empty cell in the column of a score means that the score is missing.
fn row<'a>(cell: impl Fn(&str) -> Option<&'a str>) -> Result<Row, String> {
    let filled = |name: &str| cell(name).filter(|text| !text.is_empty());
    let sample =
        filled("sample").map(|text| text.parse().map_err(|_| format!("`{text}` is not a sample's number")));
    let text = |name: &str| filled(name).map(str::to_owned);
    let (correct, score) = (cell("correct").map(value), cell("score").map(value));
    // In a table that has both columns, the one that is filled counts.
    let both = correct.is_some() && score.is_some();
    let is_filled = |value: &Value| !(both && value.is_null());
    let (correct, score) = match (correct.filter(is_filled), score.filter(is_filled)) {
        (None, None) if both => (None, Some(Value::Null)),
        filled => filled,
    };
    Ok(Row {
        question: Value::String(text("question").unwrap_or_default()),
        sample: sample.transpose()?,
        benchmark: text("benchmark"),
        correct,
        score,
        error: text("error"),
    })
}

/// The cell of a score as a JSON value.
fn value(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "nan" | "inf" | "-inf" | "infinity" | "-infinity" => Value::String(json::NOT_FINITE.to_string()),
        _ => match text.parse::<f64>() {
            Ok(number) if of_number(number).is_ok() => Value::from(number),
            _ => Value::String(text.to_owned()),
        },
    }
}

fn broken(error: csv::Error, file: &str) -> ImportError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ImportError::Read { file: file.to_owned(), source },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let message = format!("the row has {len} cells, the header {expected_len}");
            content(Place::line(file, line), message, REMEDY)
        }
        _ => content(Place::line(file, line), "the row is not UTF-8 text", REMEDY),
    }
}
