//! The worker's side: one process that judges tasks which it reads from its standard input.

use std::io::{self, BufRead, Write};

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::judge::TestResult;
use crate::judges::{Task, judge_task};
use crate::limits::Limits;
use crate::sandbox::Sandbox;
use crate::setup::{Image, ImageLock};

/// What to do where the image is not.
const REMAKE: &str = "the same command again makes the image; keep its folder while it runs";

/// What a worker needs to know before its first task: the first line that it reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Hello {
    /// Folder with the image, which is there already.
    pub images: Utf8PathBuf,
    /// The image's lockfile: its name and text.
    pub lock: (String, String),
    pub limits: Limits,
}

/// A line that a worker writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Line {
    /// The worker has its image.
    Ready,
    /// The worker cannot work.
    Unable { message: String, remedy: String },
    /// A test has ended.
    Test(TestResult),
    /// All tests of a task have ended.
    End,
}

/// Judges what is asked for on `input` until it ends, and writes results to `output`: the body of a worker
/// process.
///
/// # Errors
/// Reading or writing failed: the other side is gone, and there is nothing left to do.
pub fn serve(input: impl BufRead, output: impl Write + Send) -> io::Result<()> {
    let mut output = output;
    let mut lines = input.lines();
    let Some(hello) = lines.next().transpose()? else { return Ok(()) };
    let sandbox = match sandbox(&hello) {
        Ok(sandbox) => sandbox,
        Err(unable) => return write(&mut output, &unable),
    };
    write(&mut output, &Line::Ready)?;
    for line in lines {
        let task: Task = serde_json::from_str(&line?)?;
        let mut written = Ok(());
        judge_task(&sandbox, &task, &mut |result| {
            if written.is_ok() {
                written = write(&mut output, &Line::Test(result));
            }
        });
        written?;
        write(&mut output, &Line::End)?;
    }
    Ok(())
}

fn sandbox(hello: &str) -> Result<Sandbox, Line> {
    let unable = |message: &dyn ToString, remedy: &str| Line::Unable {
        message: message.to_string(),
        remedy: remedy.to_owned(),
    };
    let hello: Hello = serde_json::from_str(hello)
        .map_err(|error| unable(&error, "start workers with the program that they are a part of"))?;
    let (file, text) = &hello.lock;
    let lock = ImageLock::parse(text, file).map_err(|error| unable(&error, error.remedy()))?;
    // Should the image have gone, making it anew is the parent's affair, which knows a Python.
    let image = Image::load(&hello.images, &lock)
        .map_err(|error| unable(&error, error.remedy()))?
        .ok_or_else(|| unable(&format!("{} does not hold the Python image", hello.images), REMAKE))?;
    Ok(Sandbox::new(&image, hello.limits))
}

fn write(output: &mut impl Write, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    output.write_all(&text)?;
    output.flush()
}
