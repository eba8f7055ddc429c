//! What models are asked at the scales of released models: the first question of each benchmark, as it is sent.

use std::collections::BTreeMap;

use assay_data::{Dialect, Item};
use assay_store::Store;
use camino::Utf8Path;
use serde_json::Value;

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

/// By benchmark, the hash of all prompts in their order, computed from what is said of it in `docs/json.md`.
fn hashes(items: &str, open: &str) -> BTreeMap<String, String> {
    let mut prompts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for line in items.lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let prompt = format!("<bos>{}{open}", item["question"].as_str().unwrap());
        let bytes = prompts.entry(item["benchmark"].as_str().unwrap().to_owned()).or_default();
        bytes.extend((prompt.len() as u64).to_le_bytes());
        bytes.extend(prompt.as_bytes());
    }
    prompts.into_iter().map(|(name, bytes)| (name, blake3::hash(&bytes).to_string())).collect()
}

/// Every set of replies names its prompts, by one hash a benchmark: the same where the words are the same.
#[test]
fn a_report_says_by_hashes_what_was_asked() {
    let world = World::finished();
    let report: Value = serde_json::from_str(&world.read("reports/tiny/table-05.json")).unwrap();
    let sources = report["sources"].as_array().unwrap();
    let questions = sources.iter().find(|source| source["id"] == "questions").unwrap();
    let store = Store::open(Utf8Path::from_path(&world.path(".assay")).unwrap()).unwrap();
    let items = store.read(&questions["artefact"].as_str().unwrap().parse().unwrap()).unwrap();
    let items = String::from_utf8(items).unwrap();
    // The base model is asked in the form of worked documents, all others as they were trained.
    let [worked, thinking] = [";", "<think>"].map(|open| hashes(&items, open));
    assert!(thinking.len() > 1 && worked.iter().all(|(name, hash)| thinking[name] != *hash));
    let mut replies = 0;
    for source in sources {
        if source["kind"] != "generate" {
            assert!(source["prompts"].is_null(), "{source}");
            continue;
        }
        replies += 1;
        let base = source["id"].as_str().unwrap().starts_with("base-m.");
        let found: BTreeMap<String, String> = serde_json::from_value(source["prompts"].clone()).unwrap();
        assert_eq!(found, if base { worked.clone() } else { thinking.clone() }, "{source}");
    }
    assert!(replies > 2, "{replies}");
    for form in ["md", "html"] {
        let page = world.read(&format!("reports/tiny/table-05.{form}"));
        for hash in worked.values().chain(thinking.values()) {
            assert!(page.contains(hash), "{form}: {hash}");
        }
    }
}
