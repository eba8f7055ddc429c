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

/// Before anything runs, with what is wrong and a remedy.
#[test]
fn a_gpu_that_is_not_there_is_refused() {
    if assay_lm::Cuda::look().is_some() {
        eprintln!("skipped: this build has CUDA, which looks for a GPU only when a step computes");
        return;
    }
    let world = World::new();
    let set = ["--set", "placement.device=\"cuda:0\"", "--set", "placement.kernels=\"reference\""];
    let ended = world.run(&[&["plan", "table-05", "--scale", "tiny"], &set[..]].concat()).fails_with(2);
    ended.says(&["this build has no support for CUDA", "placement"]);
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
