//! Why a sample got its verdict.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::AtomicBool;

use anstyle::{AnsiColor, Style};
use assay_sandbox::rows::{Problems, Sample, Tests};
use assay_sandbox::{
    Entry as ProgramEntry, FailedTest, Image, ImageLock, Input, Judge, Judged, Judgement, Judging, Limits,
    Prelude, Program, RunOutcome, Sandbox, Task, TestResult, Verdict, VerdictRow, judge_task, task_of_sample,
};

use super::all_judged;
use crate::document;
use crate::failure::Failure;
use crate::process::end_on_signals;
use crate::stdio::{self, Out};
use crate::visible::{cut, is_short_line, visible};

/// Lines of a text that are shown.
const SHOWN_LINES: usize = 20;

/// Samples whose verdicts are to be explained.
pub(super) struct Explained<'a> {
    pub problems: &'a Problems,
    pub samples: &'a [Sample],
    pub judges: &'a [Judge],
}

impl Explained<'_> {
    /// Judges the samples here and now, in images that `prepare` gives before anything is judged, and prints verdicts, the
    /// test that explains each, and what the program wrote; as JSON, one object a line.
    pub(super) fn explain(
        &self,
        judging: &Judging,
        prepare: &dyn Fn(&ImageLock) -> Result<Image, Failure>,
        cancel: &AtomicBool,
        json: bool,
    ) -> Result<(), Failure> {
        let (facts, limits) = (judging.describe(), judging.limits());
        let mut images = BTreeMap::new();
        let mut pairs = Vec::new();
        for (sample, &judge) in
            self.samples.iter().flat_map(|sample| self.judges.iter().map(move |judge| (sample, judge)))
        {
            let task = task_of_sample(self.problems, sample, judge);
            let image = task.as_ref().ok().map(|task| judging.image_of(&task.program));
            let with_packages = image.is_some_and(|(_, with_packages)| with_packages);
            if let Some((lock, _)) = image
                && let Entry::Vacant(place) = images.entry(with_packages)
            {
                place.insert(Sandbox::new(&prepare(lock)?, limits.clone()));
            }
            pairs.push((sample, judge, task, with_packages));
        }
        end_on_signals(cancel)?;
        let mut judged = Vec::new();
        let mut out = stdio::out();
        for (sample, judge, task, with_packages) in pairs {
            let ran = task.is_ok();
            let (one, failing) = match (task, images.get(&with_packages)) {
                (Ok(task), Some(sandbox)) => judge_here(sandbox, task, with_packages),
                (Ok(_), None) => return Err(Failure::Internal("an image was not prepared".to_owned())),
                (Err(judgement), _) => (Judged { judge, judgement, with_packages }, None),
            };
            if !json && !judged.is_empty() {
                writeln!(out)?;
            }
            if json {
                let row = VerdictRow::new(sample, &one, limits, &facts);
                let failure = failing.as_ref().map(Failing::row);
                writeln!(out, "{}", document::line(&VerdictRow { failure, ..row })?)?;
            } else {
                print(&mut out, limits, sample, &one, ran)?;
                if let Some(failing) = failing {
                    failing.print(&mut out)?;
                }
            }
            judged.push((sample, one));
        }
        all_judged(judged.iter().map(|(sample, one)| (*sample, one)), None)
    }
}

/// Judges a program, and runs it once more on the test that explains the verdict.
fn judge_here(sandbox: &Sandbox, task: Task, with_packages: bool) -> (Judged, Option<Failing>) {
    let mut results = Vec::new();
    judge_task(sandbox, &task, &mut |result| results.push(result));
    let judgement = Judgement::of(results);
    let judge = task.judge;
    let failing = judgement.first_failure();
    let failing = failing.map(|(index, result)| Failing::of(sandbox, task, index, result));
    (Judged { judge, judgement, with_packages }, failing)
}

/// One line for each test, or why none was run.
fn print(out: &mut Out, limits: &Limits, sample: &Sample, judged: &Judged, ran: bool) -> Result<(), Failure> {
    let (id, Judged { judge, judgement, .. }) = (cut(&sample.id), judged);
    let (verdict, tests) = (judgement.verdict.name(), &judgement.tests);
    if !ran {
        let detail = judgement.first_failure().map_or("", |(_, test)| test.detail.as_str());
        return writeln!(out, "{id} by {}: {verdict}: {}", judge.name(), visible(detail));
    }
    let passed = tests.iter().filter(|test| test.verdict == Verdict::Pass).count();
    writeln!(out, "{id} by {}: {verdict}, {passed} of {} tests passed", judge.version(), tests.len())?;
    for (index, test) in tests.iter().enumerate() {
        writeln!(
            out,
            "  test {:<3} {:<18} {:>14} fuel {:>6.1} MiB{}",
            index + 1,
            test.verdict.name(),
            test.fuel,
            test.peak_memory as f64 / 1_048_576.0,
            if limits.is_borderline(test) { "  borderline" } else { "" },
        )?;
    }
    Ok(())
}

/// The test that explains a verdict.
struct Failing {
    /// From 1.
    number: usize,
    result: TestResult,
    /// What the program got and should have given, of a test that is a case.
    case: Option<(String, String)>,
    /// The test itself, if it is Python.
    check: Option<String>,
    /// What the program wrote or returned when it was run once more. A reference judge runs a program in an
    /// interpreter that it has prepared, after other tests, so that only what it says itself is shown.
    written: Option<String>,
    stderr: String,
    /// The line that raised the exception.
    line: Option<String>,
}

impl Failing {
    fn of(sandbox: &Sandbox, task: Task, index: usize, result: &TestResult) -> Self {
        let line = raised_at(&result.detail).and_then(|line| task.program.lines().nth(line - 1));
        let mut failing = Failing {
            number: index + 1,
            result: result.clone(),
            case: None,
            check: None,
            written: None,
            stderr: String::new(),
            line: line.map(str::to_owned),
        };
        let (entry, input, case) = match &task.tests {
            Tests::Scripts(cases) => {
                (ProgramEntry::Stdin, Input::Text(cases[index].input.clone()), &cases[index])
            }
            Tests::Calls { function, cases } => {
                let input = Input::Lines(cases[index].input.clone());
                (ProgramEntry::Function(function.clone()), input, &cases[index])
            }
            Tests::Checks(checks) => {
                failing.check = Some(checks[index].code.clone());
                return failing;
            }
        };
        failing.case = Some((case.input.clone(), case.output.clone()));
        if task.judge == Judge::Assay {
            let program = Program { source: task.program, entry, prelude: Prelude::Benchmark };
            let (run, stderr) = sandbox.trace(&program, &input);
            failing.stderr = stderr;
            if let RunOutcome::Completed { output } = run.outcome {
                failing.written = Some(output);
            }
        }
        failing
    }

    /// What a row of verdicts has besides when it is explained.
    fn row(&self) -> FailedTest {
        let (input, expected) = self.case.clone().unzip();
        FailedTest {
            test: self.number,
            input,
            expected,
            check: self.check.clone(),
            written: self.written.clone(),
            stderr: self.stderr.clone(),
        }
    }

    fn print(&self, out: &mut Out) -> Result<(), Failure> {
        let (bold, detail) = (Style::new().bold(), self.result.detail.trim_end());
        let (number, verdict) = (self.number, self.result.verdict.name());
        // A message is shown whole; a wrong answer is shown below.
        let answer = self.case.is_some() && self.result.verdict == Verdict::WrongAnswer;
        let short = is_short_line(detail) || answer;
        let beside = if short { cut(detail) } else { String::new() };
        writeln!(out, "\n{bold}test {number} failed: {verdict}{bold:#} {beside}")?;
        if !short {
            for line in detail.lines() {
                writeln!(out, "  {}", visible(line))?;
            }
        }
        if let Some(check) = &self.check {
            section(out, "the test", check)?;
        }
        if let Some((input, expected)) = &self.case {
            section(out, "input", input)?;
            match &self.written {
                Some(written) => difference(out, expected, written)?,
                None if self.result.verdict == Verdict::WrongAnswer => {
                    section(out, "expected", expected)?;
                    section(out, "as the judge saw it, from the start", detail)?;
                }
                None => section(out, "expected", expected)?,
            }
        }
        section(out, "standard error", &self.stderr)?;
        section(out, "raised in the line", self.line.as_deref().unwrap_or_default())
    }
}

/// The line that an exception's text names at its end.
fn raised_at(detail: &str) -> Option<usize> {
    let (_, line) = detail.strip_suffix(')')?.rsplit_once("(line ")?;
    line.parse().ok().filter(|line| *line > 0)
}

fn section(out: &mut Out, title: &str, text: &str) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let dim = Style::new().dimmed();
    writeln!(out, "{dim}{title}:{dim:#}")?;
    let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    for line in lines.iter().take(SHOWN_LINES) {
        writeln!(out, "  {}", cut(line))?;
    }
    if lines.len() > SHOWN_LINES {
        writeln!(out, "  {dim}... {} more lines{dim:#}", lines.len() - SHOWN_LINES)?;
    }
    Ok(())
}

/// Expected and actual output from the first line that differs.
fn difference(out: &mut Out, expected: &str, actual: &str) -> Result<(), Failure> {
    let (red, green) = (AnsiColor::Red.on_default(), AnsiColor::Green.on_default());
    let lines = |text: &str| text.trim().split('\n').map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (expected, actual) = (lines(expected), lines(actual));
    let same = expected.iter().zip(&actual).take_while(|(expected, actual)| expected == actual).count();
    writeln!(out, "expected ({green}-{green:#}) and written ({red}+{red:#}), from line {}:", same + 1)?;
    for line in expected.iter().skip(same).take(SHOWN_LINES / 2) {
        writeln!(out, "  {green}- {}{green:#}", cut(line))?;
    }
    for line in actual.iter().skip(same).take(SHOWN_LINES / 2) {
        writeln!(out, "  {red}+ {}{red:#}", cut(line))?;
    }
    let more = |lines: &[String]| lines.len().saturating_sub(same + SHOWN_LINES / 2);
    if more(&expected) + more(&actual) > 0 {
        writeln!(out, "  ... {} and {} more lines", more(&expected), more(&actual))?;
    }
    Ok(())
}
