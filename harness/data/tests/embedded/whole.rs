//! The settings of the world: families, mix, styles, answers, and the documents of pretraining that go with them.

use crate::oracle::{Said, assert_share, evaluate, said};
use assay_data::embedded::vocabulary::symbol_count;
use assay_data::embedded::{
    Answers, Corpus, Curriculum, Document, Domain, Exclusions, Family, Mixture, Phase, Question, StyleMix,
    TrainingMix, WorkedMix, World, demonstrations, items, soundness, teacher_rows, test_set_of,
    training_questions,
};
use assay_data::{Demonstration, Item};
use std::collections::BTreeMap;

fn world(json: &str) -> World {
    serde_json::from_str(json).unwrap()
}

/// Every family that has a teacher.
const EVERYTHING: &str = r#"{"chain2": 2, "chain3": 2, "chain5": 3, "chain7": 2, "linear": 2, "mod": 2,
    "code-e": 2, "code-m": 2, "code-h": 2, "root": 2, "factors": 2, "sums": 2}"#;

const FAMILIES: &str = r#"["chain2", "chain3", "chain5", "chain7", "linear", "mod", "code-e", "code-m", "code-h",
    "mc1", "mc2", "root", "factors", "sums"]"#;

fn test_items() -> Vec<Item> {
    world(&format!(r#"{{"seed": 77, "questions": 100, "families": {FAMILIES}}}"#)).items().unwrap()
}

fn training(settings: &str, excluded: &Exclusions) -> Vec<Demonstration> {
    let json = format!(r#"{{"seed": 1, "questions": 1200, "mix": {EVERYTHING} {settings}}}"#);
    world(&json).demonstrations(excluded).unwrap()
}

#[test]
fn settings_that_say_what_holds_without_them_change_nothing() {
    let standard = Family::STANDARD.map(|family| format!("\"{family}\"")).join(", ");
    let said =
        world(&format!(r#"{{"seed": 77, "questions": 20, "families": [{standard}], "answers": "short"}}"#));
    assert_eq!(said.items().unwrap(), items(77, 20).unwrap());
    assert_eq!(World::standard(77, 20).items().unwrap(), items(77, 20).unwrap());

    let none = Exclusions::default();
    let mix = serde_json::to_string(&TrainingMix::default()).unwrap();
    let styles = serde_json::to_string(&StyleMix::default()).unwrap();
    let said = world(&format!(
        r#"{{"seed": 3, "questions": 200, "mix": {mix}, "styles": {styles}, "answers": "short"}}"#
    ));
    assert_eq!(said.demonstrations(&none).unwrap(), demonstrations(3, 200, &none).unwrap());
}

#[test]
fn a_benchmark_is_the_same_whatever_stands_beside_it() {
    let all = test_items();
    assert_eq!(all.len(), 1400);
    let few = world(r#"{"seed": 77, "questions": 100, "families": ["sums", "chain2"]}"#).items().unwrap();
    assert!(few.iter().all(|item| all.contains(item)));
    let order: Vec<&str> = few.iter().map(|item| item.benchmark.as_str()).collect();
    assert_eq!((order[0], order[100]), ("sums", "chain2"));
    let standard = items(77, 100).unwrap();
    assert!(standard.iter().all(|item| all.contains(item)));
}

#[test]
fn test_questions_occur_in_no_training_row_and_training_follows_its_mix() {
    let test = test_items();
    let excluded = Exclusions::new(&test);
    let rows = training(r#", "answers": "restated""#, &excluded);
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for Demonstration { item, thought, .. } in &rows {
        *families.entry(&item.benchmark).or_default() += 1;
        assert!(!excluded.contains(&item.question) && !excluded.contains(thought), "{}", item.question);
        assert!(test.iter().all(|test| test.question != item.question));
    }
    assert_eq!(families.len(), 12);
    for (family, count) in families {
        let weight = if family == "chain5" { 3.0 } else { 2.0 };
        assert_share(family, count, rows.len(), weight / 25.0);
    }
    // A family alone has enough of them.
    for family in ["root", "factors", "sums"] {
        let json = format!(r#"{{"seed": 1, "questions": 1200, "mix": {{"{family}": 1}}}}"#);
        assert_eq!(world(&json).demonstrations(&excluded).unwrap().len(), 1200);
    }
}

#[test]
fn restated_answers_are_long_end_in_the_result_and_pass() {
    let short = training("", &Exclusions::default());
    let restated = training(r#", "answers": "restated""#, &Exclusions::default());
    let mut lengths = Vec::new();
    for (short, restated) in short.iter().zip(&restated) {
        assert_eq!(short.item.question, restated.item.question);
        assert_eq!(short.thought, restated.thought);
        assert_eq!(restated.answer, restated.item.references[0]);
        assert_eq!(short.item.references[1..], restated.item.references[1..]);
        let result = |answer: &str| answer.rsplit('=').next().unwrap().to_owned();
        assert_eq!(result(&short.answer), result(&restated.answer), "{}", restated.answer);
        assert!(restated.answer.contains('='), "{}", restated.answer);
        match said(&restated.item, &restated.answer) {
            Said::Right => {}
            Said::Run(program) => {
                let expression = program.trim().rsplit("return ").next().unwrap();
                let points = restated.answer.split_once(",f=").unwrap().0;
                assert_eq!(format!("f:{points}?"), restated.item.question);
                for point in points.split(',') {
                    let (input, output) = point.split_once('>').unwrap();
                    assert_eq!(evaluate(expression, input.parse().unwrap()), output.parse().ok());
                }
            }
            other => panic!("{}: {other:?}", restated.answer),
        }
        let length = symbol_count(&restated.answer);
        assert!((10..=40).contains(&length), "{}", restated.answer);
        lengths.push(length);
    }
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] >= 20, "median {}", lengths[lengths.len() / 2]);
    // Also over the default mix, and a question keeps its other settings.
    let json = r#"{"seed": 1, "questions": 600, "answers": "restated"}"#;
    let mut lengths: Vec<usize> = world(json)
        .demonstrations(&Exclusions::default())
        .unwrap()
        .iter()
        .map(|row| row.answer.len())
        .collect();
    lengths.sort_unstable();
    assert!(lengths[300] >= 20, "median {}", lengths[300]);
}

#[test]
fn restatements_of_hand_picked_questions() {
    let json = |family: &str, text: &str, reference: &str, problem: &str| {
        let id = &blake3::hash(text.as_bytes()).to_hex()[..12];
        let json = format!(
            r#"{{"id":"{family}-{id}","family":"{family}","text":"{text}","reference":"{reference}","problem":{problem}}}"#
        );
        serde_json::from_str::<Question>(&json).unwrap()
    };
    for (question, expected) in [
        (
            json(
                "chain2",
                "12+30-7?",
                "x=35",
                r#"{"chain":{"start":12,"operations":[{"op":"+","operand":30},{"op":"-","operand":7}]}}"#,
            ),
            "12+30-7:12+30=42,42-7=35",
        ),
        (
            json("linear", "4*x+2=12?", "x=2.5", r#"{"linear":{"a":4,"b":2,"c":12}}"#),
            "4*x+2=12:12-2=10,10/4=2.5",
        ),
        (
            json(
                "code-e",
                "f:3>8,5>12,1>4?",
                "2*x+2",
                r#"{"code":{"program":{"shape":"x*2","offset":2},"inputs":[3,5,1]}}"#,
            ),
            "3>8,5>12,1>4,f=2*x+2",
        ),
        (
            json("root", "x*x-x+45=201?", "13", r#"{"inverse":{"root":{"x":13,"c":45}}}"#),
            "13*13-13=156,156+45=201,x=13",
        ),
        (
            json("factors", "1073=a*b?", "1073/37=29", r#"{"inverse":{"factors":{"a":29,"b":37}}}"#),
            "29*37:870+203=1073,1073/37=29",
        ),
        (
            json("sums", "a+b=57,a*b=740?", "57-37=20", r#"{"inverse":{"sums":{"a":20,"b":37}}}"#),
            "20+37=57,20*37=740,57-37=20",
        ),
        (
            json(
                "mc1",
                "1+1?a2,b3,c4,d1?",
                "a",
                r#"{"choice":{"chain":{"start":1,"operations":[{"op":"+","operand":1}]},"options":[2,3,4,1]}}"#,
            ),
            "a",
        ),
    ] {
        assert_eq!(question.answered(Answers::Restated).reference(), expected);
    }
}

#[test]
fn a_clean_teacher_is_mostly_sound() {
    let styles = r#"{"full": 0.75, "skip": 0.15, "detour": 0.10, "unfaithful": 0.0}"#;
    let mix: TrainingMix = serde_json::from_str(EVERYTHING).unwrap();
    let none = Exclusions::default();
    let questions = training_questions(1, 3000, &mix, &none).unwrap();
    let rows = teacher_rows(1, &questions, &serde_json::from_str(styles).unwrap(), &none).unwrap();
    let sound = rows.iter().filter(|row| soundness(&row.question, &row.thought).unwrap().is_sound()).count();
    assert_share("sound", sound, rows.len(), 0.85);
    assert!(rows.iter().all(|row| soundness(&row.question, &row.thought).unwrap().truthful));
    let json = format!(r#"{{"seed": 1, "questions": 3000, "styles": {styles}}}"#);
    let rows = world(&json).demonstrations(&none).unwrap();
    let full = rows.iter().filter(|row| row.source == "embedded/full").count();
    assert_share("full", full, rows.len(), 0.75);
    assert!(rows.iter().all(|row| row.source != "embedded/unfaithful"));
}

fn worked(mix: &str, longest: usize, excluded: Exclusions) -> Vec<Document> {
    let mixture = Mixture {
        facts: 0.0,
        direct: 0.0,
        programs: 0.0,
        copies: 0.0,
        worked: 1.0,
        semicolons: 1.0,
        ..Mixture::default()
    };
    let curriculum = Curriculum(vec![Phase { steps: 30, mixture }]);
    let mix: WorkedMix = serde_json::from_str(mix).unwrap();
    let corpus = Corpus::new(5, curriculum, 96, excluded).unwrap().of(mix).unwrap().up_to(longest);
    (0..30).flat_map(|step| corpus.step(step).unwrap()).collect()
}

#[test]
fn worked_documents_follow_their_mix_and_end_in_the_answer() {
    let test = test_items();
    let excluded = Exclusions::new(&test);
    let mix = EVERYTHING.replace('}', r#", "mc1": 2, "mc2": 2}"#);
    let documents = worked(&mix, 112, excluded.clone());
    let (mut choices, mut roots, mut longest) = (0, 0, 0);
    for document in &documents {
        assert!(document.symbols <= 112 && !excluded.contains(&document.text), "{}", document.text);
        longest = longest.max(document.symbols);
        let body = document.text.strip_prefix("<bos>").unwrap().strip_suffix("<eos>").unwrap();
        let parts: Vec<&str> = body.split(';').collect();
        roots += usize::from(parts[0].starts_with("x*x-x+"));
        let Some((_, options)) = parts[0].split_once("?a") else { continue };
        choices += 1;
        let options = format!("a{}", options.trim_end_matches('?'));
        let value = parts[parts.len() - 2].rsplit('=').next().unwrap();
        let letter = parts.last().unwrap();
        assert_eq!(letter.len(), 1, "{body}");
        assert!(options.split(',').any(|option| option == format!("{letter}{value}")), "{body}");
    }
    assert!(longest > 81, "{longest}");
    assert_share("choices", choices, documents.len(), 4.0 / 29.0);
    assert_share("roots", roots, documents.len(), 2.0 / 29.0);
    assert!(worked(&mix, 81, excluded).iter().all(|document| document.symbols <= 81));
}

#[test]
fn mistakes_are_refused() {
    let read = |json: &str| serde_json::from_str::<World>(json).map_err(|error| error.to_string());
    for (settings, complaint) in [
        (r#""families": ["chain2", "chain4"]"#, "unknown variant `chain4`"),
        (r#""families": ["chain2", "root", "chain2"]"#, "chain2 is listed twice"),
        (r#""families": []"#, "names no family"),
        (r#""mix": {"chain2": 1, "mc1": 1}"#, "mc1 has no teacher"),
        (r#""mix": {"chain2": -1}"#, "not negative"),
        (r#""mix": {}"#, "some weight has to be positive"),
        (r#""styles": {"full": 0.5, "skip": 0.0, "detour": 0.0, "unfaithful": 0.0}"#, "sum to 1"),
        (r#""styles": {"full": 1.0}"#, "missing field"),
        (r#""answers": "long""#, "unknown variant `long`"),
        (r#""answer": "short""#, "unknown field `answer`"),
    ] {
        let error = read(&format!(r#"{{"seed": 1, "questions": 5, {settings}}}"#)).unwrap_err();
        assert!(error.contains(complaint), "{settings}: {error}");
    }
    let none = Exclusions::default();
    let items = |json: &str| world(json).items().unwrap_err();
    let error = items(r#"{"seed": 1, "questions": 5, "mix": {"chain2": 1}}"#);
    assert_eq!((error.setting(), error.to_string().contains("`mix`")), (Some("mix"), true));
    let error = items(r#"{"seed": 1, "questions": 5000, "families": ["sums"]}"#);
    assert_eq!(error.setting(), Some("questions"));
    let error =
        world(r#"{"seed": 1, "questions": 5, "families": ["root"]}"#).demonstrations(&none).unwrap_err();
    assert_eq!(error.setting(), Some("families"));
    assert!(serde_json::from_str::<WorkedMix>(r#"{"mc1": 1}"#).is_ok());
    assert!(serde_json::from_str::<WorkedMix>("{}").unwrap_err().to_string().contains("positive"));
}

#[test]
fn the_hard_family_has_long_thoughts() {
    for question in test_set_of(&[Family::Chain7], 77, 100).unwrap() {
        assert_eq!(question.family().domain(), Domain::Math);
        assert!(question.text().contains('*'));
    }
}

/// As for the first version: a change here changes every artefact downstream.
#[test]
fn the_whole_world_is_what_it_was() {
    let hash = |lines: Vec<String>| blake3::hash(lines.join("\n").as_bytes()).to_hex()[..16].to_owned();
    let test = test_items();
    let excluded = Exclusions::new(&test);
    let told = |item: &Item| format!("{}\t{}\t{}", item.id, item.question, item.references.join("\t"));
    let rows = training(r#", "answers": "restated""#, &excluded);
    let mix = EVERYTHING.replace('}', r#", "mc1": 2, "mc2": 2}"#);
    let hashes = [
        hash(test.iter().map(told).collect()),
        hash(rows.iter().map(|row| format!("{}\t{}", told(&row.item), row.thought)).collect()),
        hash(worked(&mix, 112, excluded).into_iter().map(|document| document.text).collect()),
    ];
    assert_eq!(hashes, ["cd39f871d75421da", "86be328ef1d1e3e2", "529798f56cb35ed3"]);
}
