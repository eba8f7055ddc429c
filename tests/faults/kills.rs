//! Kills at any instant: nothing that was finished is done again, and everything ends in the same bytes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::prepared::{GRADE, JUDGE, REPORT, RUN, finished, fresh, make_old, right, run_until_right, start};
use crate::random::{Random, Tally, trials};
use crate::world::{World, steps};

/// Starts a command and kills it after up to `within` milliseconds; whether it was still at work.
fn kill(world: &World, arguments: &[&str], random: &mut Random, within: u64) -> bool {
    let mut child = start(world, arguments);
    std::thread::sleep(Duration::from_millis(random.below(within)));
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

#[test]
fn a_run_that_is_killed_again_and_again_loses_no_finished_step() {
    let mut tally = Tally::default();
    let right = right();
    for seed in trials(3) {
        let world = fresh();
        let mut random = Random::new("kill run", seed);
        for _ in 0..4 {
            let killed = kill(&world, &RUN, &mut random, 5000);
            tally.count(if killed { "killed at work" } else { "had ended" });
        }
        run_until_right(&world, &RUN);
        assert!(world.read(REPORT) == right.report, "seed {seed}: the report is another one");
        assert_eq!(done_again(&world), Vec::<String>::new(), "seed {seed}");
        world.run(&["store", "verify"]).succeeds();
    }
    tally.print("kills of runs");
}

/// The steps that were finished in one run and started in a later one.
pub(crate) fn done_again(world: &World) -> Vec<String> {
    let runs: Value = serde_json::from_str(&world.run(&["runs", "--json"]).succeeds().stdout()).unwrap();
    let (mut done, mut again) = (BTreeSet::new(), Vec::new());
    for run in runs["runs"].as_array().unwrap().iter().rev() {
        let log = world.run(&["log", run["id"].as_str().unwrap()]).succeeds().stdout();
        let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        again.extend(steps(&log, "step-started").into_iter().filter(|step| done.contains(step)));
        done.extend(steps(&log, "step-finished"));
    }
    again
}

#[test]
fn judging_and_grading_that_are_killed_keep_what_they_have() {
    let mut tally = Tally::default();
    let right = right();
    for seed in trials(3) {
        for (arguments, out, expected) in
            [(&JUDGE[..], "verdicts.jsonl", &right.verdicts), (&GRADE[..], "grades.jsonl", &right.grades)]
        {
            let world = fresh();
            let mut random = Random::new(out, seed);
            let mut kept = 0;
            for _ in 0..3 {
                let killed = kill(&world, arguments, &mut random, 500);
                tally.count(format!(
                    "{} {}",
                    arguments[0],
                    if killed { "killed at work" } else { "had ended" }
                ));
                let now = remembered(&world);
                assert!(now >= kept, "seed {seed}: {now} results after {kept}");
                kept = now;
            }
            run_until_right(&world, arguments);
            assert!(&world.read(out) == expected, "seed {seed}: {out} is another one");
            world.run(&["store", "verify"]).succeeds();
        }
    }
    tally.print("kills of judging and grading");
}

/// How many results the store remembers.
fn remembered(world: &World) -> u64 {
    let stats = world.run(&["store", "stats", "--json"]).either_way().stdout();
    let stats: Value = serde_json::from_str(&stats).unwrap_or_default();
    stats["memo_values"].as_u64().unwrap_or(0)
}

#[test]
fn a_collection_that_is_killed_takes_nothing_that_is_needed() {
    let mut tally = Tally::default();
    for seed in trials(3) {
        let world = finished();
        // Other results of the same steps: those of the first run are garbage.
        let other = ["run", "table-05", "--scale", "tiny", "--set", "reasoner.epochs=2"];
        world.run(&other).succeeds();
        make_old(&world);
        let mut random = Random::new("kill gc", seed);
        for _ in 0..3 {
            let killed = kill(&world, &["store", "gc", "--yes"], &mut random, 40);
            tally.count(if killed { "killed at work" } else { "had ended" });
            world.run(&["store", "verify"]).succeeds();
        }
        let deleted = world.run(&["store", "gc", "--yes", "--json"]).succeeds().stdout();
        let deleted: Value = serde_json::from_str(&deleted).unwrap();
        tally.count(if deleted["deleted"]["objects"].as_u64() > Some(0) {
            "left garbage"
        } else {
            "left none"
        });
        let events = world.events(&other[1..]);
        assert!(steps(&events, "step-started").is_empty(), "seed {seed}: {events:?}");
    }
    tally.print("kills of collections");
}
