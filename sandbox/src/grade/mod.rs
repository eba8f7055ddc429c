//! Grading answers: is this the answer that the gold standard has?
//!
//! A [`Grader`] is a published rule with a version, flaws included, so that a number can be recomputed under
//! the rule that made it. [`grade()`] applies it to one [`Question`]: a pair of gold answer and extracted
//! answer, or a gold answer and a whole response, from which the grader extracts the answer itself.
//!
//! | grader | compares | in the sandbox |
//! |---|---|---|
//! | `math-verify` | LaTeX, expressions and numbers as math-verify does; answers alone as whole formulas | all but equal text and plain numbers |
//! | `math-verify-published` | the same, but answers without delimiters by the first or last number in them | the same |
//! | `skythought` | text, numbers within 10⁻⁴, then expressions | only what is neither text nor number |
//! | `choice-skythought` | the last of A to D that stands alone | nothing |
//! | `choice-mmlu-pro` | the letter after "answer is", "Answer:", or the last one | nothing |
//! | `rational` | integers, decimals and fractions, exactly | nothing |
//!
//! What needs sympy runs in an image of its own (`lockfiles/math-image.lock`) with sympy imported: each
//! comparison in a fresh copy, so that none can influence another. A comparison that uses up its fuel or
//! memory is [`Undecided`]: it is neither equal nor different, and must be counted apart. Except that
//! `math-verify-published` calls it different, as math-verify does after its time limit, and `math-verify`
//! does if the answer alone is what took the fuel. What is decided
//! without the sandbox is what the rule would have said: for `math-verify` see [`Decision::how`].
//!
//! ```no_run
//! use assay_sandbox::grade::{Grader, Question, grade};
//! use assay_sandbox::{Image, ImageLock, Limits, Sandbox, Tools};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lock = ImageLock::built_in_math()?;
//! let tools = Tools::with_python("python3");
//! let image = Image::prepare("images".into(), &lock, &tools, &mut |event| println!("{event:?}"))?;
//! let sandbox = Sandbox::new(&image, assay_sandbox::grade::limits());
//!
//! let question = Question::pair(r"$\frac{1}{2}$", "0.5");
//! let grade = grade(Grader::MathVerify, &question, &sandbox);
//! assert_eq!(grade.equal(), Some(true));
//! # Ok(())
//! # }
//! ```

mod bare;
mod choice;
mod file;
mod math_verify;
mod plain;
mod rational;
mod row;
mod skythought;

pub use file::read_answers;
pub use math_verify::{MatchType, Options};
pub use row::{AnswerRow, AnswerRowError, GRADE_FORMAT, GradeRow};

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::limits::Limits;
use crate::program::{Entry, Input, Prelude, Program, Run, RunOutcome};
use crate::sandbox::Sandbox;

/// A regular expression of this crate, compiled when first used.
macro_rules! regex {
    ($pattern:literal) => {
        std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("a pattern of this crate is valid"))
    };
}
use regex;

/// A rule that says whether an answer is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grader {
    /// math-verify. Answers alone are compared as formulas from end to end: they are mostly LaTeX without
    /// delimiters, in which it finds numbers at best. `docs/grading.md` has the rules.
    MathVerify,
    /// math-verify on the texts as they stand, for pairs that were graded so.
    MathVerifyPublished,
    /// SkyThought's for mathematics.
    #[serde(rename = "skythought")]
    SkyThought,
    /// SkyThought's for four options (MMLU, GPQA).
    #[serde(rename = "choice-skythought")]
    ChoiceSkyThought,
    /// MMLU-Pro's for up to ten options; SkyThought's for MMLU-Pro is the same.
    ChoiceMmluPro,
    /// Exact rational numbers: what stands after the last `=` is an integer (`-7`), a decimal (`2.50`) or a
    /// fraction of integers (`10/4`) of any length, and equals the gold answer in value. Anything else, a
    /// space or a plus sign included, is a wrong answer.
    Rational,
}

impl Grader {
    /// All graders.
    pub const ALL: [Grader; 6] = [
        Grader::MathVerify,
        Grader::MathVerifyPublished,
        Grader::SkyThought,
        Grader::ChoiceSkyThought,
        Grader::ChoiceMmluPro,
        Grader::Rational,
    ];

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Grader::MathVerify => "math-verify",
            Grader::MathVerifyPublished => "math-verify-published",
            Grader::SkyThought => "skythought",
            Grader::ChoiceSkyThought => "choice-skythought",
            Grader::ChoiceMmluPro => "choice-mmlu-pro",
            Grader::Rational => "rational",
        }
    }

    /// The release or commit whose rule it is.
    pub fn version(self) -> &'static str {
        match self {
            Grader::MathVerify | Grader::MathVerifyPublished => "0.9.0",
            Grader::SkyThought | Grader::ChoiceSkyThought => "0d190f1",
            Grader::ChoiceMmluPro => "f418b11",
            Grader::Rational => "1",
        }
    }

    /// The grader of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grader| grader.name() == name)
    }

    /// Number of the implementation in this crate, for keys. It goes up with every change that may change a
    /// grade on the same image.
    pub(crate) fn implementation(self) -> &'static str {
        match self {
            Grader::MathVerify => "3",
            Grader::MathVerifyPublished => "2",
            Grader::SkyThought | Grader::ChoiceSkyThought | Grader::ChoiceMmluPro | Grader::Rational => "1",
        }
    }

    /// What there is to say of a gold answer by which hardly any answer can be right: one that is no letter, where
    /// letters are compared.
    pub fn doubt(self, gold: &str) -> Option<String> {
        match self {
            Grader::ChoiceSkyThought => choice::doubt(gold, 'D'),
            Grader::ChoiceMmluPro => choice::doubt(gold, 'J'),
            Grader::MathVerify | Grader::MathVerifyPublished | Grader::SkyThought | Grader::Rational => None,
        }
    }

    /// Whether it may need the image with sympy.
    pub fn uses_sandbox(self) -> bool {
        matches!(self, Grader::MathVerify | Grader::MathVerifyPublished | Grader::SkyThought)
    }
}

impl std::fmt::Display for Grader {
    /// Name and version, as in results.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.name(), self.version())
    }
}

/// An answer as it is handed in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// An answer alone.
    Extracted(String),
    /// A whole response, from which the grader extracts the answer.
    Response(String),
}

/// What is to be graded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The right answer.
    pub gold: String,
    /// The answer that is graded.
    pub answer: Answer,
    /// What `math-verify` is told besides; other graders have no options.
    pub options: Options,
}

impl Question {
    /// A pair of answers, without options.
    pub fn pair(gold: impl Into<String>, prediction: impl Into<String>) -> Self {
        let answer = Answer::Extracted(prediction.into());
        Question { gold: gold.into(), answer, options: Options::default() }
    }

    /// A whole response, without options.
    pub fn response(gold: impl Into<String>, response: impl Into<String>) -> Self {
        let answer = Answer::Response(response.into());
        Question { gold: gold.into(), answer, options: Options::default() }
    }
}

/// By what a grade was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The texts themselves.
    Text,
    /// Both are numbers.
    Number,
    /// Part by part: tuples, intervals, matrices.
    Parts,
    /// Expressions, in the sandbox.
    Symbolic,
    /// The letter of an option.
    Choice,
    /// One side has nothing that the grader recognises as an answer, so they are not equal.
    NothingFound,
    /// The answer took more fuel than a comparison has, so it is not equal.
    OutOfFuel,
    /// The answer took more memory than a comparison has, so it is not equal.
    OutOfMemory,
}

impl How {
    /// Its spelling in results.
    pub fn name(self) -> &'static str {
        match self {
            How::Text => "text",
            How::Number => "number",
            How::Parts => "parts",
            How::Symbolic => "symbolic",
            How::Choice => "choice",
            How::NothingFound => "nothing-found",
            How::OutOfFuel => "out-of-fuel",
            How::OutOfMemory => "out-of-memory",
        }
    }

    /// What there is to say of it besides, in words.
    fn message(self) -> Option<&'static str> {
        match self {
            How::OutOfFuel => Some(OUT_OF_FUEL),
            How::OutOfMemory => Some(OUT_OF_MEMORY),
            _ => None,
        }
    }
}

/// What a grader decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whether the answer is right.
    pub equal: bool,
    /// By what. For `math-verify`, `Text` and `Number` say that the sandbox was not asked: equal text of
    /// which it finds something on both sides, or decimal numbers whose comparison by sympy is certain.
    pub how: How,
    /// The answer as the grader extracted it, if it did.
    pub extracted: Option<String>,
}

/// Why nothing is known about an answer. Never to be counted as a wrong one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// The comparison used up its fuel.
    OutOfFuel,
    /// It ran out of memory.
    OutOfMemory,
    /// The sandbox failed.
    JudgeFailure(String),
}

const OUT_OF_FUEL: &str = "the comparison used up its fuel";
const OUT_OF_MEMORY: &str = "the comparison ran out of memory";

impl std::fmt::Display for Undecided {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Undecided::OutOfFuel => out.write_str(OUT_OF_FUEL),
            Undecided::OutOfMemory => out.write_str(OUT_OF_MEMORY),
            Undecided::JudgeFailure(message) => write!(out, "the sandbox failed: {message}"),
        }
    }
}

/// A grade and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// What was decided.
    pub result: Result<Decision, Undecided>,
    /// Comparisons that the sandbox made.
    pub comparisons: u32,
    /// Units of fuel that they used.
    pub fuel: u64,
    /// Most bytes of linear memory that one of them had.
    pub peak_memory: u64,
}

impl Grade {
    /// The grade of an answer on which the judge failed.
    pub(crate) fn failure(message: impl Into<String>) -> Self {
        Grade {
            result: Err(Undecided::JudgeFailure(message.into())),
            comparisons: 0,
            fuel: 0,
            peak_memory: 0,
        }
    }

    /// Whether the answer is right; `None` if that is not known.
    pub fn equal(&self) -> Option<bool> {
        self.result.as_ref().ok().map(|decision| decision.equal)
    }
}

/// Something that calls functions in copies of the image that `math-image.lock` pins.
pub trait Compare: Sync {
    /// Calls a function of the image's own program once, in a fresh copy.
    fn call(&self, function: &str, arguments: Vec<Value>) -> Run;
}

impl Compare for Sandbox {
    fn call(&self, function: &str, arguments: Vec<Value>) -> Run {
        let entry = Entry::Function(function.to_owned());
        let program = Program { source: String::new(), entry, prelude: Prelude::None };
        let mut runs = self.run(&program, &[Input::Arguments(arguments)]);
        runs.pop().unwrap_or_else(|| Run {
            outcome: RunOutcome::JudgeFailure { message: "there was no run".to_owned() },
            fuel: 0,
            peak_memory: 0,
        })
    }
}

/// Seconds of a native Python that a comparison may take: those that math-verify gives one.
const SECONDS: u32 = 5;

/// Limits for one comparison: fuel for as long as math-verify gives one, and as much memory as an image can have, because running
/// out of it decides nothing.
pub fn limits() -> Limits {
    Limits { output_bytes: Limits::default().output_bytes, ..Limits::benchmark(SECONDS) }
}

/// Grades one answer. The same question has the same grade, fuel included, wherever and in whatever order it
/// is asked.
pub fn grade(grader: Grader, question: &Question, sandbox: &dyn Compare) -> Grade {
    let mut meter = Meter { sandbox, comparisons: 0, fuel: 0, last_fuel: 0, peak_memory: 0 };
    let result = match grader {
        Grader::MathVerify => math_verify::grade(question, &mut meter),
        Grader::MathVerifyPublished => math_verify::grade_as_published(question, &mut meter),
        Grader::SkyThought => by_skythought(question, &mut meter),
        Grader::ChoiceSkyThought => Ok(chosen(question, |text| Some(choice::by_skythought(text)))),
        Grader::ChoiceMmluPro => Ok(chosen(question, choice::by_mmlu_pro)),
        Grader::Rational => Ok(rational::grade(question)),
    };
    Grade { result, comparisons: meter.comparisons, fuel: meter.fuel, peak_memory: meter.peak_memory }
}

/// The grade of an answer that needs no sandbox, as [`grade()`] gives it; `None` if the sandbox has to be
/// asked.
pub fn decide(grader: Grader, question: &Question) -> Option<Grade> {
    /// Notes that it was asked.
    struct Asked(AtomicBool);
    impl Compare for Asked {
        fn call(&self, _: &str, _: Vec<Value>) -> Run {
            self.0.store(true, Ordering::Relaxed);
            let message = "there is no sandbox".to_owned();
            Run { outcome: RunOutcome::JudgeFailure { message }, fuel: 0, peak_memory: 0 }
        }
    }
    let asked = Asked(AtomicBool::new(false));
    let grade = grade(grader, question, &asked);
    (!asked.0.into_inner()).then_some(grade)
}

/// Pairs are compared as they stand; the answer of a response is extracted and, like the gold answer, put
/// into the normal form first, as SkyThought's tasks do.
fn by_skythought(question: &Question, meter: &mut Meter<'_>) -> Result<Decision, Undecided> {
    let mut symbolic = |prediction: &str, gold: &str| {
        let reply = meter.call("skythought", vec![prediction.into(), gold.into()])?;
        reply.as_bool().ok_or_else(unreadable)
    };
    let (equal, how, extracted) = match &question.answer {
        Answer::Extracted(prediction) => {
            let (equal, how) = skythought::equal(prediction, &question.gold, &mut symbolic)?;
            (equal, how, None)
        }
        Answer::Response(response) => {
            let (answer, gold) = (skythought::extract(response), skythought::normalize(&question.gold));
            let (equal, how) = skythought::equal(&answer, &gold, &mut symbolic)?;
            (equal, if answer.is_empty() { How::NothingFound } else { how }, Some(answer))
        }
    };
    Ok(Decision { equal, how, extracted })
}

/// The letter is looked for in answers and responses alike, and is compared with the gold letter as it
/// stands.
fn chosen(question: &Question, extract: impl Fn(&str) -> Option<String>) -> Decision {
    let (Answer::Extracted(text) | Answer::Response(text)) = &question.answer;
    match extract(text) {
        Some(letter) => {
            Decision { equal: letter == question.gold, how: How::Choice, extracted: Some(letter) }
        }
        None => Decision { equal: false, how: How::NothingFound, extracted: None },
    }
}

/// Counts what comparisons in the sandbox use.
struct Meter<'a> {
    sandbox: &'a dyn Compare,
    comparisons: u32,
    fuel: u64,
    /// Fuel of the last comparison.
    last_fuel: u64,
    peak_memory: u64,
}

impl Meter<'_> {
    fn call(&mut self, function: &str, arguments: Vec<Value>) -> Result<Value, Undecided> {
        let run = self.sandbox.call(function, arguments);
        self.comparisons += 1;
        self.fuel += run.fuel;
        self.last_fuel = run.fuel;
        self.peak_memory = self.peak_memory.max(run.peak_memory);
        match run.outcome {
            RunOutcome::Completed { output } => serde_json::from_str(&output).map_err(|_| unreadable()),
            RunOutcome::TimeLimit => Err(Undecided::OutOfFuel),
            RunOutcome::MemoryLimit => Err(Undecided::OutOfMemory),
            RunOutcome::RuntimeError { message }
            | RunOutcome::CompileError { message }
            | RunOutcome::UnsupportedPlatform { message }
            | RunOutcome::JudgeFailure { message } => Err(Undecided::JudgeFailure(message)),
            RunOutcome::OutputLimit => {
                Err(Undecided::JudgeFailure("the comparison wrote too much".to_owned()))
            }
            RunOutcome::UnsupportedImport { module } => {
                Err(Undecided::JudgeFailure(format!("the image has no module {module}")))
            }
        }
    }
}

fn unreadable() -> Undecided {
    Undecided::JudgeFailure("the reply of the comparison is not what it should be".to_owned())
}
