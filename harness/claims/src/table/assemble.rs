//! From right and wrong samples to cells and claims.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cell, Claim, Column, Deviation, Layout, NamedMean, Printed, RowLayout, Table, TableError};
use crate::printed::{CellAudit, PrintedCheck};
use crate::quantity::Quantity;
use crate::scores::{CellId, Score, Scores};
use crate::section::{DataTable, Datum, Heading, Section};

/// Scores are fractions, cells percentages.
const PERCENT: f64 = 100.0;

/// What was measured, and what is to be said beside it. Empty for a table of printed values only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurements {
    /// By benchmark: the ids of its questions, in the order that all rows share.
    pub questions: BTreeMap<String, Vec<String>>,
    /// By benchmark: samples a question and seed.
    pub samples: BTreeMap<String, u32>,
    /// One for each model and seed.
    pub evaluations: Vec<Evaluation>,
    /// What else was measured.
    pub sections: Vec<Section>,
    /// What a reader must know, from the recipe's surroundings.
    pub notes: Vec<String>,
}

/// What was found for one model and seed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// The model, as rows name it.
    pub model: String,
    /// The training seed; `None` for a model that was not trained per seed.
    pub seed: Option<u64>,
    /// By benchmark, then question: whether each judged sample is right.
    pub outcomes: BTreeMap<String, BTreeMap<String, Vec<bool>>>,
    /// By benchmark: the mean number of tokens that the model wrote.
    pub lengths: BTreeMap<String, f64>,
    /// By benchmark, then question: samples without a verdict because the judge failed. Questions without such samples may
    /// be left out.
    pub failures: BTreeMap<String, BTreeMap<String, u32>>,
}

impl Evaluation {
    /// All samples without a verdict.
    fn all_failures(&self) -> u64 {
        self.failures.values().flat_map(BTreeMap::values).map(|failures| u64::from(*failures)).sum()
    }
}

impl Table {
    /// Scores every cell and holds every claim against the scores.
    ///
    /// Evaluations of models that no row names are left out. A column without questions, or a row without
    /// evaluations, keeps its printed values.
    ///
    /// # Errors
    /// [`TableError`] when evaluations lack questions, seeds differ, or the judge failed throughout.
    pub fn new(layout: Layout, measured: Measurements) -> Result<Self, TableError> {
        let Measurements { questions, samples, evaluations, mut sections, mut notes } = measured;
        let runs = |row: &RowLayout| -> Vec<&Evaluation> {
            let name = row.evaluated_as();
            let of_row = |evaluation: &&Evaluation| name.as_ref() == Some(&evaluation.model);
            evaluations.iter().filter(of_row).collect()
        };
        let rows: Vec<Row<'_>> =
            layout.rows.iter().map(|layout| Row { layout, runs: runs(layout) }).collect();
        let scores = scores(&layout, &questions, &rows)?;
        let printed = layout.printed();
        let cells = cells(&layout, &rows, &scores, &printed.audit())?;
        let claims = Claim::all(&layout, &scores, &printed)?;
        let models: BTreeSet<String> = layout.rows.iter().filter_map(RowLayout::evaluated_as).collect();
        let used = || evaluations.iter().filter(|run| models.contains(&run.model));
        let seeds: BTreeSet<u64> = used().filter_map(|run| run.seed).collect();
        sections.extend(completion_lengths(&layout, &rows));
        sections.extend(deviations(&layout.deviations));
        notes.extend(layout.notes.iter().cloned());
        let any_measured = cells.values().flat_map(BTreeMap::values).any(|cell| cell.measured.is_some());
        notes.extend(layout.means.iter().map(about_mean));
        notes.extend(any_measured.then(|| about_intervals(&seeds)));
        notes.extend(about_failures(used().map(Evaluation::all_failures).sum()));
        Ok(Self {
            questions: questions.into_iter().map(|(id, list)| (id, list.len() as u64)).collect(),
            samples,
            seeds: seeds.into_iter().collect(),
            assurance: BTreeMap::new(),
            cells,
            claims,
            sections,
            notes,
            layout,
        })
    }
}

/// A row and what was found for its model.
struct Row<'a> {
    layout: &'a RowLayout,
    runs: Vec<&'a Evaluation>,
}

/// Each question's mean over its judged samples, in the columns of the table.
fn scores(
    layout: &Layout,
    questions: &BTreeMap<String, Vec<String>>,
    rows: &[Row<'_>],
) -> Result<Scores, TableError> {
    let of = |column: &Column| {
        let list = questions.get(column.benchmark.as_ref()?)?;
        (!list.is_empty()).then(|| list.clone())
    };
    let (measured, unmeasured): (Vec<&Column>, Vec<&Column>) =
        layout.columns.iter().partition(|column| of(column).is_some());
    // An average is measured when all of its members are.
    let (groups, partial): (Vec<_>, Vec<_>) =
        layout.groups.iter().partition(|group| layout.members(&group.id).all(|column| of(column).is_some()));
    let members = |group: &str| layout.members(group).map(|column| column.id.clone()).collect();
    let is_measured = |id: &String| measured.iter().any(|column| column.id == *id);
    let (means, partial_means): (Vec<_>, Vec<_>) =
        layout.means.iter().partition(|mean| mean.columns.iter().all(is_measured));
    let averages = groups.iter().map(|group| (group.id.clone(), members(&group.id)));
    let mut scores = Scores::new(
        measured.iter().filter_map(|column| Some((column.id.clone(), of(column)?))),
        averages.chain(means.iter().map(|mean| (mean.id.clone(), mean.columns.clone()))),
    )?
    .with_unmeasured(unmeasured.iter().map(|column| column.id.clone()))
    .with_unmeasured(partial.iter().map(|group| group.id.clone()))
    .with_unmeasured(partial_means.iter().map(|mean| mean.id.clone()));
    for row in rows {
        for run in &row.runs {
            for column in &layout.columns {
                let outcomes = column.benchmark.as_ref().and_then(|benchmark| run.outcomes.get(benchmark));
                let Some(outcomes) = outcomes else { continue };
                let failures = column.benchmark.as_ref().and_then(|benchmark| run.failures.get(benchmark));
                let by_question = outcomes.iter().map(|(question, judged)| {
                    let right = judged.iter().filter(|right| **right).count() as u64;
                    let failed = failures.and_then(|failures| failures.get(question)).copied().unwrap_or(0);
                    let score = Score::of(right, judged.len() as u64 - right, u64::from(failed));
                    let error =
                        || TableError::NoVerdict { question: question.clone(), model: run.model.clone() };
                    Ok((question.clone(), score.ok_or_else(error)?))
                });
                let by_question = by_question.collect::<Result<BTreeMap<_, _>, TableError>>()?;
                scores.insert(&row.layout.id, run.seed, &column.id, &by_question)?;
            }
        }
    }
    Ok(scores)
}

/// The cells of all rows, averages included.
fn cells(
    layout: &Layout,
    rows: &[Row<'_>],
    scores: &Scores,
    audits: &[CellAudit],
) -> Result<BTreeMap<String, BTreeMap<String, Cell>>, TableError> {
    let averages = || layout.groups.iter().map(|g| &g.id).chain(layout.means.iter().map(|mean| &mean.id));
    let ids = || layout.columns.iter().map(|column| &column.id).chain(averages());
    let mut cells = BTreeMap::new();
    for row in rows {
        let mut of_row = BTreeMap::new();
        for column in ids() {
            let text = row.layout.printed.get(column).or_else(|| row.layout.averages.get(column));
            let printed = text.map(|text| printed(text, &row.layout.id, column, audits));
            let measured = measured(layout, row, column, scores)?;
            if measured.is_some() || printed.is_some() {
                of_row.insert(column.clone(), Cell { measured, printed });
            }
        }
        cells.insert(row.layout.id.clone(), of_row);
    }
    Ok(cells)
}

fn measured(
    layout: &Layout,
    row: &Row<'_>,
    column: &str,
    scores: &Scores,
) -> Result<Option<Quantity>, TableError> {
    let cell = CellId { row: row.layout.id.clone(), column: column.to_owned() };
    if scores.is_missing(&cell)? {
        return Ok(None);
    }
    let mean = layout.means.iter().find(|mean| mean.id == column);
    let columns = layout.columns.iter().filter(|c| {
        c.id == column
            || c.group.as_deref() == Some(column)
            || mean.is_some_and(|mean| mean.columns.contains(&c.id))
    });
    let benchmarks = columns.filter_map(|column| column.benchmark.as_ref());
    let outcomes = benchmarks.flat_map(|name| row.runs.iter().filter_map(|run| run.outcomes.get(name)));
    let judged = outcomes.flat_map(BTreeMap::values).map(|judged| judged.len() as u64).sum();
    Ok(Some(scores.cell(&cell.row, column)?.quantity(PERCENT, Some(judged))))
}

fn printed(text: &str, row: &str, column: &str, audits: &[CellAudit]) -> Printed {
    let audit = audits.iter().find(|audit| audit.row == row && audit.column == column);
    Printed {
        text: text.to_owned(),
        check: audit.map_or(PrintedCheck::NotAttempted, |audit| audit.result),
        note: audit.and_then(|audit| audit.note.clone()),
    }
}

/// Tokens that models write, by row and column; `None` where nothing is known of them.
fn completion_lengths(layout: &Layout, rows: &[Row<'_>]) -> Option<Section> {
    let columns: Vec<&Column> = layout.columns.iter().filter(|column| column.benchmark.is_some()).collect();
    let mean = |row: &Row<'_>, column: &Column| {
        let benchmark = column.benchmark.as_ref()?;
        let lengths: Vec<f64> =
            row.runs.iter().filter_map(|run| run.lengths.get(benchmark).copied()).collect();
        (!lengths.is_empty()).then(|| lengths.iter().sum::<f64>() / lengths.len() as f64)
    };
    let rows: Vec<Vec<Datum>> = rows
        .iter()
        .filter(|row| columns.iter().any(|column| mean(row, column).is_some()))
        .map(|row| {
            let cells = columns.iter().map(|column| mean(row, column).map_or(Datum::Empty, Datum::Number));
            std::iter::once(Datum::Text(row.layout.label.clone())).chain(cells).collect()
        })
        .collect();
    let heading = |label: &str, decimals| Heading { label: label.to_owned(), decimals: Some(decimals) };
    (!rows.is_empty()).then(|| Section {
        title: "Completion lengths".to_owned(),
        text: "Tokens that a model writes for a question, all of its text together: the mean over questions, samples \
               and seeds. Where an answer is chosen among given options, what it writes before the choice."
            .to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: std::iter::once(heading("Model", 0))
                .chain(columns.iter().map(|column| heading(&column.id, 1)))
                .collect(),
            rows,
        }],
        plots: Vec::new(),
    })
}

/// What differs from the paper; `None` where nothing is listed.
fn deviations(deviations: &[Deviation]) -> Option<Section> {
    let heading = |label: &str| Heading { label: label.to_owned(), decimals: None };
    let rows = deviations.iter().map(|Deviation { what, paper, here, why }| {
        [what, paper, here, why].map(|text| Datum::Text(text.clone())).to_vec()
    });
    (!deviations.is_empty()).then(|| Section {
        title: "Deviations".to_owned(),
        text: "What differs from the paper and from the code released with it, and why.".to_owned(),
        tables: vec![DataTable {
            caption: None,
            header: ["What", "Paper", "Here", "Why"].map(heading).to_vec(),
            rows: rows.collect(),
        }],
        plots: Vec::new(),
    })
}

/// What a named mean is.
fn about_mean(mean: &NamedMean) -> String {
    format!(
        "`{}` is the mean of {}; claims speak of it, and the paper does not print it",
        mean.id,
        mean.columns.join(", ")
    )
}

/// What the intervals are about.
fn about_intervals(seeds: &BTreeSet<u64>) -> String {
    let list: Vec<String> = seeds.iter().map(u64::to_string).collect();
    match seeds.len() {
        0 => "An interval is about the choice of questions".to_owned(),
        1 => format!(
            "An interval is about the choice of questions, for models trained with seed {} alone: it does not say what other \
             seeds would have given, and no claim about trained models is settled",
            list.join(", ")
        ),
        n => format!(
            "An interval is about the choice of questions and of training seeds ({n} of them: {}); the part of the seeds is \
             pooled over the trained rows of the table",
            list.join(", ")
        ),
    }
}

fn about_failures(failures: u64) -> Option<String> {
    (failures > 0)
        .then(|| format!("The judge failed on {failures} samples; they count neither as right nor as wrong, and a claim that their verdicts could change is open"))
}
