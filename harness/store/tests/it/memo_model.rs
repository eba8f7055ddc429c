//! Random sequences of operations on the memo, against a map.

use std::collections::BTreeMap;
use std::fs;

use assay_store::{GcRules, Hash, Store};
use proptest::prelude::*;

use crate::common::{Bench, key, noise};

#[derive(Clone, Debug)]
enum Operation {
    Remember(Vec<(u8, Value)>),
    Recall(Vec<u8>),
    Damage(u8),
    /// Removes dead records; with `true`, all values too.
    Collect(bool),
    Reopen,
}

/// A value by its length and content.
type Value = (u16, u8);

fn operation() -> impl Strategy<Value = Operation> {
    let name = || 0u8..12;
    let value = || (prop_oneof![0u16..100, 4094u16..4099, 5000u16..20_000], any::<u8>());
    prop_oneof![
        4 => prop::collection::vec((name(), value()), 0..8).prop_map(Operation::Remember),
        4 => prop::collection::vec(name(), 0..12).prop_map(Operation::Recall),
        3 => name().prop_map(Operation::Damage),
        1 => any::<bool>().prop_map(Operation::Collect),
        1 => Just(Operation::Reopen),
    ]
}

fn bytes((length, content): Value) -> Vec<u8> {
    noise(content.into(), length.into())
}

fn hash(name: u8) -> Hash {
    key(&name.to_string())
}

/// Flips a bit of the stored value, or of its hash if it has no bytes.
fn damage(store: &Store, name: u8) {
    let index = rusqlite::Connection::open(store.root().join("index.sqlite")).unwrap();
    let row: (Vec<u8>, Option<Vec<u8>>, Option<String>, Option<i64>) = index
        .query_row("SELECT hash, value, volume, start FROM memo WHERE key = ?1", [hash(name)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    match row {
        (.., Some(volume), Some(start)) => {
            let path = store.root().join("memo").join(format!("{volume}.volume"));
            let mut bytes = fs::read(&path).unwrap();
            bytes[start as usize + 64 + 1000] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
        (mut check, Some(value), ..) if value.is_empty() => {
            check[0] ^= 1;
            index.execute("UPDATE memo SET hash = ?1 WHERE key = ?2", (check, hash(name))).unwrap();
        }
        (_, Some(mut value), ..) => {
            let middle = value.len() / 2;
            value[middle] ^= 1;
            index.execute("UPDATE memo SET value = ?1 WHERE key = ?2", (value, hash(name))).unwrap();
        }
        row => panic!("{row:?}"),
    }
}

#[derive(Default)]
struct Model {
    /// The values, and whether they are damaged.
    values: BTreeMap<u8, (Value, bool)>,
    /// Since the store was opened.
    damaged: u64,
}

fn apply(bench: &Bench, store: &mut Store, model: &mut Model, operation: Operation) {
    match operation {
        Operation::Remember(entries) => {
            let given: Vec<_> = entries.iter().map(|(name, value)| (hash(*name), bytes(*value))).collect();
            store.remember(&given).unwrap();
            for (name, value) in entries {
                model.values.entry(name).or_insert((value, false));
            }
        }
        Operation::Recall(names) => {
            let keys: Vec<_> = names.iter().map(|name| hash(*name)).collect();
            let expected: Vec<_> = names
                .iter()
                .map(|name| {
                    model.values.get(name).filter(|(_, damaged)| !damaged).map(|(value, _)| bytes(*value))
                })
                .collect();
            assert_eq!(store.recall(&keys).unwrap(), expected);
            for name in names {
                if model.values.get(&name).is_some_and(|(_, damaged)| *damaged) {
                    model.values.remove(&name);
                    model.damaged += 1;
                }
            }
        }
        Operation::Damage(name) => {
            if let Some((_, damaged @ false)) = model.values.get_mut(&name) {
                damage(store, name);
                *damaged = true;
            }
        }
        Operation::Collect(all) => {
            let mut rules = GcRules::default();
            if all {
                rules.memo_idle = std::time::Duration::ZERO;
                model.values.clear();
            }
            store.gc_apply(&store.gc_plan_with(rules).unwrap()).unwrap();
            // Collection may have met damaged records, and then removed them.
            let met = store.memo_damaged() - model.damaged;
            let report = store.verify().unwrap().memo;
            model.values.retain(|name, (_, damaged)| {
                !*damaged || report.damaged.iter().any(|damaged| damaged.key == hash(*name))
            });
            model.damaged += met;
        }
        Operation::Reopen => {
            *store = bench.store();
            model.damaged = 0;
            // The index was found to be damaged, and was made anew.
            for ((length, _), damaged) in model.values.values_mut() {
                *damaged &= *length > 4096;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_memo_behaves_like_a_map(operations in prop::collection::vec(operation(), 1..40)) {
        let bench = Bench::new();
        let mut store = bench.store();
        let mut model = Model::default();
        for operation in operations {
            apply(&bench, &mut store, &mut model, operation);
            prop_assert_eq!(store.memo_damaged(), model.damaged);
            prop_assert_eq!(store.stats().unwrap().memo_values, model.values.len() as u64);
            let report = store.verify().unwrap().memo;
            let damaged = model.values.iter().filter(|(_, (_, damaged))| *damaged).map(|(name, _)| hash(*name));
            let mut damaged: Vec<_> = damaged.collect();
            damaged.sort();
            prop_assert_eq!(report.damaged.iter().map(|damaged| damaged.key).collect::<Vec<_>>(), damaged);
            prop_assert_eq!(report.values, model.values.len() as u64);
        }
    }
}
