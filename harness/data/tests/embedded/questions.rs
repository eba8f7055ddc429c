//! Questions follow the rules of their families, checked from their texts alone.

use crate::oracle::{Said, assert_share, draw, evaluate, operations, running_values, said, same};
use assay_data::Draws;
use assay_data::embedded::space::distinct_questions;
use assay_data::embedded::{Domain, Family, Question, Shape, Truth, vocabulary};
use std::collections::{BTreeMap, BTreeSet};

const DRAWS: u64 = 3000;

#[test]
fn every_question_is_of_the_vocabulary_and_ends_with_a_question_mark() {
    for family in Family::ALL {
        for question in draw(family, DRAWS) {
            vocabulary::encode(question.text()).unwrap();
            vocabulary::encode(question.reference()).unwrap();
            assert!(question.text().ends_with('?') && !question.text().contains('|'), "{}", question.text());
            assert!(question.id().starts_with(&format!("{family}-")));
            assert_eq!(question.family(), family);
        }
    }
}

/// Checks a chain's ranges and returns its value.
fn chain_value(text: &str, length: usize, operators: &str) -> i64 {
    let (start, operations) = operations(text);
    assert!((1..=60).contains(&start) && operations.len() == length, "{text}");
    for (op, operand) in operations {
        let range = if op == '*' { 2..=9 } else { 1..=49 };
        assert!(operators.contains(op) && range.contains(&operand), "{text}");
    }
    let values = running_values(text);
    assert!(values[1..].iter().all(|&(value, _)| (0..=99).contains(&value)), "{text}");
    values.last().unwrap().0
}

fn number(question: &Question) -> (i64, i64) {
    match question.truth() {
        Truth::Number(value) => (value.numerator(), value.denominator()),
        other => panic!("{} has truth {other:?}", question.text()),
    }
}

#[test]
fn chains_stay_in_range_and_go_left_to_right() {
    for (family, length, operators) in [
        (Family::Chain2, 2, "+-"),
        (Family::Chain3, 3, "+-"),
        (Family::Chain5, 5, "+-*"),
        (Family::Chain7, 7, "+-*"),
    ] {
        let mut seen = BTreeSet::new();
        for question in draw(family, DRAWS) {
            let text = question.text().trim_end_matches('?');
            assert_eq!((chain_value(text, length, operators), 1), number(&question), "{text}");
            assert!(family != Family::Chain7 || text.contains('*'), "{text}");
            seen.extend(operations(text).1.into_iter().map(|(op, _)| op));
        }
        assert_eq!(seen.len(), operators.len(), "{family} leaves an operation unused");
    }
}

#[test]
fn linear_equations_hold_at_their_solution() {
    for question in draw(Family::Linear, DRAWS) {
        let text = question.text();
        let (left, c) = text.trim_end_matches('?').split_once('=').unwrap();
        let (a, b) = left.split_once("*x+").unwrap();
        let [a, b, c]: [i64; 3] = [a, b, c].map(|number| number.parse().unwrap());
        assert!((2..=9).contains(&a) && (1..=49).contains(&b) && (1..=99).contains(&c), "{text}");
        assert!((1..=60).contains(&(c - b)), "{text}");
        let (p, q) = number(&question);
        assert!(same((a * p + b * q, q), (c, 1)), "{text}");
    }
}

#[test]
fn remainders_are_remainders() {
    for question in draw(Family::Mod, DRAWS) {
        let text = question.text();
        let (inner, m) = text[1..].trim_end_matches('?').split_once(")%").unwrap();
        let (a, operations) = operations(inner);
        let &[('*', b), ('+', c)] = operations.as_slice() else { panic!("{text}") };
        let m: i64 = m.parse().unwrap();
        assert!((2..=19).contains(&a) && (2..=9).contains(&b), "{text}");
        assert!((1..=40).contains(&c) && (3..=9).contains(&m) && a * b + c <= 99, "{text}");
        assert_eq!(number(&question), ((a * b + c) % m, 1), "{text}");
    }
}

fn points(question: &Question) -> Vec<(i64, i64)> {
    let points = question.text().strip_prefix("f:").unwrap().trim_end_matches('?');
    let point =
        |text: &str| text.split_once('>').map(|(i, o)| (i.parse().unwrap(), o.parse().unwrap())).unwrap();
    points.split(',').map(point).collect()
}

#[test]
fn two_points_of_a_code_question_identify_its_shape() {
    // Of the 29 offsets, x-7, x-8 and x-9 cannot be: fewer than three inputs give outputs that are not
    // negative.
    for (family, shapes, programs) in [
        (Family::CodeE, ["x", "x*2"].as_slice(), 26 + 29),
        (Family::CodeM, &["x*3", "x*4", "x*5"], 3 * 29),
        (Family::CodeH, &["x*x", "x*x+x", "x*x-x"], 3 * 29),
    ] {
        let mut seen = BTreeSet::new();
        for question in draw(family, DRAWS) {
            let points = points(&question);
            let inputs: BTreeSet<_> = points.iter().map(|point| point.0).collect();
            assert!(inputs.len() == 3 && inputs.iter().all(|input| (0..=8).contains(input)));
            assert!(points[0].0 >= 1 && points[1].0 >= 1);
            assert!(points.iter().all(|point| (0..=99).contains(&point.1)));
            let fits = |count| {
                let value = |shape: &Shape, x| evaluate(shape.text(), x).unwrap();
                let rest = |shape: &Shape, (x, y): &(i64, i64)| y - value(shape, *x);
                let fits = move |shape: &Shape| {
                    points.iter().take(count).all(|point| rest(shape, point) == rest(shape, &points[0]))
                };
                Shape::ALL.into_iter().filter(fits).collect::<Vec<_>>()
            };
            let Truth::Program(program) = question.truth() else { panic!() };
            assert_eq!(fits(2), [program.shape], "{}", question.text());
            assert!(shapes.contains(&program.shape.text()));
            assert!(program.offset != 0 && (-9..=20).contains(&program.offset));
            seen.insert((program.shape, program.offset));
        }
        assert_eq!(seen.len(), programs, "{family}: every program occurs");
    }
}

#[test]
fn code_references_compute_the_hidden_outputs() {
    for family in [Family::CodeE, Family::CodeM, Family::CodeH] {
        for question in draw(family, DRAWS) {
            let tests = question.tests();
            assert_eq!(tests.iter().map(|test| test.0).collect::<Vec<_>>(), (-3..=12).collect::<Vec<_>>());
            for (input, output) in tests.into_iter().chain(points(&question)) {
                assert_eq!(evaluate(question.reference(), input), Some(output), "{}", question.reference());
            }
        }
    }
}

#[test]
fn options_are_one_truth_and_three_near_misses() {
    for (family, length) in [(Family::Mc1, 1), (Family::Mc2, 2)] {
        let mut letters = BTreeMap::new();
        for question in draw(family, DRAWS) {
            let text = question.text();
            let (chain, options) = text.trim_end_matches('?').split_once('?').unwrap();
            let value = chain_value(chain, length, "+-");
            let options: Vec<(char, i64)> = options
                .split(',')
                .map(|option| (option.chars().next().unwrap(), option[1..].parse().unwrap()))
                .collect();
            assert_eq!(options.iter().map(|option| option.0).collect::<String>(), "abcd", "{text}");
            let values: BTreeSet<_> = options.iter().map(|option| option.1).collect();
            assert!(values.len() == 4 && values.iter().all(|value| (0..=99).contains(value)), "{text}");
            let near = |other: &i64| [1, 2, 9, 10, 11].contains(&(other - value).abs());
            assert_eq!(values.iter().filter(|other| near(other)).count(), 3, "{text}");
            let Truth::Choice { letter, value: truth } = question.truth() else { panic!() };
            assert!(truth == value && options.contains(&(letter, value)), "{text}");
            *letters.entry(letter).or_insert(0) += 1;
        }
        letters.into_values().for_each(|count| assert_share("letter", count, DRAWS as usize, 0.25));
    }
}

#[test]
fn every_reference_verifies() {
    for family in Family::ALL {
        for question in draw(family, DRAWS) {
            match said(&question.item(), question.reference()) {
                Said::Right => assert_ne!(family.domain(), Domain::Code),
                // That the program is right, `code_references_compute_the_hidden_outputs` shows.
                Said::Run(program) => {
                    assert_eq!(program, format!("def f(x):\n    return {}\n", question.reference()));
                }
                other => panic!("{}: {} is {other:?}", question.text(), question.reference()),
            }
        }
    }
}

#[test]
fn references_take_their_forms_in_proportion() {
    type Form<'a> = (&'a str, f64, &'a dyn Fn(&Question) -> bool);
    let shares = |family, forms: &[Form<'_>]| {
        let questions = draw(family, DRAWS);
        for (form, share, is_form) in forms {
            let hits = questions.iter().filter(|question| is_form(question)).count();
            assert_share(&format!("{family} {form}"), hits, questions.len(), *share);
        }
    };
    for family in [Family::Chain2, Family::Chain5, Family::Mod] {
        let whole = |question: &Question| question.text().trim_end_matches('?').to_owned() + "=";
        shares(
            family,
            &[
                ("bare", 0.5, &|question| !question.reference().contains('=')),
                ("whole", 0.3, &|question| question.reference().starts_with(&whole(question))),
                ("x=", 0.2, &|question| question.reference().starts_with("x=")),
            ],
        );
    }
    shares(Family::Linear, &[("x=", 0.4, &|question| question.reference().starts_with("x="))]);
    shares(Family::Mc1, &[("letter", 0.5, &|question| question.reference().parse::<i64>().is_err())]);
}

#[test]
fn references_take_every_form_and_no_other() {
    let forms = |questions: &mut dyn Iterator<Item = Question>| {
        let mut forms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for question in questions {
            let truth = match question.truth() {
                Truth::Program(program) => format!("{}{:+}", program.shape.text(), program.offset),
                _ => question.text().to_owned(),
            };
            forms.entry(truth).or_default().insert(question.reference().to_owned());
        }
        forms
    };
    let mut draws = Draws::numbered("forms", 0, 0);
    let mut forms_of =
        forms(&mut std::iter::repeat_with(|| Question::draw(Family::Linear, &mut draws)).take(700_000));
    let code = [Family::CodeE, Family::CodeM, Family::CodeH];
    forms_of.append(&mut forms(&mut code.into_iter().flat_map(|family| draw(family, 9000))));
    for (question, expected) in [
        ("4*x+2=12?", &["5/2", "10/4", "2.5", "x=5/2", "x=10/4", "x=2.5"][..]),
        ("8*x+2=11?", &["9/8", "1.125", "x=9/8", "x=1.125"]),
        ("3*x+1=13?", &["4", "12/3", "x=4", "x=12/3"]),
        ("9*x+1=3?", &["2/9", "x=2/9"]),
        ("x+5", &["x+5", "5+x"]),
        ("x-5", &["x-5"]),
        ("x*2+5", &["x*2+5", "5+x*2", "2*x+5", "x+x+5"]),
        ("x*3-1", &["x*3-1", "3*x-1"]),
        ("x*x+20", &["x*x+20", "20+x*x"]),
        ("x*x+x+9", &["x*x+x+9", "9+x*x+x", "x*(x+1)+9"]),
        ("x*x-x-2", &["x*x-x-2", "x*(x-1)-2"]),
    ] {
        let expected: BTreeSet<_> = expected.iter().map(|form| (*form).to_owned()).collect();
        assert_eq!(forms_of[question], expected, "{question}");
    }
}

#[test]
fn distinct_questions_are_counted_right() {
    let mut counts = Family::ALL.map(distinct_questions);
    // By brute force over texts, where that is feasible.
    let mut chain2 = 0;
    let mut ends = [0u64; 100];
    let steps = |value: i64| {
        (1..=49).flat_map(move |term| [value + term, value - term]).filter(|v| (0..=99).contains(v))
    };
    for start in 1..=60 {
        for middle in steps(start) {
            ends[usize::try_from(middle).unwrap()] += 1;
            chain2 += steps(middle).count() as u64;
        }
    }
    let mc1: u64 = (0..100)
        .map(|value| {
            let near = (0..100)
                .filter(|other: &i64| [1, 2, 9, 10, 11].contains(&(other - value).abs()))
                .count() as u64;
            ends[usize::try_from(value).unwrap()] * 4 * near * (near - 1) * (near - 2)
        })
        .sum();
    assert_eq!((counts[0], counts[8]), (chain2, mc1));
    // Drawing long enough finds nearly all of a small family and never more.
    let drawn: BTreeSet<_> =
        draw(Family::CodeE, 150_000).iter().map(|question| question.text().to_owned()).collect();
    assert!((0.99 * counts[5] as f64..=counts[5] as f64).contains(&(drawn.len() as f64)), "{}", drawn.len());
    counts.sort_unstable();
    assert_eq!(
        counts,
        [
            1_636,
            2_306,
            17_608,
            23_080,
            24_512,
            26_578,
            29_190,
            38_961,
            353_272,
            11_912_472,
            26_936_817,
            906_830_112,
            178_293_913_382,
            169_069_279_149_599,
        ]
    );
}

#[test]
fn a_stored_question_comes_back_or_is_refused() {
    for question in Family::ALL.into_iter().flat_map(|family| draw(family, 50)) {
        let json = serde_json::to_string(&question).unwrap();
        assert_eq!(serde_json::from_str::<Question>(&json).unwrap(), question);
    }
    let question = draw(Family::Chain2, 1).remove(0);
    let json = serde_json::to_string(&question).unwrap();
    let operand = json.find("\"operand\":").unwrap() + "\"operand\":".len();
    for (tampered, complaint) in [
        (json.replace(question.text(), "1+1-1?"), "the text is not the problem's"),
        (json.replace(question.id(), "chain2-000000000000"), "the id is not the text's"),
        (json.replace("\"chain2\"", "\"chain3\""), "breaks its family's rules"),
        (format!("{}9{}", &json[..operand], &json[operand..]), "breaks its family's rules"),
        (json.replace("\"reference\"", "\"answer\""), "unknown field"),
    ] {
        let error = serde_json::from_str::<Question>(&tampered).unwrap_err().to_string();
        assert!(error.contains(complaint), "{tampered}: {error}");
    }
    // So are numbers that no arithmetic survives, and an option given twice.
    let mod_zero = r#"{"id":"mod-0","family":"mod","text":"(2*2+1)%0?","reference":"0","problem":{"mod":{"a":2,"b":2,"c":1,"m":0}}}"#;
    let huge = mod_zero.replace("\"a\":2", "\"a\":9223372036854775807");
    let twice = r#"{"id":"mc1-0","family":"mc1","text":"1+1?a2,b3,c3,d4?","reference":"a","problem":{"choice":{"chain":{"start":1,"operations":[{"op":"+","operand":1}]},"options":[2,3,3,4]}}}"#;
    for json in [mod_zero, &huge, twice] {
        assert!(serde_json::from_str::<Question>(json).unwrap_err().to_string().contains("rules"));
    }
}

#[test]
fn families_have_stable_names() {
    for family in Family::ALL {
        assert_eq!(family.id().parse::<Family>(), Ok(family));
        assert_eq!(serde_json::to_string(&family).unwrap(), format!("\"{family}\""));
    }
    let error = "chain4".parse::<Family>().unwrap_err().to_string();
    assert!(error.contains("chain4") && error.contains("chain2, chain3, chain5"), "{error}");
}
