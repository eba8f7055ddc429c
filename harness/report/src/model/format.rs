//! Name and version of the JSON form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The version of the form that this crate writes and reads. Version 2 wrote its keys in kebab-case.
pub const FORMAT_VERSION: u32 = 3;

const NAME: &str = "assay-report";

/// The `format` field of a report, always `"assay-report 3"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format;

impl Format {
    /// Version in a text such as `assay-report 3`; `None` when it is another kind of file.
    pub(super) fn version(text: &str) -> Option<u32> {
        text.strip_prefix(NAME)?.strip_prefix(' ')?.parse().ok()
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{NAME} {FORMAT_VERSION}"))
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Self::version(&text) {
            Some(FORMAT_VERSION) => Ok(Self),
            _ => Err(de::Error::custom(format_args!("format {text:?} is not `{NAME} {FORMAT_VERSION}`"))),
        }
    }
}

impl JsonSchema for Format {
    fn schema_name() -> Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Name and version of the form.", "const": format!("{NAME} {FORMAT_VERSION}") })
    }
}
