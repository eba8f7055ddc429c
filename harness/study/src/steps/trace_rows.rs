//! Weighted traces as what models are trained on: all of an item's traces, or the best one.

use std::collections::BTreeMap;

use assay_data::{Demonstration, Dialect, Draws, Hint, Segment};
use assay_flow::{InputSpec, ParamError, StepContext, StepError};
use assay_sandbox::Verdict;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{ANSWER_VERDICTS, ANSWERS, DEMONSTRATIONS, Kind, ROWS, TRACES, WEIGHTS, dialect};
use super::rows::{alone, teacher_row};
use crate::inference::posterior::Weights;
use crate::records::{self, Answer, AnswerVerdict, ItemWeights, Row, Trace, Unit};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeightedParams {
    /// Chooses among the verified answers of a trace.
    seed: u64,
    /// The answer that a trace is paired with.
    answer: AnswerSource,
    /// How question, thought and answer are laid out as text.
    dialect: Dialect,
    /// What stands in for an item without a positive weight.
    #[serde(default)]
    fallback: Fallback,
}

/// The answer that a trace is paired with.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AnswerSource {
    /// One of the trace's verified answers, at random (appendix C.3).
    Verified,
    /// The first of the trace's verified answers, as in the released code.
    FirstVerified,
    /// The reference answer.
    Reference,
}

impl AnswerSource {
    /// Verified answers are looked up among the answers and their verdicts.
    fn check(self, connected: &[&str]) -> Result<(), ParamError> {
        let missing = ["answers", "verdicts"].into_iter().find(|input| !connected.contains(input));
        match missing.filter(|_| self != Self::Reference) {
            Some(input) => Err(ParamError::new(
                "answer",
                format!(
                    "asks for verified answers, and input `{input}` is not connected: connect it, or take `reference`"
                ),
            )),
            None => Ok(()),
        }
    }
}

/// What stands in for an item without a positive weight.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fallback {
    /// The teacher's row, with weight 1.
    #[default]
    Teacher,
    /// Nothing: the item is left out.
    None,
}

/// `weighted-rows`: all traces of an item as one unit, each row with its trace's weight (pipeline step 8, 1k
/// setting). The units are in the order of the weights.
///
/// Holds the teacher's rows, the traces and the right answers.
pub(crate) fn weighted() -> Kind<WeightedParams> {
    let about = "All traces of an item as one unit, each row with its trace's weight";
    Kind::new("weighted-rows", 1, ROWS, about, |params: &WeightedParams, context| {
        let answers = Answers::read(context, params.seed, params.answer)?;
        let row_of = |row: &Demonstration, trace: &Trace, first: u32| {
            let answer = answers.of(row, trace, first)?;
            params.dialect.reasoner_row(&row.item, &trace.thought, answer).map_err(dialect)
        };
        let teacher = |row: &Demonstration| teacher_row(&params.dialect, row);
        write_weighted(context, params.fallback, &row_of, &teacher)
    })
    .inputs(const { REASONER_INPUTS })
    .check_inputs(|params, connected| params.answer.check(connected))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PosteriorParams {
    /// How question, hint and thought are laid out as text.
    dialect: Dialect,
    /// Where the posterior sees the answer: `A` or `B`.
    hint: Hint,
    /// What stands in for an item without a positive weight.
    #[serde(default)]
    fallback: Fallback,
}

/// `weighted-posterior-rows`: all traces of an item as the posterior learns them, each with its weight: the update
/// of q on traces of pi (equation 9), as Algorithm 1 makes it in later rounds.
///
/// Holds the teacher's rows and the traces.
pub(crate) fn weighted_posterior() -> Kind<PosteriorParams> {
    let about = "All traces of an item as the posterior learns them, each row with its trace's weight";
    Kind::new("weighted-posterior-rows", 1, ROWS, about, |params: &PosteriorParams, context| {
        let row_of = |row: &Demonstration, thought: &str| {
            let Demonstration { item, .. } = row;
            params.dialect.posterior_row(params.hint, item, item.reference(), thought).map_err(dialect)
        };
        let of_trace = |row: &Demonstration, trace: &Trace, _: u32| row_of(row, &trace.thought);
        write_weighted(context, params.fallback, &of_trace, &|row| row_of(row, &row.thought))
    })
    .inputs(
        const {
            &[
                InputSpec::one("demonstrations", DEMONSTRATIONS),
                InputSpec::one("traces", TRACES),
                InputSpec::one("weights", WEIGHTS),
            ]
        },
    )
}

const REASONER_INPUTS: &[InputSpec] = &[
    InputSpec::one("demonstrations", DEMONSTRATIONS),
    InputSpec::one("traces", TRACES),
    InputSpec::one("weights", WEIGHTS),
    InputSpec::optional("answers", ANSWERS).about("where verified answers are taken"),
    InputSpec::optional("verdicts", ANSWER_VERDICTS).about("where verified answers are taken"),
];

/// A trace, and the first of its item's traces with the same thought, as a row of text.
type RowOf<'a> = dyn Fn(&Demonstration, &Trace, u32) -> Result<Vec<Segment>, StepError> + 'a;
/// The teacher's row as a row of text.
type TeacherRow<'a> = dyn Fn(&Demonstration) -> Result<Vec<Segment>, StepError> + 'a;

/// Writes a unit for each item with weights.
fn write_weighted(
    context: &StepContext<'_>,
    fallback: Fallback,
    row_of: &RowOf<'_>,
    teacher: &TeacherRow<'_>,
) -> Result<(), StepError> {
    let units = weighed(context, "weights")?.map(|weighed| {
        let Weighed { row, traces, weights } = weighed?;
        let rows = weighted_rows(&row, &traces, &weights, row_of)?;
        Ok(match (rows.is_empty(), fallback) {
            (false, _) => Some(Unit { rows }),
            (true, Fallback::Teacher) => Some(alone(teacher(&row)?)),
            (true, Fallback::None) => None,
        })
    });
    records::try_write(context.output(), units.filter_map(Result::transpose))
}

/// The rows of an item's traces that have a positive weight; none where no weights could be given.
fn weighted_rows(
    row: &Demonstration,
    traces: &[Trace],
    weights: &Weights,
    row_of: &RowOf<'_>,
) -> Result<Vec<Row>, StepError> {
    let Some(weights) = weights.as_slice() else { return Ok(Vec::new()) };
    let representatives = records::representatives(traces);
    traces
        .iter()
        .zip(representatives)
        .zip(weights)
        .filter(|(_, weight)| **weight > 0.0)
        .map(|((trace, first), weight)| Ok(Row { segments: row_of(row, trace, first)?, weight: *weight }))
        .collect()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectedParams {
    /// Chooses among the verified answers of a trace.
    seed: u64,
    /// The answer that the best trace is paired with.
    answer: AnswerSource,
    /// How question, thought and answer are laid out as text.
    dialect: Dialect,
    /// Beginnings of the sources of teacher's rows whose items fall back on the best trace by the weights of input
    /// `otherwise`, with the reference answer, before they fall back on the teacher's row. The released code has one
    /// such source.
    #[serde(default)]
    otherwise_for: Vec<String>,
}

/// `selected-rows`: the best trace of an item, the one with the largest weight (the first of equals), as a unit of its
/// own (pipeline step 8, 17k setting); the teacher's row where no trace has a positive weight. The units are in the
/// order of the weights.
///
/// Holds the teacher's rows, the traces and the right answers.
pub(crate) fn selected() -> Kind<SelectedParams> {
    let about = "The best trace of each item by its weights; else the teacher's row";
    Kind::new("selected-rows", 1, ROWS, about, |params: &SelectedParams, context| {
        let answers = Answers::read(context, params.seed, params.answer)?;
        let mut otherwise = match context.inputs("otherwise").is_empty() {
            true => BTreeMap::new(),
            false => by_item(context, "otherwise")?,
        };
        let units = weighed(context, "weights")?.map(|weighed| {
            let Weighed { row, traces, weights } = weighed?;
            let second = otherwise.remove(&row.item.id);
            if let Some(second) = &second {
                fitting(&row.item.id, &traces, second)?;
            }
            let takes_second = || params.otherwise_for.iter().any(|source| row.source.starts_with(source));
            let (best, answer) = match (weights.best(), second) {
                (Some(best), _) => {
                    let first = records::representatives(&traces)[best];
                    (&traces[best], answers.of(&row, &traces[best], first)?)
                }
                (None, Some(second)) if takes_second() => match second.best().and_then(|k| traces.get(k)) {
                    Some(best) => (best, row.item.reference()),
                    None => return Ok(alone(teacher_row(&params.dialect, &row)?)),
                },
                (None, _) => return Ok(alone(teacher_row(&params.dialect, &row)?)),
            };
            let segments = params.dialect.reasoner_row(&row.item, &best.thought, answer).map_err(dialect)?;
            Ok(alone(segments))
        });
        records::try_write(context.output(), units)
    })
    .inputs(
        const {
            &[
                InputSpec::one("demonstrations", DEMONSTRATIONS),
                InputSpec::one("traces", TRACES),
                InputSpec::one("weights", WEIGHTS),
                InputSpec::optional("otherwise", WEIGHTS)
                    .about("of items that the first weights leave without a trace"),
                InputSpec::optional("answers", ANSWERS).about("where verified answers are taken"),
                InputSpec::optional("verdicts", ANSWER_VERDICTS).about("where verified answers are taken"),
            ]
        },
    )
    .check_inputs(|params, connected| {
        let second = connected.contains(&"otherwise");
        match (params.otherwise_for.is_empty(), second) {
            (false, false) => Err(ParamError::of_key(
                "otherwise_for",
                "names sources whose items fall back on the weights of input `otherwise`, which is not connected",
            )),
            _ => params.answer.check(connected),
        }
    })
}

/// An item with its traces and their weights.
struct Weighed {
    row: Demonstration,
    traces: Vec<Trace>,
    weights: Weights,
}

/// The items that have weights, in their order. Each item's traces must be as many as its weights; after the last item
/// no traces may be left.
fn weighed(
    context: &StepContext<'_>,
    weights: &str,
) -> Result<impl Iterator<Item = Result<Weighed, StepError>>, StepError> {
    let rows = records::demonstrations(context, |row| row)?;
    let traces = records::traces_by_item(&context.input("traces")?.path)?;
    let mut traces = traces.collect::<Result<BTreeMap<String, Vec<Trace>>, StepError>>()?;
    let mut records = records::stream::<ItemWeights>(&context.input(weights)?.path)?;
    let mut ended = false;
    Ok(std::iter::from_fn(move || {
        let Some(record) = records.next() else {
            let left = traces.keys().next().filter(|_| !ended);
            ended = true;
            return left
                .map(|item| Err(StepError::internal(format!("item {item} has traces, but no weights"))));
        };
        Some(record.and_then(|ItemWeights { item, weights, .. }| {
            let row = records::of_item(&rows, &item)?.clone();
            let traces = traces.remove(&item).ok_or_else(|| {
                StepError::internal(format!("item {item} has no traces for its weights, or weights twice"))
            })?;
            fitting(&item, &traces, &weights)?;
            Ok(Weighed { row, traces, weights })
        }))
    }))
}

/// Refuses weights that are not as many as their item's traces.
fn fitting(item: &str, traces: &[Trace], weights: &Weights) -> Result<(), StepError> {
    let weights = weights.as_slice().filter(|weights| weights.len() != traces.len());
    weights.map_or(Ok(()), |weights| {
        let (traces, weights) = (traces.len(), weights.len());
        Err(StepError::internal(format!("item {item} has {traces} traces, but {weights} weights")))
    })
}

/// Weights by item.
fn by_item(context: &StepContext<'_>, input: &str) -> Result<BTreeMap<String, Weights>, StepError> {
    let records = records::stream::<ItemWeights>(&context.input(input)?.path)?;
    let pairs = records.map(|record| record.map(|ItemWeights { item, weights, .. }| (item, weights)));
    records::unique("the weights of item", pairs)
}

/// By item and trace.
type CorrectAnswers = BTreeMap<(String, u32), Vec<String>>;

/// The answers that traces are paired with.
struct Answers {
    seed: u64,
    source: AnswerSource,
    correct: CorrectAnswers,
}

impl Answers {
    fn read(context: &StepContext<'_>, seed: u64, source: AnswerSource) -> Result<Self, StepError> {
        let correct = match source {
            AnswerSource::Reference => CorrectAnswers::new(),
            AnswerSource::Verified | AnswerSource::FirstVerified => correct_answers(context)?,
        };
        Ok(Self { seed, source, correct })
    }

    /// The answer after a trace, whose verified answers are those of the first trace with the same thought.
    fn of<'a>(&'a self, row: &'a Demonstration, trace: &Trace, first: u32) -> Result<&'a str, StepError> {
        let verified = || {
            let answers =
                self.correct.get(&(trace.item.clone(), first)).filter(|answers| !answers.is_empty());
            answers.ok_or_else(|| {
                let Trace { item, index, .. } = trace;
                StepError::user(format!("trace {index} of {item} has a weight but no right answer"))
                    .remedy("take `answer = \"reference\"`, or weights by the estimator `acc`")
            })
        };
        match self.source {
            AnswerSource::Reference => Ok(row.item.reference()),
            AnswerSource::FirstVerified => Ok(&verified()?[0]),
            AnswerSource::Verified => {
                let name = format!("{} {}", trace.item, trace.index);
                Ok(Draws::new("verified answer", self.seed, name.as_bytes()).pick::<String>(verified()?))
            }
        }
    }
}

/// The verified answers of each trace that has answers of its own, in sampling order.
fn correct_answers(context: &StepContext<'_>) -> Result<CorrectAnswers, StepError> {
    let mut answers = records::stream::<Answer>(&context.input("answers")?.path)?;
    let mut verdicts = records::stream::<AnswerVerdict>(&context.input("verdicts")?.path)?;
    let mut correct = CorrectAnswers::new();
    loop {
        match (answers.next().transpose()?, verdicts.next().transpose()?) {
            (None, None) => return Ok(correct),
            (Some(Answer { item, trace, index, answer }), Some(judged))
                if (&item, trace, index) == (&judged.item, judged.trace, judged.index) =>
            {
                if let Some(answer) = answer.filter(|_| judged.verdict == Verdict::Pass) {
                    correct.entry((item, trace)).or_default().push(answer);
                }
            }
            _ => return Err(StepError::internal("the verdicts are not those of the answers")),
        }
    }
}
