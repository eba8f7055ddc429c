//! Random sequences of operations, against a model made of maps.

use std::collections::BTreeMap;
use std::fs;

use assay_store::{Hash, RunId, RunStatus, Store, StoreError};
use proptest::prelude::*;

use crate::common::{Bench, action, flip_byte, key, no_grace, noise, object_file};

/// Contents are numbered; few, so that operations meet.
type Content = u8;

#[derive(Clone, Debug)]
enum Operation {
    Put(Content),
    PutTree(Vec<Content>),
    Corrupt(Content),
    Lose(Content),
    Forget(Content),
    Record { step: u8, key: u8, output: Content },
    Pin(Content),
    Sample(u8, u8),
    Event,
    NextRun,
    Collect,
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let content = || 0u8..6;
    prop_oneof![
        4 => content().prop_map(Put),
        2 => prop::collection::vec(content(), 0..4).prop_map(PutTree),
        2 => content().prop_map(Corrupt),
        1 => content().prop_map(Lose),
        2 => content().prop_map(Forget),
        4 => (0u8..3, 0u8..5, content()).prop_map(|(step, key, output)| Record { step, key, output }),
        1 => content().prop_map(Pin),
        2 => (0u8..5, any::<u8>()).prop_map(|(key, value)| Sample(key, value)),
        1 => Just(Event),
        1 => Just(NextRun),
        1 => Just(Collect),
        1 => Just(Reopen),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Sound,
    Corrupt,
}

#[derive(Clone, Debug)]
struct Recorded {
    step: u8,
    output: Content,
    used: usize,
    run: usize,
}

#[derive(Debug, Default)]
struct Model {
    objects: BTreeMap<Content, State>,
    actions: BTreeMap<u8, Recorded>,
    pins: Vec<Content>,
    samples: BTreeMap<u8, u8>,
    events: Vec<usize>,
    clock: usize,
}

fn bytes(content: Content) -> Vec<u8> {
    noise(content.into(), 50 + usize::from(content))
}

fn hash(content: Content) -> Hash {
    Hash::of(&bytes(content))
}

impl Model {
    /// Whether an action is the latest of its step, or of the last run that recorded anything.
    fn is_current(&self, action: &Recorded) -> bool {
        self.actions.values().all(|other| other.run <= action.run)
            || self
                .actions
                .values()
                .filter(|other| other.step == action.step)
                .all(|other| other.used <= action.used)
    }

    /// What garbage collection leaves while a run is active.
    fn collect_beside_a_run(&mut self) {
        let (pins, actions) = (&self.pins, &self.actions);
        self.objects.retain(|content, _| {
            pins.contains(content) || actions.values().any(|action| action.output == *content)
        });
    }

    /// What garbage collection leaves when no run is active.
    fn collect(&mut self) {
        let needed = |content: &Content| {
            self.pins.contains(content)
                || self.actions.values().any(|action| action.output == *content && self.is_current(action))
        };
        let objects: BTreeMap<_, _> =
            self.objects.iter().filter(|(content, _)| needed(content)).map(|(c, s)| (*c, *s)).collect();
        let stays = |action: &Recorded| objects.contains_key(&action.output) || self.is_current(action);
        let actions = self.actions.iter().filter(|(_, action)| stays(action));
        self.actions = actions.map(|(key, action)| (*key, action.clone())).collect();
        self.objects = objects;
    }
}

fn apply(bench: &Bench, store: &mut Store, run: &mut RunId, model: &mut Model, operation: Operation) {
    match operation {
        Operation::Put(content) => {
            assert_eq!(store.put_bytes(&bytes(content)).unwrap(), hash(content));
            model.objects.insert(content, State::Sound);
        }
        Operation::PutTree(contents) => {
            let scratch = store.scratch().unwrap();
            for content in &contents {
                fs::write(scratch.path().join(content.to_string()), bytes(*content)).unwrap();
            }
            let tree = store.put_path(scratch.path()).unwrap();
            model.objects.extend(contents.iter().map(|content| (*content, State::Sound)));
            for content in contents {
                assert_eq!(store.read_in_tree(&tree, &content.to_string()).unwrap(), bytes(content));
            }
            // Trees have tests of their own; here they are another way to put files.
            fs::remove_file(object_file(store, &tree)).unwrap();
        }
        Operation::Corrupt(content) => {
            if model.objects.get(&content) == Some(&State::Sound) {
                flip_byte(&object_file(store, &hash(content)));
                model.objects.insert(content, State::Corrupt);
            }
        }
        Operation::Lose(content) => {
            if model.objects.remove(&content).is_some() {
                fs::remove_file(object_file(store, &hash(content))).unwrap();
            }
        }
        Operation::Forget(content) => {
            let corrupt = model.objects.get(&content) == Some(&State::Corrupt);
            assert_eq!(store.forget(&hash(content)).unwrap(), corrupt);
            if corrupt {
                model.objects.remove(&content);
            }
        }
        Operation::Record { step, key: name, output } => {
            if model.objects.contains_key(&output) {
                action(store, *run, &step.to_string(), &name.to_string(), hash(output));
                model.clock += 1;
                let run = model.events.len() - 1;
                model.actions.insert(name, Recorded { step, output, used: model.clock, run });
            }
        }
        Operation::Pin(content) => {
            let there = model.objects.contains_key(&content);
            assert_eq!(store.pin(run, &[hash(content)]).is_ok(), there);
            if there {
                model.pins.push(content);
            }
        }
        Operation::Sample(name, value) => {
            store.remember(&[(key(&name.to_string()), vec![value])]).unwrap();
            model.samples.entry(name).or_insert(value);
        }
        Operation::Event => {
            store.append_event(run, "{}").unwrap();
            *model.events.last_mut().unwrap() += 1;
        }
        Operation::NextRun => {
            store.finish_run(run, RunStatus::Succeeded).unwrap();
            *run = store.begin_run("model").unwrap();
            model.events.push(0);
        }
        Operation::Collect => {
            // A run is active, so only what no action refers to may go; without one, exactly what is not needed.
            let plan = store.gc_plan_with(no_grace()).unwrap();
            store.gc_apply(&plan).unwrap();
            model.collect_beside_a_run();
            compare(store, model);
            store.finish_run(run, RunStatus::Succeeded).unwrap();
            let plan = store.gc_plan_with(no_grace()).unwrap();
            store.gc_apply(&plan).unwrap();
            model.collect();
            *run = store.begin_run("model").unwrap();
            model.events.push(0);
        }
        Operation::Reopen => {
            store.finish_run(run, RunStatus::Succeeded).unwrap();
            *store = bench.store();
            *run = store.begin_run("model").unwrap();
            model.events.push(0);
        }
    }
}

fn compare(store: &Store, model: &Model) {
    for content in 0..6 {
        let (state, hash) = (model.objects.get(&content), hash(content));
        assert_eq!(store.contains(&hash), state.is_some());
        match (state, store.read(&hash)) {
            (Some(State::Sound), Ok(read)) => assert_eq!(read, bytes(content)),
            (Some(State::Corrupt), Err(StoreError::Corrupt { hash: named, .. })) => assert_eq!(named, hash),
            (None, Err(StoreError::Missing { hash: named, .. })) => assert_eq!(named, hash),
            (state, read) => panic!("{content}: {state:?} but {read:?}"),
        }
        assert_eq!(store.path(&hash).is_ok(), state == Some(&State::Sound));
    }
    for name in 0..5u8 {
        let found = store.action(&key(&name.to_string())).unwrap().map(|action| action.output);
        let expected = model.actions.get(&name).map(|action| action.output);
        let expected = expected.filter(|output| model.objects.contains_key(output)).map(hash);
        assert_eq!(found, expected, "action {name}");
    }
    for step in 0..3u8 {
        let latest = model
            .actions
            .iter()
            .filter(|(_, action)| action.step == step)
            .max_by_key(|(_, action)| action.used);
        let found = store.latest_action(&step.to_string()).unwrap().map(|action| action.key);
        assert_eq!(found, latest.map(|(name, _)| key(&name.to_string())), "step {step}");
    }
    let keys: Vec<_> = (0..5u8).map(|name| key(&name.to_string())).collect();
    let expected: Vec<_> = (0..5u8).map(|name| model.samples.get(&name).map(|value| vec![*value])).collect();
    assert_eq!(store.recall(&keys).unwrap(), expected);
    let runs = store.runs().unwrap();
    let events: Vec<_> = runs.iter().rev().map(|run| store.events(&run.id).unwrap().len()).collect();
    assert_eq!(events, model.events);
    let stats = store.stats().unwrap();
    assert_eq!((stats.objects, stats.actions), (model.objects.len() as u64, model.actions.len() as u64));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_store_behaves_like_maps(operations in prop::collection::vec(operation(), 1..40)) {
        let bench = Bench::new();
        let mut store = bench.store();
        let mut run = store.begin_run("model").unwrap();
        let mut model = Model { events: vec![0], ..Model::default() };
        for operation in operations {
            apply(&bench, &mut store, &mut run, &mut model, operation);
            compare(&store, &model);
        }
        let report = store.verify().unwrap();
        let corrupt = model.objects.values().filter(|state| **state == State::Corrupt).count();
        prop_assert_eq!(report.corrupt.len(), corrupt);
    }
}
