//! Files in a folder of their own, and what is read from them.

use std::collections::BTreeSet;

use assay_claims::Assurance;
use assay_import::{Expected, Import, ImportError, Log, Options, Outcome, Questions, read_log};
use camino::{Utf8Path, Utf8PathBuf};
use tempfile::TempDir;

/// A folder with files.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.0.path()).unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Utf8PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// An error's message, with the folder left out.
    pub(crate) fn says(&self, error: &ImportError) -> String {
        error.to_string().replace(&format!("{}/", self.path("").as_str().trim_end_matches('/')), "")
    }

    /// Writes one log and reads it.
    pub(crate) fn read(&self, name: &str, content: impl AsRef<[u8]>) -> Result<Log, ImportError> {
        read_log(&self.write(name, content), &Options::default())
    }

    /// What is wrong with a log.
    pub(crate) fn refusal(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        self.says(&self.read(name, content).unwrap_err())
    }
}

/// So many questions and samples of `birds`.
pub(crate) fn expected(questions: u64, samples: u32) -> Expected {
    Expected {
        benchmark: "birds".to_owned(),
        tasks: BTreeSet::new(),
        questions: Questions::Count(questions),
        samples,
    }
}

pub(crate) fn import(logs: &[Log], expected: &Expected) -> Result<Import, ImportError> {
    Import::new(logs, expected, Assurance::RecomputedFromTheAuthorsSamples)
}

/// Question, sample and score of each sample of a log; `?` for none.
pub(crate) fn samples(log: &Log) -> Vec<String> {
    let shown = |outcome: &Outcome| match outcome {
        Outcome::Score(score) => score.to_string(),
        Outcome::Unscored(why) => format!("? {}", why.name()),
    };
    let one = |sample: &assay_import::LogSample| {
        let number = sample.sample.map_or_else(|| "-".to_owned(), |number| number.to_string());
        format!("{} {number} {}", sample.question, shown(&sample.outcome))
    };
    log.samples.iter().map(one).collect()
}
