//! Traces: their styles are what they claim to be.

use crate::oracle::{assert_share, draw, fraction, running_values, same};
use assay_data::Draws;
use assay_data::embedded::teacher::trace;
use assay_data::embedded::{
    Domain, Family, Question, Soundness, Style, StyleMix, TaskError, Truth, soundness, vocabulary,
};

const TAUGHT: [Family; 12] = [
    Family::Chain2,
    Family::Chain3,
    Family::Chain5,
    Family::Linear,
    Family::Mod,
    Family::CodeE,
    Family::CodeM,
    Family::CodeH,
    Family::Chain7,
    Family::Root,
    Family::Factors,
    Family::Sums,
];

/// Whether thoughts are searches: lists of trials, the rejected ones marked.
fn searches(question: &Question) -> bool {
    question.family().domain() == Domain::Code
        || matches!(question.family(), Family::Root | Family::Factors | Family::Sums)
}

fn traces(style: Style) -> impl Iterator<Item = (Question, String, Soundness)> {
    TAUGHT.into_iter().flat_map(|family| draw(family, 800)).enumerate().map(move |(index, question)| {
        let text = trace(&question, style, &mut Draws::numbered("trace", 0, index as u64)).unwrap();
        let verdict = soundness(&question, &text).unwrap();
        (question, text, verdict)
    })
}

#[test]
fn full_and_detour_traces_are_sound() {
    for style in [Style::Full, Style::Detour] {
        for (question, text, verdict) in traces(style) {
            assert!(verdict.is_sound(), "{style:?} {}: {text}: {verdict:?}", question.text());
            let rejected = text.matches('!').count();
            match (searches(&question), style) {
                (false, Style::Full) => assert_eq!(rejected, 0, "{text}"),
                (false, _) => assert_eq!(rejected, 1, "{text}"),
                (true, Style::Full) => assert!(rejected <= 2, "{text}"),
                _ => assert!((2..=3).contains(&rejected), "{text}"),
            }
        }
    }
}

#[test]
fn skipping_traces_are_true_but_incomplete() {
    for (question, text, verdict) in traces(Style::Skip) {
        assert!(verdict.truthful && !verdict.complete, "{}: {text}: {verdict:?}", question.text());
        // Only equations and remainders may lose their last line.
        let may_lose_its_end = matches!(question.family(), Family::Linear | Family::Mod);
        assert!(verdict.right_end || may_lose_its_end, "{}: {text}", question.text());
        assert!(!text.is_empty());
    }
}

#[test]
fn unfaithful_traces_are_false_but_end_right() {
    for (question, text, verdict) in traces(Style::Unfaithful) {
        let expected = Soundness { complete: true, truthful: false, right_end: true };
        assert_eq!(verdict, expected, "{}: {text}", question.text());
    }
}

#[test]
fn traces_fit_the_vocabulary_and_the_limit() {
    for style in [Style::Full, Style::Skip, Style::Detour, Style::Unfaithful] {
        for (question, text, _) in traces(style) {
            // Sampling stops after 100 tokens, or later where the longer families are asked; there is room for an answer.
            let limit = if Family::STANDARD.contains(&question.family()) { 80 } else { 100 };
            assert!(vocabulary::encode(&text).unwrap().len() <= limit, "{text}");
            assert!(!text.contains('|') && !vocabulary::has_special(&text), "{text}");
        }
    }
}

#[test]
fn full_math_traces_calculate() {
    for (question, text, _) in traces(Style::Full).filter(|(question, ..)| !searches(question)) {
        let mut value = None;
        for line in text.split(';') {
            let (left, right) = line.split_once('=').unwrap();
            let values = running_values(left);
            assert_eq!(values.len(), 2, "{text}");
            assert!(value.is_none_or(|value| same(value, values[0])), "{text}");
            assert!(same(values[1], fraction(right)), "{text}");
            value = Some(fraction(right));
        }
        let Truth::Number(truth) = question.truth() else { panic!() };
        assert_eq!(value, Some((truth.numerator(), truth.denominator())));
    }
}

#[test]
fn detours_reject_a_near_miss() {
    for (question, text, _) in traces(Style::Detour) {
        let rejected: Vec<_> = text.split(';').filter_map(|line| line.strip_suffix('!')).collect();
        if searches(&question) {
            assert!((1..rejected.len()).any(|at| rejected[at] == rejected[at - 1]), "{text}");
            continue;
        }
        let (left, wrong) = rejected[0].split_once('=').unwrap();
        let (p, q) = running_values(left)[1];
        let (r, s) = fraction(wrong);
        // The miss is counted in units of the right value's own denominator: thirds for 13/3.
        let unit = q / gcd(p, q);
        let miss = (p * s - r * q).abs() * unit;
        assert!([1, 2, 9, 10, 11].iter().any(|expected| miss == expected * q * s), "{text}");
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

#[test]
fn searches_try_wrong_shapes_first() {
    let mut counts = [0; 3];
    for (_, text, _) in traces(Style::Full).filter(|(question, ..)| searches(question)) {
        counts[text.matches('!').count()] += 1;
    }
    let total = counts.iter().sum();
    for (count, share) in counts.into_iter().zip([0.25, 0.5, 0.25]) {
        assert_share("wrong shapes", count, total, share);
    }
}

#[test]
fn soundness_of_hand_written_thoughts() {
    let find = |family, text: &str| {
        let mut draws = Draws::numbered("find", 0, 0);
        std::iter::repeat_with(|| Question::draw(family, &mut draws))
            .find(|question| question.text() == text)
            .unwrap()
    };
    let chain = find(Family::Chain2, "12+30-7?");
    let linear = find(Family::Linear, "4*x+2=12?");
    let code = find(Family::CodeE, "f:3>8,5>12,1>4?");
    let (yes, no) = (true, false);
    for (question, thought, complete, truthful, right_end) in [
        (&chain, "12+30=42;42-7=35", yes, yes, yes),
        (&chain, "12+30=43!;12+30=42;42-7=35", yes, yes, yes),
        (&chain, "5x!;12+30=42;42-7=35", yes, yes, yes),
        (&chain, "12+30-7=35", no, yes, yes),
        (&chain, "12+30=42", no, yes, no),
        (&chain, "12+30=43;43-7=35", yes, no, yes),
        (&chain, "12+30=42;43-7=36", no, yes, no),
        (&chain, "12+31=43;43-8=35", no, yes, yes),
        (&chain, "30+12=42;42-7=35", no, yes, yes),
        (&chain, "12+30=42;42-7=35;35+0=35", no, yes, yes),
        (&chain, "12+30=42;;42-7=35", no, no, yes),
        (&chain, "12+30=42;42-7=", no, no, no),
        (&chain, "35=35", no, no, yes),
        (&chain, "", no, no, no),
        (&chain, "12+30=42;42-7=99999999999999999999999", no, no, no),
        (&chain, "12*9999999999999999*9999999999999999=1;42-7=35", no, no, yes),
        (&chain, "12/0=1;5%0=0;42-7=35", no, no, yes),
        (&linear, "12-2=10;10/4=5/2", yes, yes, yes),
        (&linear, "12-2=10;10/4=2.5", yes, yes, yes),
        (&linear, "12-2=10;10/4=10/4", yes, yes, yes),
        (&linear, "12-2=10;10/4=2", yes, no, no),
        (&linear, "10/4=5/2", no, yes, yes),
        (&code, "x*2:6+2,10+2=", yes, yes, yes),
        (&code, "x:3+5,5+7!;x*2:6+2,10+2=", yes, yes, yes),
        (&code, "x*2=", no, yes, yes),
        (&code, "x:3+5,5+7=", yes, no, no),
        (&code, "x*2:6+2,10+2!", no, no, no),
        (&code, "x*2:6+2,10+3=", yes, no, yes),
        (&code, "x*2:6+2,10+2=;x:3+5,5+7!", no, yes, no),
        (&code, "x*6:18-10,30-18!;x*2:6+2,10+2=", no, no, yes),
        (&code, "x*2:6+2=", no, no, no),
        (&code, "x*2:6,10=", no, no, no),
        (&code, "", no, no, no),
    ] {
        let expected = Soundness { complete, truthful, right_end };
        assert_eq!(soundness(question, thought), Some(expected), "{thought}");
    }
    assert_eq!(soundness(&draw(Family::Mc1, 1)[0], "1+1=2"), None);
}

#[test]
fn a_style_mix_is_checked_and_multiple_choice_is_not_taught() {
    assert_eq!(StyleMix::default().validate(), Ok(()));
    for (mix, complaint) in [
        (StyleMix { full: 0.5, ..StyleMix::default() }, "sum to 1"),
        (StyleMix { full: -0.1, skip: 0.75, ..StyleMix::default() }, "between 0 and 1"),
        (StyleMix { detour: f64::NAN, ..StyleMix::default() }, "between 0 and 1"),
    ] {
        let error = mix.validate().unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let choice = &draw(Family::Mc2, 1)[0];
    let refused = trace(choice, Style::Full, &mut Draws::numbered("trace", 0, 0));
    assert_eq!(refused, Err(TaskError::NoTeacher { family: Family::Mc2 }));
}

proptest::proptest! {
    #[test]
    fn no_thought_breaks_the_diagnosis(thought in "[0-9+*/%=()x;,:>!.-]{0,60}", other in ".*") {
        for family in TAUGHT {
            let question = &draw(family, 1)[0];
            soundness(question, &thought);
            soundness(question, &other);
        }
    }
}
