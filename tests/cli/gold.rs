//! The reference answer of every row of a published benchmark, written as the prompt asks a model to write it, is right by the
//! grader that the benchmark's step names.

use std::path::PathBuf;

use assay_data::{Item, Published};
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::world::{World, repository};

/// A benchmark, and rows of it that may lie beside the repository.
struct Benchmark {
    /// The step that reads its rows, and the file with that step.
    step: &'static str,
    stated: &'static str,
    rows: &'static str,
    /// The column of the question, where these rows have it under another name than those of the hub.
    question: Option<&'static str>,
    /// How many items there are.
    count: usize,
    /// Items whose reference answer the grader does not call right; `docs/benchmarks.md` says why.
    wrong: &'static [&'static str],
}

const MATHEMATICS: &str = "recipes/benchmarks/mathematics.toml";
const GENERAL: &str = "recipes/benchmarks/general.toml";
/// The benchmarks that are stated there as examples.
const OTHERS: &str = "docs/benchmarks.md";

const BENCHMARKS: [Benchmark; 8] = [
    Benchmark {
        step: "MATH500",
        stated: MATHEMATICS,
        rows: "math_eval/math500.jsonl",
        question: None,
        count: 500,
        wrong: &["MATH500/206", "MATH500/299", "MATH500/384", "MATH500/420"],
    },
    Benchmark {
        step: "AIME24",
        stated: MATHEMATICS,
        rows: "math_eval/aime24.jsonl",
        question: None,
        count: 30,
        wrong: &[],
    },
    Benchmark {
        step: "AIME25",
        stated: MATHEMATICS,
        rows: "math_eval/aime25.jsonl",
        question: Some("{{ problem }}"),
        count: 30,
        wrong: &[],
    },
    Benchmark {
        step: "AMC23",
        stated: MATHEMATICS,
        rows: "math_eval/amc23.jsonl",
        question: None,
        count: 40,
        wrong: &[],
    },
    Benchmark {
        step: "OlympiadBench",
        stated: MATHEMATICS,
        rows: "math_eval/olympiadbench_oe_to_maths_en.jsonl",
        question: None,
        count: 675,
        wrong: &[],
    },
    Benchmark {
        step: "MMLU-Pro",
        stated: GENERAL,
        rows: "mmlu_pro_sample/mmlu_pro_560.jsonl",
        question: None,
        count: 560,
        wrong: &[],
    },
    Benchmark {
        step: "GSM8K",
        stated: OTHERS,
        rows: "gsm8k/test.jsonl",
        question: None,
        count: 1319,
        wrong: &[],
    },
    Benchmark {
        step: "SVAMP",
        stated: OTHERS,
        rows: "gsm8k/svamp_test.jsonl",
        question: None,
        count: 1000,
        wrong: &[],
    },
];

/// The TOML of a file, or of the blocks of it that are TOML.
fn stated(file: &str) -> toml::Table {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    match file.ends_with(".md") {
        false => toml::from_str(&text).unwrap(),
        true => {
            let (_, others) = text.split_once("\n## Others\n").unwrap();
            toml::from_str(others.split("```").nth(1).unwrap().strip_prefix("toml").unwrap()).unwrap()
        }
    }
}

impl Benchmark {
    /// Its items and its grader; `None` where the rows are not there.
    fn items(&self) -> Option<(Vec<Item>, String)> {
        let rows: PathBuf = repository().join("../shared/data").join(self.rows);
        if !rows.exists() {
            eprintln!("skipped: there is no ../shared/data/{}", self.rows);
            return None;
        }
        let mut params = stated(self.stated)["steps"][self.step]["params"].as_table().unwrap().clone();
        params.insert("format".to_owned(), "json-lines".into());
        if let Some(question) = self.question {
            params.insert("question".to_owned(), question.into());
        }
        let grader = params["grader"].as_str().unwrap().to_owned();
        let published: Published = toml::Value::Table(params).try_into().unwrap();
        let items = published.items(&[Utf8Path::from_path(&rows).unwrap()], self.step.into()).unwrap();
        assert_eq!(items.len(), self.count, "{}", self.step);
        Some((items, grader))
    }
}

/// The answer as a model writes it: without the dollars around a formula, and a whole number without decimals.
fn written(gold: &str) -> String {
    let gold = gold.trim();
    let bare =
        gold.strip_prefix('$').and_then(|rest| rest.strip_suffix('$')).filter(|rest| !rest.contains('$'));
    let answer = bare.unwrap_or(gold);
    answer.strip_suffix(".0").unwrap_or(answer).to_owned()
}

#[test]
fn every_reference_answer_is_right_by_its_grader() {
    let world = World::new();
    let mut unexpected = Vec::new();
    for benchmark in &BENCHMARKS {
        let Some((items, grader)) = benchmark.items() else { continue };
        let pair = |item: &Item| {
            let [gold] = &item.references[..] else { panic!("{item:?}") };
            let generation = format!("So the final response is \\boxed{{{}}}.", written(gold));
            format!("{}\n", json!({ "id": item.id, "gold": gold, "generation": generation }))
        };
        let pairs: String = items.iter().map(pair).collect();
        std::fs::write(world.path("pairs.jsonl"), pairs).unwrap();
        world.run(&["grade", "pairs.jsonl", "--out", "out.jsonl", "--grader", &grader]).either_way();
        let out = world.read("out.jsonl");
        let rows: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), items.len(), "{}", benchmark.step);
        let wrong: Vec<(&Value, &Item)> =
            rows.iter().zip(&items).filter(|(row, _)| row["equal"] != true).collect();
        eprintln!(
            "{}: {} of {} reference answers are right by {grader}",
            benchmark.step,
            items.len() - wrong.len(),
            items.len()
        );
        for (row, item) in &wrong {
            eprintln!("  {} {:?}: {row}", item.id, item.references[0]);
        }
        let found: Vec<&str> = wrong.iter().map(|(_, item)| item.id.as_str()).collect();
        if found != benchmark.wrong {
            unexpected.push(format!("{}: {found:?}, expected {:?}", benchmark.step, benchmark.wrong));
        }
    }
    assert!(unexpected.is_empty(), "other answers than expected are not right: {unexpected:#?}");
}
