//! Several processes on one store.

use crate::prepared::{REPORT, RUN, fresh, right, run_until_right, start, wait_for};
use crate::random::{Random, trials};

#[test]
fn runs_on_one_store_come_to_the_same_end_also_when_one_is_killed() {
    let right = right();
    for seed in trials(2) {
        let world = fresh();
        let mut random = Random::new("processes", seed);
        let count = *random.choice(&[2, 4]);
        let mut children: Vec<_> = (0..count).map(|_| start(&world, &RUN)).collect();
        std::thread::sleep(std::time::Duration::from_millis(random.below(4000)));
        let mut killed = children.pop().unwrap();
        wait_for(&mut killed, || world.path(".assay/index.sqlite").exists());
        killed.kill().unwrap();
        killed.wait().unwrap();
        world.run(&["store", "gc", "--yes"]).succeeds();
        for mut child in children {
            assert!(child.wait().unwrap().success(), "seed {seed}");
        }
        run_until_right(&world, &RUN);
        assert!(world.read(REPORT) == right.report, "seed {seed}: the report is another one");
        world.run(&["store", "verify"]).succeeds();
    }
}
