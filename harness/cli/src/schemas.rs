//! The published schemas of the JSON forms of `check`, `diff` and `challenge`.

use camino::Utf8Path;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use crate::challenge::Challenges;
use crate::check::found::Check;
use crate::check::overall::Checks;
use crate::diff::Differences;

/// The schema of what is written, with a final newline.
fn schema<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes the schemas where they are not current, and fails then.
#[test]
fn the_committed_schemas_are_current() {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let all = [
        ("check", schema::<Check>()),
        ("checks", schema::<Checks>()),
        ("diff", schema::<Differences>()),
        ("challenge", schema::<Challenges>()),
    ];
    let mut written = Vec::new();
    for (name, schema) in all {
        let path = folder.join(format!("{name}.schema.json"));
        if fs_err::read_to_string(&path).unwrap_or_default() != schema {
            assert!(fs_err::create_dir_all(&folder).and_then(|()| fs_err::write(&path, schema)).is_ok());
            written.push(path);
        }
    }
    assert!(written.is_empty(), "not current and have been written: {written:?}; review and commit them");
}
