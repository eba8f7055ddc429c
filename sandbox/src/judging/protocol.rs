//! What the pool and its workers write to each other: lines of JSON.
//!
//! The first line to a worker is a [`Hello`], which it answers with [`Line::Ready`]. Each further line is a
//! list of jobs. The worker answers them in order: a program with a [`Line::Test`] for each test that is run
//! and [`Line::End`], an answer with [`Line::Graded`]. An answer is written as soon as it is known, so that
//! when a worker dies it is known which test it died on.

use std::io::{self, BufRead, BufWriter, Write};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::job::{Conditions, EachImage, ImageKind};
use crate::grade::Grade;
use crate::limits::Limits;
use crate::setup::{ImageLock, LockError};
use crate::verdict::TestResult;

/// What a worker needs to know before its first job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Hello {
    /// Folder with the images. The one that a job needs is there before the job is handed out.
    pub(crate) images: Utf8PathBuf,
    python: Spelled,
    packages: Option<Spelled>,
    math: Spelled,
}

/// [`Conditions`] as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Spelled {
    /// Names and texts of the image's lockfiles.
    lock: Vec<(String, String)>,
    limits: Limits,
}

impl Hello {
    pub(crate) fn new(images: Utf8PathBuf, each: &EachImage) -> Self {
        let spelled = |conditions: &Conditions| Spelled {
            lock: conditions.lock.sources(),
            limits: conditions.limits.clone(),
        };
        Hello {
            images,
            python: spelled(each.get(ImageKind::Python)),
            packages: each.packages().map(spelled),
            math: spelled(each.get(ImageKind::Math)),
        }
    }

    /// What jobs run under, by the image that they need.
    pub(crate) fn conditions(&self) -> Result<EachImage, LockError> {
        let read = |spelled: &Spelled| {
            Ok(Conditions { lock: ImageLock::of_sources(&spelled.lock)?, limits: spelled.limits.clone() })
        };
        let packages = self.packages.as_ref().map(read).transpose()?;
        Ok(EachImage::new(read(&self.python)?, packages, read(&self.math)?))
    }
}

/// A line that a worker writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Line {
    /// The worker has understood the first line.
    Ready,
    /// The worker cannot work.
    Unable { message: String, remedy: String },
    /// A test has ended.
    Test(TestResult),
    /// All tests of a program that are to be run have ended.
    End,
    /// An answer was graded.
    Graded(Grade),
}

/// Writes a line. It is never in memory as a whole: that of a job may have tens of megabytes.
pub(crate) fn write_line(output: impl Write, line: &impl Serialize) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    serde_json::to_writer(&mut output, line)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// The next line of a worker; `None` if it has died or writes what is no line.
pub(crate) fn read_line(output: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    output.read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice(&line).ok()
}
