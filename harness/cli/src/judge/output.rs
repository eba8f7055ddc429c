//! Files of verdicts.

use std::collections::BTreeMap;

use assay_sandbox::rows::{Sample, Source};
use assay_sandbox::{Judge, Judgement, Limits, Verdict};
use assay_store::Hash;
use camino::Utf8Path;
use serde_json::{Value, json};

use super::{Judged, Results};
use crate::failure::Failure;
use crate::outputs;

/// Writes one line per sample and judge, in the order of the samples.
pub(super) fn write_rows(results: &Results<'_>, path: &Utf8Path) -> Result<(), Failure> {
    let mut text = String::new();
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        for one in judged {
            text.push_str(&row(sample, one, results.limits, results.image).to_string());
            text.push('\n');
        }
    }
    outputs::write(path, text.as_bytes())
}

/// What is written about one sample judged by one judge.
pub(super) fn row(sample: &Sample, judged: &Judged, limits: &Limits, image: Hash) -> Value {
    let Judged { judge, judgement } = judged;
    let tests = &judgement.tests;
    json!({
        "sample_id": sample.id,
        "problem_id": sample.problem,
        "judge": judge.version(),
        "verdict": judgement.verdict,
        "borderline": limits.is_any_borderline(*judge, tests),
        "tests": tests.iter().map(|test| test.verdict).collect::<Vec<_>>(),
        "fuel": tests.iter().map(|test| test.fuel).collect::<Vec<_>>(),
        "peak_memory": tests.iter().map(|test| test.peak_memory).collect::<Vec<_>>(),
        "detail": detail(judgement),
        "limits": limits.describe(),
        "image": image.to_string(),
    })
}

fn detail(judgement: &Judgement) -> &str {
    judgement.first_failure().map_or("", |(_, test)| test.detail.as_str())
}

/// Writes what LiveCodeBench's own evaluation writes: a list of problems, each with its samples' programs and
/// grades. Its form knows right and wrong only, so samples that could not be judged are left out; gives their
/// number.
pub(super) fn write_eval_all(results: &Results<'_>, path: &Utf8Path) -> Result<usize, Failure> {
    let Some(&judge) = results.judges.first() else { return Ok(0) };
    let mut by_problem: BTreeMap<&str, Vec<(&Sample, &Judgement)>> = BTreeMap::new();
    let mut left_out = 0;
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        match judged.first() {
            Some(one) if one.judgement.verdict != Verdict::JudgeFailure => {
                by_problem.entry(&sample.problem).or_default().push((sample, &one.judgement));
            }
            _ => left_out += 1,
        }
    }
    let mut problems = Vec::new();
    for (id, samples) in by_problem {
        let Some(problem) = results.problems.get(id) else { continue };
        let program =
            |sample: &Sample| sample.source.program(problem, judge.extraction()).unwrap_or_default();
        let output = |sample: &Sample| match &sample.source {
            Source::Generation(text) | Source::Program(text) | Source::Completion(text) => text.clone(),
        };
        let graded: Vec<bool> =
            samples.iter().map(|(_, judgement)| judgement.verdict == Verdict::Pass).collect();
        let right = graded.iter().filter(|passed| **passed).count();
        let metadata = samples.iter().map(|(_, judgement)| outcome_metadata(judge, judgement).to_string());
        let mut row = json!({
            "question_id": id,
            "difficulty": problem.difficulty,
            "output_list": samples.iter().map(|(sample, _)| output(sample)).collect::<Vec<_>>(),
            "code_list": samples.iter().map(|(sample, _)| program(sample)).collect::<Vec<_>>(),
            "graded_list": graded,
            "pass@1": right as f64 / samples.len() as f64,
            "metadata": metadata.collect::<Vec<_>>(),
        });
        for (name, text) in &problem.columns {
            row[*name] = json!(text);
        }
        problems.push(row);
    }
    outputs::write(path, format!("{:#}", Value::Array(problems)).as_bytes())?;
    Ok(left_out)
}

/// The codes of LiveCodeBench for a sample that failed.
fn outcome_metadata(judge: Judge, judgement: &Judgement) -> Value {
    let (code, message) = match judgement.verdict {
        Verdict::Pass => return json!({ "judge": judge.version() }),
        Verdict::WrongAnswer => (-2, "Wrong Answer"),
        Verdict::TimeLimit => (-3, "Time Limit Exceeded"),
        Verdict::JudgeFailure => (-5, "TestRunnerError"),
        _ => (-4, "Runtime Error"),
    };
    json!({
        "judge": judge.version(),
        "error_code": code,
        "error_message": message,
        "verdict": judgement.verdict,
        "error": detail(judgement),
    })
}
