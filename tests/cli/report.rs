//! A report that is there: its other forms, and the commands and edges that it names.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::world::World;

const FILE: &str = "reports/tiny/table-05.json";

fn report(world: &World) -> Value {
    serde_json::from_str(&world.read(FILE)).unwrap()
}

/// From a cell along the inputs: verdicts, generations, the model, and the rows that it was trained on.
#[test]
fn a_number_leads_to_everything_that_it_was_made_from() {
    let report = report(&World::finished());
    let sources: BTreeMap<&str, &Value> = report["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| (source["id"].as_str().unwrap(), source))
        .collect();
    let mut open = vec![report["rows"][2]["cells"]["math"]["sources"][0].as_str().unwrap()];
    let mut kinds = Vec::new();
    let mut seen = Vec::new();
    while let Some(id) = open.pop() {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        kinds.push(sources[id]["kind"].as_str().unwrap());
        open.extend(
            sources[id]["inputs"].as_array().into_iter().flatten().map(|input| input.as_str().unwrap()),
        );
    }
    for kind in ["judge", "generate", "train", "items", "demonstrations"] {
        assert!(kinds.contains(&kind), "{kind}: {seen:?}");
    }
}

/// Every command that the page names is understood, and explains a step that is there.
#[test]
fn commands_on_the_page_work() {
    let world = World::finished();
    let page = world.read("reports/tiny/table-05.html");
    let commands: Vec<&str> = page
        .split("<code class=\"command\">")
        .skip(1)
        .map(|rest| rest.split("</code>").next().unwrap())
        .collect();
    assert_eq!(commands[0], "assay run table-05 --scale tiny");
    assert!(commands.len() > 20, "{commands:?}");
    for command in commands.iter().step_by(10) {
        // The step is the one word in quotation marks.
        let command = command.replace("&#39;", "").replace('\'', "");
        let words: Vec<&str> = command.split(' ').collect();
        let finished = world.run(&words[1..]).succeeds();
        assert!(
            words[1] == "run" || finished.stdout().contains(words[2]),
            "{command}: {}",
            finished.stdout()
        );
    }
}

#[test]
fn a_stored_report_is_written_in_every_form() {
    let world = World::finished();
    assert_eq!(world.run(&["report", FILE, "--json"]).succeeds().stdout(), world.read(FILE));
    world.run(&["report", FILE]).succeeds().prints(&["MATH500", "T5.1"]);
    let forms =
        ["--html", "a.html", "--markdown", "a.md", "--csv", "a.csv", "--latex", "a.tex", "--macros", "a.sty"];
    world.run(&[&["report", FILE][..], &forms[..]].concat()).succeeds().prints(&["a.html", "a.sty"]);
    assert_eq!(world.read("a.html"), world.read("reports/tiny/table-05.html"));
    assert_eq!(world.read("a.md"), world.read("reports/tiny/table-05.md"));
    assert!(world.read("a.csv").starts_with("row,row_label,column,"));
    assert!(world.read("a.tex").contains("\\toprule"));
    assert!(world.read("a.sty").contains("\\assay@set{value}{acc.math}"));
}

#[test]
fn what_is_no_report_is_refused() {
    let world = World::finished();
    let old = world.read(FILE).replace("assay-report 3", "assay-report 2");
    std::fs::write(world.path("old.json"), old).unwrap();
    std::fs::write(world.path("other.json"), "{}").unwrap();
    world.run(&["report", "missing.json"]).fails_with(2).says(&["missing.json", "JSON form"]);
    world.run(&["report", "old.json"]).fails_with(2).says(&[
        "old.json",
        "version 2",
        "make the report again",
    ]);
    world.run(&["report", "other.json"]).fails_with(2).says(&["other.json", "not a report"]);
    world.run(&["report", FILE, "--html", FILE]).fails_with(2).says(&["--html", "would overwrite"]);
}
