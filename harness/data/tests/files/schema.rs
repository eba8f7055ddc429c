//! The committed schemas of items and demonstrations say what is read.

use assay_data::embedded::{demonstrations, items};
use assay_data::{Demonstration, Fault, Item};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::item;

fn schema(name: &str) -> Value {
    let path = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

/// Whether a value fits a schema, by the keywords that the two schemas use; any other is a mistake.
fn fits(value: &Value, schema: &Value, root: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "$id" | "$defs" | "title" | "description" => true,
        "$ref" => match rule.as_str().unwrap().strip_prefix('#') {
            Some(pointer) => fits(value, root.pointer(pointer).unwrap(), root),
            None => {
                let other = self::schema(rule.as_str().unwrap());
                fits(value, &other, &other)
            }
        },
        "type" => match rule {
            Value::Array(names) => names.iter().any(|name| is_of(value, name.as_str().unwrap())),
            name => is_of(value, name.as_str().unwrap()),
        },
        "required" => value.as_object().is_none_or(|object| {
            rule.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))
        }),
        "additionalProperties" => {
            assert_eq!(*rule, json!(false));
            let known = schema["properties"].as_object().unwrap();
            value.as_object().is_none_or(|object| object.keys().all(|key| known.contains_key(key)))
        }
        "properties" => rule.as_object().unwrap().iter().all(|(key, rule)| match value.get(key) {
            Some(part) => fits(part, rule, root),
            None => true,
        }),
        "items" => value.as_array().is_none_or(|list| list.iter().all(|part| fits(part, rule, root))),
        "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= rule.as_u64().unwrap()),
        "uniqueItems" => {
            value.as_array().is_none_or(|list| (1..list.len()).all(|at| !list[..at].contains(&list[at])))
        }
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| matches(text, rule.as_str().unwrap())),
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "oneOf" => rule.as_array().unwrap().iter().filter(|form| fits(value, form, root)).count() == 1,
        other => panic!("the test does not know the keyword {other}"),
    })
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the test does not know the type {other}"),
    }
}

/// The patterns of the schemas.
fn matches(text: &str, pattern: &str) -> bool {
    let part_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    match pattern {
        "\\S" => !text.trim().is_empty(),
        "^\\S(.*\\S)?$" => !text.is_empty() && text.trim() == text,
        "^[A-Za-z_][A-Za-z0-9_]*$" => {
            text.chars().all(part_of_name)
                && text.starts_with(|first: char| part_of_name(first) && !first.is_ascii_digit())
        }
        other => panic!("the test does not know the pattern {other}"),
    }
}

/// Items of every kind of check, with all that they may have.
fn accepted() -> Vec<Value> {
    let case = json!({"input": "1", "output": "2", "public": false});
    let program =
        json!({"expression": {"function": "f", "parameter": "x", "characters": "x+1", "longest": 9}});
    let options = json!({"match_types": ["latex", "string"], "precision": 3, "strings": ["yes"], "lowercase": false,
        "strict": true, "allow_set_relation_comp": null});
    let grade = json!({"kind": "grade", "grader": "math-verify", "form": "response", "options": options});
    let check = json!({"setup": "", "code": "assert f(1) == 2", "entry": "f", "prelude": "benchmark"});
    let tests = |program: Value, tests: Value| json!({"kind": "tests", "program": program, "tests": tests});
    vec![
        item(json!({"kind": "exact"}), &["1", "one"]),
        item(json!({"kind": "grade", "grader": "rational"}), &["1/2"]),
        item(grade, &["\\frac{1}{2}"]),
        item(json!({"kind": "choice", "labels": ["A", "B"], "values": ["1", "2"], "forced": true}), &["B"]),
        item(tests("fenced".into(), json!({"scripts": [case]})), &["print(input())"]),
        item(tests(program, json!({"calls": {"function": "f", "cases": [case]}})), &["x+1"]),
        item(tests("plain".into(), json!({"checks": [check]})), &["def f(x): return x+1"]),
    ]
}

fn demonstration(item: Value) -> Value {
    json!({"item": item, "thought": "t", "answer": "a", "source": "s"})
}

/// Whether it is read, as far as a schema can say: that an item's check accepts its references, and that
/// there are as many values as labels, is beyond one.
fn is_read<T: DeserializeOwned>(value: &Value, item: impl Fn(&T) -> &Item) -> bool {
    let Ok(row) = serde_json::from_str::<T>(&value.to_string()) else { return false };
    match item(&row).validate() {
        Ok(()) | Err(Fault::Reference { .. }) => true,
        Err(Fault::Options(rule)) => rule == "not every label has a value",
        Err(_) => false,
    }
}

/// All values that differ from this one in one place: a key is missing or added, or a part is of another type.
fn variants(value: &Value) -> Vec<Value> {
    let others = [
        json!("word"),
        json!(""),
        json!(3),
        json!(1.5),
        json!(-1),
        json!(true),
        Value::Null,
        json!({"a": 1}),
        json!(["a"]),
        json!([]),
    ];
    let mut all = others.to_vec();
    match value {
        Value::Object(object) => {
            let with = |key: &str, part: Option<Value>| {
                let mut changed: Map<String, Value> = object.clone();
                match part {
                    Some(part) => _ = changed.insert(key.to_owned(), part),
                    None => _ = changed.remove(key),
                }
                Value::Object(changed)
            };
            all.push(with("colour", Some("red".into())));
            for (key, part) in object {
                all.push(with(key, None));
                all.extend(variants(part).into_iter().map(|part| with(key, Some(part))));
            }
        }
        Value::Array(list) => {
            for (at, part) in list.iter().enumerate() {
                all.extend(variants(part).into_iter().map(|part| {
                    let mut changed = list.clone();
                    changed[at] = part;
                    changed.into()
                }));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn the_schema_of_items_says_what_is_read() {
    let schema = schema("item.schema.json");
    let (mut read, mut refused) = (0, 0);
    for item in accepted() {
        assert!(fits(&item, &schema, &schema), "{item}");
        assert!(serde_json::from_value::<Item>(item.clone()).unwrap().validate().is_ok(), "{item}");
        for variant in variants(&item) {
            let is_read = is_read(&variant, |item: &Item| item);
            assert_eq!(fits(&variant, &schema, &schema), is_read, "{variant}");
            if is_read { read += 1 } else { refused += 1 }
        }
    }
    assert!(read > 100 && refused > 500, "{read} {refused}");
    for label in [" A", "A ", ""] {
        let spaced = item(json!({"kind": "choice", "labels": ["B", label]}), &["B"]);
        assert!(!fits(&spaced, &schema, &schema) && !is_read(&spaced, |item: &Item| item), "{spaced}");
    }
    let twice = item(json!({"kind": "choice", "labels": ["B", "B"]}), &["B"]);
    assert!(!fits(&twice, &schema, &schema) && !is_read(&twice, |item: &Item| item));
}

#[test]
fn the_schema_of_demonstrations_says_what_is_read() {
    let schema = schema("demonstration.schema.json");
    let row = demonstration(accepted().remove(3));
    assert!(fits(&row, &schema, &schema));
    for variant in variants(&row) {
        let is_read = is_read(&variant, |row: &Demonstration| &row.item);
        assert_eq!(fits(&variant, &schema, &schema), is_read, "{variant}");
    }
}

/// What the embedded world provides could come from a file.
#[test]
fn the_embedded_world_fits_the_schemas() {
    let schemas = (schema("item.schema.json"), schema("demonstration.schema.json"));
    for item in items(1, 20).unwrap() {
        let item = serde_json::to_value(item).unwrap();
        assert!(fits(&item, &schemas.0, &schemas.0), "{item}");
    }
    for row in demonstrations(1, 60, &assay_data::embedded::Exclusions::new(&[])).unwrap() {
        let row = serde_json::to_value(row).unwrap();
        assert!(fits(&row, &schemas.1, &schemas.1), "{row}");
    }
}
