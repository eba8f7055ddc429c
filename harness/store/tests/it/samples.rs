use assay_store::Hash;

use crate::common::{Bench, key};

fn item(i: u64) -> (Hash, Vec<u8>) {
    (Hash::of(&i.to_le_bytes()), format!("value {i}").into_bytes())
}

#[test]
fn values_come_back_in_the_order_of_the_keys() {
    let bench = Bench::new();
    let store = bench.store();
    store.put_samples(&[item(3), item(1), item(2)]).unwrap();
    let keys = [item(2).0, key("absent"), item(1).0, item(2).0];
    let values = store.samples(&keys).unwrap();
    assert_eq!(values, [Some(item(2).1), None, Some(item(1).1), Some(item(2).1)]);
    assert_eq!(store.samples(&[]).unwrap(), Vec::<Option<Vec<u8>>>::new());
    store.put_samples(&[]).unwrap();
    store.put_samples(&[(key("empty"), vec![])]).unwrap();
    assert_eq!(store.samples(&[key("empty")]).unwrap(), [Some(vec![])], "an empty value is a value");
}

#[test]
fn a_sample_never_changes() {
    let bench = Bench::new();
    let store = bench.store();
    store.put_samples(&[(key("k"), b"first".to_vec()), (key("k"), b"second".to_vec())]).unwrap();
    store.put_samples(&[(key("k"), b"third".to_vec())]).unwrap();
    assert_eq!(store.samples(&[key("k")]).unwrap(), [Some(b"first".to_vec())]);
}

#[test]
fn a_hundred_thousand_samples_are_ordinary() {
    let bench = Bench::new();
    let store = bench.store();
    let items: Vec<_> = (0..100_000).map(item).collect();
    for batch in items.chunks(5000) {
        store.put_samples(batch).unwrap();
    }
    drop(store);
    let store = bench.store();
    let keys: Vec<_> = items.iter().map(|(key, _)| *key).collect();
    let values = store.samples(&keys).unwrap();
    assert!(values.iter().zip(&items).all(|(found, (_, value))| found.as_ref() == Some(value)));
    let stats = store.stats().unwrap();
    assert_eq!(stats.samples, 100_000);
    assert_eq!(stats.sample_bytes, items.iter().map(|(_, value)| value.len() as u64).sum::<u64>());
}
