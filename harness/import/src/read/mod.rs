//! Reading one log.

mod inspect;
mod lcb;
mod lm_eval;
mod plain;
mod scored;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};

use camino::Utf8Path;
use fs_err::File;

use crate::error::{ImportError, Place, content, unreadable};
use crate::format::Format;
use crate::sample::LogSample;

/// How a log is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The format; if it is not given, it is recognised by the content.
    pub format: Option<Format>,
    /// The metric, for a log with several scores for each sample: the scorer of Inspect, `METRIC` or `METRIC,FILTER` of
    /// the Language Model Evaluation Harness.
    pub metric: Option<String>,
    /// For LiveCodeBench: read only the questions of this difficulty.
    pub difficulty: Option<String>,
}

/// The content of one log.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// The file as it was named.
    pub file: String,
    /// Hash of the file's bytes, in hexadecimal digits.
    pub blake3: String,
    /// Its format.
    pub format: Format,
    /// The names of the task or benchmark in the log.
    pub tasks: BTreeSet<String>,
    /// The model that the log names.
    pub model: Option<String>,
    /// The metric that was read.
    pub metric: Option<String>,
    /// How the evaluation ended, where the log says that it did not succeed: `error` or `cancelled`.
    pub status: Option<String>,
    /// The number of questions that the log states.
    pub declared_questions: Option<u64>,
    /// The number of samples of each question that the log states.
    pub declared_samples: Option<u32>,
    /// The samples, in the order of the file.
    pub samples: Vec<LogSample>,
}

/// The content of a log, as the reader of its format returns it.
#[derive(Default)]
struct Found {
    tasks: BTreeSet<String>,
    model: Option<String>,
    metric: Option<String>,
    status: Option<String>,
    declared_questions: Option<u64>,
    declared_samples: Option<u32>,
    samples: Vec<LogSample>,
}

/// How many bytes at the start of a file are used to recognise its format.
const START: u64 = 1 << 16;

/// Reads one log.
///
/// # Errors
/// The file cannot be read, is of no known format, or is not what its format asks for; it has several metrics and
/// none was chosen; a score is neither a verdict nor between 0 and 1.
pub fn read_log(path: &Utf8Path, options: &Options) -> Result<Log, ImportError> {
    let file = path.as_str();
    let mut hasher = blake3::Hasher::new();
    let mut start = Vec::new();
    File::open(path)
        .and_then(|opened| opened.take(START).read_to_end(&mut start))
        .map_err(unreadable(file))?;
    hasher.update_reader(File::open(path).map_err(unreadable(file))?).map_err(unreadable(file))?;
    let unknown = || {
        content(
            Place::line(file, 0),
            "the format is not recognised",
            "name it with --format: inspect, lm-eval, lcb, csv or jsonl",
        )
    };
    let format = options.format.or_else(|| Format::recognise(&start)).ok_or_else(unknown)?;
    for (given, of, name) in [
        (options.metric.is_some(), matches!(format, Format::Inspect | Format::LmEval), "metric"),
        (options.difficulty.is_some(), format == Format::Lcb, "difficulty"),
    ] {
        if given && !of {
            let message = format!("a log of format {format} has no {name} to choose");
            return Err(content(Place::line(file, 0), message, "leave the option out"));
        }
    }
    let found = match format {
        Format::Inspect => inspect::read(path, start.starts_with(b"PK"), options.metric.as_deref()),
        Format::LmEval => lm_eval::read(path, options.metric.as_deref()),
        Format::Lcb => lcb::read(path, options.difficulty.as_deref()),
        Format::Csv => plain::csv(path),
        Format::Jsonl => plain::jsonl(path),
    }?;
    let Found { tasks, model, metric, status, declared_questions, declared_samples, samples } = found;
    let blake3 = hasher.finalize().to_hex().to_string();
    let file = file.to_owned();
    Ok(Log {
        file,
        blake3,
        format,
        tasks,
        model,
        metric,
        status,
        declared_questions,
        declared_samples,
        samples,
    })
}

/// Calls `each` with every line that is not empty and its number.
fn lines(
    path: &Utf8Path,
    mut each: impl FnMut(&[u8], u64) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let file = path.as_str();
    let mut reader = BufReader::new(File::open(path).map_err(unreadable(file))?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(unreadable(file))? == 0 {
            break;
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf".as_slice()).filter(|_| number == 1).unwrap_or(&line);
        if !text.iter().all(u8::is_ascii_whitespace) {
            each(text, number)?;
        }
    }
    Ok(())
}
