//! The teacher's rows as models learn them, and rows joined.

use assay_data::{Demonstration, Dialect, Hint, Segment};
use assay_flow::{InputSpec, ParamError, StepError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{DEMONSTRATIONS, Kind, MOST_ITEMS, ROWS, counts, dialect, too_few};
use crate::records::{self, Row, Unit};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonerParams {
    /// How question, thought and answer are laid out as text.
    dialect: Dialect,
    /// How many rows at the beginning are left out, as for a posterior that learns from other questions than it is
    /// used on.
    #[serde(default)]
    skip: usize,
    /// How many rows after those; all if left out.
    #[serde(default)]
    limit: Option<usize>,
    /// How many rows later steps take of the same teacher; fewer are an error here, before anything is trained.
    #[serde(default)]
    least: Option<usize>,
}

/// `reasoner-rows`: question, thought, answer; `limit` takes the first rows, which are a uniform subset
/// because the teacher's rows are drawn independently.
pub(crate) fn reasoner() -> Kind<ReasonerParams> {
    let about = "The teacher's rows as the reasoning model learns them: question, thought, answer";
    Kind::new("reasoner-rows", 1, ROWS, about, |params: &ReasonerParams, context| {
        let mut count = 0;
        let rows = records::stream::<Demonstration>(&context.input("demonstrations")?.path)?;
        let units = rows.skip(params.skip).take(params.limit.unwrap_or(usize::MAX)).map(|row| {
            count += 1;
            Ok(alone(teacher_row(&params.dialect, &row?)?))
        });
        records::try_write(context.output(), units)?;
        enough(params.limit.max(params.least), count)
    })
    .inputs(const { &[InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| chosen(params.skip, params.limit, params.least))
}

/// Checks which rows are taken.
fn chosen(skip: usize, limit: Option<usize>, least: Option<usize>) -> Result<(), ParamError> {
    let skip = (skip > 0).then_some(("skip", skip as u64, MOST_ITEMS));
    // No more than `limit` rows are read.
    let most = limit.map_or(MOST_ITEMS, |limit| limit as u64);
    let limit = limit.map(|limit| ("limit", limit as u64, MOST_ITEMS));
    let least = least.map(|least| ("least", least as u64, most));
    counts(&skip.into_iter().chain(limit).chain(least).collect::<Vec<_>>())
}

/// Refuses a teacher with fewer rows than are taken.
fn enough(least: Option<usize>, there: usize) -> Result<(), StepError> {
    match least {
        Some(least) if there < least => Err(too_few(least, there)),
        _ => Ok(()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PosteriorParams {
    /// How question, hint and thought are laid out as text.
    dialect: Dialect,
    /// Where the posterior sees the answer: the paper's template `A` or `B`.
    hint: Hint,
    /// How many rows at the beginning are left out.
    #[serde(default)]
    skip: usize,
    /// How many rows after those; all if left out.
    #[serde(default)]
    limit: Option<usize>,
    /// How many rows later steps take of the same teacher; fewer are an error here, before anything is trained.
    #[serde(default)]
    least: Option<usize>,
}

/// `posterior-rows`: question, answer hint, thought; weight 1, as in the released code.
pub(crate) fn posterior() -> Kind<PosteriorParams> {
    let about = "The teacher's rows as the posterior learns them: question, answer hint, thought";
    Kind::new("posterior-rows", 1, ROWS, about, |params: &PosteriorParams, context| {
        let rows = records::stream::<Demonstration>(&context.input("demonstrations")?.path)?;
        let mut count = 0;
        let units = rows.skip(params.skip).take(params.limit.unwrap_or(usize::MAX)).map(|row| {
            count += 1;
            let Demonstration { item, thought, .. } = row?;
            let row = params.dialect.posterior_row(params.hint, &item, item.reference(), &thought);
            Ok(alone(row.map_err(dialect)?))
        });
        records::try_write(context.output(), units)?;
        enough(params.limit.max(params.least), count)
    })
    .inputs(const { &[InputSpec::one("demonstrations", DEMONSTRATIONS)] })
    .check(|params, _| chosen(params.skip, params.limit, params.least))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinedParams {
    /// How often the rows of each step are taken; once if left out.
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// `joined-rows`: the rows of several steps, one after the other: mixed with the original data, or the same data twice
/// as the control at equal compute.
pub(crate) fn joined() -> Kind<JoinedParams> {
    let about = "The rows of several steps, one after the other";
    Kind::new("joined-rows", 1, ROWS, about, |params: &JoinedParams, context| {
        let artifacts = context.inputs("rows").iter();
        let all = artifacts.flat_map(|artifact| std::iter::repeat_n(artifact, params.times as usize));
        // Each file is opened when its turn comes.
        let units = all.flat_map(|artifact| {
            let (rows, failure) = match records::stream::<Unit>(&artifact.path) {
                Ok(rows) => (Some(rows), None),
                Err(error) => (None, Some(Err(error))),
            };
            rows.into_iter().flatten().chain(failure)
        });
        records::try_write(context.output(), units)
    })
    .inputs(const { &[InputSpec::many("rows", ROWS).about("in the order in which they are joined")] })
    .check(|params, _| counts(&[("times", params.times.into(), MOST_TIMES)]))
}

/// The most times that rows are repeated.
const MOST_TIMES: u64 = 1000;

/// The teacher's row as the reasoning model learns it.
pub(crate) fn teacher_row(form: &Dialect, row: &Demonstration) -> Result<Vec<Segment>, StepError> {
    form.reasoner_row(&row.item, &row.thought, &row.answer).map_err(dialect)
}

/// A unit of one row with weight 1.
pub(crate) fn alone(segments: Vec<Segment>) -> Unit {
    Unit { rows: vec![Row { segments, weight: 1.0 }] }
}
