//! Tokens and rows.

use assay_study::tasks::formats::{
    answer_row, completed_answer, completed_solution, completed_thought, reasoner_row, thought_row,
};
use assay_study::tasks::vocabulary::{self, OutsideVocabulary, encode, has_special, token_count};
use assay_study::tasks::{Draws, InvalidSpan, Row, Template};
use proptest::prelude::*;

use crate::oracle::assert_share;

#[test]
fn the_vocabulary_is_what_it_says() {
    let tokens: Vec<_> = vocabulary::tokens().collect();
    assert_eq!((tokens.len(), vocabulary::SIZE), (45, 45));
    for (id, token) in
        [(0, "<pad>"), (1, "<bos>"), (12, "<eos>"), (13, "0"), (22, "9"), (23, "+"), (43, "|"), (44, "f")]
    {
        assert_eq!(tokens[id], token);
        assert_eq!(encode(token), Ok(vec![id as u32]));
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
        let tokens: Vec<_> = vocabulary::tokens().collect();
        let text: String = ids.iter().map(|&id| tokens[id as usize]).collect();
        prop_assert_eq!(encode(&text), Ok(ids.clone()));
        prop_assert_eq!(token_count(&text), ids.len());
        prop_assert_eq!(has_special(&text), ids.iter().any(|&id| id < 13));
    }

    #[test]
    fn any_text_is_counted_or_refused(text in ".*") {
        let count = token_count(&text);
        if let Ok(ids) = encode(&text) {
            prop_assert_eq!(ids.len(), count);
        }
    }
}

#[test]
fn rows_supervise_the_tail() {
    let (x, z, y) = ("1+2-3?", "1+2=3;3-3=0", "x=0");
    let table: [(Row, &str, &str); 5] = [
        (reasoner_row(x, z, y), "<bos>1+2-3?<think>", "1+2=3;3-3=0</think><ans>x=0</ans>"),
        (thought_row(x, z), "<bos>1+2-3?<think>", "1+2=3;3-3=0</think>"),
        (answer_row(x, z, y), "<bos>1+2-3?<think>1+2=3;3-3=0</think><ans>", "x=0</ans>"),
        (Template::A.row(x, y, z), "<bos><qa>1+2-3?<ans>x=0</ans><expl>", "1+2=3;3-3=0</expl>"),
        (Template::B.row(x, y, z), "<bos><qb>1+2-3?<hint>x=0</hint><think>", "1+2=3;3-3=0</think>"),
    ];
    for (row, prompt, completion) in table {
        assert_eq!(row.text, format!("{prompt}{completion}"));
        assert_eq!(row.supervised_from, encode(prompt).unwrap().len());
        assert_eq!(row.supervised(), encode(completion).unwrap().len());
        assert_eq!(row.tokens, encode(&row.text).unwrap().len());
    }
}

#[test]
fn prompts_are_what_rows_begin_with() {
    use assay_study::tasks::formats::{answer_prompt, reasoner_prompt};
    assert!(reasoner_row("1+1?", "z", "y").text.starts_with(&reasoner_prompt("1+1?")));
    assert!(answer_row("1+1?", "z", "y").text.starts_with(&answer_prompt("1+1?", "z")));
    for template in [Template::A, Template::B] {
        assert!(template.row("1+1?", "2", "z").text.starts_with(&template.prompt("1+1?", "2")));
    }
}

#[test]
fn completions_are_taken_apart() {
    use InvalidSpan::{Empty, Special, Unfinished};
    for (completion, expected) in [
        ("1+1=2</think>", Ok("1+1=2")),
        ("</think>", Err(Empty)),
        ("1+1=2", Err(Unfinished)),
        ("", Err(Unfinished)),
        ("1+1=2</expl>", Err(Unfinished)),
        ("1<ans>2</think>", Err(Special)),
        ("1</think>2</think>", Err(Special)),
        ("1<eos></think>", Err(Special)),
    ] {
        assert_eq!(completed_thought(completion, "</think>"), expected, "{completion}");
    }
    assert_eq!(completed_thought("1+1=2</expl>", Template::A.closing()), Ok("1+1=2"));

    for (completion, expected) in
        [("2</ans>", Ok("2")), ("</ans>", Ok("")), ("2", Err(Unfinished)), ("2<eos></ans>", Err(Special))]
    {
        assert_eq!(completed_answer(completion), expected, "{completion}");
    }
    for (completion, expected) in [
        ("1+1=2</think><ans>2</ans>", Ok(("1+1=2", "2"))),
        ("</think><ans>2</ans>", Ok(("", "2"))),
        ("1+1=2</think>2</ans>", Err(Unfinished)),
        ("1+1=2</think><ans>2", Err(Unfinished)),
        ("<think>1</think><ans>2</ans>", Err(Special)),
        ("1</think><ans>2<ans></ans>", Err(Special)),
        ("1</think><ans>2</ans></ans>", Err(Special)),
    ] {
        assert_eq!(completed_solution(completion), expected, "{completion}");
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
