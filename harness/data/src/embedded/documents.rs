//! What the base model is pretrained on: arithmetic facts, short answers, programs applied, copies and worked
//! solutions.
//!
//! Two ingredients decide whether the later stages have anything to work with, as experiments with this world
//! showed: copies, without which the model never learns to carry operands from the question into a solution,
//! and worked solutions separated by `;`, the separator of traces. Test questions are excluded from all of
//! them.

use super::dataset::MAX_ATTEMPTS;
use super::mix::check_weights;
use super::problem::{FACTORS, INPUTS, Op, Operation, Step, TERMS, VALUES, points_text};
use super::question::{draw_expression, draw_program};
use super::teacher;
use super::vocabulary::{ANS, BOS, END_ANS, END_THINK, EOS, THINK, symbol_count};
use super::{Exclusions, Family, Question, Ratio, Shape, Style, TaskError, Truth, WorkedMix};
use crate::Draws;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// No document has more [symbols](super::vocabulary) than this, unless [`Corpus::up_to`] says otherwise.
pub const MAX_DOCUMENT_SYMBOLS: usize = 81;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// True equations: `<bos>52-21=31;7*8=56;...<eos>`.
    Facts,
    /// An easy question answered at once: `<bos>x<think></think><ans>y</ans>`.
    Direct,
    /// A program and some of its points: `<bos>x*2+1:3>7,0>1,5>11<eos>`.
    Program,
    /// A text two or three times: `<bos>4+17-x|4+17-x<eos>`.
    Copy,
    /// A question, the lines of its full solution and the answer, without the specials of thoughts and
    /// answers: `<bos>12+30-7?;12+30=42;42-7=35;35<eos>`. Of multiple choice the answer is the letter.
    Worked,
}

impl DocumentKind {
    /// All kinds, in the order of the weights of [`Mixture`].
    pub const ALL: [Self; 5] = [Self::Facts, Self::Direct, Self::Program, Self::Copy, Self::Worked];
}

/// A pretraining document; all after `<bos>` is to be predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Its text, specials by name.
    pub text: String,
    /// Its number of [symbols](super::vocabulary), at most as many as the corpus allows.
    pub symbols: usize,
}

/// How often each kind of document occurs (relative weights, 0 when left out) and how worked solutions are
/// laid out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// Weight of [`DocumentKind::Facts`].
    #[serde(default)]
    pub facts: f64,
    /// Weight of [`DocumentKind::Direct`].
    #[serde(default)]
    pub direct: f64,
    /// Weight of [`DocumentKind::Program`].
    #[serde(default)]
    pub programs: f64,
    /// Weight of [`DocumentKind::Copy`].
    #[serde(default)]
    pub copies: f64,
    /// Weight of [`DocumentKind::Worked`].
    #[serde(default)]
    pub worked: f64,
    /// Share of copies and worked solutions separated by `;` instead of `|`.
    #[serde(default = "half")]
    pub semicolons: f64,
    /// Share of worked solutions that include the answer.
    #[serde(default = "all")]
    pub answered: f64,
    /// Share of the answered worked solutions in which the answer comes before the steps.
    #[serde(default)]
    pub answer_first: f64,
}

fn half() -> f64 {
    0.5
}

fn all() -> f64 {
    1.0
}

impl Default for Mixture {
    /// 15 % facts, 12 % direct answers, 6 % programs; the rest is 12 % copies and 88 % worked solutions, half
    /// of both with `;`.
    fn default() -> Self {
        let rest = 0.67;
        Self {
            facts: 0.15,
            direct: 0.12,
            programs: 0.06,
            copies: 0.12 * rest,
            worked: 0.88 * rest,
            semicolons: half(),
            answered: all(),
            answer_first: 0.0,
        }
    }
}

impl Mixture {
    /// Checks that the weights are usable and the shares between 0 and 1.
    pub fn validate(&self) -> Result<(), TaskError> {
        let names = ["facts", "direct", "programs", "copies", "worked"];
        let weights: Vec<_> = names.into_iter().zip(self.weights()).collect();
        check_weights("document mixture", &weights)?;
        let shares = [
            ("semicolons", self.semicolons),
            ("answered", self.answered),
            ("answer_first", self.answer_first),
        ];
        match shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((name, value)) => {
                let name = format!("document mixture: {name}");
                Err(TaskError::Weight { name, value, rule: "a share lies between 0 and 1" })
            }
            None => Ok(()),
        }
    }

    fn weights(&self) -> [f64; 5] {
        [self.facts, self.direct, self.programs, self.copies, self.worked]
    }
}

/// A number of training steps with one mixture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// How many steps.
    pub steps: u64,
    /// What their documents are.
    pub mixture: Mixture,
}

/// The phases of pretraining, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Curriculum(pub Vec<Phase>);

impl Curriculum {
    /// How many steps there are in all.
    pub fn steps(&self) -> u64 {
        self.0.iter().map(|phase| phase.steps).fold(0, u64::saturating_add)
    }

    /// The mixture of a step, counted from 0; `None` past the end.
    pub fn mixture(&self, step: u64) -> Option<&Mixture> {
        let mut before = 0u64;
        self.0.iter().find_map(|phase| {
            before = before.saturating_add(phase.steps);
            (step < before).then_some(&phase.mixture)
        })
    }
}

/// An endless supply of documents, each a function of (seed, index, mixture, exclusions).
#[derive(Debug, Clone)]
pub struct Corpus {
    seed: u64,
    curriculum: Curriculum,
    batch: u64,
    excluded: Exclusions,
    families: WorkedMix,
    longest: usize,
}

impl Corpus {
    /// The documents of a curriculum, `batch` of them in each step. Worked solutions take their questions
    /// from [`WorkedMix::default`].
    ///
    /// # Errors
    /// A mixture that is not valid.
    pub fn new(
        seed: u64,
        curriculum: Curriculum,
        batch: usize,
        excluded: Exclusions,
    ) -> Result<Self, TaskError> {
        curriculum.0.iter().try_for_each(|phase| phase.mixture.validate())?;
        let (families, longest) = (WorkedMix::default(), MAX_DOCUMENT_SYMBOLS);
        Ok(Self { seed, curriculum, batch: batch as u64, excluded, families, longest })
    }

    /// With worked solutions of these families.
    ///
    /// # Errors
    /// A mix that is not valid.
    pub fn of(self, families: WorkedMix) -> Result<Self, TaskError> {
        families.validate()?;
        Ok(Self { families, ..self })
    }

    /// With documents of at most so many [symbols](super::vocabulary). Where that is too short for a kind of document,
    /// [`step`](Self::step) fails.
    #[must_use]
    pub fn up_to(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// How many steps the curriculum has.
    pub fn steps(&self) -> u64 {
        self.curriculum.steps()
    }

    /// The documents of a step, counted from 0; none past the end of the curriculum.
    pub fn step(&self, step: u64) -> Result<Vec<Document>, TaskError> {
        let Some(mixture) = self.curriculum.mixture(step) else { return Ok(Vec::new()) };
        (0..self.batch).map(|row| self.document(step.wrapping_mul(self.batch) + row, mixture)).collect()
    }

    /// The document with this index, under a valid mixture.
    fn document(&self, index: u64, mixture: &Mixture) -> Result<Document, TaskError> {
        let mut draws = Draws::numbered("pretraining document", self.seed, index);
        let kind = DocumentKind::ALL[draws.weighted(&mixture.weights())];
        let family = self.families.draw(&mut draws).unwrap_or(Family::Chain2);
        for _ in 0..MAX_ATTEMPTS {
            let text = match kind {
                DocumentKind::Facts => facts(&mut draws),
                DocumentKind::Direct => direct(&mut draws),
                DocumentKind::Program => program(&mut draws),
                DocumentKind::Copy => copies(separator(mixture, &mut draws), &mut draws),
                DocumentKind::Worked => worked(family, mixture, &mut draws)?,
            };
            let symbols = symbol_count(&text);
            if symbols <= self.longest && !self.excluded.contains(&text) {
                return Ok(Document { kind, text, symbols });
            }
        }
        Err(TaskError::Exhausted { what: format!("{kind:?} documents"), attempts: MAX_ATTEMPTS })
    }
}

fn separator(mixture: &Mixture, draws: &mut Draws) -> &'static str {
    if draws.chance(mixture.semicolons) { ";" } else { "|" }
}

/// A true equation of one operation, of the sizes that occur in the tasks.
fn fact(draws: &mut Draws) -> Step {
    const OPERATIONS: [(Op, f64); 5] = [
        (Op::Add, 0.35),
        (Op::Subtract, 0.35),
        (Op::Multiply, 0.14),
        (Op::Divide, 0.08),
        (Op::Remainder, 0.08),
    ];
    let op = OPERATIONS[draws.weighted(&OPERATIONS.map(|(_, weight)| weight))].0;
    loop {
        let from = Ratio::from(draws.within(VALUES));
        let operand = draws.within(if matches!(op, Op::Add | Op::Subtract) { TERMS } else { FACTORS });
        let operation = Operation { op, operand };
        if let Some(to) = operation.apply(from)
            && VALUES.contains(&to.numerator())
        {
            return Step { from, operation, to };
        }
    }
}

fn facts(draws: &mut Draws) -> String {
    let count = draws.within(3..=7);
    let facts: Vec<_> = (0..count).map(|_| fact(draws).to_string()).collect();
    format!("{BOS}{}{EOS}", facts.join(";"))
}

/// A question of one operation, of an easy family, or with options; in equal parts.
fn direct(draws: &mut Draws) -> String {
    const EASY: [Family; 5] = [Family::Chain2, Family::Mod, Family::CodeE, Family::Mc1, Family::Mc2];
    let (question, answer) = match draws.index(EASY.len() + 1) {
        0 => {
            let Step { from, operation, to } = fact(draws);
            (format!("{from}{operation}?"), to.to_string())
        }
        family => {
            let question = Question::draw(EASY[family - 1], draws);
            (question.text().to_owned(), question.reference().to_owned())
        }
    };
    format!("{BOS}{question}{THINK}{END_THINK}{ANS}{answer}{END_ANS}")
}

fn program(draws: &mut Draws) -> String {
    let inputs: Vec<_> = INPUTS.collect();
    loop {
        let program = draw_program(&Shape::ALL, draws);
        let count = draws.within(3..=6) as usize;
        let points: Vec<_> = draws
            .sample(&inputs, inputs.len())
            .into_iter()
            .map(|input| (input, program.at(input)))
            .filter(|(_, output)| VALUES.contains(output))
            .take(count)
            .collect();
        if points.len() >= 3 {
            return format!("{BOS}{}:{}{EOS}", draw_expression(program, draws), points_text(&points));
        }
    }
}

/// Half of the copied texts are characters at random, half look like calculations: both teach to look back,
/// neither to calculate.
fn copies(separator: &str, draws: &mut Draws) -> String {
    const CHARACTERS: &[u8] = b"0123456789+-*/%=()x,:>!abcdf";
    let original: String = if draws.chance(0.5) {
        let length = draws.within(5..=22);
        (0..length).map(|_| char::from(*draws.pick(CHARACTERS))).collect()
    } else {
        let operations = draws.within(2..=6);
        let tail = (0..operations).map(|_| {
            let op = *draws.pick(&Op::ALL);
            Operation { op, operand: draws.within(VALUES) }.to_string()
        });
        let tail: String = tail.collect();
        format!("{}{tail}", draws.within(VALUES))
    };
    let times = draws.within(2..=3) as usize;
    format!("{BOS}{}{EOS}", vec![original; times].join(separator))
}

fn worked(family: Family, mixture: &Mixture, draws: &mut Draws) -> Result<String, TaskError> {
    let question = Question::draw(family, draws);
    let (mut parts, answer) = match question.truth() {
        Truth::Choice { letter, .. } => {
            (question.steps().iter().map(Step::to_string).collect(), letter.to_string())
        }
        _ => (teacher::lines(&question, Style::Full, draws)?, question.reference().to_owned()),
    };
    if draws.chance(mixture.answered) {
        let at = if draws.chance(mixture.answer_first) { 0 } else { parts.len() };
        parts.insert(at, answer);
    }
    parts.insert(0, question.text().to_owned());
    Ok(format!("{BOS}{}{EOS}", parts.join(separator(mixture, draws))))
}
