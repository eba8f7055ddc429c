//! The file of an import, as JSON lines: the first is the header, then there is one for each sample, sorted.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use assay_claims::Assurance;
use assay_claims::scores::SampleScore;
use assay_claims::table::Evaluation;
use camino::Utf8Path;
use fs_err::File;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::coverage::{Expected, Import};
use crate::error::{ImportError, Place, content, unreadable};
use crate::json;
use crate::read::Log;
use crate::sample::{Outcome, Record, SCORES, Unscored, of_number};

/// The version of the form, in the header. Version 1 had it in another key, beside a name.
pub const FORMAT: u32 = 2;
/// What version 1 has in the place of its number.
const FIRST: &str = "assay-import";

const REMEDY: &str = "the file is not as `assay import` wrote it: import the logs again";

/// The first line of an imported file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of this form, which is that of the lines below too.
    #[schemars(extend("const" = FORMAT))]
    pub format: u32,
    /// The benchmark.
    pub benchmark: String,
    /// The level of assurance: how much was recomputed.
    pub level: Assurance,
    /// Number of questions.
    pub questions: u64,
    /// Samples of each question, including those without a score.
    pub samples: u32,
    /// Number of samples with a score.
    pub scored: u64,
    /// Number of samples without a score, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unscored: BTreeMap<Unscored, u64>,
    /// The logs, in the order in which they were given.
    pub logs: Vec<Source>,
}

/// A log that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The file's name, without its folders.
    pub file: String,
    /// Hash of its bytes.
    pub blake3: String,
    /// Its format.
    pub format: String,
    /// Its names for the benchmark.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<String>,
    /// The model that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The metric that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// How the evaluation ended, where the log says that it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// One line after the header: a sample, with either a score or the reason why it has none.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The question.
    question: String,
    /// Which of its samples, from 0.
    sample: u32,
    /// The score, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    /// Why there is no score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unscored: Option<Unscored>,
}

/// A line of the file.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(title = "ImportLine")]
#[expect(dead_code, reason = "only its schema is used")]
enum AnyLine {
    Header(Header),
    Sample(Line),
}

/// The JSON Schema of a line of the file of an import.
pub fn file_schema() -> Schema {
    schemars::schema_for!(AnyLine)
}

impl Source {
    pub(crate) fn of(log: &Log) -> Self {
        Self {
            file: Utf8Path::new(&log.file).file_name().unwrap_or(&log.file).to_owned(),
            blake3: log.blake3.clone(),
            format: log.format.name().to_owned(),
            tasks: log.tasks.iter().cloned().collect(),
            model: log.model.clone(),
            metric: log.metric.clone(),
            status: log.status.clone(),
        }
    }
}

impl Header {
    pub(crate) fn new(expected: &Expected, level: Assurance, records: &[Record], logs: Vec<Source>) -> Self {
        let (questions, scored, unscored) = counts(records);
        Self {
            format: FORMAT,
            benchmark: expected.benchmark.clone(),
            level,
            questions,
            samples: expected.samples,
            scored,
            unscored,
            logs,
        }
    }
}

/// Questions, samples with a score, and those without one by reason.
fn counts(records: &[Record]) -> (u64, u64, BTreeMap<Unscored, u64>) {
    let (mut questions, mut scored, mut unscored) = (0, 0, BTreeMap::new());
    for (at, record) in records.iter().enumerate() {
        questions += u64::from(at == 0 || records[at - 1].question != record.question);
        match record.outcome {
            Outcome::Score(_) => scored += 1,
            Outcome::Unscored(why) => *unscored.entry(why).or_default() += 1,
        }
    }
    (questions, scored, unscored)
}

impl Import {
    /// The file's text. Equal imports give equal bytes.
    ///
    /// # Errors
    /// None in practice: every value in the file can be written as JSON.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string(&self.header)?;
        text.push('\n');
        for Record { question, sample, outcome } in &self.records {
            let (score, unscored) = match outcome {
                Outcome::Score(score) => (Some(*score), None),
                Outcome::Unscored(why) => (None, Some(*why)),
            };
            let line = Line { question: question.clone(), sample: *sample, score, unscored };
            text.push_str(&serde_json::to_string(&line)?);
            text.push('\n');
        }
        Ok(text)
    }

    /// Reads such a file and verifies it: order, numbering, scores and counts.
    ///
    /// # Errors
    /// The file cannot be read, is of another version, or is not what its header says.
    pub fn read(path: &Utf8Path, name: &str) -> Result<Self, ImportError> {
        let lines = BufReader::new(File::open(path).map_err(unreadable(name))?).lines();
        let mut header = None;
        let mut records: Vec<Record> = Vec::new();
        for (number, text) in (1..).zip(lines) {
            let text = text.map_err(unreadable(name))?;
            match header {
                None => header = Some(read_header(&text, name)?),
                Some(_) => records.push(read_record(&text, name, number, records.last())?),
            }
        }
        let header = header.ok_or_else(|| content(Place::line(name, 1), "the file is empty", REMEDY))?;
        let import = Self { header, records };
        import.verify(name)?;
        Ok(import)
    }

    /// Checks the numbers of questions and samples against the header.
    fn verify(&self, name: &str) -> Result<(), ImportError> {
        let header = &self.header;
        let (questions, scored, unscored) = counts(&self.records);
        let total = header.questions.saturating_mul(u64::from(header.samples));
        let counted = (questions, scored, &unscored) == (header.questions, header.scored, &header.unscored);
        let complete = counted && total == self.records.len() as u64 && scored > 0;
        let mut chunks = self.records.chunks(header.samples.max(1) as usize);
        let even = chunks.all(|chunk| chunk.iter().all(|record| record.question == chunk[0].question));
        if complete && even {
            return Ok(());
        }
        let found = self.records.len();
        let message = format!(
            "the header says {} questions with {} samples each, {} of them scored; the file has {questions} questions and \
             {found} samples, {scored} of them scored",
            header.questions, header.samples, header.scored
        );
        Err(content(Place::line(name, 1), message, REMEDY))
    }

    /// The scores in the form that a table takes, as those of `model`. `name` is the file's, for errors.
    ///
    /// # Errors
    /// A score is not between 0 and 1.
    pub fn evaluation(&self, name: &str, model: &str) -> Result<Evaluation, ImportError> {
        let mut scores: BTreeMap<String, Vec<SampleScore>> = BTreeMap::new();
        let mut failures: BTreeMap<String, u32> = BTreeMap::new();
        for (line, Record { question, outcome, .. }) in (2..).zip(&self.records) {
            let list = scores.entry(question.clone()).or_default();
            match outcome {
                Outcome::Score(score) => {
                    let outside = || {
                        let message = format!("{score} is not a score between 0 and 1");
                        content(Place::line(name, line), message, SCORES)
                    };
                    list.push(SampleScore::new(*score).ok_or_else(outside)?);
                }
                Outcome::Unscored(_) => *failures.entry(question.clone()).or_default() += 1,
            }
        }
        Ok(Evaluation {
            model: model.to_owned(),
            scores: BTreeMap::from([(self.header.benchmark.clone(), scores)]),
            failures: BTreeMap::from([(self.header.benchmark.clone(), failures)]),
            ..Evaluation::default()
        })
    }

    /// How many samples have a score that is neither 0 nor 1.
    pub fn graded(&self) -> u64 {
        let graded =
            |record: &&Record| matches!(record.outcome, Outcome::Score(score) if score > 0.0 && score < 1.0);
        self.records.iter().filter(graded).count() as u64
    }

    /// The questions, sorted.
    pub fn questions(&self) -> Vec<String> {
        let mut questions: Vec<String> = self.records.iter().map(|record| record.question.clone()).collect();
        questions.dedup();
        questions
    }
}

fn read_header(text: &str, name: &str) -> Result<Header, ImportError> {
    let found: Value = json::line(text.as_bytes(), name, 1, REMEDY)?;
    let wrong = |message: String, remedy| Err(content(Place::line(name, 1), message, remedy));
    let format = found.get("format").unwrap_or(&Value::Null);
    // Version 1 was no number, so that no such file begins with 1.
    let version = if format == FIRST { Some(1) } else { format.as_u64().filter(|version| *version > 1) };
    match version {
        Some(version) if version == u64::from(FORMAT) => json::line(text.as_bytes(), name, 1, REMEDY),
        Some(version) => wrong(
            format!("the file has format {version}, this program reads format {FORMAT}"),
            if version > u64::from(FORMAT) {
                "update the program, or import the logs again with this one"
            } else {
                "import the logs again with this program"
            },
        ),
        None => wrong("the file is not an import".to_owned(), "`assay import` makes such a file from logs"),
    }
}

fn read_record(text: &str, name: &str, number: u64, before: Option<&Record>) -> Result<Record, ImportError> {
    let wrong = |message: String, remedy| Err(content(Place::line(name, number), message, remedy));
    let Line { question, sample, score, unscored } = json::line(text.as_bytes(), name, number, REMEDY)?;
    let outcome = match (score, unscored) {
        (Some(score), None) => match of_number(score) {
            Ok(outcome) => outcome,
            Err(message) => return wrong(message, SCORES),
        },
        (None, Some(why)) => Outcome::Unscored(why),
        _ => return wrong("a sample has either `score` or `unscored`".to_owned(), REMEDY),
    };
    let follows = match before {
        Some(before) if before.question == question => sample == before.sample + 1,
        Some(before) => before.question < question && sample == 0,
        None => sample == 0,
    };
    if !follows {
        return wrong(format!("sample {sample} of `{question}` is out of order"), REMEDY);
    }
    Ok(Record { question, sample, outcome })
}
