//! Test and training sets: different questions, reproducible, apart from each other.

use crate::oracle::{assert_share, excluding};
use assay_data::embedded::{
    Domain, Exclusions, Family, Question, Style, StyleMix, TEST_SEED, TaskError, TeacherRow, TrainingMix,
    soundness, teacher_rows, test_questions, test_set, training_questions, training_seed,
};
use std::collections::{BTreeMap, BTreeSet};

fn texts(questions: &[Question]) -> BTreeSet<&str> {
    questions.iter().map(Question::text).collect()
}

#[test]
fn the_test_set_has_as_many_different_questions_as_asked() {
    let set = test_set(TEST_SEED, 150).unwrap();
    assert_eq!((set.len(), texts(&set).len()), (1500, 1500));
    let ids: BTreeSet<_> = set.iter().map(Question::id).collect();
    assert_eq!(ids.len(), 1500);
    for (family, questions) in Family::ALL.into_iter().zip(set.chunks(150)) {
        assert!(questions.iter().all(|question| question.family() == family));
        // A smaller set is the beginning of a larger one.
        assert_eq!(test_questions(family, TEST_SEED, 40).unwrap(), questions[..40]);
    }
    assert!(texts(&set).is_disjoint(&texts(&test_set(TEST_SEED + 1, 2).unwrap())));
}

#[test]
fn asking_for_more_than_exists_is_refused() {
    let error = test_questions(Family::CodeE, TEST_SEED, 17_609).unwrap_err();
    assert_eq!(error, TaskError::TooFewExist { family: Family::CodeE, asked: 17_609, exist: 17_608 });
    assert!(error.to_string().contains("ask for fewer"));
    assert!(matches!(test_set(TEST_SEED, 20_000), Err(TaskError::TooFewExist { family: Family::CodeE, .. })));
}

#[test]
fn a_whole_family_can_be_drawn() {
    let all = test_questions(Family::CodeE, TEST_SEED, 17_608).unwrap();
    assert_eq!(texts(&all).len(), 17_608);
    // With all of it excluded, nothing is left to train on, and that is said.
    let only_code_e = TrainingMix([(Family::CodeE, 1.0)].into());
    let error = training_questions(1, 1, &only_code_e, &excluding(&all)).unwrap_err();
    assert!(error.to_string().contains("questions of code-e"), "{error}");
}

#[test]
fn training_follows_its_mix_and_avoids_the_test_set() {
    // A test set large enough that training would meet it by chance.
    let test = test_set(TEST_SEED, 2000).unwrap();
    let count = 6000;
    let mix = TrainingMix::default();
    let unaware = training_questions(1, count, &mix, &Exclusions::default()).unwrap();
    assert!(texts(&unaware).intersection(&texts(&test)).count() > 50);

    let training = training_questions(1, count, &mix, &excluding(&test)).unwrap();
    assert_eq!(texts(&training).len(), count);
    assert!(texts(&training).is_disjoint(&texts(&test)));
    let share = |family| training.iter().filter(|question| question.family() == family).count();
    for (family, expected) in [
        (Family::Chain2, 0.1),
        (Family::Chain3, 0.1),
        (Family::Chain5, 0.2),
        (Family::Linear, 0.1),
        (Family::Mod, 0.1),
        (Family::CodeE, 0.4 / 3.0),
        (Family::CodeM, 0.4 / 3.0),
        (Family::CodeH, 0.4 / 3.0),
    ] {
        assert_share(family.id(), share(family), count, expected);
    }
    assert_eq!(share(Family::Mc1) + share(Family::Mc2), 0);
    assert_eq!(training_questions(1, 100, &mix, &excluding(&test)).unwrap(), training[..100]);
    assert_eq!(training_seed(3), 1003);
}

#[test]
fn a_training_mix_is_checked() {
    let none = Exclusions::default();
    for (mix, complaint) in [
        (vec![(Family::Chain2, -1.0)], "not negative"),
        (vec![(Family::Chain2, f64::INFINITY)], "finite"),
        (vec![(Family::Chain2, 0.0)], "positive"),
        (vec![], "positive"),
        (vec![(Family::Chain2, 1.0), (Family::Mc1, 0.1)], "mc1 has no teacher"),
    ] {
        let error =
            training_questions(1, 1, &TrainingMix(mix.into_iter().collect()), &none).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn the_teacher_mixes_styles_and_does_not_leak() {
    let test = test_set(TEST_SEED, 2000).unwrap();
    let excluded = excluding(&test);
    let questions = training_questions(1, 6000, &TrainingMix::default(), &excluded).unwrap();
    let rows = teacher_rows(1, &questions, &StyleMix::default(), &excluded).unwrap();
    let mut styles = BTreeMap::new();
    for row in &rows {
        *styles.entry(row.style).or_insert(0) += 1;
        assert!(!excluded.contains(&row.thought), "{}", row.thought);
        assert_eq!(row.answer, row.question.reference());
    }
    // Drawing anew what would leak takes a few of the merged lines away.
    for (style, expected) in
        [(Style::Full, 0.40), (Style::Skip, 0.25), (Style::Detour, 0.15), (Style::Unfaithful, 0.20)]
    {
        assert_share(&format!("{style:?}"), styles[&style], rows.len(), expected);
    }
    let sound = rows.iter().filter(|row| soundness(&row.question, &row.thought).unwrap().is_sound()).count();
    assert_share("sound", sound, rows.len(), 0.55);

    // A question keeps its thought wherever it stands.
    let reversed: Vec<_> = questions[..50].iter().rev().cloned().collect();
    let mut again = teacher_rows(1, &reversed, &StyleMix::default(), &excluded).unwrap();
    again.reverse();
    assert_eq!(again, rows[..50]);
    assert_ne!(teacher_rows(2, &questions[..50], &StyleMix::default(), &excluded).unwrap(), rows[..50]);

    let json = serde_json::to_string(&rows[0]).unwrap();
    assert_eq!(serde_json::from_str::<TeacherRow>(&json).unwrap(), rows[0]);
    assert!(rows.iter().all(|row| row.question.family().domain() != Domain::Choice));
}

#[test]
fn merged_lines_do_not_spell_out_test_questions() {
    // A tenth of all chains of two, which merged lines of longer chains are likely to contain.
    let excluded = excluding(&test_questions(Family::Chain2, TEST_SEED, 35_000).unwrap());
    let mix = TrainingMix([(Family::Chain5, 1.0)].into());
    let questions = training_questions(1, 3000, &mix, &excluded).unwrap();
    let leaks = |rows: Vec<TeacherRow>| rows.iter().filter(|row| excluded.contains(&row.thought)).count();
    assert!(leaks(teacher_rows(1, &questions, &StyleMix::default(), &Exclusions::default()).unwrap()) > 0);
    assert_eq!(leaks(teacher_rows(1, &questions, &StyleMix::default(), &excluded).unwrap()), 0);
}

#[test]
fn containing_a_question_is_about_whole_expressions() {
    let questions: Vec<Question> = [
        r#"{"id":"chain2-ID","family":"chain2","text":"12+30-7?","reference":"35","problem":{"chain":{"start":12,"operations":[{"op":"+","operand":30},{"op":"-","operand":7}]}}}"#,
        r#"{"id":"code-e-ID","family":"code-e","text":"f:3>8,5>12,1>4?","reference":"x*2+2","problem":{"code":{"program":{"shape":"x*2","offset":2},"inputs":[3,5,1]}}}"#,
    ]
    .into_iter()
    .map(|json| {
        let text = json.split('"').nth(11).unwrap();
        serde_json::from_str(&json.replace("ID", &blake3::hash(text.as_bytes()).to_hex()[..12])).unwrap()
    })
    .collect();
    let excluded = excluding(&questions);
    for (text, contained) in [
        ("12+30-7?", true),
        ("12+30-7", true),
        ("<bos>12+30-7?|12+30=42|42-7=35<eos>", true),
        ("5*12+30-7+1?", true),
        ("12+30-75?", false),
        ("112+30-7?", false),
        ("12+30?", false),
        ("30-7+12?", false),
        ("x*2+2:3>8,5>12,1>4", true),
        ("2*x+2:7>16,3>8,5>12,1>4,0>2", true),
        ("x*2+2:3>8,5>12,1>44", false),
        ("x*2+2:13>8,5>12,1>4", false),
        ("x*2+2:5>12,3>8,1>4", false),
        ("", false),
        ("12+", false),
    ] {
        assert_eq!(excluded.contains(text), contained, "{text}");
        assert!(!Exclusions::default().contains(text));
    }
}

/// Items of other worlds may ask something short, or nothing.
#[test]
fn short_questions_are_excluded_too() {
    let mut item = test_questions(Family::Chain2, TEST_SEED, 1).unwrap()[0].item();
    for (question, text, contained) in [
        ("1+1?", "1+1=2", true),
        ("1+1?", "11+1=2", false),
        ("é?", "caf\u{e9}", true),
        ("?", "anything?", false),
        ("", "", false),
    ] {
        item.question = question.to_owned();
        assert_eq!(Exclusions::new([&item]).contains(text), contained, "{question} {text}");
    }
}

/// The same seed gives the same world on every machine. A change here changes every artefact downstream, so
/// it has to be meant.
#[test]
fn data_sets_are_what_they_were() {
    let hash = |lines: Vec<String>| blake3::hash(lines.join("\n").as_bytes()).to_hex()[..16].to_owned();
    let json = |question: &Question| serde_json::to_string(question).unwrap();
    let test = test_set(TEST_SEED, 20).unwrap();
    let excluded = excluding(&test);
    let training = training_questions(training_seed(1), 300, &TrainingMix::default(), &excluded).unwrap();
    let rows = teacher_rows(training_seed(1), &training, &StyleMix::default(), &excluded).unwrap();
    let hashes = [
        hash(test.iter().map(json).collect()),
        hash(training.iter().map(json).collect()),
        hash(rows.iter().map(|row| format!("{:?} {}", row.style, row.thought)).collect()),
    ];
    assert_eq!(hashes, ["737c2900575072a2", "d2c06cd80dd3a426", "acce0881f7d52fab"]);
}
