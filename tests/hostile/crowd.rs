//! A thousand programs in one process.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_sandbox::{Image, Judgement, Limits, Sandbox, Verdict};
use camino::Utf8Path;

use crate::program::{Hostile, all, folder, with};
use crate::{ALONE, common};

/// Seeds of the random corruption.
const CORRUPTIONS: u64 = 60;

const RUNS: usize = 1000;
const ROUNDS: usize = 10;
const THREADS: usize = 4;
/// Rounds after which every program has run several times and the copies that the sandbox keeps for reuse are
/// there.
const WARM_UP: usize = 5;
/// How much more memory the process may have after any later round than it ever had after an earlier one:
/// three of the places for instances, of each of which the pool keeps up to 16 MiB.
const GROWTH: usize = 48 << 20;

/// Honest programs that run between the hostile ones: a script, a function and one that needs much of the
/// interpreter.
const HONEST: [&str; 3] = [
    "# attack: none\n# test: \"2 3\" -> \"5\"\n# sandbox: wrong-answer\n# control: none\nprint(sum(map(int, input().split())))",
    "# attack: none\n# entry: f\n# test: [10] -> 55\n# sandbox: wrong-answer\n# control: none\ndef f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)",
    "# attack: none\n# test: \"\" -> \"0.8444218515250481 {'a': 1} 0.1\"\n# sandbox: wrong-answer\n# control: none\nimport collections, decimal, json, random\nrandom.seed(0)\nprint(random.random(), json.loads('{\"a\": 1}'), decimal.Decimal('0.1'))",
];

/// SplitMix64 (Steele, Lea and Flood 2014).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Which program runs when: all in turn, shuffled.
fn order(programs: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..RUNS).map(|run| run % programs).collect();
    let mut state = 20_240_101;
    for index in (1..order.len()).rev() {
        order.swap(index, (random(&mut state) % (index as u64 + 1)) as usize);
    }
    order
}

/// Bytes of this process that are in memory, where the system tells.
fn resident() -> Option<usize> {
    let text = fs_err::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

/// The growth of the process after its warm-up, if that is too much.
fn grown(resident: &[usize]) -> Option<usize> {
    let (early, late) = resident.split_at(WARM_UP);
    let growth = late.iter().max()?.saturating_sub(*early.iter().max()?);
    (growth > GROWTH).then_some(growth)
}

struct Guest {
    hostile: Hostile,
    alone: Judgement,
}

impl Guest {
    fn new(hostile: Hostile, image: &Image) -> Self {
        let alone = hostile.judge(image);
        Guest { hostile, alone }
    }

    /// Runs once more, and must do what it did alone: verdicts, texts, fuel, memory.
    fn check(&self, image: &Image) {
        let again = self.hostile.judge(image);
        assert_eq!(again, self.alone, "{}", self.hostile.name);
    }
}

#[test]
fn a_thousand_in_one_process_change_nothing() {
    let Some(image) = common::image() else { return };
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let honest = HONEST.map(|source| {
        let guest = Guest::new(Hostile::read(Utf8Path::new("honest/program.py"), source).unwrap(), image);
        assert_eq!(guest.alone.verdict, Verdict::Pass, "{source}: {:?}", guest.alone);
        guest
    });
    let guests: Vec<Guest> = all().into_iter().map(|hostile| Guest::new(hostile, image)).collect();
    for guest in &guests {
        assert_eq!(guest.hostile.complaint(&guest.alone), None);
    }

    let order = order(guests.len());
    let mut memory = Vec::new();
    for round in order.chunks(RUNS / ROUNDS) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        let Some(which) = round.get(turn) else { break };
                        guests[*which].check(image);
                        if turn.is_multiple_of(3) {
                            honest[turn / 3 % honest.len()].check(image);
                        }
                    }
                });
            }
        });
        memory.extend(resident());
    }
    if memory.is_empty() {
        eprintln!("skipped: this system does not say how much memory the process has");
        return;
    }
    eprintln!("resident after each round, MiB: {:?}", memory.iter().map(|m| m >> 20).collect::<Vec<_>>());
    assert_eq!(grown(&memory), None, "{memory:?}");
}

/// An interpreter whose memory is overwritten at random, and the host's answers to what it then asks for:
/// each ends in some way that is the program's own, twice in the same one, and the next run is as ever.
#[test]
fn a_corrupted_interpreter_harms_only_itself() {
    let Some(image) = common::image() else { return };
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let source = with("memory.py", &fs_err::read_to_string(folder().join("corruption.py")).unwrap());
    let limits = Limits { fuel: 150_000_000, ..common::limits() };
    let sandbox = Sandbox::new(image, limits);
    let honest = Guest::new(Hostile::read(Utf8Path::new("honest/program.py"), HONEST[2]).unwrap(), image);
    let mut outcomes = BTreeSet::new();
    for seed in 0..CORRUPTIONS {
        let [first, second] = [0, 1].map(|_| common::run(&sandbox, &source, &format!("{seed}\n")));
        assert_eq!(first, second, "seed {seed}");
        assert!(!first.is_judge_failure(), "seed {seed}: {first:?}");
        outcomes.insert(format!("{:?}", first.outcome));
        honest.check(image);
    }
    // It does break the interpreter, and in more than one way.
    assert!(outcomes.len() >= 3, "{outcomes:#?}");
}

/// The measure of memory sees what is held, and the check of growth sees a leak of 200 KiB per run.
#[test]
fn growth_would_be_noticed() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(before) = resident() else { return };
    let held = Mutex::new(vec![1_u8; GROWTH * 2]);
    let after = resident().unwrap();
    assert!(after >= before + GROWTH, "{before} {after} {}", held.lock().unwrap().len());
    let leaking: Vec<usize> =
        (0..ROUNDS).map(|round| before + round * (RUNS / ROUNDS) * (200 << 10)).collect();
    assert!(grown(&leaking).is_some());
    assert_eq!(grown(&[before; ROUNDS]), None);
}
