//! What a user sees at the end of judging.

use std::collections::BTreeMap;

use assay_sandbox::calibrate::Measurement;
use assay_sandbox::rows::Numbered;
use assay_sandbox::{JudgingFacts, Verdict};
use camino::Utf8Path;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde_json::{Value, json};

use super::scores::{Group, KS, Score, scores};
use super::{Judged, Results};
use crate::args::By;
use crate::document;
use crate::failure::Failure;
use crate::stdio::{self, Out};
use crate::visible::{acts, cut};

/// Prints counts and scores, for people or as one JSON object.
pub(super) fn print(results: &Results<'_>, json: bool, disagreements: bool) -> Result<(), Failure> {
    let scores = scores(results)?;
    let differing = differing(results);
    if json {
        let listed =
            differing.iter().map(|(sample, verdicts)| json!({ "sample_id": sample, "verdicts": verdicts }));
        let object = json!({
            "samples": results.samples.len(),
            "reference_solutions": references(results),
            "problems_by_line": results.problems.numbered().total(),
            "limits": results.limits.describe(),
            "image": results.facts.image.to_string(),
            "python": results.facts.python,
            "packages": results.facts.packages.as_ref().map(|facts| json!({
                "image": facts.image.to_string(),
                "python": facts.python,
                "packages": facts.packages,
                "samples": with_packages(results),
            })),
            "judges": scores.iter().map(|score| score.json(results.by)).collect::<Vec<_>>(),
            "disagreements": listed.collect::<Vec<Value>>(),
        });
        return document::print(&object);
    }
    let mut out = stdio::out();
    writeln!(out, "{}\n", on_terminal(&mut verdict_table(&scores)))?;
    writeln!(out, "{}\n", on_terminal(&mut score_table(&scores, results.by, cut)))?;
    for line in scores.iter().filter_map(Score::left_out) {
        writeln!(out, "{line}")?;
    }
    for line in notes(results) {
        writeln!(out, "{line}")?;
    }
    let JudgingFacts { image, python, .. } = &results.facts;
    writeln!(out, "limits {}; image {}, CPython {python}", results.limits.describe(), image.short())?;
    if let Some(packages) = &results.facts.packages {
        let (count, image) = (with_packages(results), packages.image.short());
        writeln!(out, "{count} samples ran in the image {image}, {packages}")?;
    }
    if results.judges.len() > 1 {
        print_disagreements(&mut out, results, &differing, disagreements)?;
    }
    Ok(())
}

/// The same as a page of Markdown, with each sample that did not pass.
pub(super) fn markdown(results: &Results<'_>) -> Result<String, Failure> {
    let scores = scores(results)?;
    let mut failed = table(["sample", "judge", "verdict", "test", "why"].map(str::to_owned).to_vec());
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        for Judged { judge, judgement, .. } in
            judged.iter().filter(|one| one.judgement.verdict != Verdict::Pass)
        {
            let failure = judgement.first_failure();
            let detail = failure.map_or("", |(_, test)| test.detail.as_str());
            failed.add_row([
                in_a_cell(&sample.id),
                judge.name().to_owned(),
                judgement.verdict.name().to_owned(),
                failure.map_or_else(String::new, |(index, _)| (index + 1).to_string()),
                in_a_cell(detail),
            ]);
        }
    }
    let mut page = format!(
        "# Verdicts on {} samples for {} problems\n\nLimits of a test: {}. Image `{}`, CPython {}.\n",
        results.samples.len(),
        results.problems.len(),
        results.limits.describe(),
        results.facts.image,
        results.facts.python,
    );
    if let Some(packages) = &results.facts.packages {
        let (count, image) = (with_packages(results), packages.image);
        page.push_str(&format!("\n{count} samples ran in the image `{image}`, {packages}.\n"));
    }
    for line in notes(results) {
        page.push_str(&format!("\n{line}.\n"));
    }
    let left_out: String =
        scores.iter().filter_map(Score::left_out).map(|line| format!("\n{line}.\n")).collect();
    let tables = [
        ("Scores", score_table(&scores, results.by, plain_in_a_cell), left_out.as_str()),
        ("Verdicts", verdict_table(&scores), ""),
        ("Samples that did not pass", failed, ""),
    ];
    for (title, mut table, below) in tables {
        table.load_style(ASCII_MARKDOWN);
        page.push_str(&format!("\n## {title}\n\n{table}\n{below}"));
    }
    Ok(page)
}

/// Samples that are solutions which the problems' rows have for themselves.
fn references(results: &Results<'_>) -> usize {
    results.samples.iter().filter(|sample| sample.is_reference).count()
}

/// What a reader has to know of the rows: which samples no model made, and which problems have no id.
fn notes(results: &Results<'_>) -> Vec<String> {
    let Numbered { without_id, with_shared_title } = results.problems.numbered();
    let notes = [
        (
            references(results),
            "samples are reference solutions of the problems: their rows hold no generation",
        ),
        (without_id, "problems have no id and go by the number of their line, from 1"),
        (
            with_shared_title,
            "problems share their `name` with others and go by the number of their line, from 1",
        ),
    ];
    let some = notes.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!("{count} {what}")).collect()
}

/// Samples that ran in the image with packages.
fn with_packages(results: &Results<'_>) -> usize {
    results.judged.iter().filter(|judged| judged.iter().any(|one| one.with_packages)).count()
}

/// A program's text cannot be trusted to leave the table alone.
fn in_a_cell(text: &str) -> String {
    let text: String = text.chars().take(80).map(|c| if acts(c) { ' ' } else { c }).collect();
    if text.is_empty() { text } else { format!("`{}`", text.replace('`', "'").replace('|', "\\|")) }
}

/// The same without marks around a word that has no meaning in Markdown.
fn plain_in_a_cell(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == ' ');
    if plain { text.to_owned() } else { in_a_cell(text) }
}

fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.set_header(header);
    table
}

/// The table with two spaces between its columns and a rule under its header; on a terminal no wider than
/// that.
fn on_terminal(table: &mut Table) -> &Table {
    if let Some((width, _)) = terminal_size::terminal_size_of(std::io::stdout()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.0);
    }
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')));
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index < last { 2 } else { 0 }));
    }
    table
}

/// Numbers to the right; the first column holds names.
fn align(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn verdict_table(scores: &[Score]) -> Table {
    let mut table = table(
        ["verdict".to_owned()].into_iter().chain(scores.iter().map(|score| score.judge.to_owned())).collect(),
    );
    let mut verdicts: Vec<Verdict> = scores.iter().flat_map(|score| score.verdicts.keys().copied()).collect();
    verdicts.sort();
    verdicts.dedup();
    for verdict in verdicts {
        let counts =
            scores.iter().map(|score| score.verdicts.get(&verdict).copied().unwrap_or(0).to_string());
        table.add_row([verdict.name().to_owned()].into_iter().chain(counts));
    }
    let borderline = scores.iter().map(|score| score.borderline.to_string());
    table.add_row(["near a limit".to_owned()].into_iter().chain(borderline));
    align(&mut table);
    table
}

/// Scores by difficulty or model; `shown` makes a name from the data safe to show.
fn score_table(scores: &[Score], by: By, shown: impl Fn(&str) -> String) -> Table {
    let groups = || scores.iter().flat_map(|score| score.groups.iter().map(move |group| (score, group)));
    let ks: Vec<u64> = KS
        .into_iter()
        .filter(|k| groups().any(|(_, group)| group.pass.iter().any(|(k2, _)| k2 == k)))
        .collect();
    let mut header =
        vec![by.name().to_owned(), "judge".to_owned(), "problems".to_owned(), "samples".to_owned()];
    header.extend(ks.iter().map(|k| format!("pass@{k}")));
    header.push("avg@k".to_owned());
    let mut table = table(header);
    for (score, group) in groups() {
        let mut row = vec![
            label(group, &shown),
            score.judge.to_owned(),
            group.problems.to_string(),
            group.samples.to_string(),
        ];
        for k in &ks {
            let value = group.pass.iter().find(|(found, _)| found == k);
            row.push(value.map_or_else(String::new, |(_, value)| format!("{:.1}", 100.0 * value)));
        }
        let average = 100.0 * group.average;
        row.push(match group.per_problem {
            (0, _) => "-".to_owned(),
            (least, most) if least == most => format!("{average:.1} (k={least})"),
            (least, most) => format!("{average:.1} (k={least}–{most})"),
        });
        table.add_row(row);
    }
    align(&mut table);
    table
}

/// The total is `all`, without quotes; a difficulty or model of that name has them.
fn label(group: &Group, shown: impl Fn(&str) -> String) -> String {
    match group.name.as_deref() {
        None => "all".to_owned(),
        Some("all") => shown("\"all\""),
        Some(name) => shown(name),
    }
}

/// Samples on which the judges do not agree whether they pass, with each judge's verdict.
fn differing<'a>(results: &'a Results<'_>) -> Vec<(&'a str, Vec<Verdict>)> {
    let verdicts = |judged: &[Judged]| judged.iter().map(|one| one.judgement.verdict).collect::<Vec<_>>();
    let both = results
        .samples
        .iter()
        .zip(&results.judged)
        .map(|(sample, judged)| (sample.id.as_str(), verdicts(judged)));
    both.filter(|(_, verdicts)| {
        let passes = verdicts.iter().filter(|verdict| **verdict == Verdict::Pass).count();
        passes != 0 && passes != verdicts.len()
    })
    .collect()
}

fn print_disagreements(
    out: &mut Out,
    results: &Results<'_>,
    differing: &[(&str, Vec<Verdict>)],
    listed: bool,
) -> Result<(), Failure> {
    let mut kinds: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for (_, verdicts) in differing {
        *kinds.entry(verdicts.iter().map(|verdict| verdict.name()).collect()).or_default() += 1;
    }
    let names = results.judges.iter().map(|judge| judge.name().to_owned());
    let mut table = table(["samples".to_owned()].into_iter().chain(names).collect());
    for (kind, count) in &kinds {
        table.add_row([count.to_string()].into_iter().chain(kind.iter().map(|name| (*name).to_owned())));
    }
    writeln!(out, "\nthe judges disagree on {} of {} samples", differing.len(), results.samples.len())?;
    if !kinds.is_empty() {
        writeln!(out, "{}\n", on_terminal(&mut table))?;
    }
    if listed {
        for (sample, verdicts) in differing {
            let each = results
                .judges
                .iter()
                .zip(verdicts)
                .map(|(judge, verdict)| format!("{}: {}", judge.name(), verdict.name()));
            writeln!(out, "{}  {}", cut(sample), each.collect::<Vec<_>>().join("  "))?;
        }
    } else if !differing.is_empty() {
        writeln!(out, "--disagreements lists them, --explain SAMPLE shows one")?;
    }
    Ok(())
}

/// Prints what a calibration found.
pub(super) fn print_calibration(
    measured: &[Measurement],
    python: &Utf8Path,
    json: bool,
) -> Result<(), Failure> {
    let largest = measured.iter().map(Measurement::fuel_per_second).fold(0.0, f64::max);
    if json {
        let measured = json!({ "python": python, "programs": measured, "fuel_per_second": largest });
        return document::print(&measured);
    }
    let mut out = stdio::out();
    let mut table = table(["program", "fuel", "native s", "fuel per native s"].map(str::to_owned).to_vec());
    for one in measured {
        table.add_row([
            one.program.to_owned(),
            one.fuel.to_string(),
            format!("{:.3}", one.native_seconds),
            format!("{:.2e}", one.fuel_per_second()),
        ]);
    }
    align(&mut table);
    writeln!(out, "{}", on_terminal(&mut table))?;
    writeln!(
        out,
        "largest: {largest:.2e}; 6 s of {python} are {:.2e} units of fuel; the built-in budget is {:.2e} a second",
        6.0 * largest,
        assay_sandbox::Limits::benchmark(1).fuel as f64
    )?;
    Ok(())
}
