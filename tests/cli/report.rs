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

/// The curves of every model that has a log, base model included, over the two seeds.
#[test]
fn training_is_drawn_where_there_are_logs() {
    let report = report(&World::finished());
    let sections = report["diagnostics"].as_array().unwrap();
    let training = sections.iter().find(|section| section["title"] == "Training").unwrap();
    let plots = training["plots"].as_array().unwrap();
    let of = |title: &str| plots.iter().find(|plot| plot["title"] == title).unwrap();
    let points = |title: &str| of(title)["series"][0]["points"].as_array().unwrap().clone();
    assert!(points("sft-1k-restated.final: loss").len() > 1);
    let first = &points("sft-1k-restated.final: gradient norm")[0];
    let [low, high] = [0, 1].map(|end| first["interval"][end].as_f64().unwrap());
    assert!(low < high && (low..=high).contains(&first["y"].as_f64().unwrap()), "{first}");
    let rows = training["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len() * 2, plots.len());
    assert!(plots.iter().all(|plot| plot["series"][0]["points"].as_array().unwrap().len() <= 60));
}

/// The report holds what every row scored on every question, and shows samples of the first ones; the command shows any.
#[test]
fn samples_of_every_question_can_be_read() {
    let world = World::finished();
    let report = report(&world);
    let questions = &report["questions"][0];
    assert_eq!(
        (&questions["column"], report["questions"].as_array().unwrap().len()),
        (&"MATH500".into(), 10)
    );
    let ids: Vec<&str> =
        questions["scores"]["questions"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    // Two samples under each of two seeds.
    assert_eq!((ids.len(), &questions["scores"]["rows"]["sft"]["samples"]), (4, &4.into()));
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    let shown: Vec<&str> = questions["shown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|question| question["id"].as_str().unwrap())
        .collect();
    assert_eq!(shown, sorted[..3]);
    let samples = questions["shown"][0]["samples"].as_array().unwrap();
    assert_eq!(
        samples.len(),
        5 * 2 + 4,
        "five rows with two samples of the first seed, and the base with all of its"
    );
    assert!(
        samples
            .iter()
            .all(|sample| sample["seed"] == 1 || sample["row"] == "base" && sample["seed"].is_null())
    );

    let of_sft = ["samples", FILE, "--row", "sft", "--benchmark"];
    world.run(&[&of_sft[..], &["MATH500"]].concat()).succeeds().prints(&[sorted[3], "of 4"]);
    let last = [&of_sft[..], &["chain2", "--question", sorted[3], "--json"]].concat();
    let question: Value = serde_json::from_str(&world.run(&last).succeeds().stdout()).unwrap();
    let seeds: Vec<&Value> =
        question["samples"].as_array().unwrap().iter().map(|sample| &sample["seed"]).collect();
    assert_eq!(seeds, [1, 1, 2, 2]);
    let one = [&of_sft[..], &["chain2", "--question", sorted[3], "--seed", "2"]].concat();
    world.run(&one).succeeds().prints(&["right: ", "seed 2, sample 0", "thought: "]);

    let refused: [(&[&str], &str); 5] = [
        (&["--row", "stf", "--benchmark", "MATH500"], "no row `stf`"),
        (&["--row", "sft", "--benchmark", "MATH50"], "no measured benchmark `MATH50`"),
        (&["--row", "sft", "--benchmark", "chain2", "--question", "x"], "no question `x`"),
        (&["--row", "sft", "--benchmark", "chain2", "--question", shown[0], "--seed", "9"], "under seed 9"),
        (&["--row", "sft", "--benchmark", "chain2", "--seed", "9"], "--question"),
    ];
    for (arguments, message) in refused {
        world.run(&[&["samples", FILE], arguments].concat()).fails_with(2).says(&[message]);
    }
    let elsewhere = [&last[..], &["--store", "nowhere"]].concat();
    world.run(&elsewhere).fails_with(2).says(&["there is no store at nowhere"]);
}

#[test]
fn all_reports_of_a_scale_are_summed_up() {
    let world = World::finished();
    let mut second = report(&world);
    second["id"] = "table-99".into();
    second["locator"] = "Table 99".into();
    std::fs::write(world.path("reports/tiny/table-99.json"), second.to_string()).unwrap();
    let all = ["report", "--all", "--scale", "tiny"];
    world.run(&all).succeeds().prints(&["18 claims of 2 tables", "table-99", "reports/tiny/index.html"]);
    let summary: Value = serde_json::from_str(&world.read("reports/tiny/index.json")).unwrap();
    assert_eq!(summary["tables"].as_array().unwrap().len(), 2);
    assert!(world.read("reports/tiny/index.md").contains("[Table 99](table-99.md)"));
    assert!(world.read("reports/tiny/index.html").contains("table-99.html#claim-T5.3"));
    // The summary is no report, and changes nothing about itself.
    let before = world.read("reports/tiny/index.json");
    assert_eq!(world.run(&[&all[..], &["--json"]].concat()).succeeds().stdout(), before);

    world.run(&["report", "--all", "--scale", "huge"]).fails_with(2).says(&["reports/huge", "--scale"]);
    world.run(&["report"]).fails_with(2).says(&["<FILE>"]);
    world.run(&["report", FILE, "--all"]).fails_with(2).says(&["cannot be used with"]);
    std::fs::write(world.path("reports/tiny/other.json"), "{}").unwrap();
    world.run(&all).fails_with(2).says(&["other.json", "not a report"]);
}
