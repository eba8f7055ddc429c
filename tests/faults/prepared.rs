//! Workspaces to do damage to, each made once.

use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{World, copy};

/// A run that is long enough to be caught while it trains.
pub(crate) const RUN: [&str; 6] = ["run", "table-05", "--scale", "tiny", "--set", "reasoner.epochs=40"];
pub(crate) const REPORT: &str = ".assay/reports/tiny/table-05.json";
pub(crate) const JUDGE: [&str; 7] =
    ["judge", "problems.jsonl", "samples.jsonl", "--fuel", "300000000", "--out", "verdicts.jsonl"];
pub(crate) const GRADE: [&str; 6] =
    ["grade", "rows.jsonl", "--grader", "math-verify", "--out", "grades.jsonl"];

const PATIENCE: Duration = Duration::from_secs(240);

/// What undisturbed commands write.
pub(crate) struct Right {
    pub(crate) report: String,
    pub(crate) verdicts: String,
    pub(crate) grades: String,
}

pub(crate) fn right() -> &'static Right {
    static RIGHT: OnceLock<Right> = OnceLock::new();
    RIGHT.get_or_init(|| {
        let world = fresh();
        world.run(&RUN).succeeds();
        world.run(&JUDGE).succeeds();
        world.run(&GRADE).succeeds();
        Right {
            report: world.read(REPORT),
            verdicts: world.read("verdicts.jsonl"),
            grades: world.read("grades.jsonl"),
        }
    })
}

/// A workspace with programs to judge and answers to grade, and an empty store.
pub(crate) fn fresh() -> World {
    let world = World::new();
    let problems: Vec<_> = (0..6)
        .map(|number| {
            json!({ "id": format!("p{number}"), "tests": [
                { "input": format!("{number} 2\n"), "output": format!("{}\n", number + 2) } ] })
        })
        .collect();
    let samples: Vec<_> = (0..60)
        .map(|number| {
            json!({ "sample_id": format!("s{number}"), "question_id": format!("p{}", number % 6),
                "code": format!("a, b = map(int, input().split())\nprint(a + b if {number} % 3 else {number})") })
        })
        .collect();
    let rows: Vec<_> = (0..60)
        .map(|number| {
            json!({ "id": number, "gold": format!("{}", number / 2),
                "generation": format!("The answer is \\boxed{{{}}}.", number - number / 2) })
        })
        .collect();
    for (file, rows) in [("problems", problems), ("samples", samples), ("rows", rows)] {
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(world.path(&format!("{file}.jsonl")), text).unwrap();
    }
    world
}

/// A copy of a workspace whose run was killed while it trained, and which has judged half of the programs.
pub(crate) fn interrupted() -> World {
    static INTERRUPTED: OnceLock<World> = OnceLock::new();
    let interrupted = INTERRUPTED.get_or_init(|| {
        let world = fresh();
        let half: Vec<String> = world.read("samples.jsonl").lines().take(30).map(str::to_owned).collect();
        std::fs::write(world.path("half.jsonl"), half.join("\n")).unwrap();
        world.run(&["judge", "problems.jsonl", "half.jsonl", "--fuel", "300000000"]).succeeds();
        let mut child = start(&world, &RUN);
        wait_for(&mut child, || is_training(&world));
        child.kill().unwrap();
        child.wait().unwrap();
        world
    });
    copy_of(interrupted)
}

/// A copy of a workspace whose run is finished.
pub(crate) fn finished() -> World {
    static FINISHED: OnceLock<World> = OnceLock::new();
    copy_of(FINISHED.get_or_init(|| {
        let world = fresh();
        world.run(&RUN).succeeds();
        world
    }))
}

fn copy_of(world: &World) -> World {
    let fresh = fresh();
    copy(&world.path(".assay"), &fresh.path(".assay"));
    fresh
}

pub(crate) fn start(world: &World, arguments: &[&str]) -> Child {
    world.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

pub(crate) fn wait_for(child: &mut Child, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the command ended before it was at work: {ended:?}");
        assert!(started.elapsed() < PATIENCE, "the command never got to work");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a training run has saved a checkpoint: a folder in the folder of its action.
fn is_training(world: &World) -> bool {
    let checkpoints = std::fs::read_dir(world.path(".assay/checkpoints"));
    checkpoints.into_iter().flatten().flatten().any(|folder| {
        std::fs::read_dir(folder.path()).into_iter().flatten().flatten().any(|step| step.path().is_dir())
    })
}

/// Runs a command until it succeeds; every failure before is the environment's or a failed step, with a remedy. Returns how
/// many there were.
pub(crate) fn run_until_right(world: &World, arguments: &[&str]) -> u64 {
    for failures in 0..4 {
        let output = world.command(arguments).output().unwrap();
        if output.status.success() {
            return failures;
        }
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert!(matches!(code, Some(1 | 3)), "{arguments:?} ended with {code:?}\n{error}");
        assert!(error.contains("help"), "no remedy\n{error}");
    }
    panic!("{arguments:?} does not succeed however often it runs");
}

/// Makes all objects old enough to be collected.
pub(crate) fn make_old(world: &World) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 3600);
    for shard in std::fs::read_dir(world.path(".assay/objects")).unwrap() {
        for object in std::fs::read_dir(shard.unwrap().path()).unwrap() {
            std::fs::File::open(object.unwrap().path()).unwrap().set_modified(old).unwrap();
        }
    }
}
