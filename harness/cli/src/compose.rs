//! From a computed table and a run's provenance to a report: the one place that knows both.

use assay_flow::{Outcome, Provenance};
use assay_report as page;
use assay_report::{CellRef, Column, ColumnKind, Criteria, Estimate, Part, Report, Source, Threshold, Unit};
use assay_store::Hasher;
use assay_study::inference::claims::{AsPrinted, Reason, Verdict};
use assay_study::inference::printed::CellVerdict;
use assay_study::inference::scores::Measured;
use assay_study::table::{self, Table};

use camino::Utf8Path;

use crate::failure::Failure;
use crate::sections;
use crate::session::Session;

/// The report of a table recipe's outcome.
pub(crate) fn report(session: &Session, outcome: &Outcome) -> Result<Report, Failure> {
    let bytes = session.store.read(&outcome.output)?;
    let table: Table = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::Internal(format!("the table's JSON: {error}")))?;
    let recipe = session.graph.recipe();
    let sources = sources(session, outcome);
    Ok(Report {
        format: page::Format,
        id: recipe.name.clone(),
        title: recipe.title.clone(),
        caption: table.layout.caption.clone(),
        paper: recipe.paper.clone().unwrap_or_default(),
        locator: recipe.locator.clone().unwrap_or_default(),
        scale: session.graph.scale().name.clone(),
        confidence: assay_study::inference::interval::LEVEL,
        notes: notes(session, &table),
        groups: table
            .layout
            .groups
            .iter()
            .map(|group| page::Group { id: group.id.clone(), label: group.label.clone() })
            .collect(),
        columns: columns(&table),
        rows: rows(&table, &sources),
        claims: table.claims.iter().map(claim).collect(),
        diagnostics: sections::all(&table),
        criteria: Some(criteria(session)?),
        facts: session.facts.clone(),
        sources: sources.into_iter().map(|(_, source)| source).collect(),
    })
}

fn notes(session: &Session, table: &Table) -> Vec<String> {
    let mut notes = table.notes.clone();
    notes.push(format!(
        "An interval is about the choice of questions, for the models as trained with seeds {}; what each seed gives alone \
         is listed beside it",
        table.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    ));
    if table.judge_failures > 0 {
        notes.push(format!(
            "The judge failed on {} samples; they count neither as right nor as wrong",
            table.judge_failures
        ));
    }
    for set in &session.graph.scale().sets {
        notes.push(format!("Overridden for this run: {set}"));
    }
    notes
}

fn columns(table: &Table) -> Vec<Column> {
    let layout = &table.layout;
    let mut columns = Vec::new();
    for group in &layout.groups {
        for column in layout.members(&group.id) {
            columns.push(Column {
                id: column.id.clone(),
                label: column.id.clone(),
                kind: ColumnKind::Benchmark,
                group: Some(group.id.clone()),
                measured_on: Some(column.benchmark.clone()),
                questions: table.questions.get(&column.id).copied(),
                samples: Some(u64::from(table.samples)),
                paper_questions: column.paper_questions.map(u64::from),
                paper_samples: column.paper_samples.map(u64::from),
            });
        }
        columns.push(Column {
            id: group.id.clone(),
            label: "Avg".to_owned(),
            kind: ColumnKind::Average,
            group: Some(group.id.clone()),
            measured_on: None,
            questions: None,
            samples: None,
            paper_questions: None,
            paper_samples: None,
        });
    }
    columns
}

fn rows(table: &Table, sources: &[(String, Source)]) -> Vec<page::Row> {
    let row = |row: &table::RowLayout| {
        let ids: Vec<String> = sources
            .iter()
            .filter(|(step, _)| *step == row.evaluation)
            .map(|(_, source)| source.id.clone())
            .collect();
        let cells = table.cells.get(&row.id).into_iter().flatten();
        page::Row {
            id: row.id.clone(),
            label: row.label.clone(),
            printed_label: None,
            seeds: table.seeds.clone(),
            cells: cells.map(|(column, found)| (column.clone(), cell(found, &ids))).collect(),
        }
    };
    table.layout.rows.iter().map(row).collect()
}

fn cell(cell: &table::Cell, sources: &[String]) -> page::Cell {
    let printed = cell.printed.as_ref().map(|printed| page::Printed {
        text: printed.text.clone(),
        check: match printed.verdict {
            CellVerdict::Consistent => page::PrintedCheck::Consistent,
            CellVerdict::Contradicted => page::PrintedCheck::Contradicted,
            CellVerdict::Impossible => page::PrintedCheck::Impossible,
            CellVerdict::NotAttempted => page::PrintedCheck::NotAttempted,
        },
        note: printed.note.clone(),
    });
    let measured = Some(estimate(&cell.measured, Some(cell.judged)));
    page::Cell { measured, printed, sources: sources.to_vec() }
}

fn estimate(measured: &Measured, judged: Option<u64>) -> Estimate {
    Estimate {
        value: measured.estimate.value,
        low: measured.estimate.low,
        high: measured.estimate.high,
        standard_error: Some(measured.estimate.standard_error),
        per_seed: measured.per_seed.clone(),
        n: judged,
    }
}

fn claim(claim: &table::Claim) -> page::Claim {
    let comparisons = claim.result.comparisons.iter().zip(&claim.printed.comparisons);
    let parts: Vec<Part> = comparisons
        .zip(claim.cells.iter().zip(&claim.tolerances))
        .map(|((measured, printed), (cells, tolerance))| Part {
            label: measured.expression.clone(),
            cells: cells
                .iter()
                .map(|id| CellRef { row: id.row.clone(), column: id.column.clone() })
                .collect(),
            unit: Unit::Points,
            threshold: match tolerance {
                Some(margin) => Threshold::Within { margin: *margin },
                None => Threshold::Above { bound: 0.0 },
            },
            estimate: measured.margin.as_ref().map(|margin| estimate(margin, None)),
            printed: printed.margin,
            mde: measured.minimum_detectable_effect,
            verdict: verdict(measured.verdict),
        })
        .collect();
    let mut rules: Vec<&str> = claim.result.comparisons.iter().map(|c| c.rule.as_str()).collect();
    rules.dedup();
    page::Claim {
        id: claim.id.clone(),
        text: claim.text.clone(),
        expression: claim.result.expression.clone(),
        verdict: verdict(claim.result.verdict),
        printed_holds: match claim.printed.verdict {
            AsPrinted::Holds => Some(true),
            AsPrinted::DoesNotHold => Some(false),
            AsPrinted::NotPrinted => None,
        },
        parts,
        rule: Some(rules.join("; ")),
        note: note(claim),
    }
}

/// What kept the claim from being settled, where the interval alone does not show it.
fn note(claim: &table::Claim) -> Option<String> {
    let unsettled = claim.result.comparisons.iter().find(|c| c.verdict == claim.result.verdict)?;
    match unsettled.reason {
        Reason::SeedsDisagree => {
            let seeds = unsettled.margin.as_ref()?.per_seed.iter();
            let seeds: Vec<String> =
                seeds.map(|(seed, margin)| format!("seed {seed} {margin:+.2}")).collect();
            Some(format!("the interval alone would settle it, but the seeds disagree: {}", seeds.join(", ")))
        }
        Reason::NoVariation => Some("the scores do not vary over questions".to_owned()),
        Reason::Undefined => Some("something is divided by zero".to_owned()),
        Reason::Settled | Reason::IntervalSpansThreshold | Reason::NotMeasured => None,
    }
}

fn verdict(verdict: Verdict) -> page::Verdict {
    match verdict {
        Verdict::Replicated => page::Verdict::Replicated,
        Verdict::NotReplicated => page::Verdict::NotReplicated,
        Verdict::Inconclusive => page::Verdict::Inconclusive,
        Verdict::NotAttempted => page::Verdict::NotAttempted,
    }
}

/// Every artefact of the run, with the name of the step that made it.
fn sources(session: &Session, outcome: &Outcome) -> Vec<(String, Source)> {
    let source = |step: &Provenance| {
        let source = Source {
            id: step.step.clone(),
            step: step.step.clone(),
            kind: step.description.kind.clone(),
            key: step.key.to_string(),
            artefact: step.output.to_string(),
            seed: step.description.seed,
            facts: step.description.facts.clone(),
        };
        (step.name.clone(), source)
    };
    let target = &session.graph.target().id;
    outcome.steps.iter().filter(|step| step.step != *target).map(source).collect()
}

/// What was fixed before the run: the hash of every file that the graph was read from.
fn criteria(session: &Session) -> Result<Criteria, Failure> {
    let mut hasher = Hasher::new("assay criteria 1");
    let root = session.workspace.root();
    let mut names = vec![session.graph.recipe().file.clone(), session.graph.scale().file.clone()];
    let pipeline = Utf8Path::new("recipes/pipeline");
    for entry in root.join(pipeline).read_dir_utf8().map_err(unreadable(pipeline))? {
        names.push(pipeline.join(entry.map_err(unreadable(pipeline))?.file_name()));
    }
    names.retain(|name| name.extension() == Some("toml"));
    names.sort();
    for name in &names {
        hasher
            .str("file", name.as_str())
            .bytes("bytes", &fs_err::read(root.join(name)).map_err(unreadable(name))?);
    }
    for set in &session.graph.scale().sets {
        hasher.str("set", set);
    }
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    Ok(Criteria {
        text: format!(
            "Seeds, questions, samples, training and sampling settings and the claims' thresholds stand in {}. The hash is of \
             these files as the run read them; their version history says since when they have stood.",
            names.join(", ")
        ),
        hash: hasher.finish().to_string(),
    })
}

fn unreadable(path: &Utf8Path) -> impl FnOnce(std::io::Error) -> Failure {
    Failure::refused(format!("read {path}"), "the run has read it: see what has changed the workspace since")
}
