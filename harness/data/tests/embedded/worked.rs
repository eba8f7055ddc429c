//! The dialect of base models: worked documents, whose last part is the answer.

use assay_data::embedded::vocabulary::SPECIALS;
use assay_data::embedded::{Corpus, Curriculum, Exclusions, Mixture, Phase};
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

#[test]
fn it_is_named_in_recipes() {
    let read = |name: &str| serde_json::from_value::<Dialect>(serde_json::json!(name));
    let dialect = read("embedded-worked").unwrap();
    assert_eq!(text(&dialect.reasoner_prompt(&item("1+1-2?")).unwrap()), "<bos>1+1-2?;");
    let error = read("embedded-work").unwrap_err().to_string();
    assert!(error.contains("`embedded` or `embedded-worked`"), "{error}");
}

#[test]
fn rows_are_worked_documents() {
    let dialect = Dialect::embedded_worked();
    let (x, z, y) = (&item("1+2-3?"), "1+2=3;3-3=0", "x=0");
    let learnt = |row: &[Segment]| -> String {
        row.iter().filter(|segment| segment.loss).map(|segment| segment.text.as_str()).collect()
    };
    for (row, whole, loss) in [
        (dialect.reasoner_row(x, z, y), "<bos>1+2-3?;1+2=3;3-3=0;x=0<eos>", "1+2=3;3-3=0;x=0<eos>"),
        (dialect.thought_row(x, z), "<bos>1+2-3?;1+2=3;3-3=0;", "1+2=3;3-3=0;"),
        (dialect.answer_row(x, z, y), "<bos>1+2-3?;1+2=3;3-3=0;x=0<eos>", "x=0<eos>"),
        (dialect.answer_prompt(x, z), "<bos>1+2-3?;1+2=3;3-3=0;", ""),
        (dialect.posterior_prompt(Hint::B, x, "0"), "<bos><qb>1+2-3?<hint>0</hint><think>", ""),
    ] {
        let row = row.unwrap();
        assert_eq!((text(&row), learnt(&row)), (whole.to_owned(), loss.to_owned()));
    }
}

#[test]
fn any_special_ends_a_reply_and_the_last_part_is_the_answer() {
    use InvalidSpan::{Empty, Special, Unfinished};
    let dialect = Dialect::embedded_worked();
    for stops in [dialect.solution_stops(), dialect.thought_stops(), dialect.answer_stops()] {
        assert_eq!(stops[0], "<eos>");
        assert!(
            stops.len() == SPECIALS.len()
                && SPECIALS.iter().all(|special| stops.iter().any(|s| s == special))
        );
    }
    for (reply, stop, expected) in [
        ("1+1=2;2-2=0;0", Some("<eos>"), Ok(("1+1=2;2-2=0", "0"))),
        ("1+1=2;2-2=0;0", Some("<bos>"), Ok(("1+1=2;2-2=0", "0"))),
        ("1+1=2;2-2=0;0", Some("</think>"), Ok(("1+1=2;2-2=0", "0"))),
        ("0", Some("<eos>"), Ok(("", "0"))),
        ("", Some("<eos>"), Ok(("", ""))),
        ("1+1=2;", Some("<eos>"), Ok(("1+1=2", ""))),
        ("1+1=2;0", None, Err(Unfinished)),
        ("1+1=2;0", Some(";"), Err(Unfinished)),
        ("1<bos>;0", Some("<eos>"), Err(Special)),
    ] {
        assert_eq!(dialect.read_solution(reply, stop), expected, "{reply} {stop:?}");
    }
    assert_eq!(dialect.read_thought("1+1=2;2", Some("<eos>")), Ok("1+1=2"));
    assert_eq!(dialect.read_thought("2", Some("<eos>")), Err(Empty));
    assert_eq!(dialect.read_thought("1+1=2;2", None), Err(Unfinished));
    assert_eq!(dialect.read_answer("2", Some("<eos>")), Ok("2"));
    assert_eq!(dialect.read_answer("2", Some("<qa>")), Ok("2"));
    assert_eq!(dialect.read_answer("2", None), Err(Unfinished));
}

#[test]
fn a_choice_is_made_after_the_last_step() {
    let dialect = Dialect::embedded_worked();
    let x = &item("1+1?a2,b3,c4,d1?");
    for (reply, prompt) in [
        ("1+1=2;a", "<bos>1+1?a2,b3,c4,d1?;1+1=2;"),
        ("1+1=2;", "<bos>1+1?a2,b3,c4,d1?;1+1=2;"),
        ("a", "<bos>1+1?a2,b3,c4,d1?;"),
        ("", "<bos>1+1?a2,b3,c4,d1?;"),
        // A reply that was cut.
        ("1+1=2;1+1", "<bos>1+1?a2,b3,c4,d1?;1+1=2;"),
    ] {
        let found = dialect.choice_prompt(x, reply).unwrap();
        assert_eq!(text(&found), prompt, "{reply}");
        assert!(found.iter().all(|segment| !segment.loss));
    }
}

/// What pretraining shows is what a base is asked in, and what is read back from it.
#[test]
fn worked_documents_are_read_as_they_are_written() {
    let dialect = Dialect::embedded_worked();
    let mixture = Mixture {
        facts: 0.0,
        direct: 0.0,
        programs: 0.0,
        copies: 0.0,
        semicolons: 1.0,
        ..Mixture::default()
    };
    let corpus =
        Corpus::new(5, Curriculum(vec![Phase { steps: 5, mixture }]), 96, Exclusions::default()).unwrap();
    for document in (0..5).flat_map(|step| corpus.step(step).unwrap()) {
        let body = document.text.strip_prefix("<bos>").unwrap().strip_suffix("<eos>").unwrap();
        let (question, reply) = body.split_once(';').unwrap();
        let x = item(question);
        let (thought, answer) = dialect.read_solution(reply, Some("<eos>")).unwrap();
        assert_eq!(text(&dialect.reasoner_row(&x, thought, answer).unwrap()), document.text);
        assert!(document.text.starts_with(&text(&dialect.reasoner_prompt(&x).unwrap())));
    }
}

proptest! {
    #[test]
    fn reading_a_row_gives_what_was_written(thought in "[0-9=+;]{1,20}", answer in "[0-9x=]{0,8}") {
        let dialect = Dialect::embedded_worked();
        let row = text(&dialect.reasoner_row(&item("1+1?"), &thought, &answer).unwrap());
        let reply = row.strip_prefix("<bos>1+1?;").unwrap().strip_suffix("<eos>").unwrap();
        prop_assert_eq!(dialect.read_solution(reply, Some("<eos>")), Ok((thought.as_str(), answer.as_str())));
    }
}
