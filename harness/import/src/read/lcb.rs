//! `..._eval_all.json` of LiveCodeBench: a list of questions, each with `question_id` and `graded_list`, one verdict
//! for each sample.

use std::fmt;
use std::io::BufReader;

use camino::Utf8Path;
use fs_err::File;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::Found;
use crate::error::{ImportError, Place, content, unreadable};
use crate::json::{Constants, broken};
use crate::sample::{LogSample, Outcome};

const REMEDY: &str =
    "an eval_all file is a list of objects with `question_id` and `graded_list`, a list of true and false";

#[derive(Deserialize)]
struct Question {
    question_id: String,
    graded_list: Vec<bool>,
    #[serde(default)]
    difficulty: Option<String>,
}

/// Reads one question at a time and keeps its verdicts only.
struct Kept<'a> {
    difficulty: Option<&'a str>,
}

impl<'de> Visitor<'de> for Kept<'_> {
    type Value = Vec<LogSample>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of questions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut samples = Vec::new();
        while let Some(question) = list.next_element::<Question>()? {
            if self.difficulty.is_some_and(|wanted| question.difficulty.as_deref() != Some(wanted)) {
                continue;
            }
            samples.extend((0..).zip(question.graded_list).map(|(sample, right)| LogSample {
                question: question.question_id.clone(),
                sample: Some(sample),
                outcome: Outcome::Score(f64::from(u8::from(right))),
                line: 0,
            }));
        }
        Ok(samples)
    }
}

pub(super) fn read(path: &Utf8Path, difficulty: Option<&str>) -> Result<Found, ImportError> {
    let file = path.as_str();
    let reader = BufReader::new(File::open(path).map_err(unreadable(file))?);
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(Constants::new(reader)));
    let samples = json
        .deserialize_seq(Kept { difficulty })
        .and_then(|samples| json.end().map(|()| samples))
        .map_err(|error| broken(error, file, REMEDY))?;
    if let (Some(wanted), true) = (difficulty, samples.is_empty()) {
        let message = format!("no question has the difficulty `{wanted}`");
        return Err(content(Place::line(file, 0), message, "LiveCodeBench has easy, medium and hard"));
    }
    Ok(Found { samples, ..Found::default() })
}
