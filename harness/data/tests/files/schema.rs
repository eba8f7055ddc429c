//! The committed schemas are those of what is read.

use assay_data::{Demonstration, Item};
use schemars::{JsonSchema, schema_for};

/// A schema with the note that people need who write such a file.
fn schema<T: JsonSchema>(title: &str) -> String {
    let mut schema = schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

/// After a change of items or checks: put what the message shows into the file.
#[test]
fn the_schemas_are_those_of_what_is_read() {
    let folder = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (file, expected) in [
        ("item.schema.json", schema::<Item>("An item, one JSON object a line")),
        ("demonstration.schema.json", schema::<Demonstration>("A demonstration, one JSON object a line")),
    ] {
        let committed = fs_err::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(committed == expected, "{file} should be:\n{expected}");
    }
}
