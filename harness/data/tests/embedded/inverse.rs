//! The inverse families: their questions, answers and searches, worked out anew from the texts.

use crate::oracle::{Said, assert_share, draw, said};
use assay_data::Draws;
use assay_data::embedded::space::distinct_questions;
use assay_data::embedded::teacher::trace;
use assay_data::embedded::{Answers, Family, Question, Soundness, Style, Truth, soundness};
use std::collections::BTreeSet;

const INVERSE: [Family; 3] = [Family::Root, Family::Factors, Family::Sums];
const DRAWS: u64 = 2000;

/// The numbers that an inverse question allows, by trying all of them.
fn solutions(question: &Question) -> BTreeSet<i64> {
    let text = question.text().trim_end_matches('?');
    let number = |text: &str| text.parse::<i64>().unwrap();
    match question.family() {
        Family::Root => {
            let (c, n) = text.strip_prefix("x*x-x+").unwrap().split_once('=').unwrap();
            assert!((1..=999).contains(&number(c)), "{text}");
            (2..=40).filter(|x| x * x - x + number(c) == number(n)).collect()
        }
        Family::Factors => {
            let n = number(text.strip_suffix("=a*b").unwrap());
            let pairs = (11..=99).flat_map(|a| (11..=99).map(move |b| (a, b)));
            pairs.filter(|(a, b)| a * b == n).map(|(a, _)| a).collect()
        }
        _ => {
            let (s, p) = text.strip_prefix("a+b=").unwrap().split_once(",a*b=").unwrap();
            let (s, p) = (number(s), number(p));
            (11..=79).filter(|a| (11..=79).contains(&(s - a)) && a * (s - a) == p).collect()
        }
    }
}

fn right(question: &Question) -> BTreeSet<i64> {
    match question.truth() {
        Truth::Number(value) => [value.integer().unwrap()].into(),
        Truth::Either(numbers) => numbers.into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_has_the_solutions_that_its_rule_gives_it() {
    for family in INVERSE {
        for question in draw(family, DRAWS) {
            let expected = if family == Family::Root { 1 } else { 2 };
            assert_eq!(solutions(&question), right(&question), "{}", question.text());
            assert_eq!(right(&question).len(), expected, "{}", question.text());
        }
        // Enough for 100 test questions and 1200 rows of a training set, of one family alone.
        assert!(distinct_questions(family) >= 1300, "{family}");
    }
}

#[test]
fn every_right_answer_passes_and_no_other_number() {
    for family in INVERSE {
        for question in draw(family, 200) {
            let item = question.item();
            assert_eq!(item.reference(), question.reference());
            assert_eq!(item.references.len(), right(&question).len());
            for reference in &item.references {
                assert_eq!(said(&item, reference), Said::Right, "{} {reference}", question.text());
            }
            for number in 0..120 {
                let expected = if right(&question).contains(&number) { Said::Right } else { Said::Wrong };
                assert_eq!(said(&item, &number.to_string()), expected, "{} {number}", question.text());
                assert_eq!(said(&item, &format!("1+1=2,x={number}")), expected);
            }
        }
    }
}

/// Whoever is shown the reference answer of two numbers knows both, and does not have to divide.
#[test]
fn answers_of_two_numbers_name_both() {
    for family in [Family::Factors, Family::Sums] {
        for question in draw(family, DRAWS) {
            for answer in [
                question.reference().to_owned(),
                question.clone().answered(Answers::Restated).reference().to_owned(),
            ] {
                let numbers: BTreeSet<i64> =
                    answer.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
                assert!(right(&question).is_subset(&numbers), "{} {answer}", question.text());
            }
        }
    }
}

#[test]
fn searches_close_in_and_their_numbers_are_true() {
    let mut starts = BTreeSet::new();
    let (mut trials, mut rows) = ([0; 3], 0);
    for (index, question) in INVERSE.into_iter().flat_map(|family| draw(family, DRAWS)).enumerate() {
        let text = trace(&question, Style::Full, &mut Draws::numbered("search", 0, index as u64)).unwrap();
        let lines: Vec<&str> = text.split(';').collect();
        let first =
            |line: &str| line.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<i64>().unwrap();
        let answer = first(lines.last().unwrap());
        assert!(said(&question.item(), &answer.to_string()) == Said::Right, "{text}");
        assert!(question.reference().ends_with(&format!("{answer}")), "{text} {}", question.reference());
        let distances: Vec<u64> = lines.iter().map(|line| first(line).abs_diff(answer)).collect();
        assert!(distances.is_sorted_by(|a, b| a >= b) && *distances.last().unwrap() == 0, "{text}");
        for (at, line) in lines.iter().enumerate() {
            assert_eq!(line.ends_with('!'), at + 1 < lines.len(), "{text}");
            let (parts, sum) = line.trim_end_matches('!').split_once(':').unwrap().1.split_once('=').unwrap();
            let (one, two) = parts.split_once('+').unwrap();
            let number = |text: &str| text.parse::<i64>().unwrap();
            assert_eq!(number(one) + number(two), number(sum), "{text}");
        }
        if question.family() == Family::Root {
            starts.insert(first(lines[0]));
        }
        trials[lines.len() - 1] += 1;
        rows += 1;
    }
    assert_eq!(starts.len(), 39, "a search starts anywhere");
    for (count, share) in trials.into_iter().zip([0.25, 0.5, 0.25]) {
        assert_share("wrong trials", count, rows, share);
    }
}

#[test]
fn soundness_of_hand_written_searches() {
    let find = |family, text: &str| {
        let mut draws = Draws::numbered("find", 0, 0);
        let mut all = std::iter::repeat_with(|| Question::draw(family, &mut draws)).take(2_000_000);
        all.find(|question| question.text() == text).unwrap()
    };
    let root = find(Family::Root, "x*x-x+45=201?");
    let factors = find(Family::Factors, "1073=a*b?");
    let sums = find(Family::Sums, "a+b=57,a*b=740?");
    let (yes, no) = (true, false);
    for (question, thought, complete, truthful, right_end) in [
        (&root, "13:156+45=201", yes, yes, yes),
        (&root, "20:380+45=425!;13:156+45=201", yes, yes, yes),
        (&root, "20!;13", no, yes, yes),
        (&root, "20:380+45=425;13:156+45=201", no, no, yes),
        (&root, "13:156+45=201!;13:156+45=201", yes, no, yes),
        (&root, "20:381+45=426!;13:156+45=201", yes, no, yes),
        (&root, "13:156+45=200", yes, no, yes),
        (&root, "14:182+45=227", yes, no, no),
        (&root, "13:156+45=201!", no, no, no),
        (&root, "13:156+45=201;", no, no, no),
        (&root, "013:156+45=201", no, no, no),
        (&root, "", no, no, no),
        (&factors, "29*37:870+203=1073", yes, yes, yes),
        (&factors, "37*29:740+333=1073", yes, yes, yes),
        (&factors, "31*34:930+124=1054!;37*29:740+333=1073", yes, yes, yes),
        (&factors, "31*35:930+155=1085!;37*29:740+333=1073", no, no, yes),
        (&sums, "20+37:600+140=740", yes, yes, yes),
        (&sums, "37+20:740+0=740", yes, yes, yes),
        (&sums, "30+27:600+210=810!;20+37", no, yes, yes),
        (&sums, "99+0!;20+37:600+140=740", no, no, yes),
    ] {
        let expected = Soundness { complete, truthful, right_end };
        assert_eq!(soundness(question, thought), Some(expected), "{} {thought}", question.text());
    }
}

#[test]
fn a_stored_question_that_breaks_its_rule_is_refused() {
    for (family, text, reference, inverse) in [
        // x is out of range; 396 is 11*36, 12*33, 18*22; a+b leaves nothing to search for; not of this family.
        ("root", "x*x-x+5=5?", "1", r#"{"root":{"x":1,"c":5}}"#),
        ("factors", "396=a*b?", "11", r#"{"factors":{"a":11,"b":36}}"#),
        ("factors", "121=a*b?", "11", r#"{"factors":{"a":11,"b":11}}"#),
        ("factors", "0=a*b?", "0", r#"{"factors":{"a":0,"b":9223372036854775807}}"#),
        ("sums", "a+b=23,a*b=132?", "11", r#"{"sums":{"a":11,"b":12}}"#),
        ("sums", "x*x-x+45=201?", "13", r#"{"root":{"x":13,"c":45}}"#),
    ] {
        let json = format!(
            r#"{{"id":"{family}-0","family":"{family}","text":"{text}","reference":"{reference}","problem":{{"inverse":{inverse}}}}}"#
        );
        let error = serde_json::from_str::<Question>(&json).unwrap_err().to_string();
        assert!(error.contains("breaks its family's rules"), "{text}: {error}");
    }
}
