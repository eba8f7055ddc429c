//! `assay grade`.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use assay_flow::Diagnostic;
use assay_sandbox::grade::{self, Compare, Grade, Grader, Question, Row, RowError};
use assay_sandbox::{Image, ImageLock, Limits, Run, RunOutcome, Sandbox};
use assay_store::Hash;
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::args::{Global, GradeArgs};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::session::prepare;
use crate::{outputs, process, stdio};

type Rows = Vec<Result<Row, RowError>>;

/// Grades a file and prints a summary.
pub(crate) fn grade(global: &Global, args: &GradeArgs) -> Result<(), Failure> {
    outputs::check(&[&args.pairs], &[("--out", Some(&args.out))])?;
    let rows = read(&args.pairs)?;
    let image = match args.grader.uses_sandbox() {
        true => Some(prepare(global, &ImageLock::built_in_math()?, &args.python)?),
        false => None,
    };
    let limits = Limits { fuel: args.fuel, ..grade::limits() };
    let sandbox = image.as_ref().map(|image| Sandbox::new(image, limits));
    let compare: &dyn Compare = sandbox.as_ref().map_or(&NoSandbox, |sandbox| sandbox);

    let cancel = Arc::new(AtomicBool::new(false));
    process::stop_on_signals(&cancel)?;
    let (questions, indices) = distinct(&rows);
    let grades = grade_all(args, &questions, compare, &cancel, global.json)?;
    let graded: Vec<Option<&Grade>> = indices.iter().map(|index| index.map(|index| &grades[index])).collect();

    write(&args.out, args.grader, &rows, &graded)?;
    let summary = Summary::of(&rows, &graded, &grades);
    if global.json {
        writeln!(stdio::out(), "{}", summary.json(args.grader, image.as_ref().map(Image::identity)))?;
    } else {
        summary.print(args.grader, &args.out)?;
    }
    match summary.not_graded() {
        0 => Ok(()),
        count => Err(Failure::NotGraded(format!(
            "{count} of {} rows could not be graded; {} says why, row by row",
            rows.len(),
            args.out
        ))),
    }
}

fn read(path: &Utf8Path) -> Result<Rows, Failure> {
    let text = fs_err::read_to_string(path).map_err(|error| {
        Diagnostic::user(format!("the rows cannot be read: {error}"))
            .help("the file must be UTF-8 text, one JSON object a line")
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let rows: Rows = lines.map(|(index, line)| Row::parse(line, index + 1)).collect();
    if rows.is_empty() {
        return Err(Diagnostic::user(format!("{path} has no rows")).into());
    }
    Ok(rows)
}

/// What stands in for the sandbox with graders that never ask it.
struct NoSandbox;

impl Compare for NoSandbox {
    fn call(&self, _: &str, _: Vec<Value>) -> Run {
        let message = "this grader has no sandbox".to_owned();
        Run { outcome: RunOutcome::JudgeFailure { message }, fuel: 0, peak_memory: 0 }
    }
}

/// The questions without repetition, and for each row the number of its question.
fn distinct(rows: &Rows) -> (Vec<&Question>, Vec<Option<usize>>) {
    let mut questions = Vec::new();
    let mut known: HashMap<&Question, usize> = HashMap::new();
    let indices = rows
        .iter()
        .map(|row| {
            let question = &row.as_ref().ok()?.question;
            Some(*known.entry(question).or_insert_with(|| {
                questions.push(question);
                questions.len() - 1
            }))
        })
        .collect();
    (questions, indices)
}

/// Grades each question once, on several threads. What comes out does not depend on their number.
fn grade_all(
    args: &GradeArgs,
    questions: &[&Question],
    sandbox: &dyn Compare,
    cancel: &AtomicBool,
    quiet: bool,
) -> Result<Vec<Grade>, Failure> {
    let cores = process::cores();
    let workers = args.workers.unwrap_or(cores).clamp(1, questions.len().max(1));
    let progress = Progress::new(quiet, questions.len(), "graded");
    let grades: Vec<OnceLock<Grade>> = questions.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !cancel.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(question) = questions.get(index) else { break };
                    _ = grades[index].set(grade::grade(args.grader, question, sandbox));
                    progress.advance();
                }
            });
        }
    });
    progress.finish();
    let graded: Vec<Grade> = grades.into_iter().filter_map(OnceLock::into_inner).collect();
    if graded.len() < questions.len() {
        return Err(Failure::Interrupted(format!(
            "{} of {} answers were graded, and nothing is written: the same command starts again",
            graded.len(),
            questions.len()
        )));
    }
    Ok(graded)
}

/// Writes the results.
fn write(path: &Utf8Path, grader: Grader, rows: &Rows, grades: &[Option<&Grade>]) -> Result<(), Failure> {
    let mut text = String::new();
    for (row, grade) in rows.iter().zip(grades) {
        let line = match (row, grade) {
            (Ok(row), Some(grade)) => row.result(grader, grade),
            (Err(error), _) => error.result(grader),
            (Ok(_), None) => continue,
        };
        text.push_str(&line.to_string());
        text.push('\n');
    }
    outputs::write(path, text.as_bytes())
}

/// Counts over the rows of a file.
#[derive(Default)]
struct Summary {
    rows: usize,
    distinct: usize,
    equal: usize,
    different: usize,
    /// By what grades were reached, and why there is none.
    how: BTreeMap<&'static str, usize>,
    failures: BTreeMap<&'static str, usize>,
    comparisons: u64,
    fuel: u64,
    expected: usize,
    as_expected: usize,
}

impl Summary {
    /// `by_row` has the grade of each row, `grades` that of each distinct question.
    fn of(rows: &Rows, by_row: &[Option<&Grade>], grades: &[Grade]) -> Self {
        let mut summary = Summary {
            rows: rows.len(),
            distinct: grades.len(),
            comparisons: grades.iter().map(|grade| u64::from(grade.comparisons)).sum(),
            fuel: grades.iter().map(|grade| grade.fuel).sum(),
            ..Summary::default()
        };
        for (row, grade) in rows.iter().zip(by_row) {
            let (Ok(row), Some(grade)) = (row, grade) else {
                *summary.failures.entry("undecodable").or_default() += 1;
                continue;
            };
            match &grade.result {
                Ok(decision) => {
                    *if decision.equal { &mut summary.equal } else { &mut summary.different } += 1;
                    *summary.how.entry(decision.how.name()).or_default() += 1;
                }
                Err(undecided) => *summary.failures.entry(undecided.name()).or_default() += 1,
            }
            if let Some(expected) = row.expected {
                summary.expected += 1;
                summary.as_expected += usize::from(grade.equal() == Some(expected));
            }
        }
        summary
    }

    fn not_graded(&self) -> usize {
        self.failures.values().sum()
    }

    fn json(&self, grader: Grader, image: Option<Hash>) -> Value {
        let mut summary = json!({
            "grader": grader.to_string(),
            "image": image.map(|image| image.to_string()),
            "rows": self.rows,
            "distinct": self.distinct,
            "equal": self.equal,
            "different": self.different,
            "how": self.how,
            "not_graded": self.failures,
            "comparisons": self.comparisons,
            "fuel": self.fuel,
        });
        if self.expected > 0 {
            summary["expected"] = json!(self.expected);
            summary["as_expected"] = json!(self.as_expected);
        }
        summary
    }

    fn print(&self, grader: Grader, results: &Utf8Path) -> Result<(), Failure> {
        let mut out = stdio::out();
        let share = |count: usize, of: usize| {
            format!("{count:>7}  {:>5.1} %", 100.0 * count as f64 / of.max(1) as f64)
        };
        writeln!(out, "{grader}: {} rows, {} of them distinct", self.rows, self.distinct)?;
        writeln!(out, "  {:24}{}", "equal", share(self.equal, self.rows))?;
        writeln!(out, "  {:24}{}", "different", share(self.different, self.rows))?;
        for (why, count) in &self.failures {
            writeln!(out, "  {:24}{}", why, share(*count, self.rows))?;
        }
        let how: Vec<String> = self.how.iter().map(|(how, count)| format!("{how} {count}")).collect();
        writeln!(out, "  decided by: {}", how.join(", "))?;
        if self.comparisons > 0 {
            writeln!(
                out,
                "  {} comparisons in the sandbox, {:.2e} units of fuel",
                self.comparisons, self.fuel as f64
            )?;
        }
        if self.expected > 0 {
            let share = share(self.as_expected, self.expected);
            writeln!(out, "  {:24}{share} of {} that the file expects", "as expected", self.expected)?;
        }
        writeln!(out, "  results: {results}")
    }
}
