//! The remaining time of a run.
#![expect(clippy::unwrap_used, reason = "tests")]

use assay_flow::{Event, Forecast, Graph, PlanEntry, Record, Remaining, State, Timed, timed};
use assay_store::Hash;

use crate::support::Project;

const STEPS: &str = "[steps.start]
kind = 'number'
params = { add = 1 }

[steps.many]
kind = 'sum'
each = 'seed'
inputs = { of = 'start' }
params = { add = 1 }

[steps.end]
kind = 'sum'
inputs = { of = 'many' }
params = { add = 1 }
";

fn project() -> Project {
    Project::arithmetic("seeds = [1, 2, 3, 4]\n", STEPS)
}

fn planned(graph: &Graph, cached: &[&str]) -> Event {
    let state = |id: &str| if cached.contains(&id) { State::Cached } else { State::Run };
    let entry = |id: &str| PlanEntry {
        step: id.to_owned(),
        state: state(id),
        key: None,
        output: None,
        reasons: Vec::new(),
        description: None,
    };
    Event::Planned { steps: graph.steps().iter().map(|step| entry(&step.id)).collect() }
}

fn took(step: &str, seconds: f64) -> Timed {
    Timed { step: step.to_owned(), seconds }
}

fn at(seconds: u64, event: Event) -> Record {
    Record { format: assay_flow::EVENT_FORMAT, at_ms: seconds * 1000, event }
}

fn started(step: &str) -> Event {
    Event::StepStarted { step: step.to_owned(), key: Hash::of(b""), reasons: Vec::new() }
}

fn finished(step: &str, seconds: f64) -> Event {
    Event::StepFinished { step: step.to_owned(), key: Hash::of(b""), output: Hash::of(b""), seconds }
}

#[test]
fn nothing_is_said_without_a_basis() {
    let graph = project().graph();
    let mut forecast = Forecast::new(graph.steps(), &[took("of-another-recipe", 3.0)], 1);
    forecast.observe(&at(0, planned(&graph, &[])));
    assert_eq!(forecast.remaining(0), Remaining::Unknown);
    // Steps of one kind are alike, those of the other are not.
    let mut forecast = Forecast::new(graph.steps(), &[took("many[seed=9]", 10.0)], 1);
    forecast.observe(&at(0, planned(&graph, &[])));
    assert_eq!(forecast.remaining(0), Remaining::MoreThan { seconds: 50.0, unknown: 1 });
    forecast.observe(&at(0, planned(&graph, &["start"])));
    assert_eq!(forecast.remaining(0), Remaining::About(50.0));
}

#[test]
fn a_step_of_the_same_name_says_more_than_one_of_the_kind() {
    let graph = project().graph();
    let earlier =
        [took("start", 2.0), took("many[seed=1]", 10.0), took("many[seed=2]", 20.0), took("end", 1.0)];
    let mut forecast = Forecast::new(graph.steps(), &earlier, 2);
    forecast.observe(&at(0, planned(&graph, &[])));
    // Steps of one thread each, on two threads.
    assert_eq!(forecast.remaining(0), Remaining::About((2.0 + 4.0 * 15.0 + 1.0) / 2.0));
}

#[test]
fn what_runs_is_counted_for_what_is_left_of_it() {
    let graph = project().graph();
    let mut forecast = Forecast::new(graph.steps(), &[took("many[seed=1]", 10.0), took("end", 0.0)], 1);
    forecast.observe(&at(0, planned(&graph, &["start", "many[seed=3]", "many[seed=4]"])));
    forecast.observe(&at(100, started("many[seed=1]")));
    assert_eq!(forecast.remaining(104_000), Remaining::About(6.0 + 10.0));
    // A step that takes longer than expected has an unknown rest, not a negative one.
    assert_eq!(forecast.remaining(150_000), Remaining::About(10.0));
    let half = Event::StepProgress { step: "many[seed=1]".into(), done: 1, total: 2, note: String::new() };
    forecast.observe(&at(108, half));
    // It says that 8 seconds are left, and the earlier ones say 2.
    assert_eq!(forecast.remaining(108_000), Remaining::About(5.0 + 10.0));
    forecast.observe(&at(130, finished("many[seed=1]", 30.0)));
    // Both times count for the next one.
    assert_eq!(forecast.remaining(130_000), Remaining::About(20.0));
}

#[test]
fn earlier_runs_of_a_store_are_read() {
    let mut project = project();
    project.run();
    let times = timed(&project.store(), 5).unwrap();
    let mut steps: Vec<&str> = times.iter().map(|time| time.step.as_str()).collect();
    steps.sort_unstable();
    assert_eq!(steps, ["end", "many[seed=1]", "many[seed=2]", "many[seed=3]", "many[seed=4]", "start"]);
    assert!(times.iter().all(|time| time.seconds >= 0.0));
    project.sets = vec!["seeds=[5]".to_owned()];
    project.run();
    assert_eq!(timed(&project.store(), 1).unwrap().len(), 2, "of the newest run alone");
    assert_eq!(timed(&project.store(), 0).unwrap(), []);
}
