//! Files of verdicts.

use assay_report::replace;
use assay_sandbox::rows::Source;
use assay_sandbox::{Judge, Judgement, Verdict};
use camino::Utf8Path;
use serde_json::{Value, json};

use super::Results;
use crate::failure::Failure;

/// Writes one line per sample and judge, in the order of the samples.
pub(super) fn write_rows(results: &Results<'_>, path: &Utf8Path) -> Result<(), Failure> {
    let mut text = Vec::new();
    for (sample, judged) in results.samples.iter().zip(&results.judged) {
        for one in judged {
            let tests = &one.judgement.tests;
            let row = json!({
                "sample_id": sample.id,
                "problem_id": sample.problem,
                "judge": one.judge.version(),
                "verdict": one.judgement.verdict,
                "borderline": tests.iter().any(|test| results.limits.is_borderline(test)),
                "tests": tests.iter().map(|test| test.verdict).collect::<Vec<_>>(),
                "fuel": tests.iter().map(|test| test.fuel).collect::<Vec<_>>(),
                "peak_memory": tests.iter().map(|test| test.peak_memory).collect::<Vec<_>>(),
                "detail": first_failure(&one.judgement),
                "limits": results.limits.describe(),
                "image": results.image.to_string(),
            });
            serde_json::to_writer(&mut text, &row).map_err(std::io::Error::from)?;
            text.push(b'\n');
        }
    }
    replace(path, &text)?;
    Ok(())
}

fn first_failure(judgement: &Judgement) -> &str {
    let failed = judgement.tests.iter().find(|test| test.verdict != Verdict::Pass);
    failed.map_or("", |test| test.detail.as_str())
}

/// Writes what LiveCodeBench's own evaluation writes: a list of problems, each with its samples' programs and
/// grades.
pub(super) fn write_eval_all(results: &Results<'_>, path: &Utf8Path) -> Result<(), Failure> {
    let Some(&judge) = results.judges.first() else { return Ok(()) };
    let mut problems = Vec::new();
    for id in results.problems.ids() {
        let of_problem =
            results.samples.iter().zip(&results.judged).filter(|(sample, _)| sample.problem == id);
        let (mut codes, mut outputs, mut graded, mut metadata) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (sample, judged) in of_problem {
            let Some(problem) = results.problems.get(id) else { continue };
            codes.push(sample.source.program(problem, judge.extraction()).unwrap_or_default());
            outputs.push(match &sample.source {
                Source::Generation(text) | Source::Program(text) | Source::Completion(text) => text.clone(),
            });
            let judgement = &judged[0].judgement;
            graded.push(judgement.verdict == Verdict::Pass);
            metadata.push(outcome_metadata(judge, judgement).to_string());
        }
        if graded.is_empty() {
            continue;
        }
        let right = graded.iter().filter(|passed| **passed).count();
        problems.push(json!({
            "question_id": id,
            "difficulty": results.problems.get(id).and_then(|problem| problem.difficulty.clone()),
            "output_list": outputs,
            "code_list": codes,
            "graded_list": graded,
            "pass@1": right as f64 / graded.len() as f64,
            "metadata": metadata,
        }));
    }
    let text = serde_json::to_vec_pretty(&problems).map_err(std::io::Error::from)?;
    replace(path, &text)?;
    Ok(())
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
        "error": first_failure(judgement),
    })
}
