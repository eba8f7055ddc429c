use assay_store::memo::{Keeper, Unfilled, memoized};
use assay_store::{ErrorClass, Hash, Store, StoreError};

use crate::common::{Bench, key};

fn item(i: u64) -> (Hash, Vec<u8>) {
    (Hash::of(&i.to_le_bytes()), format!("value {i}").into_bytes())
}

#[test]
fn values_come_back_in_the_order_of_the_keys() {
    let bench = Bench::new();
    let store = bench.store();
    store.remember(&[item(3), item(1), item(2)]).unwrap();
    let keys = [item(2).0, key("absent"), item(1).0, item(2).0];
    let values = store.recall(&keys).unwrap();
    assert_eq!(values, [Some(item(2).1), None, Some(item(1).1), Some(item(2).1)]);
    assert_eq!(store.recall(&[]).unwrap(), Vec::<Option<Vec<u8>>>::new());
    store.remember(&[]).unwrap();
    store.remember(&[(key("empty"), vec![])]).unwrap();
    assert_eq!(store.recall(&[key("empty")]).unwrap(), [Some(vec![])], "an empty value is a value");
}

#[test]
fn a_value_never_changes() {
    let bench = Bench::new();
    let store = bench.store();
    store.remember(&[(key("k"), b"first".to_vec()), (key("k"), b"second".to_vec())]).unwrap();
    store.remember(&[(key("k"), b"third".to_vec())]).unwrap();
    assert_eq!(store.recall(&[key("k")]).unwrap(), [Some(b"first".to_vec())]);
}

#[test]
fn a_hundred_thousand_values_are_ordinary() {
    let bench = Bench::new();
    let store = bench.store();
    let items: Vec<_> = (0..100_000).map(item).collect();
    for batch in items.chunks(5000) {
        store.remember(batch).unwrap();
    }
    drop(store);
    let store = bench.store();
    let keys: Vec<_> = items.iter().map(|(key, _)| *key).collect();
    let values = store.recall(&keys).unwrap();
    assert!(values.iter().zip(&items).all(|(found, (_, value))| found.as_ref() == Some(value)));
    let stats = store.stats().unwrap();
    assert_eq!(stats.memo_values, 100_000);
    assert_eq!(stats.memo_bytes, items.iter().map(|(_, value)| value.len() as u64).sum::<u64>());
}

/// A failure of a computation.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
    #[error("stopped")]
    Stopped,
}

fn keys(names: &[&str]) -> Vec<Hash> {
    names.iter().map(|name| key(name)).collect()
}

/// Asks for lengths of names, and says which indices had to be computed.
fn lengths(store: &Store, names: &[&str]) -> (Vec<f64>, Vec<usize>) {
    let mut asked = Vec::new();
    let values = memoized(store, &keys(names), |unknown, keeper| {
        asked.extend(unknown);
        // Computed in any order.
        for &index in unknown.iter().rev() {
            keeper.keep(index, names[index].len() as f64 / 10.0)?;
        }
        Ok::<_, Failure>(())
    });
    (values.unwrap(), asked)
}

#[test]
fn only_unknown_values_are_computed_and_equal_keys_once() {
    let bench = Bench::new();
    let store = bench.store();
    assert_eq!(
        lengths(&store, &["a", "bb", "a", "ccc", "bb"]),
        (vec![0.1, 0.2, 0.1, 0.3, 0.2], vec![0, 1, 3])
    );
    assert_eq!(lengths(&store, &["dddd", "ccc", "dddd"]), (vec![0.4, 0.3, 0.4], vec![0]));
    assert_eq!(
        lengths(&bench.store(), &["dddd", "bb"]),
        (vec![0.4, 0.2], vec![]),
        "another process knows them"
    );
    assert_eq!(lengths(&store, &[]), (vec![], vec![]));
    assert_eq!(store.stats().unwrap().memo_values, 4);
}

#[test]
fn passed_values_are_used_but_not_stored() {
    let bench = Bench::new();
    let store = bench.store();
    for _ in 0..2 {
        let mut asked = 0;
        let values = memoized(&store, &keys(&["broken", "fine", "broken"]), |unknown, keeper| {
            asked += unknown.len();
            for &index in unknown {
                if index == 0 {
                    keeper.pass(index, "judge failed".to_owned());
                } else {
                    keeper.keep(index, "right".to_owned())?;
                }
            }
            Ok::<_, Failure>(())
        });
        assert_eq!(values.unwrap(), ["judge failed", "right", "judge failed"]);
        assert!(asked > 0);
    }
    assert_eq!(store.recall(&keys(&["broken", "fine"])).unwrap(), [None, Some(b"\"right\"".to_vec())]);
}

#[test]
fn the_first_value_of_a_key_stays() {
    let bench = Bench::new();
    let values = memoized(&bench.store(), &keys(&["k"]), |_, keeper| {
        keeper.keep(0, 1)?;
        keeper.keep(0, 2)?;
        keeper.pass(0, 3);
        keeper.keep(7, 4)?;
        Ok::<_, Failure>(())
    });
    assert_eq!(values.unwrap(), [1]);
    assert_eq!(bench.store().recall(&keys(&["k"])).unwrap(), [Some(b"1".to_vec())]);
}

#[test]
fn a_key_without_a_value_is_a_mistake_that_is_named() {
    let bench = Bench::new();
    let store = bench.store();
    let result = memoized(&store, &keys(&["a", "b", "c"]), |_, keeper| {
        keeper.keep(0, 1)?;
        keeper.keep(2, 3)?;
        Ok::<_, Failure>(())
    });
    assert!(matches!(result, Err(Failure::Unfilled(Unfilled { index: 1 }))), "{result:?}");
    assert_eq!(store.stats().unwrap().memo_values, 2, "the others are stored");
}

#[test]
fn what_was_kept_before_a_failure_is_stored_in_groups_and_at_the_end() {
    let bench = Bench::new();
    let store = bench.store();
    let all: Vec<_> = (0..300).map(|i| item(i).0).collect();
    let result = memoized(&store, &all, |unknown, keeper| {
        for &index in &unknown[..256] {
            keeper.keep(index, index)?;
        }
        assert_eq!(store.stats()?.memo_values, 256, "a full group is stored at once");
        keeper.keep(256, 256)?;
        assert_eq!(store.stats()?.memo_values, 256);
        std::thread::sleep(std::time::Duration::from_millis(2100));
        keeper.keep(257, 257)?;
        assert_eq!(store.stats()?.memo_values, 258, "a value after a pause is stored at once");
        keeper.keep(258, 258)?;
        Err(Failure::Stopped)
    });
    assert!(matches!(result, Err(Failure::Stopped)), "{result:?}");
    let again = memoized(&store, &all, |unknown, keeper| {
        assert_eq!(unknown, (259..300).collect::<Vec<_>>());
        unknown.iter().try_for_each(|&index| Ok::<_, Failure>(keeper.keep(index, index)?))
    });
    assert_eq!(again.unwrap(), (0..300).collect::<Vec<_>>());
}

#[test]
fn floats_come_back_bit_by_bit() {
    let bench = Bench::new();
    let store = bench.store();
    let all: Vec<_> = (0..500).map(|i| item(i).0).collect();
    let value = |index: usize| ((index as f64 + 0.1).ln(), (index as f32 * 0.37).exp2().recip());
    let compute = |unknown: &[usize], keeper: &mut Keeper<'_, (f64, f32)>| {
        unknown.iter().try_for_each(|&index| Ok::<_, Failure>(keeper.keep(index, value(index))?))
    };
    let first = memoized(&store, &all, compute).unwrap();
    let second = memoized(&store, &all, |_, _| -> Result<(), Failure> { unreachable!() }).unwrap();
    let bits =
        |values: &[(f64, f32)]| values.iter().map(|(a, b)| (a.to_bits(), b.to_bits())).collect::<Vec<_>>();
    assert_eq!(bits(&first), bits(&second));
}

#[test]
fn a_value_of_another_form_is_computed_again() {
    let bench = Bench::new();
    let store = bench.store();
    store.remember(&[(key("a"), b"no json".to_vec()), (key("bb"), b"\"text\"".to_vec())]).unwrap();
    assert_eq!(lengths(&store, &["a", "bb"]), (vec![0.1, 0.2], vec![0, 1]));
    assert_eq!(store.memo_damaged(), 2);
    assert_eq!(lengths(&store, &["a", "bb"]), (vec![0.1, 0.2], vec![]));
}

#[test]
fn a_value_without_a_json_form_is_refused() {
    let bench = Bench::new();
    let result = memoized(&bench.store(), &keys(&["k"]), |_, keeper| {
        keeper.keep(0, std::collections::BTreeMap::from([((1, 2), 3)]))?;
        Ok::<_, Failure>(())
    });
    let Err(Failure::Store(error)) = result else { panic!("{result:?}") };
    assert!(matches!(error, StoreError::BadValue(_)), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Internal);
}

/// Flips a bit in the value, or in the key or the hash, of a row of the index.
#[test]
fn a_damaged_value_counts_as_absent_is_removed_and_can_be_stored_again() {
    for column in ["value", "hash", "key"] {
        let bench = Bench::new();
        let store = bench.store();
        let items: Vec<_> = (0..100).map(item).collect();
        let all: Vec<_> = items.iter().map(|(key, _)| *key).collect();
        store.remember(&items).unwrap();
        let index = rusqlite::Connection::open(bench.root().join("index.sqlite")).unwrap();
        let bytes: Vec<u8> = index
            .query_row(&format!("SELECT {column} FROM memo WHERE key = ?1"), [all[7]], |row| row.get(0))
            .unwrap();
        let flipped: Vec<u8> = bytes.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == 3)).collect();
        index.execute(&format!("UPDATE memo SET {column} = ?1 WHERE key = ?2"), (&flipped, all[7])).unwrap();

        let found = store.recall(&all).unwrap();
        for (i, value) in found.iter().enumerate() {
            assert_eq!(value.as_ref(), Some(&items[i].1).filter(|_| i != 7), "{column}");
        }
        if column == "key" {
            // At the wrong key it waits for somebody who asks for that.
            let wrong = Hash::from_bytes(flipped.try_into().unwrap());
            assert_eq!(store.recall(&[wrong]).unwrap(), [None]);
        }
        assert_eq!(store.memo_damaged(), 1, "{column}");
        assert_eq!(store.stats().unwrap().memo_values, 99, "{column}");
        store.remember(&items).unwrap();
        assert!(
            store
                .recall(&all)
                .unwrap()
                .iter()
                .zip(&items)
                .all(|(found, item)| found.as_ref() == Some(&item.1))
        );
        assert_eq!(store.memo_damaged(), 1);
    }
}
