//! A second world through the same pipeline: a tiny model of Qwen3's shape with a byte-level tokenizer, both
//! made here, a chat dialect, and items of every kind of check, from files.
//!
//! Templates and models are the repository's own. What is new is one scale, one table and two files of rows.

use assay_lm::{Config, Decoder, Family, Kernels, Model, Placement, Tokenizer};
use assay_store::Store;
use camino::Utf8Path;
use serde_json::{Value, json};

use crate::world::World;

const SPECIALS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// Trained on and asked about: (benchmark, question, thought, answer, check). The question has a number in
/// it, so that the items asked are not those that were learnt.
fn kinds() -> Vec<(&'static str, &'static str, &'static str, &'static str, Value)> {
    let tests = |program: &str, tests: Value| json!({ "kind": "tests", "program": program, "tests": tests });
    let case = |input: &str, output: &str| json!({ "input": input, "output": output, "public": false });
    let double = "```python\ndef twice(x):\n    return 2 * x\n```";
    vec![
        ("number", "Number", "Two and three.", "5", json!({ "kind": "grade", "grader": "rational" })),
        (
            "expression",
            "Half of",
            "One over two.",
            "\\boxed{\\frac{1}{2}}",
            json!({ "kind": "grade", "grader": "math-verify", "form": "response" }),
        ),
        (
            "choice",
            "Choose",
            "The second.",
            "B",
            json!({ "kind": "choice", "labels": ["A", "B", "C", "D"], "forced": true }),
        ),
        (
            "stdin",
            "Echo",
            "Read, then print.",
            "```python\nprint(input())\n```",
            tests("fenced", json!({ "scripts": [case("a b\n", "a b\n"), case("7\n", "7\n")] })),
        ),
        (
            "function",
            "Double",
            "Times two.",
            double,
            tests(
                "fenced",
                json!({ "calls": { "function": "twice", "cases": [case("3", "6"), case("-1", "-2")] } }),
            ),
        ),
    ]
}

fn item(index: usize, number: usize) -> Value {
    let (benchmark, question, _, answer, check) = &kinds()[index];
    let reference = if *benchmark == "expression" { "\\frac{1}{2}" } else { answer };
    json!({
        "id": format!("{benchmark}-{number}"),
        "benchmark": benchmark,
        "question": format!("{question} {number}"),
        "references": [reference],
        "check": check,
    })
}

fn lines(rows: impl Iterator<Item = Value>) -> String {
    rows.map(|row| format!("{row}\n")).collect()
}

/// The alphabet of byte-level tokenizers: printable bytes stand for themselves, others for characters from
/// 256 on (GPT-2's `bytes_to_unicode`).
fn byte_characters() -> Vec<char> {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut others = 0;
    (0..=255)
        .map(|byte| match printable(byte) {
            true => char::from(byte),
            false => {
                others += 1;
                char::from_u32(255 + others).unwrap()
            }
        })
        .collect()
}

/// A byte-level BPE tokenizer with a few merges, some of them across the delimiters of the dialect.
fn tokenizer() -> Tokenizer {
    let mut vocabulary: Vec<String> = byte_characters().into_iter().map(String::from).collect();
    let merges =
        [("t", "h"), ("o", "u"), ("ou", "g"), ("th", "oug"), ("Ġ", "t"), ("<", "|"), ("|", ">"), ("i", "n")];
    vocabulary.extend(merges.iter().map(|(left, right)| format!("{left}{right}")));
    let first = vocabulary.len();
    let ids: serde_json::Map<String, Value> =
        vocabulary.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    let added: Vec<Value> = SPECIALS
        .iter()
        .enumerate()
        .map(|(at, content)| {
            json!({ "id": first + at, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true })
        })
        .collect();
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true });
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": ids, "merges": merges.map(|(left, right)| [left, right]),
        },
    });
    Tokenizer::from_json(file.to_string()).unwrap()
}

/// Writes a model with random weights, and its entry into the lockfile that the pipeline names.
fn make_model(world: &World) {
    let tokenizer = tokenizer();
    let config = Config {
        family: Family::Qwen3,
        vocab_size: tokenizer.vocabulary_size(),
        hidden_size: 64,
        intermediate_size: 128,
        num_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        head_dim: 16,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        rope_scaling: None,
        max_positions: 512,
        tied_head: true,
        qkv_bias: false,
        output_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![tokenizer.id(SPECIALS[0]).unwrap(), tokenizer.id(SPECIALS[2]).unwrap()],
    };
    let decoder = Decoder::init(&config, 5, &Placement::cpu(Kernels::Cpu)).unwrap();
    let folder = world.path("own/model");
    let folder = Utf8Path::from_path(&folder).unwrap();
    Model::new(decoder, tokenizer).unwrap().save(folder).unwrap();
    let scratch = world.path("scratch-store");
    let hash = Store::open(Utf8Path::from_path(&scratch).unwrap()).unwrap().put_path(folder).unwrap();
    let lock = world.read("lockfiles/base.lock");
    let (before, entry) = lock.split_once("[entries.base-m]\n").unwrap();
    let (_, after) = entry.split_once("\n\n").unwrap();
    let own = format!("{before}[entries.base-m]\nblake3 = \"{hash}\"\nsize = 0\n\n{after}");
    std::fs::write(world.path("lockfiles/base.lock"), own).unwrap();
}

fn second_world() -> World {
    let world = World::new();
    std::fs::create_dir(world.path("own")).unwrap();
    make_model(&world);
    let count = kinds().len();
    let items = (0..count).flat_map(|index| [7, 8].map(|number| item(index, number)));
    write(&world, "own/items.jsonl", &lines(items));
    let rows = (0..count).flat_map(|index| {
        let (_, _, thought, answer, _) = &kinds()[index];
        let row = |number| json!({ "item": item(index, number), "thought": thought, "answer": answer, "source": "own" });
        [1, 2, 3].map(row)
    });
    write(&world, "own/demonstrations.jsonl", &lines(rows));
    write(&world, "recipes/scale/own.toml", SCALE);
    write(&world, "recipes/own.toml", TABLE);
    write(&world, "recipes/pipeline/models.toml", MODELS);
    std::fs::remove_file(world.path("recipes/pipeline/bases.toml")).unwrap();
    // Of the repository's templates those that these models use: others need values that this scale does not have.
    let files = ["evaluation", "baselines", "policy", "traces", "ours", "beyond"];
    let files = files.map(|name| format!("recipes/pipeline/{name}.toml"));
    let templates: String = files.iter().map(|file| world.read(file)).collect();
    files.iter().for_each(|file| std::fs::remove_file(world.path(file)).unwrap());
    let used = |template: &&str| TEMPLATES.iter().any(|name| template.starts_with(&format!("{name}]")));
    let kept: Vec<String> = templates
        .split("[templates.")
        .filter(used)
        .map(|template| format!("[templates.{template}"))
        .collect();
    assert_eq!(kept.len(), TEMPLATES.len());
    write(&world, "recipes/pipeline/templates.toml", &kept.concat());
    world
}

fn write(world: &World, path: &str, text: &str) {
    std::fs::write(world.path(path), text).unwrap();
}

const TABLE: &str = r#"
title = "A second world"
kind = "table"
columns = [
    { id = "Number", benchmark = "number" },
    { id = "Expression", benchmark = "expression" },
    { id = "Choice", benchmark = "choice" },
    { id = "Echo", benchmark = "stdin" },
    { id = "Double", benchmark = "function" },
]
rows = [
    { id = "raw", label = "Random weights", model = "base-m" },
    { id = "sft", label = "Fine-tuned", model = "sft-1k-restated" },
    { id = "acc", label = "Accuracy", model = "ours-1k-acc-restated" },
    { id = "l", label = "Likelihood", model = "ours-1k-l-restated" },
]
claims = [{ id = "W1", text = "Training helps", expression = "sft.Number > raw.Number" }]
"#;

const TEMPLATES: [&str; 7] =
    ["evaluated", "evaluated-once", "trained", "released", "tuned", "posterior-chain", "weighted"];

/// Models of the repository's templates.
const MODELS: &str = r#"
[models]
base-m = { template = "released", path = "$bases.m", lock = "base.lock", entry = "base-m" }
sft-1k-restated = { template = "tuned", base = "base-m", teacher = "restated", questions = "$subset.questions", training = "$final-1k" }
chain-1k-restated = { template = "posterior-chain", base = "base-m", teacher = "restated", hint = "B", questions = "$subset.questions", skip = 0, learned = "$teacher.questions", traces = "$traces.per_question" }

[models."ours-1k-{estimator}-restated"]
template = "weighted"
base = "base-m"
chain = "chain-1k-restated"
teacher = "restated"
training = "$final-1k"
zip = { estimator = ["acc", "l"], answer = ["verified", "reference"] }
"#;

const SCALE: &str = r#"
title = "own"
seeds = [1]
questions = { source = { file = "own/items.jsonl" } }
teachers = { restated = { file = "own/demonstrations.jsonl" } }
teacher = { questions = 15 }
subset = { questions = 15 }
traces = { per_question = 2, answers = 2 }
evaluation = { samples = 2, once = { samples = 4, seed = 1 } }
bases = { m = "own/model" }
form = { base = "$dialect", tuned = "$dialect" }
placement = { device = "cpu", float = "f32", kernels = "cpu-kernels" }
engine = { kind = "candle", placement = "$placement" }
reasoner = "$fit"
posterior = "$fit"
final-1k = "$fit"

[fit]
learning_rate = 3e-3
betas = [0.9, 0.95]
epsilon = 1e-8
weight_decay = 0.0
clip = 1.0
warmup = 0.1
batch = 5
epochs = 60
loss = "dr-sft"

[sampling]
thought = { temperature = 0.0, top_p = 1.0, max_new_tokens = 60 }
answer = { temperature = 0.0, top_p = 1.0, max_new_tokens = 90 }
reply = { temperature = 0.0, top_p = 1.0, max_new_tokens = 160 }

[dialect]
kind = "chat"
template = """
{%- for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
requires = ["<|im_start|>", "<|im_end|>"]
questions = { expression = "In a box: {question}" }
solution = { begin = "<|begin_of_solution|>", end = "<|end_of_solution|>" }

[dialect.reasoner]
system = "Think, then answer."
open = "<|begin_of_thought|>\n"
close = "<|end_of_thought|>\n"

[dialect.posterior.A]
system = "Explain."
open = "<|begin_of_solution|>{hint}<|end_of_solution|>\n<|begin_of_explanation|>\n"
close = "<|end_of_explanation|>\n"

[dialect.posterior.B]
system = "Think backwards."
open = "<|begin_of_solution|>{hint}<|end_of_solution|>\n<|begin_of_thought|>\n"
close = "<|end_of_thought|>\n"
"#;

#[test]
fn a_second_world_goes_through_the_same_pipeline() {
    let world = second_world();
    let run = ["run", "own", "--scale", "own", "--out", "out"];
    world.run(&run).succeeds();
    let report: Value = serde_json::from_str(&world.read("out/own.json")).unwrap();
    let cell = |row: usize, column: &str| {
        report["rows"][row]["cells"][column]["measured"]["value"].as_f64().unwrap()
    };
    for column in ["Number", "Expression", "Echo", "Double"] {
        assert_eq!(cell(0, column), 0.0, "random weights write no answer to {column}");
        assert_eq!(cell(1, column), 100.0, "what was learnt by heart passes {column}");
    }
    assert_eq!(cell(1, "Choice"), 100.0);
    // Nothing of this repository's paper is in a report that did not ask for it.
    for absent in ["averages", "Mathematics", "Embedded scale", "multiple choice"] {
        assert!(!world.read("out/own.md").contains(absent), "{absent}");
    }
    // The second run has nothing to do.
    assert_eq!(world.executed(&["own", "--scale", "own", "--out", "out"]), Vec::<String>::new());
}

/// The reference kernels are a second engine: what is sampled greedily is the same, and no result of one engine
/// is taken for the other's.
#[test]
fn another_engine_gives_the_same_cells_from_results_of_its_own() {
    let world = second_world();
    let run = ["run", "own", "--scale", "own", "--out"];
    world.run(&[&run[..], &["out"]].concat()).succeeds();
    let remembered = |world: &World| {
        let stats = world.run(&["store", "stats", "--json"]).succeeds().stdout();
        serde_json::from_str::<Value>(&stats).unwrap()["memo_values"].as_u64().unwrap()
    };
    let before = remembered(&world);
    // What trains stays, what generates and scores is the other engine.
    world.edit(
        "recipes/scale/own.toml",
        "engine = { kind = \"candle\", placement = \"$placement\" }",
        "engine = { kind = \"candle\", placement = { device = \"cpu\", float = \"f32\", kernels = \"reference\" } }",
    );
    let executed = world.executed(&["own", "--scale", "own", "--out", "again"]);
    assert!(executed.contains(&"base-m.generations".to_owned()), "{executed:?}");
    assert!(!executed.contains(&"chain-1k-restated.reasoner[seed=1]".to_owned()), "{executed:?}");
    assert!(remembered(&world) > before, "the second engine's results are its own");
    let cells = |folder: &str| {
        let report: Value = serde_json::from_str(&world.read(&format!("{folder}/own.json"))).unwrap();
        let rows = report["rows"].as_array().unwrap().clone();
        rows.into_iter()
            .map(|row| row["cells"]["Number"]["measured"]["value"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(cells("out"), cells("again"));
}

/// Each benchmark has its own k, and the posterior its hint where the recipe says.
#[test]
fn samples_and_hints_are_the_recipes_business() {
    let world = second_world();
    world.edit(
        "recipes/pipeline/templates.toml",
        "samples = \"$evaluation.samples\", source",
        "samples = \"$evaluation.samples\", samples_of = { number = 5 }, source",
    );
    world.edit("recipes/pipeline/models.toml", "hint = \"B\"", "hint = \"A\"");
    world.run(&["run", "own", "--scale", "own", "--out", "out"]).succeeds();
    let report: Value = serde_json::from_str(&world.read("out/own.json")).unwrap();
    let columns = report["columns"].as_array().unwrap();
    let samples = |id: &str| columns.iter().find(|column| column["id"] == id).unwrap()["samples"].clone();
    assert_eq!((samples("Number"), samples("Echo")), (json!(5), json!(2)));
    assert_eq!(report["rows"][1]["cells"]["Number"]["measured"]["n"], json!(10));
}

/// Bad input of a second world: found before anything runs, or by the step that meets it, with its remedy.
#[test]
fn mistakes_in_a_second_world_are_named() {
    let plan = ["plan", "own", "--scale", "own"];
    let scale = "recipes/scale/own.toml";
    for (from, to, parts) in [
        ("{%- if add", "{{ raise_exception('no tools here') }}{%- if add", &["no tools here"][..]),
        ("begin = \"<|begin_of_solution|>\"", "begin = \"\"", &["solution.begin", "empty"]),
        ("kind = \"chat\"", "kind = \"chart\"", &["chart", "chat"]),
        ("{hint}<|end_of_solution|>\\n<|begin_of_thought|>", "<|begin_of_thought|>", &["hint"]),
        ("own/items.jsonl", "own/missing.jsonl", &["own/missing.jsonl"]),
        (
            "questions = { expression =",
            "questions = { expresion =",
            &["no item is of a benchmark `expresion`", "did you mean `expression`?"],
        ),
    ] {
        let world = second_world();
        world.edit(scale, from, to);
        world.run(&plan).fails_with(2).says(&[scale]).says(parts);
    }

    let world = second_world();
    world.edit("own/items.jsonl", "\"kind\":\"grade\"", "\"kind\":\"guess\"");
    world.run(&plan).fails_with(2).says(&["own/items.jsonl:1", "guess"]);

    let world = second_world();
    let template = "recipes/pipeline/templates.toml";
    let samples = "samples = \"$evaluation.samples\", source";
    world.edit(template, samples, &samples.replace("source", "samples_of = { nubmer = 5 }, source"));
    let parts = [&format!("{template}:")[..], "no item is of a benchmark `nubmer`", "did you mean `number`?"];
    world.run(&plan).fails_with(2).says(&parts);

    let world = second_world();
    world.edit(scale, "requires = [\"<|im_start|>\"", "requires = [\"<|tool|>\"");
    world.run(&["run", "own", "--scale", "own"]).fails_with(1).says(&["<|tool|>", "tokenizer"]);

    let world = second_world();
    world.edit("recipes/pipeline/templates.toml", "rows = \"@.rows\"", "rows = \"questions\"");
    world.run(&plan).fails_with(2).says(&["recipes/pipeline/templates.toml:", "items", "rows"]);
}
