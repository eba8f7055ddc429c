//! The embedded dialect: rows, prompts, and reading back what a model wrote.

use assay_data::embedded::vocabulary::{SPECIALS, encode};
use assay_data::{Check, Dialect, Hint, InvalidSpan, Item, Segment};
use proptest::prelude::*;

fn item(question: &str) -> Item {
    Item {
        id: "q".to_owned(),
        benchmark: "chain2".to_owned(),
        question: question.to_owned(),
        references: vec!["0".to_owned()],
        check: Check::Exact {},
    }
}

fn text(segments: &[Segment]) -> String {
    segments.iter().map(|segment| segment.text.as_str()).collect()
}

/// The text without loss, and the text with loss after it.
fn parts(row: &[Segment]) -> (String, String) {
    let at = row.iter().position(|segment| segment.loss).unwrap();
    assert!(row[at..].iter().all(|segment| segment.loss));
    (text(&row[..at]), text(&row[at..]))
}

#[test]
fn rows_supervise_the_tail() {
    let dialect = Dialect::embedded();
    let (x, z, y) = (&item("1+2-3?"), "1+2=3;3-3=0", "x=0");
    for (row, prompt, completion) in [
        (dialect.reasoner_row(x, z, y), "<bos>1+2-3?<think>", "1+2=3;3-3=0</think><ans>x=0</ans>"),
        (dialect.thought_row(x, z), "<bos>1+2-3?<think>", "1+2=3;3-3=0</think>"),
        (dialect.answer_row(x, z, y), "<bos>1+2-3?<think>1+2=3;3-3=0</think><ans>", "x=0</ans>"),
        (
            dialect.posterior_row(Hint::A, x, y, z),
            "<bos><qa>1+2-3?<ans>x=0</ans><expl>",
            "1+2=3;3-3=0</expl>",
        ),
        (
            dialect.posterior_row(Hint::B, x, y, z),
            "<bos><qb>1+2-3?<hint>x=0</hint><think>",
            "1+2=3;3-3=0</think>",
        ),
    ] {
        let row = row.unwrap();
        assert_eq!(parts(&row), (prompt.to_owned(), completion.to_owned()));
        // Tokenised piece by piece or as a whole: the same symbols.
        let pieces: Vec<u32> = row.iter().flat_map(|segment| encode(&segment.text).unwrap()).collect();
        assert_eq!(pieces, encode(&text(&row)).unwrap());
    }
}

#[test]
fn prompts_are_what_rows_begin_with() {
    let dialect = Dialect::embedded();
    let (x, z, y) = (&item("1+1?"), "z", "y");
    let begins = |row: Vec<Segment>, prompt: Vec<Segment>| assert!(text(&row).starts_with(&text(&prompt)));
    begins(dialect.reasoner_row(x, z, y).unwrap(), dialect.reasoner_prompt(x).unwrap());
    begins(dialect.answer_row(x, z, y).unwrap(), dialect.answer_prompt(x, z).unwrap());
    for hint in Hint::ALL {
        let prompt = dialect.posterior_prompt(hint, x, "2").unwrap();
        begins(dialect.posterior_row(hint, x, "2", z).unwrap(), prompt);
    }
    // A thought that was cut may hold anything; a choice is made after it all the same.
    assert_eq!(text(&dialect.choice_prompt(x, "1<eos>").unwrap()), "<bos>1+1?<think>1<eos></think><ans>");
}

#[test]
fn stops_are_the_closing_specials() {
    let dialect = Dialect::embedded();
    assert_eq!(dialect.thought_stops(), ["</think>"]);
    assert_eq!(dialect.posterior_stops(Hint::A), ["</expl>"]);
    assert_eq!(dialect.posterior_stops(Hint::B), ["</think>"]);
    assert_eq!(dialect.answer_stops(), ["</ans>"]);
    assert_eq!(dialect.solution_stops(), ["</ans>"]);
    assert_eq!(dialect.requires(), SPECIALS);
}

#[test]
fn a_question_or_hint_with_a_special_is_refused() {
    let dialect = Dialect::embedded();
    let error = dialect.reasoner_prompt(&item("1<think>?")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the question of `q` contains \"<think>\", which has a meaning in this dialect"
    );
    assert!(dialect.posterior_prompt(Hint::B, &item("1+1?"), "2</hint>").is_err());
    assert!(dialect.posterior_prompt(Hint::B, &item("1+1?"), "<hin>").is_ok());
}

#[test]
fn completions_are_taken_apart() {
    use InvalidSpan::{Empty, Special, Unfinished};
    let dialect = Dialect::embedded();
    for (completion, stop, expected) in [
        ("1+1=2", Some("</think>"), Ok("1+1=2")),
        ("", Some("</think>"), Err(Empty)),
        ("1+1=2", None, Err(Unfinished)),
        ("", None, Err(Unfinished)),
        ("1+1=2</expl>", None, Err(Unfinished)),
        ("1<ans>2", Some("</think>"), Err(Special)),
        ("1<eos>", Some("</think>"), Err(Special)),
        ("1+1=2", Some("</expl>"), Ok("1+1=2")),
        ("1+1=2", Some("</ans>"), Err(Unfinished)),
    ] {
        assert_eq!(dialect.read_thought(completion, stop), expected, "{completion}");
    }
    let end = Some("</ans>");
    for (completion, stop, expected) in
        [("2", end, Ok("2")), ("", end, Ok("")), ("2", None, Err(Unfinished)), ("2<eos>", end, Err(Special))]
    {
        assert_eq!(dialect.read_answer(completion, stop), expected, "{completion}");
    }
    for (completion, stop, expected) in [
        ("1+1=2</think><ans>2", end, Ok(("1+1=2", "2"))),
        ("</think><ans>2", end, Ok(("", "2"))),
        ("1+1=2</think>2", end, Err(Unfinished)),
        ("1+1=2</think><ans>2", None, Err(Unfinished)),
        ("<think>1</think><ans>2", end, Err(Special)),
        ("<think>1</think><ans>2", None, Err(Special)),
        ("1</think><ans>2<ans>", end, Err(Special)),
    ] {
        assert_eq!(dialect.read_solution(completion, stop), expected, "{completion}");
    }
}

/// How completions that still had their closing special were read before stop strings were told apart.
mod before {
    use super::InvalidSpan::{self, Empty, Special, Unfinished};
    use assay_data::embedded::vocabulary::has_special;

    pub(super) fn thought<'a>(completion: &'a str, closing: &str) -> Result<&'a str, InvalidSpan> {
        match closed(completion, closing)? {
            "" => Err(Empty),
            thought => Ok(thought),
        }
    }

    pub(super) fn solution(completion: &str) -> Result<(&str, &str), InvalidSpan> {
        let (thought, answer) = completion.split_once("</think><ans>").ok_or(Unfinished)?;
        if has_special(thought) { Err(Special) } else { Ok((thought, closed(answer, "</ans>")?)) }
    }

    pub(super) fn closed<'a>(completion: &'a str, closing: &str) -> Result<&'a str, InvalidSpan> {
        let span = completion.strip_suffix(closing).ok_or(Unfinished)?;
        if has_special(span) { Err(Special) } else { Ok(span) }
    }
}

proptest! {
    /// Whatever symbols a model writes, up to the first closing special or without one.
    #[test]
    fn completions_are_read_as_before(
        symbols in prop::collection::vec(prop_oneof!["[0-9=;x]", prop::sample::select(SPECIALS.as_slice()).prop_map(str::to_owned)], 0..8),
        thought in prop_oneof![Just(String::new()), Just("1</think><ans>".to_owned())],
    ) {
        let dialect = Dialect::embedded();
        let all = symbols.concat();
        for closing in ["</think>", "</expl>", "</ans>"] {
            let (text, stop) = match all.split_once(closing) {
                Some((text, _)) => (text, Some(closing)),
                None => (all.as_str(), None),
            };
            let whole = format!("{text}{}", stop.unwrap_or_default());
            if closing == "</ans>" {
                prop_assert_eq!(dialect.read_answer(text, stop), before::closed(&whole, closing));
                let (text, whole) = (format!("{thought}{text}"), format!("{thought}{whole}"));
                prop_assert_eq!(dialect.read_solution(&text, stop), before::solution(&whole));
            } else {
                prop_assert_eq!(dialect.read_thought(text, stop), before::thought(&whole, closing));
            }
        }
    }
}
