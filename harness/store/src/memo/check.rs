//! The hash that is kept with a value of the memo.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Hash;

const LEN: usize = 16;

/// The first 16 bytes of a hash: enough to notice damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check([u8; LEN]);

impl Check {
    /// The hash of a value at a key. It covers both, so that a value at the wrong key is noticed.
    pub(super) fn of(key: &Hash, value: &[u8]) -> Self {
        let hash = blake3::keyed_hash(key.as_bytes(), value);
        let mut short = [0; LEN];
        short.copy_from_slice(&hash.as_bytes()[..LEN]);
        Self(short)
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl ToSql for Check {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

/// As 32 hexadecimal digits.
impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(|number| Self(number.to_be_bytes())).map_err(de::Error::custom)
    }
}
