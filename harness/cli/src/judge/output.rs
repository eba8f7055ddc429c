//! Files of verdicts.

use std::collections::BTreeMap;

use assay_sandbox::rows::{Sample, Source};
use assay_sandbox::{Judge, Judgement, Verdict, VerdictRow};
use camino::Utf8Path;
use serde_json::{Value, json};

use super::Results;
use crate::document;
use crate::failure::Failure;
use crate::outputs;

/// Writes one line per sample and judge, in the order of the samples.
pub(super) fn write_rows(results: &Results<'_>, path: &Utf8Path) -> Result<(), Failure> {
    let mut text = String::new();
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        for one in judged {
            text.push_str(&document::line(&VerdictRow::new(sample, one, results.limits, &results.facts))?);
            text.push('\n');
        }
    }
    outputs::write(path, text.as_bytes())
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
            // Such a sample is not judged, and so left out.
            Source::Unreadable(_) => String::new(),
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
