//! The judge on published benchmarks and on the committed example.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::world::{World, copy, repository};

/// Benchmark files that may lie beside the repository; tests that need them say that they are skipped.
fn shared(relative: &str) -> Option<PathBuf> {
    let path = repository().join("../shared/data").join(relative);
    if !path.exists() {
        eprintln!("skipped: there is no ../shared/data/{relative}");
        return None;
    }
    Some(path)
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Judges, and gives the rows of verdicts whatever the exit code.
fn judged(world: &World, problems: &str, samples: &str, more: &[&str]) -> Vec<Value> {
    let arguments = [&["judge", problems, samples, "--out", "out.jsonl"], more].concat();
    let ran = world.run(&arguments).either_way();
    assert!(world.path("out.jsonl").exists(), "{}", ran.stderr());
    rows(&world.read("out.jsonl"))
}

fn passes(row: &Value) -> bool {
    row["verdict"] == "pass"
}

/// After a change of the guest or of a judge: judge the example again and commit it, if the change was meant.
#[test]
fn the_committed_example_comes_out_as_it_is() {
    let world = World::new();
    copy(&repository().join("examples"), &world.path("examples"));
    let judge = ["judge", "examples/judge/problems.jsonl", "examples/judge/generations.jsonl"];
    let out = ["--time-limit", "1", "--out", "verdicts.jsonl", "--report", "report.md"];
    world.run(&[&judge[..], &out].concat()).succeeds();
    for file in ["verdicts.jsonl", "report.md"] {
        assert_eq!(world.read(file), world.read(&format!("examples/judge/{file}")), "{file}");
    }
}

#[test]
fn every_canonical_solution_of_humaneval_and_mbpp_passes() {
    for (file, count) in [("code_bench/humaneval.jsonl", 164), ("code_bench/mbpp.jsonl", 974)] {
        let Some(path) = shared(file) else { return };
        let path = path.to_str().unwrap();
        let rows = judged(&World::new(), path, path, &[]);
        let failed: Vec<&Value> = rows.iter().filter(|row| !passes(row)).collect();
        assert_eq!((rows.len(), failed.len()), (count, 0), "{failed:?}");
    }
}

/// 1,450 programs of models with their tests in one text. The text is split where the solution ends.
#[test]
fn recorded_programs_get_the_verdicts_of_their_rerun() {
    let Some(path) = shared("code_bench/humaneval_mbpp_solutions.jsonl") else { return };
    let recorded = rows(&std::fs::read_to_string(path).unwrap());
    let (mut problems, mut samples) = (String::new(), String::new());
    for (id, row) in recorded.iter().enumerate() {
        let [program, solution] = ["program", "solution"].map(|key| row[key].as_str().unwrap());
        let end = program.rfind(solution).unwrap() + solution.len();
        problems.push_str(&format!("{}\n", json!({ "id": id, "checks": [program[end..]] })));
        samples.push_str(&format!("{}\n", json!({ "id": id, "code": program[..end] })));
    }
    let world = World::new();
    std::fs::write(world.path("p.jsonl"), problems).unwrap();
    std::fs::write(world.path("s.jsonl"), samples).unwrap();
    let verdicts = judged(&world, "p.jsonl", "s.jsonl", &[]);
    assert_eq!(verdicts.len(), recorded.len());
    for (verdict, row) in verdicts.iter().zip(&recorded) {
        assert_eq!(passes(verdict), row["rerun_verdict"] == "pass", "{verdict}\n{}", row["program"]);
    }
}

/// The probes show where LiveCodeBench's judge errs: the sound judge does not, and the reference judge does.
#[test]
fn probes_are_judged_as_they_should_be_and_as_the_reference_does() {
    let Some(path) = shared("lcb/judge_probes.jsonl") else { return };
    let probes: BTreeMap<String, Value> = rows(&std::fs::read_to_string(&path).unwrap())
        .into_iter()
        .map(|probe| (probe["id"].as_str().unwrap().to_owned(), probe))
        .collect();
    let path = path.to_str().unwrap();
    // An endless loop shows at a second as well as at six.
    let verdicts = judged(&World::new(), path, path, &["--judges", "assay,lcb", "--time-limit", "1"]);
    assert_eq!(verdicts.len(), 2 * probes.len());
    for row in &verdicts {
        let id = row["problem_id"].as_str().unwrap();
        let probe = &probes[id];
        if row["judge"].as_str().unwrap().starts_with("assay") {
            if let Some(should) = probe["a_sound_judge_should_pass"].as_bool() {
                assert_eq!(passes(row), should, "{row}");
            }
        } else if id != "no-tests" {
            // Without tests the reference passes everything; that flaw is not carried over.
            assert_eq!(passes(row), probe["reference_judge"]["verdict"] == "pass", "{row}");
        }
    }
}

/// A third of the recorded samples, test by test. What differs is known: programs that import numpy, programs
/// that take longer natively than their fuel takes here, and, of the reference judge, output of threads that
/// nobody waited for.
#[test]
fn recorded_samples_of_livecodebench_agree_with_plain_python_and_with_the_reference() {
    let (Some(problems), Some(path)) = (shared("lcb/problems.jsonl"), shared("lcb/samples.jsonl")) else {
        return;
    };
    let chosen: Vec<Value> = rows(&std::fs::read_to_string(path).unwrap())
        .into_iter()
        .step_by(3)
        // Three minutes of endless loops each.
        .filter(|sample| !sample["per_test_plain_python"].as_array().unwrap().contains(&json!("timeout")))
        .collect();
    let world = World::new();
    let text: String = chosen.iter().map(|sample| format!("{sample}\n")).collect();
    std::fs::write(world.path("samples.jsonl"), text).unwrap();
    let judges = ["--judges", "assay,lcb", "--time-limit", "2"];
    let verdicts = judged(&world, problems.to_str().unwrap(), "samples.jsonl", &judges);
    for (judge, truth, least) in
        [("assay", "per_test_plain_python", 0.995), ("lcb", "per_test_reference_judge_head", 0.99)]
    {
        let (mut same, mut all, mut different) = (0, 0, Vec::new());
        let of_judge = verdicts.iter().filter(|row| row["judge"].as_str().unwrap().starts_with(judge));
        for (row, sample) in of_judge.zip(&chosen) {
            for (found, truth) in
                row["tests"].as_array().unwrap().iter().zip(sample[truth].as_array().unwrap())
            {
                let agree = (found == "pass") == (truth == "pass" || *truth == json!(true));
                all += 1;
                same += usize::from(agree);
                if !agree {
                    different.push(format!("{} {truth} {found}", row["sample_id"]));
                }
            }
        }
        assert!(
            all > 5000 && same as f64 >= least * f64::from(all as u32),
            "{judge}: {same} of {all}: {different:#?}"
        );
    }
}
