//! What a user sees at the end of judging.

use std::collections::BTreeMap;

use assay_sandbox::Verdict;
use assay_sandbox::calibrate::Measurement;
use assay_study::inference::pass_at_k::pass_at_k;
use camino::Utf8Path;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde_json::{Value, json};

use super::explain::{cut, word};
use super::{Judged, Results};
use crate::failure::Failure;

/// Values of k that are reported, as far as every problem has so many samples.
const KS: [u64; 5] = [1, 5, 10, 50, 100];

/// Prints counts and scores, for people or as one JSON object.
pub(super) fn print(results: &Results<'_>, json: bool, disagreements: bool) -> Result<(), Failure> {
    let scores = scores(results)?;
    let differing = differing(results);
    if json {
        let listed =
            differing.iter().map(|(sample, verdicts)| json!({ "sample_id": sample, "verdicts": verdicts }));
        let object = json!({
            "samples": results.samples.len(),
            "limits": results.limits.describe(),
            "image": results.image.to_string(),
            "judges": scores.iter().map(Score::json).collect::<Vec<_>>(),
            "disagreements": listed.collect::<Vec<Value>>(),
        });
        anstream::println!("{object}");
        return Ok(());
    }
    for mut table in [verdict_table(&scores), score_table(&scores)] {
        anstream::println!("{}", on_terminal(&mut table));
    }
    anstream::println!("limits {}; image {}", results.limits.describe(), results.image.short());
    if results.judges.len() > 1 {
        print_disagreements(results, &differing, disagreements);
    }
    Ok(())
}

/// One judge's counts and scores.
struct Score {
    judge: &'static str,
    verdicts: BTreeMap<Verdict, usize>,
    borderline: usize,
    /// By difficulty, all problems together under `all`.
    groups: Vec<Group>,
}

struct Group {
    name: String,
    problems: usize,
    samples: usize,
    /// k and the unbiased pass@k, the mean over problems.
    pass: Vec<(u64, f64)>,
    /// The least number of samples per problem, and the mean share of right ones.
    average: (u64, f64),
}

fn score(results: &Results<'_>, judge: usize) -> Result<Score, Failure> {
    let mut verdicts = BTreeMap::new();
    let mut borderline = 0;
    // Samples and right ones by problem. What the judge failed on is neither.
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        let Judged { judgement, .. } = &judged[judge];
        *verdicts.entry(judgement.verdict).or_default() += 1;
        borderline += usize::from(judgement.tests.iter().any(|test| results.limits.is_borderline(test)));
        if judgement.verdict != Verdict::JudgeFailure {
            let (samples, right) = counts.entry(&sample.problem).or_default();
            *samples += 1;
            *right += u64::from(judgement.verdict == Verdict::Pass);
        }
    }
    let difficulty = |id: &str| results.problems.get(id).and_then(|problem| problem.difficulty.clone());
    let mut names: Vec<String> = Vec::new();
    for known in ["easy", "medium", "hard"] {
        names.extend(
            counts.keys().any(|id| difficulty(id).as_deref() == Some(known)).then(|| known.to_owned()),
        );
    }
    let mut others: Vec<String> = counts.keys().filter_map(|id| difficulty(id)).collect();
    others.retain(|name| !names.contains(name));
    others.sort();
    others.dedup();
    names.extend(others);
    let mut groups = Vec::new();
    for name in names {
        let of_group = counts.iter().filter(|(id, _)| difficulty(id).as_ref() == Some(&name));
        groups.push(group(name.clone(), of_group.map(|(_, counts)| *counts).collect())?);
    }
    groups.push(group("all".to_owned(), counts.values().copied().collect())?);
    Ok(Score { judge: results.judges[judge].version(), verdicts, borderline, groups })
}

fn group(name: String, counts: Vec<(u64, u64)>) -> Result<Group, Failure> {
    let least = counts.iter().map(|(samples, _)| *samples).min().unwrap_or(0);
    let problems = counts.len();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut pass = Vec::new();
    for k in KS.into_iter().filter(|k| *k <= least) {
        let each = counts.iter().map(|(samples, right)| pass_at_k(*samples, *right, k));
        let each =
            each.collect::<Result<Vec<f64>, _>>().map_err(|error| Failure::Internal(error.to_string()))?;
        pass.push((k, mean(each)));
    }
    let average = mean(counts.iter().map(|(samples, right)| *right as f64 / *samples as f64).collect());
    let samples = counts.iter().map(|(samples, _)| *samples).sum::<u64>() as usize;
    Ok(Group { name, problems, samples, pass, average: (least, average) })
}

impl Score {
    fn json(&self) -> Value {
        let verdicts: BTreeMap<String, usize> =
            self.verdicts.iter().map(|(verdict, count)| (word(*verdict), *count)).collect();
        let groups = self.groups.iter().map(|group| {
            let mut object =
                json!({ "difficulty": group.name, "problems": group.problems, "samples": group.samples });
            for (k, value) in &group.pass {
                object[format!("pass@{k}")] = json!(value);
            }
            if group.average.0 > 0 {
                object[format!("avg@{}", group.average.0)] = json!(group.average.1);
            }
            object
        });
        json!({
            "judge": self.judge,
            "verdicts": verdicts,
            "borderline": self.borderline,
            "scores": groups.collect::<Vec<_>>(),
        })
    }
}

/// The same as a page of Markdown, with each sample that did not pass.
pub(super) fn markdown(results: &Results<'_>) -> Result<String, Failure> {
    let scores = scores(results)?;
    let mut failed = table(["sample", "judge", "verdict", "test", "why"].map(str::to_owned).to_vec());
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        for Judged { judge, judgement } in judged.iter().filter(|one| one.judgement.verdict != Verdict::Pass)
        {
            let at = judgement.tests.iter().position(|test| test.verdict == judgement.verdict);
            let detail = at.map_or("", |at| judgement.tests[at].detail.as_str());
            failed.add_row([
                in_a_cell(&sample.id),
                judge.name().to_owned(),
                word(judgement.verdict),
                at.map_or_else(String::new, |at| (at + 1).to_string()),
                in_a_cell(detail),
            ]);
        }
    }
    let mut page = format!(
        "# Verdicts on {} samples for {} problems\n\nLimits of a test: {}. Image `{}`.\n",
        results.samples.len(),
        results.problems.len(),
        results.limits.describe(),
        results.image,
    );
    let tables = [
        ("Scores", score_table(&scores)),
        ("Verdicts", verdict_table(&scores)),
        ("Samples that did not pass", failed),
    ];
    for (title, mut table) in tables {
        table.load_style(ASCII_MARKDOWN);
        page.push_str(&format!("\n## {title}\n\n{table}\n"));
    }
    Ok(page)
}

/// A program's text cannot be trusted to leave the table alone.
fn in_a_cell(text: &str) -> String {
    let text: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.is_empty() { text } else { format!("`{}`", text.replace('`', "'").replace('|', "\\|")) }
}

fn scores(results: &Results<'_>) -> Result<Vec<Score>, Failure> {
    (0..results.judges.len()).map(|judge| score(results, judge)).collect()
}

fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.set_header(header);
    table
}

/// The table with two spaces between its columns and a rule under its header.
fn on_terminal(table: &mut Table) -> &Table {
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
        table.add_row([word(verdict)].into_iter().chain(counts));
    }
    let borderline = scores.iter().map(|score| score.borderline.to_string());
    table.add_row(["near a limit".to_owned()].into_iter().chain(borderline));
    align(&mut table);
    table
}

fn score_table(scores: &[Score]) -> Table {
    let groups = || scores.iter().flat_map(|score| score.groups.iter().map(move |group| (score, group)));
    let ks: Vec<u64> = KS
        .into_iter()
        .filter(|k| groups().any(|(_, group)| group.pass.iter().any(|(k2, _)| k2 == k)))
        .collect();
    let mut header =
        vec!["difficulty".to_owned(), "judge".to_owned(), "problems".to_owned(), "samples".to_owned()];
    header.extend(ks.iter().map(|k| format!("pass@{k}")));
    header.push("avg@k".to_owned());
    let mut table = table(header);
    for (score, group) in groups() {
        let mut row = vec![
            cut(&group.name),
            score.judge.to_owned(),
            group.problems.to_string(),
            group.samples.to_string(),
        ];
        for k in &ks {
            let value = group.pass.iter().find(|(found, _)| found == k);
            row.push(value.map_or_else(String::new, |(_, value)| format!("{:.1}", 100.0 * value)));
        }
        row.push(match group.average {
            (0, _) => "-".to_owned(),
            (k, average) => format!("{:.1} (k={k})", 100.0 * average),
        });
        table.add_row(row);
    }
    align(&mut table);
    table
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

fn print_disagreements(results: &Results<'_>, differing: &[(&str, Vec<Verdict>)], listed: bool) {
    let mut kinds: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (_, verdicts) in differing {
        *kinds.entry(verdicts.iter().map(|verdict| word(*verdict)).collect()).or_default() += 1;
    }
    let names = results.judges.iter().map(|judge| judge.name().to_owned());
    let mut table = table(["samples".to_owned()].into_iter().chain(names).collect());
    for (kind, count) in &kinds {
        table.add_row([count.to_string()].into_iter().chain(kind.iter().cloned()));
    }
    anstream::println!("the judges disagree on {} of {} samples", differing.len(), results.samples.len());
    if !kinds.is_empty() {
        anstream::println!("{}", on_terminal(&mut table));
    }
    if listed {
        for (sample, verdicts) in differing {
            let each = results
                .judges
                .iter()
                .zip(verdicts)
                .map(|(judge, verdict)| format!("{}: {}", judge.name(), word(*verdict)));
            anstream::println!("{}  {}", cut(sample), each.collect::<Vec<_>>().join("  "));
        }
    } else if !differing.is_empty() {
        anstream::println!("--disagreements lists them, --explain SAMPLE shows one");
    }
}

/// Prints what a calibration found.
pub(super) fn print_calibration(
    measured: &[Measurement],
    python: &Utf8Path,
    json: bool,
) -> Result<(), Failure> {
    let largest = measured.iter().map(Measurement::fuel_per_second).fold(0.0, f64::max);
    if json {
        anstream::println!(
            "{}",
            json!({ "python": python, "programs": measured, "fuel-per-second": largest })
        );
        return Ok(());
    }
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
    anstream::println!("{}", on_terminal(&mut table));
    anstream::println!(
        "largest: {largest:.2e}; 6 s of {python} are {:.2e} units of fuel; the built-in budget is {:.2e} a second",
        6.0 * largest,
        assay_sandbox::Limits::benchmark(1).fuel as f64
    );
    Ok(())
}
