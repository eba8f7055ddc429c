//! `assay doctor`, and recipes whose models compute elsewhere than by default: in `bf16`, or on a GPU that is not there.

use serde_json::Value;

use crate::world::{World, steps};

#[test]
fn the_machine_is_described() {
    let world = World::new();
    let program = format!("program   assay {}, built with", env!("CARGO_PKG_VERSION"));
    world.run(&["doctor"]).succeeds().prints(&[&program, assay_lm::instruction_set()]);
    let document: Value =
        serde_json::from_str(&world.run(&["doctor", "--json"]).succeeds().stdout()).unwrap();
    assert_eq!(document["format"], 1);
    assert!(document["cores"].as_u64().is_some_and(|cores| cores >= 1), "{document}");
    assert_eq!(document["cuda"].is_null(), assay_lm::Cuda::look().is_none(), "{document}");
    assert!(document["missing"].is_array(), "{document}");
}

/// Before anything runs, with what is wrong and a remedy. A plan can be made.
#[test]
fn a_gpu_that_is_not_there_is_refused() {
    let world = World::new();
    let set = ["--set", "placement.device=\"cuda:99\"", "--set", "placement.kernels=\"reference\""];
    let arguments = [&["table-05", "--scale", "tiny"], &set[..]].concat();
    world.run(&[&["plan"], &arguments[..]].concat()).succeeds();
    let ended = world.run(&[&["run"], &arguments[..]].concat()).fails_with(2);
    ended.says(&["computes on cuda:99, which is not here", "assay doctor", "placement.device"]);
    let mixed = ["--set", "placement.device=\"cuda:99\"", "--set", "placement.kernels=\"cpu-kernels\""];
    let ended = world.run(&[&["plan", "table-05", "--scale", "tiny"], &mixed[..]].concat()).fails_with(2);
    ended.says(&["the CPU kernels do not run on a CUDA device", "placement"]);
}

/// What a pipeline on a GPU would take, before there is one.
#[test]
fn a_plan_for_a_gpu_says_tokens_memory_and_hours() {
    let world = World::new();
    let plan = ["plan", "gsm8k", "--scale", "gpu"];
    let printed = world.run(&plan).succeeds().stdout();
    let line = |word: &str| printed.lines().find(|line| line.starts_with(word)).unwrap_or_default();
    // Three seeds: one base asked once and three models each; K = 8, M = 8 of 2,048 questions.
    let generates = "13,190 replies of 10 models, 49,152 thoughts and 393,216 answers";
    assert!(line("generates").contains(generates) && line("generates").contains("GPU hours"), "{printed}");
    // Three epochs of 2,048 × (3 + 2 + 8) rows, under three seeds.
    assert!(line("trains").contains("239,616 rows in 15 runs"), "{printed}");
    assert!(line("takes").contains("GiB: weights 0.3, optimiser 2.0"), "{printed}");
    let arguments = [&plan[..], &["--json"]].concat();
    let document: Value = serde_json::from_str(&world.run(&arguments).succeeds().stdout()).unwrap();
    let trains = &document["work"]["trains"];
    assert_eq!((&trains["runs"], &trains["rows"]), (&15.into(), &239_616.into()), "{trains}");
    assert!(trains["memory_bytes"].as_u64() > Some(3 << 30), "{trains}");
}

/// Results of one way to compute are not taken for those of another.
#[test]
fn a_recipe_is_trained_and_sampled_in_bf16() {
    let world = World::finished();
    let set = ["--set", "placement.float=\"bf16\"", "--set", "placement.kernels=\"reference\""];
    let arguments = [&["table-05", "--scale", "tiny"], &set[..]].concat();
    let executed = world.executed(&arguments);
    let every = world.events(&["table-05", "--scale", "tiny", "--store", "other"]);
    let float_work = |step: &&String| step.contains(".final[") || step.contains(".posterior[");
    let expected: Vec<_> =
        steps(&every, "step-finished").into_iter().filter(|step| float_work(&step)).collect();
    assert!(!expected.is_empty() && expected.iter().all(|step| executed.contains(step)), "{executed:?}");
    assert_eq!(world.executed(&arguments), Vec::<String>::new(), "a second run");
}
