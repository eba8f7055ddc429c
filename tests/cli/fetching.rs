//! `assay lock` and `assay fetch`, against a server that speaks as the hub does.

use std::process::Command;

use serde_json::Value;

use crate::serving::{Asked, Listening, Reply, serve};
use crate::world::{Ran, World};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub that has a file at every path: its own address.
fn hub() -> Listening {
    serve(|asked: &Asked, _| match asked.path.starts_with("/api/") {
        true => Reply::Answer(200, &[], format!("{{\"sha\": \"{COMMIT}\"}}")),
        false => Reply::Answer(200, &[], format!("what is at {}\n", asked.path)),
    })
}

fn command(world: &World, hub: &str, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.env("HF_ENDPOINT", hub).env("HF_HOME", world.path("hf")).env_remove("HF_TOKEN");
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
}

fn run(world: &World, hub: &str, arguments: &[&str]) -> Ran {
    Ran::of(command(world, hub, arguments).output().unwrap())
}

/// An address at which nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn what_is_unchecked_is_planned_and_refused_until_it_is_pinned() {
    let world = World::new();
    let plan = run(&world, NOWHERE, &["plan", "table-01", "--scale", "paper"]).succeeds().stdout();
    for part in [
        "10 files, 10 of them unchecked: a run is refused until `assay lock` has pinned them",
        "116,260 replies of 5 models, about 826 million tokens: 92 GPU hours at 2,500 tokens a second",
        "not measured  Bespoke-Stratos-4B, each row twice: a control of our own",
    ] {
        assert!(plan.contains(part), "no {part:?} in\n{plan}");
    }
    for command in
        [&["fetch", "table-01", "--no-images"][..], &["run", "table-01"], &["run", "table-01", "table-03"]]
    {
        let refused = run(&world, NOWHERE, &[command, &["--scale", "paper"]].concat()).fails_with(2).stderr();
        for part in [
            "recipes/rows/hub.toml:",
            "10 entries of lockfiles/benchmarks.lock are unchecked: nobody has pinned which bytes are meant by `aime24`, `aime25-i`",
            "`mmlu-pro`",
            "`assay lock benchmarks.lock` fetches what is unchecked",
        ] {
            assert!(refused.contains(part), "no {part:?} in\n{refused}");
        }
        assert_eq!(refused.matches("error").count(), 1, "one error for all of them: {refused}");
        assert!(!world.path(".assay/objects").exists() || !refused.contains("failed"), "{refused}");
    }
}

/// One that is left is named by itself.
#[test]
fn a_single_entry_that_is_unchecked_is_named_with_its_step() {
    let (world, listening) = (World::new(), hub());
    let entries = world.read("lockfiles/benchmarks.lock");
    let entries = entries.lines().filter_map(|line| line.strip_prefix("[entries.")?.strip_suffix(']'));
    let pinned: Vec<&str> = entries.filter(|entry| *entry != "math500").collect();
    run(&world, &listening.address, &[&["lock", "benchmarks.lock"], &pinned[..]].concat()).succeeds();
    let refused = run(&world, NOWHERE, &["run", "table-01", "--scale", "paper"]).fails_with(2).stderr();
    let said = "step `MATH500-rows`: `math500` of lockfiles/benchmarks.lock is unchecked: nobody has pinned";
    assert!(refused.contains(said), "{refused}");
    let json =
        run(&world, NOWHERE, &["run", "table-01", "--scale", "paper", "--json"]).fails_with(2).stderr();
    let json: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(json["error"]["diagnostics"].as_array().unwrap().len(), 1, "{json}");
    assert!(json["error"]["place"]["line"].is_u64() && json["error"]["kind"] == "user", "{json}");
}

#[test]
fn files_are_pinned_with_commit_size_and_hash_and_are_then_in_the_store() {
    let (world, listening) = (World::new(), hub());
    let before = world.read("lockfiles/benchmarks.lock");
    let said = run(&world, &listening.address, &["lock", "benchmarks.lock", "aime24"]).succeeds().stdout();
    assert!(said.contains(&format!("aime24: commit {COMMIT}")), "{said}");
    let after = world.read("lockfiles/benchmarks.lock");
    assert!(after.starts_with(&before[..before.find("[entries.aime24]").unwrap()]), "comments stay\n{after}");
    let content = format!(
        "what is at /datasets/AI-MO/aimo-validation-aime/resolve/{COMMIT}/data/train-00000-of-00001.parquet\n"
    );
    let hash = blake3::hash(content.as_bytes());
    let added = format!("version = \"{COMMIT}\"\nsize = {}\nblake3 = \"{hash}\"\n", content.len());
    assert!(after.contains(&added), "{after}");
    // The others, as a document.
    let json = run(&world, &listening.address, &["lock", "benchmarks.lock", "--json"]).succeeds().stdout();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["format"].as_u64(), json["pinned"].as_array().unwrap().len()), (Some(1), 9));
    let said = run(&world, NOWHERE, &["lock", "benchmarks.lock"]).succeeds().stdout();
    assert!(said.contains("every entry of lockfiles/benchmarks.lock is pinned"), "{said}");
    // Nothing is fetched a second time.
    let fetch = ["fetch", "table-01", "--scale", "paper", "--no-images"];
    let said = run(&world, NOWHERE, &fetch).succeeds().stdout();
    assert!(said.contains("10 files are in the store"), "{said}");
    let plan = run(&world, NOWHERE, &["plan", "table-01", "--scale", "paper"]).succeeds().stdout();
    assert!(!plan.contains("downloads"), "{plan}");
}

/// One that cannot be fetched, such as a data set for which an account has no access, does not keep the others from it.
#[test]
fn what_can_be_pinned_is_pinned_beside_what_cannot() {
    let world = World::new();
    let listening = serve(|asked: &Asked, _| match asked.path.as_str() {
        path if path.contains("gpqa") && !path.starts_with("/api/") => {
            Reply::Answer(403, &[], "ask for access".to_owned())
        }
        path if path.starts_with("/api/") => Reply::Answer(200, &[], format!("{{\"sha\": \"{COMMIT}\"}}")),
        path => Reply::Answer(200, &[], format!("what is at {path}\n")),
    });
    let ended = run(&world, &listening.address, &["lock", "benchmarks.lock"]).fails_with(2);
    assert!(ended.stderr().contains("`gpqa-d` is not pinned") && ended.stderr().contains("ask for access"));
    assert!(ended.stdout().contains("mmlu-pro: commit"), "{}", ended.stdout());
    assert_eq!(world.read("lockfiles/benchmarks.lock").matches("blake3 = ").count(), 9);
}

#[test]
fn what_several_models_share_is_one_download() {
    let world = World::new();
    let plan = world.run(&["plan", "table-01", "--scale", "smoke"]).succeeds().stdout();
    assert!(plan.contains("1 file, 92.9 MB"), "{plan}");
}

#[test]
fn a_machine_without_network_takes_files_from_a_folder() {
    let (world, listening) = (World::new(), hub());
    run(&world, &listening.address, &["lock", "benchmarks.lock"]).succeeds();
    std::fs::remove_dir_all(world.path(".assay")).unwrap();
    let brought = world.path("brought");
    for asked in listening.asked.lock().unwrap().iter().filter(|asked| !asked.path.starts_with("/api/")) {
        let (repository, path) = asked.path.trim_start_matches('/').split_once("/resolve/").unwrap();
        let file = brought.join(repository).join(path.split_once('/').unwrap().1);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("what is at {}\n", asked.path)).unwrap();
    }
    let fetch = ["fetch", "table-01", "--scale", "paper", "--no-images", "--json", "--from", "brought"];
    let said = run(&world, NOWHERE, &fetch).succeeds().stdout();
    let last = said.find("{\n").map(|at| &said[at..]).unwrap();
    let document: Value = serde_json::from_str(last).unwrap();
    assert_eq!(document["steps"].as_array().unwrap().len(), 10);
    let refused = run(&world, NOWHERE, &["fetch", "table-01", "--scale", "paper", "--from", "nowhere"]);
    assert!(refused.fails_with(2).stderr().contains("there is no folder nowhere"));
}

/// What is on the disk stays as it was, and with more room the same command goes on.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_during_a_download_is_the_environments_fault() {
    let world = World::new();
    let Some(disk) = crate::limits::Disk::new(world.path("disk"), "2m") else { return };
    let listening = serve(|asked: &Asked, _| match asked.path.starts_with("/api/") {
        true => Reply::Answer(200, &[], format!("{{\"sha\": \"{COMMIT}\"}}")),
        false => Reply::Answer(200, &[], format!("{}{}", asked.path, "x".repeat(3_000_000))),
    });
    let before = world.read("lockfiles/benchmarks.lock");
    let pin = ["lock", "benchmarks.lock", "aime24", "--store", "disk/store"];
    crate::limits::one_error(&run(&world, &listening.address, &pin).fails_with(3));
    assert_eq!(world.read("lockfiles/benchmarks.lock"), before);
    disk.remount("size=16m");
    run(&world, &listening.address, &pin).succeeds();
    let fetch = ["fetch", "table-01", "--scale", "paper", "--no-images", "--store", "disk/store"];
    run(&world, &listening.address, &["lock", "benchmarks.lock", "--store", "disk/store"]).either_way();
    disk.remount("size=64m");
    run(&world, &listening.address, &["lock", "benchmarks.lock", "--store", "disk/store"]).succeeds();
    // A store of its own that is too small for what is pinned: each file comes alone, and the last does not fit.
    let Some(small) = crate::limits::Disk::new(world.path("small"), "8m") else { return };
    let elsewhere: Vec<&str> =
        fetch.iter().map(|word| if *word == "disk/store" { "small/store" } else { word }).collect();
    let full = run(&world, &listening.address, &elsewhere).fails_with(3).stderr();
    assert!(full.contains("space") && !full.contains("panicked"), "{full}");
    small.remount("size=64m");
    run(&world, &listening.address, &elsewhere).succeeds();
}

#[test]
fn what_cannot_be_pinned_is_said() {
    let (world, listening) =
        (World::new(), serve(|_, _| Reply::Answer(404, &[], "no such thing".to_owned())));
    let before = world.read("lockfiles/benchmarks.lock");
    let gone = run(&world, &listening.address, &["lock", "benchmarks.lock", "math500"]);
    assert!(gone.fails_with(2).stderr().contains("no such thing"));
    assert_eq!(world.read("lockfiles/benchmarks.lock"), before);
    for (arguments, part) in [
        (&["lock", "benchmarks.lock", "math50"][..], "did you mean `math500`?"),
        (&["lock", "smoke.lock", "human-eval"][..], "is no file of the hub"),
        (&["lock", "bench.lock"][..], "there is no lockfile `bench`"),
    ] {
        let refused = run(&world, NOWHERE, arguments).fails_with(2).stderr();
        assert!(refused.contains(part), "no {part:?} in\n{refused}");
    }
}

/// With a commit in full and the file in a folder, nobody is asked; without network the first failure ends it.
#[test]
fn a_file_that_was_brought_by_hand_is_pinned_without_the_hub() {
    let world = World::new();
    let file = world.path("brought/datasets/qq8933/MATH500/test.jsonl");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "{}\n").unwrap();
    let pin = ["lock", "benchmarks.lock", "math500", "--revision", COMMIT, "--from", "brought"];
    let said = run(&world, NOWHERE, &pin).succeeds().stdout();
    assert!(said.contains(&format!("math500: commit {COMMIT}, 3 bytes")), "{said}");
    assert!(world.read("lockfiles/benchmarks.lock").contains(&blake3::hash(b"{}\n").to_string()));
    let said = run(&world, NOWHERE, &["lock", "benchmarks.lock"]).fails_with(3).stderr();
    assert_eq!(said.matches("is not pinned").count(), 1, "{said}");
}

/// A committed report shows some samples itself, to somebody who has no store.
#[test]
fn samples_of_a_report_are_shown_without_a_store() {
    let world = World::finished();
    let report: Value = serde_json::from_str(&world.read("reports/tiny/table-05.json")).unwrap();
    let of_column = &report["questions"].as_array().unwrap()[0];
    let question = of_column["shown"][0]["id"].as_str().unwrap();
    let column = of_column["column"].as_str().unwrap();
    std::fs::remove_dir_all(world.path(".assay")).unwrap();
    let samples = [
        "samples",
        "reports/tiny/table-05.json",
        "--row",
        "base",
        "--benchmark",
        column,
        "--question",
        question,
    ];
    let said = world.run(&samples).succeeds().stdout();
    assert!(said.contains("sample 0: "), "{said}");
}

/// What a run copies out is the user's: to change it changes nothing in the store.
#[test]
fn a_copy_of_an_artefact_may_be_changed() {
    let world = World::new();
    let recipe = "title = \"asked\"\nkind = \"artifact\"\ntarget = \"questions\"\n";
    std::fs::write(world.path("recipes/asked.toml"), recipe).unwrap();
    world.run(&["run", "asked", "--scale", "tiny", "--out", "items.jsonl"]).succeeds();
    let mut text = world.read("items.jsonl");
    text.push_str("more\n");
    std::fs::write(world.path("items.jsonl"), text).unwrap();
    world.run(&["store", "verify"]).succeeds();
}
