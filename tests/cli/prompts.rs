//! What models are asked at the scales of released models: the first question of each benchmark, as it is sent.

use std::collections::BTreeMap;

use assay_data::{Dialect, Item};

use crate::world::World;

/// A prompt of each benchmark in one of the forms.
fn prompts(world: &World, scale: &str, step: &str) -> BTreeMap<String, String> {
    let flat = world.run(&["plan", "table-01", "--scale", scale, "--expand"]).succeeds().stdout();
    let flat: toml::Table = toml::from_str(&flat).unwrap();
    let dialect: Dialect = flat["steps"][step]["params"]["dialect"].clone().try_into().unwrap();
    let items = std::fs::read_to_string(world.path("items.jsonl")).unwrap();
    let mut prompts = BTreeMap::new();
    for line in items.lines() {
        let item: Item = serde_json::from_str(line).unwrap();
        let segments = dialect.reasoner_prompt(&item).unwrap();
        let text: String = segments.into_iter().map(|segment| segment.text).collect();
        prompts.entry(item.benchmark).or_insert(text);
    }
    prompts
}

/// The questions are those of our own rows, in the words of the paper's evaluation. A change here is a change of the experiment.
#[test]
fn prompts_are_those_of_the_papers_evaluation() {
    let world = World::new();
    std::fs::write(
        world.path("recipes/asked.toml"),
        "title = \"asked\"\nkind = \"artifact\"\ntarget = \"questions\"\n",
    )
    .unwrap();
    world.edit("recipes/scale/smoke.toml", "recipes = [", "recipes = [\"asked\", ");
    world.run(&["run", "asked", "--scale", "smoke", "--out", "items.jsonl"]).succeeds();
    let [base, tuned] =
        ["base-s.generations", "sft-s.generations"].map(|step| prompts(&world, "paper", step));
    assert_eq!(base.len(), 10);
    let shown = |prompts: &BTreeMap<String, String>| -> String {
        prompts.iter().map(|(benchmark, prompt)| format!("--- {benchmark} ---\n{prompt}\n")).collect()
    };
    insta::assert_snapshot!("prompts_base", shown(&base));
    // The longer system prompt is the same in all of them.
    let system = tuned["MATH500"].split("<|im_start|>user").next().unwrap().to_owned();
    assert!(tuned.values().all(|prompt| prompt.starts_with(&system)));
    let tuned = tuned.into_iter().map(|(benchmark, prompt)| (benchmark, prompt[system.len()..].to_owned()));
    insta::assert_snapshot!("prompts_tuned", format!("{system}\n{}", shown(&tuned.collect())));
    // Word for word, as the reference's templates have it (SkyThought 0d190f1, `skythought/evals/tasks`).
    let statement = "The input has two integers a and b, separated by a space. Print their sum.";
    let asked = format!(
        "Generate an executable Python function generated from the given prompt. The function should take stdin as input and \
         print the output. Simply call the function after the definition. {statement}<|im_end|>"
    );
    assert!(base["LCB-E"].contains(&asked), "{}", base["LCB-E"]);
    // The scale that runs here says the same.
    assert_eq!(prompts(&world, "smoke", "base-s.generations"), base);
}
