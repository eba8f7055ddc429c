//! The committed schema of the JSON form says what is read.

use assay_report::{Report, schema, summary_schema};
use serde_json::{Value, json};

use super::{EXAMPLE, small};

fn committed(name: &str) -> (camino::Utf8PathBuf, String) {
    let path = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.schema.json"));
    let text = fs_err::read_to_string(&path).unwrap_or_default();
    (path, text)
}

/// Writes a schema where it is not current, and fails then.
#[test]
fn the_committed_schemas_are_current() {
    let mut stale = Vec::new();
    for (name, current) in [("report", schema()), ("summary", summary_schema())] {
        let (path, text) = committed(name);
        if text != current {
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, current).unwrap();
            stale.push(path);
        }
    }
    assert_eq!(stale, [""; 0], "were not current and have been written: review and commit them");
}

fn complaints(value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn reports_fit_the_schema() {
    for text in [EXAMPLE.to_owned(), small::report().to_json()] {
        assert_eq!(complaints(&serde_json::from_str(&text).unwrap()), [""; 0]);
    }
}

/// What the reader refuses for its form, the schema refuses too.
#[test]
fn the_schema_refuses_what_is_refused() {
    type Bend = fn(&mut Value);
    let cases: [(&str, Bend); 7] = [
        ("an unknown key", |report| report["colour"] = json!(1)),
        ("an unknown key inside", |report| report["rows"][0]["colour"] = json!(1)),
        ("another version", |report| report["format"] = json!("assay-report 2")),
        ("a missing key", |report| {
            report.as_object_mut().unwrap().remove("columns");
        }),
        ("another type", |report| report["scale"] = json!(3)),
        ("an unknown outcome", |report| report["claims"][0]["outcome"] = json!("ok")),
        ("a seed that is no number", |report| {
            report["rows"][0]["cells"]["a"]["measured"]["per_seed"]["one"] = json!(1.0);
        }),
    ];
    for (what, bend) in cases {
        let mut value: Value = serde_json::from_str(&small::report().to_json()).unwrap();
        bend(&mut value);
        assert!(Report::from_json(&value.to_string()).is_err(), "{what} is read");
        assert!(!complaints(&value).is_empty(), "{what} fits the schema");
    }
}
