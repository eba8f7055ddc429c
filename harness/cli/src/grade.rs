//! `assay grade`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_flow::Diagnostic;
use assay_sandbox::grade::{AnswerRow, AnswerRowError, Grade, Grader, Question, read_answers};
use assay_sandbox::{Finding, Job, Judging, JudgingSetup, Limits};
use assay_store::Hash;
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::args::{Global, GradeArgs};
use crate::document;
use crate::failure::Failure;
use crate::findings::Findings;
use crate::progress::Progress;
use crate::session::judging_setup;
use crate::visible::cut;
use crate::{outputs, process, stdio};

type Rows = Vec<Result<AnswerRow, AnswerRowError>>;

/// Grades a file and prints a summary.
pub(crate) fn grade(global: &Global, args: &GradeArgs) -> Result<(), Failure> {
    outputs::check(&[&args.pairs], &[("--out", Some(&args.out))])?;
    let cancel = Arc::new(AtomicBool::new(false));
    process::stop_on_signals(&cancel)?;
    let rows = read(&args.pairs)?;
    process::go_on(&cancel)?;
    let setup = judging_setup(global, &args.python)?;
    let comparison_limits = Limits { fuel: args.fuel, ..setup.comparison_limits };
    let judging = Judging::new(JudgingSetup { comparison_limits, ..setup })
        .even_unkept(|error| stdio::warn(format_args!("grades are not kept: {error}")));
    let kept = Findings::open(global, "grades")?;
    warn_of_doubts(args.grader, &rows);
    let (questions, indices) = distinct(&rows);
    let grades = grade_all(args, &judging, &kept, &questions, &cancel, global.json)?;
    let graded: Vec<Option<&Grade>> = indices.iter().map(|index| index.map(|index| &grades[index])).collect();

    write(&args.out, args.grader, &rows, &graded)?;
    let summary = Summary::of(&rows, &graded, &grades);
    let image = args.grader.uses_sandbox().then(|| judging.describe().comparison_image);
    if global.json {
        document::print(&summary.json(args.grader, image))?;
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
    if path.is_dir() {
        return Err(Diagnostic::user(format!("{path} is a folder"))
            .help("name a file of rows: JSON, one object a line, or one array of objects")
            .into());
    }
    Ok(read_answers(path)?)
}

/// Warns of gold answers that are not what the grader compares.
fn warn_of_doubts(grader: Grader, rows: &Rows) {
    let rows = rows.iter().filter_map(|row| row.as_ref().ok());
    let mut doubts = rows.filter_map(|row| Some((&row.id, grader.doubt(&row.question.gold)?)));
    if let Some((id, first)) = doubts.next() {
        let more = match doubts.count() {
            0 => String::new(),
            count => format!(", and there are {count} more such rows"),
        };
        stdio::warn(format_args!("row {}: {}{more}", cut(&id.to_string()), cut(&first)));
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

/// Grades each question whose grade is not in the store. The grades do not depend on the number of workers.
fn grade_all(
    args: &GradeArgs,
    judging: &Judging,
    kept: &Findings,
    questions: &[&Question],
    cancel: &AtomicBool,
    quiet: bool,
) -> Result<Vec<Grade>, Failure> {
    let grader = args.grader;
    let jobs: Vec<Job> =
        questions.iter().map(|question| Job::Grade { grader, question: (*question).clone() }).collect();
    let progress = Progress::new(quiet, questions.len(), "graded");
    let workers = args.workers.unwrap_or_else(process::cores);
    let findings =
        judging.run(&kept.store, &jobs, workers, &|| cancel.load(Ordering::Relaxed), &|done, _| {
            progress.reach(usize::try_from(done).unwrap_or(usize::MAX));
        });
    progress.finish();
    let findings = findings.map_err(|error| kept.failure(error, "grades"))?;
    let grades = findings.into_iter().map(|finding| match finding {
        Finding::Graded(grade) => Ok(grade),
        Finding::Judged(_) => Err(Failure::Internal("an answer was judged as a program".to_owned())),
    });
    grades.collect()
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
        text.push_str(&document::line(&line)?);
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
