//! `assay audit`: the printed tables of the repository, and tables in other files.

use serde_json::Value;

use crate::world::World;

const HEADER: &str = "title = \"Fliers\"\nquestions = { fly = 40 }\nsamples = 1\n";

#[test]
fn the_twelve_tables_are_audited_as_one_paper() {
    let world = World::new();
    world.run(&["audit"]).succeeds().prints(&[
        "70.34 does not follow from its row",
        "51.10 is off the grid of 40 questions by 32: 654/1280 = 51.0938",
        "table-12",
        "findings in 12 tables: 0 changes-a-claim, 0 changes-a-rank, 0 changes-a-value",
        "also in table-06 (base), table-08 (base)",
        "1 contradicted",
    ]);
    world
        .run(&["audit", "table-05"])
        .succeeds()
        .prints(&["3 findings in 1 table", "3 off the grid, 0 contradicted"]);
    let json: Value = serde_json::from_str(&world.run(&["audit", "--json"]).succeeds().stdout()).unwrap();
    let detectors = json["findings"].as_array().unwrap().iter().map(|finding| finding["detector"].clone());
    assert_eq!(detectors.filter(|detector| *detector == "average").count(), 1);
}

#[test]
fn a_table_of_another_paper_is_read_from_a_file() {
    let world = World::new();
    let audit = |text: &str| {
        std::fs::write(world.path("fliers.csv"), text).unwrap();
        std::fs::write(world.path("header.toml"), HEADER).unwrap();
        let file = world.path("fliers.csv").display().to_string();
        let header = world.path("header.toml").display().to_string();
        world.run(&["audit", &file, "--header", &header])
    };
    audit("method,fly\nowl,52.50\ncat,20.00\n").succeeds().prints(&["0 findings in 1 table", "2 consistent"]);
    audit("method,fly\nowl,52.40\ncat,20.00\n")
        .either_way()
        .prints(&["52.40 is off the grid of 40 questions"]);
    audit("method,fly\nowl,many\ncat,20.00\n").fails_with(2).says(&["fliers.csv:2:5"]);
    audit("method,fly\nowl\ncat,20.00\n").fails_with(2).says(&["fliers.csv:2:"]);
    let file = world.path("fliers.csv").display().to_string();
    world.run(&["audit", &file]).fails_with(2).says(&["has no header"]);
    world.run(&["audit", "table-5"]).fails_with(2).says(&["table-05"]);
}
