//! `assay grade`.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_flow::Diagnostic;
use assay_report::replace;
use assay_sandbox::grade::{self, Compare, Grade, Grader, Question, Row, RowError};
use assay_sandbox::{Image, ImageLock, Limits, Run, RunOutcome, Sandbox};
use assay_store::Hash;
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::args::{Global, GradeArgs};
use crate::failure::Failure;
use crate::process;
use crate::progress::Progress;
use crate::session::prepare;

type Rows = Vec<Result<Row, RowError>>;

/// Grades a file and prints a summary.
pub(crate) fn grade(global: &Global, args: &GradeArgs) -> Result<(), Failure> {
    let rows = read(&args.pairs)?;
    let image = match args.grader.uses_sandbox() {
        true => Some(prepare(global, &ImageLock::built_in_math()?, &args.python)?),
        false => None,
    };
    let limits = Limits { fuel: args.fuel, ..grade::limits() };
    let sandbox = image.as_ref().map(|image| Sandbox::new(image, limits));
    let compare: &dyn Compare = sandbox.as_ref().map_or(&NoSandbox, |sandbox| sandbox);

    let (questions, indices) = distinct(&rows);
    let grades = grade_all(args, &questions, compare, global.json);
    let graded: Vec<Option<&Grade>> = indices.iter().map(|index| index.map(|index| &grades[index])).collect();

    write(&args.out, args.grader, &rows, &graded)?;
    let summary = Summary::of(&rows, &graded, &grades);
    if global.json {
        anstream::println!("{}", summary.json(args.grader, image.as_ref().map(Image::identity)));
    } else {
        summary.print(args.grader, &args.out);
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
fn grade_all(args: &GradeArgs, questions: &[&Question], sandbox: &dyn Compare, quiet: bool) -> Vec<Grade> {
    let cores = process::cores();
    let workers = args.workers.unwrap_or(cores).clamp(1, questions.len().max(1));
    let progress = Progress::new(quiet, questions.len(), "graded");
    let grades: Vec<OnceLock<Grade>> = questions.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(question) = questions.get(index) else { break };
                    _ = grades[index].set(grade::grade(args.grader, question, sandbox));
                    progress.advance();
                }
            });
        }
    });
    progress.finish();
    grades.into_iter().filter_map(OnceLock::into_inner).collect()
}

/// Writes the results so that they are there whole or not at all.
fn write(path: &Utf8Path, grader: Grader, rows: &Rows, grades: &[Option<&Grade>]) -> Result<(), Failure> {
    let mut text = Vec::new();
    for (row, grade) in rows.iter().zip(grades) {
        let line = match (row, grade) {
            (Ok(row), Some(grade)) => row.result(grader, grade),
            (Err(error), _) => error.result(grader),
            (Ok(_), None) => continue,
        };
        writeln!(text, "{line}")?;
    }
    replace(path, &text)?;
    Ok(())
}

/// Counts over the rows of a file.
#[derive(Default)]
struct Summary {
    rows: usize,
    distinct: usize,
    equal: usize,
    different: usize,
    /// By what grades were reached, and why there is none.
    how: BTreeMap<String, usize>,
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
                    let how = json!(decision.how).as_str().unwrap_or_default().to_owned();
                    *summary.how.entry(how).or_default() += 1;
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

    fn print(&self, grader: Grader, out: &Utf8Path) {
        let share = |count: usize, of: usize| {
            format!("{count:>7}  {:>5.1} %", 100.0 * count as f64 / of.max(1) as f64)
        };
        anstream::println!("{grader}: {} rows, {} of them distinct", self.rows, self.distinct);
        anstream::println!("  {:24}{}", "equal", share(self.equal, self.rows));
        anstream::println!("  {:24}{}", "different", share(self.different, self.rows));
        for (why, count) in &self.failures {
            anstream::println!("  {:24}{}", why, share(*count, self.rows));
        }
        let how: Vec<String> = self.how.iter().map(|(how, count)| format!("{how} {count}")).collect();
        anstream::println!("  decided by: {}", how.join(", "));
        if self.comparisons > 0 {
            anstream::println!(
                "  {} comparisons in the sandbox, {:.2e} units of fuel",
                self.comparisons,
                self.fuel as f64
            );
        }
        if self.expected > 0 {
            let share = share(self.as_expected, self.expected);
            anstream::println!("  {:24}{share} of {} that the file expects", "as expected", self.expected);
        }
        anstream::println!("  results: {out}");
    }
}
