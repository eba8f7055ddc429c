//! Sources.

use assay_data::embedded::{World, demonstrations, items};
use assay_data::{DataError, Demonstration, Item, Source};
use assay_store::Hash;
use serde::Serialize;
use serde_json::json;

use crate::{item, workspace};

fn source(toml: &str) -> Result<Source, toml::de::Error> {
    #[derive(serde::Deserialize)]
    struct Params {
        source: Source,
    }
    toml::from_str::<Params>(toml).map(|params| params.source)
}

fn lines<T: Serialize>(rows: &[T]) -> Vec<u8> {
    rows.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect::<String>().into_bytes()
}

/// What the embedded world provides survives a file unchanged: the study cannot see where an item is from.
#[test]
fn a_file_gives_what_the_embedded_world_gives() {
    let embedded = source("source = { embedded = { seed = 77, questions = 5 } }").unwrap();
    let nowhere = camino::Utf8Path::new("/nowhere");
    let test = embedded.items(nowhere).unwrap();
    assert_eq!(test, items(77, 5).unwrap());
    assert_eq!(embedded.content_hash(nowhere).unwrap(), None);
    let rows = Source::Embedded(World::standard(3, 40)).demonstrations(nowhere, &test).unwrap();
    assert_eq!(rows, demonstrations(3, 40, &assay_data::embedded::Exclusions::new(&test)).unwrap());
    assert!(rows.iter().all(|row| row.source.starts_with("embedded/")));

    let folder = workspace("same", &[("data/t.jsonl", &lines(&test)), ("data/d.jsonl", &lines(&rows))]);
    let file = source("source = { file = 'data/t.jsonl' }").unwrap();
    assert_eq!(file.items(&folder).unwrap(), test);
    assert_eq!(file.content_hash(&folder).unwrap(), Some(Hash::of(&lines(&test))));
    let file = source("source.file = './data/d.jsonl'").unwrap();
    assert_eq!(file.demonstrations(&folder, &test).unwrap(), rows);
}

#[test]
fn a_demonstration_of_a_test_question_is_refused() {
    let test: Item = serde_json::from_value(item(json!({"kind": "exact"}), &["1"])).unwrap();
    let mut shown = test.clone();
    shown.id = "d1".to_owned();
    shown.question = format!(" {}\n", test.question);
    let row = Demonstration {
        item: shown,
        thought: "t".to_owned(),
        answer: "1".to_owned(),
        source: "s".to_owned(),
    };
    let folder = workspace("leak", &[("data/d.jsonl", &lines(&[row]))]);
    let source = Source::File("data/d.jsonl".into());
    let error = source.demonstrations(&folder, &[test]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data/d.jsonl: the demonstration `d1` asks the question of the test item `q1`"
    );
    assert_eq!(source.demonstrations(&folder, &[]).unwrap().len(), 1);
}

#[test]
fn a_source_is_one_of_two_things() {
    for (toml, complaint) in [
        ("source = { web = 'x' }", "unknown variant `web`, expected `embedded` or `file`"),
        ("source = { embedded = { seed = 1, questions = 2, colour = 3 } }", "unknown field `colour`"),
        ("source = { embedded = { seed = 1 } }", "missing field `questions`"),
    ] {
        let error = source(toml).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    for path in ["../x.jsonl", "/etc/passwd", "data/../../x", ""] {
        let folder = workspace("outside", &[]);
        let error = Source::File(path.into()).items(&folder).unwrap_err();
        assert!(matches!(error, DataError::Outside { .. }), "{error}");
        assert!(Source::File(path.into()).content_hash(&folder).is_err());
    }
    let error = Source::Embedded(World::standard(1, 20_000)).items("/nowhere".into()).unwrap_err();
    assert!(error.to_string().starts_with("code-e has only 17608 distinct questions"), "{error}");
}
