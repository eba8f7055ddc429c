//! Why a sample got its verdict.

use anstyle::{AnsiColor, Style};
use assay_sandbox::rows::{Case, Problems, Sample, Tests};
use assay_sandbox::{
    Entry, Input, Judge, Prelude, Program, RunOutcome, Sandbox, TestResult, Verdict, judge_task,
};

use crate::failure::Failure;

/// Lines of a text that are shown.
const SHOWN_LINES: usize = 20;
/// Characters of a line that are shown.
const SHOWN_COLUMNS: usize = 160;

/// Judges the samples here and now and prints verdicts, the first failing test, and what the program wrote.
pub(super) fn explain(
    sandbox: &Sandbox,
    problems: &Problems,
    samples: &[Sample],
    judges: &[Judge],
) -> Result<(), Failure> {
    let mut failed = 0;
    for sample in samples {
        let id = cut(&sample.id);
        for &judge in judges {
            let task = match super::Tasks::new(problems).task(sample, judge) {
                Ok(task) => task,
                Err(judgement) => {
                    let detail = judgement.tests.first().map_or("", |test| test.detail.as_str());
                    failed += usize::from(judgement.verdict == Verdict::JudgeFailure);
                    anstream::println!(
                        "{id} by {}: {}: {}",
                        judge.name(),
                        word(judgement.verdict),
                        cut(detail)
                    );
                    continue;
                }
            };
            let mut results = Vec::new();
            judge_task(sandbox, &task, &mut |result| results.push(result));
            let passed = results.iter().filter(|result| result.verdict == Verdict::Pass).count();
            let unjudged = results.iter().any(|result| result.verdict == Verdict::JudgeFailure);
            failed += usize::from(unjudged && passed < results.len());
            anstream::println!("{id} by {}: {passed} of {} tests passed", judge.version(), results.len());
            for (index, result) in results.iter().enumerate() {
                anstream::println!(
                    "  test {:<3} {:<18} {:>14} fuel {:>6.1} MiB{}",
                    index + 1,
                    word(result.verdict),
                    result.fuel,
                    result.peak_memory as f64 / 1_048_576.0,
                    if sandbox.limits().is_borderline(result) { "  borderline" } else { "" },
                );
            }
            if let Some(index) = results.iter().position(|result| result.verdict != Verdict::Pass) {
                show(sandbox, &task.program, &task.tests, index, &results[index]);
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Unjudged("the judge failed".to_owned())),
    }
}

fn show(sandbox: &Sandbox, source: &str, tests: &Tests, index: usize, result: &TestResult) {
    let bold = Style::new().bold();
    anstream::println!(
        "\n{bold}test {} failed: {}{bold:#} {}",
        index + 1,
        word(result.verdict),
        cut(&result.detail)
    );
    let (entry, input, case): (Entry, Input, &Case) = match tests {
        Tests::Scripts(cases) => (Entry::Stdin, Input::Text(cases[index].input.clone()), &cases[index]),
        Tests::Calls { function, cases } => {
            (Entry::Function(function.clone()), Input::Lines(cases[index].input.clone()), &cases[index])
        }
        Tests::Checks(checks) => {
            section("the test", &checks[index].code);
            return;
        }
    };
    section("input", &case.input);
    let program = Program { source: source.to_owned(), entry, prelude: Prelude::Benchmark };
    let (run, stderr) = sandbox.trace(&program, &input);
    match &run.outcome {
        RunOutcome::Completed { output } => difference(&case.output, output),
        _ => section("expected", &case.output),
    }
    section("standard error", &stderr);
    if let Some(line) = raised_at(&result.detail).and_then(|line| source.lines().nth(line - 1)) {
        section("raised in the line", line);
    }
}

/// The line that an exception's text names at its end.
fn raised_at(detail: &str) -> Option<usize> {
    let (_, line) = detail.strip_suffix(')')?.rsplit_once("(line ")?;
    line.parse().ok().filter(|line| *line > 0)
}

fn section(title: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    let dim = Style::new().dimmed();
    anstream::println!("{dim}{title}:{dim:#}");
    let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    for line in lines.iter().take(SHOWN_LINES) {
        anstream::println!("  {}", cut(line));
    }
    if lines.len() > SHOWN_LINES {
        anstream::println!("  {dim}... {} more lines{dim:#}", lines.len() - SHOWN_LINES);
    }
}

/// Expected and actual output from the first line that differs.
fn difference(expected: &str, actual: &str) {
    let (red, green) = (AnsiColor::Red.on_default(), AnsiColor::Green.on_default());
    let lines = |text: &str| text.trim().split('\n').map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (expected, actual) = (lines(expected), lines(actual));
    let same = expected.iter().zip(&actual).take_while(|(expected, actual)| expected == actual).count();
    anstream::println!("expected ({green}-{green:#}) and written ({red}+{red:#}), from line {}:", same + 1);
    for line in expected.iter().skip(same).take(SHOWN_LINES / 2) {
        anstream::println!("  {green}- {}{green:#}", cut(line));
    }
    for line in actual.iter().skip(same).take(SHOWN_LINES / 2) {
        anstream::println!("  {red}+ {}{red:#}", cut(line));
    }
    let more = |lines: &[String]| lines.len().saturating_sub(same + SHOWN_LINES / 2);
    if more(&expected) + more(&actual) > 0 {
        anstream::println!("  ... {} and {} more lines", more(&expected), more(&actual));
    }
}

/// A line as it is safe to show: what a program wrote must not reach the terminal as commands.
pub(super) fn cut(line: &str) -> String {
    let mut shown = String::new();
    for (index, character) in line.chars().enumerate() {
        match character {
            _ if index == SHOWN_COLUMNS => return shown + " ...",
            '\t' => shown.push(character),
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
    }
    shown
}

/// A verdict as it is written in files.
pub(super) fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
