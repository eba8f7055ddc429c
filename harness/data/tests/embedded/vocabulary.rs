//! Symbols and random streams.

use assay_data::Draws;
use assay_data::embedded::vocabulary::{self, OutsideVocabulary, encode, has_special, symbol_count};
use proptest::prelude::*;

use crate::oracle::assert_share;

#[test]
fn the_vocabulary_is_what_it_says() {
    let symbols: Vec<_> = vocabulary::symbols().collect();
    assert_eq!((symbols.len(), vocabulary::SIZE), (45, 45));
    for (id, symbol) in
        [(0, "<pad>"), (1, "<bos>"), (12, "<eos>"), (13, "0"), (22, "9"), (23, "+"), (43, "|"), (44, "f")]
    {
        assert_eq!(symbols[id], symbol);
        assert_eq!(encode(symbol), Ok(vec![id as u32]));
    }
}

#[test]
fn characters_outside_are_named_with_their_place() {
    for (text, character, offset) in
        [("12 3", ' ', 2), ("<bos>e", 'e', 5), ("<boss>", '<', 0), ("1<", '<', 1), ("é", 'é', 0)]
    {
        assert_eq!(encode(text), Err(OutsideVocabulary { character, offset }), "{text}");
    }
}

proptest! {
    #[test]
    fn encoding_inverts_writing(ids in prop::collection::vec(0..45u32, 0..60)) {
        let symbols: Vec<_> = vocabulary::symbols().collect();
        let text: String = ids.iter().map(|&id| symbols[id as usize]).collect();
        prop_assert_eq!(encode(&text), Ok(ids.clone()));
        prop_assert_eq!(symbol_count(&text), ids.len());
        prop_assert_eq!(has_special(&text), ids.iter().any(|&id| id < 13));
    }

    #[test]
    fn any_text_is_counted_or_refused(text in ".*") {
        let count = symbol_count(&text);
        if let Ok(ids) = encode(&text) {
            prop_assert_eq!(ids.len(), count);
        }
    }
}

#[test]
fn streams_are_named_and_uniform() {
    let first = |purpose, seed, item: &[u8]| Draws::new(purpose, seed, item).below(u64::MAX);
    let names = [("a", 1, b"x".as_slice()), ("a", 2, b"x"), ("b", 1, b"x"), ("a", 1, b"y"), ("ax", 1, b"")];
    let values: std::collections::BTreeSet<_> = names.iter().map(|&(p, s, i)| first(p, s, i)).collect();
    assert_eq!(values.len(), names.len());
    assert_eq!(first("a", 1, b"x"), first("a", 1, b"x"));

    let mut draws = Draws::numbered("uniform", 0, 0);
    let (mut values, mut weighted, mut firsts) = ([0; 6], [0; 4], [0; 5]);
    for _ in 0..20_000 {
        values[usize::try_from(draws.within(-2..=3) + 2).unwrap()] += 1;
        weighted[draws.weighted(&[1.0, 0.0, 3.0, 0.0])] += 1;
        let mut sample = draws.sample(&[0, 1, 2, 3, 4], 9);
        firsts[sample[0]] += 1;
        sample.sort_unstable();
        assert_eq!(sample, [0, 1, 2, 3, 4]);
    }
    // Where plain scaling would give a third of the values twice the weight.
    let thirds = (0..20_000).filter(|_| draws.below(3 << 62).is_multiple_of(3)).count();
    assert_share("below", thirds, 20_000, 1.0 / 3.0);
    values.into_iter().for_each(|count| assert_share("within", count, 20_000, 1.0 / 6.0));
    firsts.into_iter().for_each(|count| assert_share("sample", count, 20_000, 0.2));
    assert_share("weighted", weighted[0], 20_000, 0.25);
    assert_eq!((weighted[1], weighted[3]), (0, 0));
}
