//! The worker's side: one process that does jobs which it reads from its standard input.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufRead, Write};

use super::job::{Conditions, Job};
use super::protocol::{Hello, Line, write_line};
use crate::grade::grade;
use crate::judges::judge_task;
use crate::sandbox::Sandbox;
use crate::setup::Image;

/// What to do where the image is not.
const REMAKE: &str = "the same command again makes the image; keep its folder while it runs";

/// Does the jobs that it reads from `input` until that ends, and writes what comes of them to `output`: the
/// body of a worker process. An image is loaded when the first job needs it.
///
/// # Errors
/// Reading or writing failed: the other side is gone, and there is nothing left to do.
pub fn serve(mut input: impl BufRead, mut output: impl Write + Send) -> io::Result<()> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(());
    }
    let hello: Hello = match serde_json::from_slice(&line) {
        Ok(hello) => hello,
        Err(error) => {
            let remedy = "start workers with the program that they are a part of";
            return write_line(&mut output, &unable(&error, remedy));
        }
    };
    let each = match hello.conditions() {
        Ok(each) => each,
        Err(error) => return write_line(&mut output, &unable(&error, error.remedy())),
    };
    write_line(&mut output, &Line::Ready)?;
    let mut sandboxes = BTreeMap::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let jobs: Vec<Job> = serde_json::from_slice(&line)?;
        // A line of tests may have tens of megabytes, which the jobs now hold.
        line = Vec::new();
        for job in jobs {
            let kind = each.of_job(&job);
            let sandbox = match sandboxes.entry(kind) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => match load(&hello, each.get(kind)) {
                    Ok(loaded) => place.insert(loaded),
                    Err(unable) => return write_line(&mut output, &unable),
                },
            };
            work(sandbox, &job, &mut output)?;
        }
    }
}

fn work(sandbox: &Sandbox, job: &Job, output: &mut (impl Write + Send)) -> io::Result<()> {
    match job {
        Job::Judge(task) => {
            let mut written = Ok(());
            judge_task(sandbox, task, &mut |result| {
                if written.is_ok() {
                    written = write_line(&mut *output, &Line::Test(result));
                }
            });
            written?;
            write_line(output, &Line::End)
        }
        Job::Grade { grader, question } => {
            write_line(output, &Line::Graded(grade(*grader, question, sandbox)))
        }
    }
}

fn load(hello: &Hello, conditions: &Conditions) -> Result<Sandbox, Line> {
    // Should the image have gone, making it anew is left to the parent, which knows a Python.
    let image = Image::load(&hello.images, &conditions.lock)
        .map_err(|error| unable(&error, error.remedy()))?
        .ok_or_else(|| unable(&format!("{} does not hold the Python image", hello.images), REMAKE))?;
    Ok(Sandbox::new(&image, conditions.limits.clone()))
}

fn unable(message: &dyn ToString, remedy: &str) -> Line {
    Line::Unable { message: message.to_string(), remedy: remedy.to_owned() }
}
