//! The matcher of stop strings against the plain definition.

use assay_lm::sample::Stops;
use assay_lm::{LmError, Tokenizer};
use proptest::prelude::*;

use crate::vocabularies::{SPECIALS, byte_level, characters, sentence_piece};

/// Where a sample ends.
#[derive(Debug, PartialEq)]
struct End {
    tokens: usize,
    text: String,
    stop: usize,
}

/// The definition: the fewest tokens whose text contains a stop string; of those, the one that is complete
/// first, and of several that end at one place the longest.
fn defined(tokenizer: &Tokenizer, stops: &[String], tokens: &[u32]) -> Option<End> {
    (1..=tokens.len()).find_map(|count| {
        let text = tokenizer.decode(&tokens[..count]).unwrap();
        let found = stops.iter().enumerate().filter_map(|(i, stop)| Some((text.find(stop)?, stop.len(), i)));
        let (at, _, stop) = found.min_by_key(|(at, len, i)| (at + len, std::cmp::Reverse(*len), *i))?;
        Some(End { tokens: count, text: text[..at].to_owned(), stop })
    })
}

fn matched(tokenizer: &Tokenizer, stops: &[String], tokens: &[u32]) -> Option<End> {
    let stops = Stops::new(tokenizer, stops).unwrap();
    let mut seen = stops.start();
    tokens.iter().enumerate().find_map(|(index, token)| {
        let found = stops.push(&mut seen, *token).unwrap()?;
        let text = stops.text_before(&tokens[..=index], found).unwrap();
        Some(End { tokens: index + 1, text, stop: found.stop })
    })
}

fn strings(stops: &[&str]) -> Vec<String> {
    stops.iter().map(|stop| (*stop).to_owned()).collect()
}

/// The ids of tokens by the texts that a vocabulary lists them under.
fn ids(tokenizer: &Tokenizer, tokens: &[&str]) -> Vec<u32> {
    tokens.iter().map(|token| tokenizer.id(token).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn matching_token_by_token_finds_what_the_definition_says(
        stops in prop::collection::vec("[ab<|>é ]{1,4}", 1..4),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        // The bytes of é are Ã and © in the vocabulary.
        let bytes = byte_level();
        let mut pool = ids(&bytes, &["a", "b", "<", "|", ">", "Ġ", "Ã", "©", "<|", "|>"]);
        pool.push(bytes.id("<eos>").unwrap());
        let pieces = sentence_piece();
        let words = ids(&pieces, &[
            "▁", "a", "b", "<", "|", ">", "é", "▁a", "ab", "b<", "|>", "<0xC3>", "<0xA9>", "<0x62>", "<eos>",
        ]);
        for (tokenizer, pool) in [(bytes, pool), (pieces, words)] {
            let tokens: Vec<u32> = choices.iter().map(|choice| *choice.get(&pool)).collect();
            prop_assert_eq!(matched(&tokenizer, &stops, &tokens), defined(&tokenizer, &stops, &tokens));
        }
    }
}

#[test]
fn a_stop_string_may_begin_and_end_within_tokens() {
    let tokenizer = byte_level();
    let tokens = tokenizer.encode("a<|end>13").unwrap();
    assert_eq!(tokens, ids(&tokenizer, &["a", "<|", "end", ">", "13"]));
    let end = matched(&tokenizer, &strings(&["|en", "zzz"]), &tokens).unwrap();
    assert_eq!(end, End { tokens: 3, text: "a<".to_owned(), stop: 0 });
    let end = matched(&tokenizer, &strings(&["zzz", "d>1"]), &tokens).unwrap();
    assert_eq!(end, End { tokens: 5, text: "a<|en".to_owned(), stop: 1 });
    assert_eq!(matched(&tokenizer, &strings(&["d>12"]), &tokens), None);
    assert_eq!(matched(&tokenizer, &[], &tokens), None);
}

#[test]
fn the_stop_string_that_is_complete_first_counts_and_then_the_longest() {
    for tokenizer in [byte_level(), characters()] {
        let tokens = tokenizer.encode("4+12+13").unwrap();
        let text = |stops: &[&str]| matched(&tokenizer, &strings(stops), &tokens).unwrap();
        assert_eq!((text(&["+12+", "12"]).text.as_str(), text(&["+12+", "12"]).stop), ("4+", 1));
        assert_eq!((text(&["2", "12", "+1+"]).text.as_str(), text(&["2", "12"]).stop), ("4+", 1));
        assert_eq!(text(&["12", "12"]).stop, 0);
    }
}

#[test]
fn characters_may_be_split_over_tokens_and_stay_split() {
    let tokenizer = byte_level();
    let tokens = tokenizer.encode("1é2—é3").unwrap();
    assert_eq!(tokens.len(), 10, "a token per byte");
    let end = matched(&tokenizer, &strings(&["é3"]), &tokens).unwrap();
    assert_eq!((end.text.as_str(), end.tokens), ("1é2—", 10));
    // The first byte of a character, and then the stop string.
    let broken = ids(&tokenizer, &["1", "Ã", "2", "3"]);
    let end = matched(&tokenizer, &strings(&["2"]), &broken).unwrap();
    assert_eq!((end.text.as_str(), end.tokens), ("1\u{fffd}", 3));
    assert_eq!(tokenizer.text(&broken[..2]).unwrap(), "1\u{fffd}");
}

#[test]
fn special_tokens_are_text_and_ids_without_a_token_are_none() {
    for tokenizer in [byte_level(), characters(), sentence_piece()] {
        let last = tokenizer.vocabulary_size() as u32;
        let [bos, think] = [SPECIALS[0], SPECIALS[1]].map(|token| tokenizer.id(token).unwrap());
        let tokens = [last + 7, bos, last, think];
        let end = matched(&tokenizer, &strings(&["<think>"]), &tokens).unwrap();
        assert_eq!(end, End { tokens: 4, text: "<bos>".to_owned(), stop: 0 });
        assert_eq!(tokenizer.text(&tokens).unwrap(), "<bos><think>");
    }
}

#[test]
fn a_text_is_one_token_or_not() {
    for tokenizer in [byte_level(), sentence_piece()] {
        for special in SPECIALS {
            assert_eq!(tokenizer.single(special), tokenizer.id(special).ok());
        }
        assert_eq!(tokenizer.single("<bos"), None);
        assert_eq!(tokenizer.single(""), None);
    }
    assert!(byte_level().single("end").is_some());
    assert_eq!(byte_level().single("é"), None);
    assert_eq!(characters().single("x"), None, "the vocabulary has no such character");
}

#[test]
fn impossible_stop_strings_are_refused() {
    let tokenizer = characters();
    for stop in ["", "a\u{fffd}"] {
        let error = Stops::new(&tokenizer, &strings(&["1", stop])).unwrap_err();
        assert!(matches!(error, LmError::Setting { field: "stop", .. }), "{error}");
    }
}
