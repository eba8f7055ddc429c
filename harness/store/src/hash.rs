//! BLAKE3 hashes: of bytes, of files.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io;
use std::str::FromStr;

use camino::Utf8Path;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// From this size on a file is hashed through a memory map on all threads of the global rayon pool.
///
/// Below it one thread is done before the others have woken up.
const PARALLEL_FROM: u64 = 1 << 20;

/// A 256-bit BLAKE3 hash: the name of an object, or the key of an action, a checkpoint or a value of the memo.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of some bytes. It equals the name of the file object that holds them.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash whose bytes these are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(12);
        hex
    }

    /// The hash of a file's bytes and their number.
    pub(crate) fn of_file(path: &Utf8Path) -> io::Result<(Self, u64)> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut hasher = blake3::Hasher::new();
        if len >= PARALLEL_FROM {
            hasher.update_mmap_rayon(path)?;
        } else {
            hasher.update_reader(file)?;
        }
        Ok((Self(*hasher.finalize().as_bytes()), hasher.count()))
    }
}

impl From<blake3::Hash> for Hash {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// A string is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hash: expected 64 lower-case hexadecimal digits")]
pub struct ParseHashError(String);

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, ParseHashError> {
        // Upper case is refused so that a hash has one spelling, also as a file name.
        let lower = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        match blake3::Hash::from_hex(text) {
            Ok(hash) if lower => Ok(hash.into()),
            _ => Err(ParseHashError(text.to_owned())),
        }
    }
}

impl JsonSchema for Hash {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Hash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl ToSql for Hash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for Hash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?;
        bytes.try_into().map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn text_form_round_trips_and_has_one_spelling() {
        // The hash of nothing, from the BLAKE3 reference test vectors.
        let hex = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let hash = Hash::of(b"");
        assert_eq!(hash.to_string(), hex);
        assert_eq!(hash.short(), "af1349b9f5f9");
        assert_eq!(hex.parse(), Ok(hash));
        assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{hex}\""));
        assert_eq!(serde_json::from_str::<Hash>(&format!("\"{hex}\"")).unwrap(), hash);
        for bad in ["", "af13", &hex.to_uppercase(), &format!("{hex}0"), &hex.replace('a', "g")] {
            assert!(bad.parse::<Hash>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_hashes_like_its_bytes_on_either_side_of_the_parallel_limit() {
        let dir = tempfile::tempdir().unwrap();
        for len in [0, 1, PARALLEL_FROM as usize - 1, PARALLEL_FROM as usize, 3 * PARALLEL_FROM as usize + 7]
        {
            let bytes: Vec<u8> = (0..len).map(|i| (i / 7) as u8).collect();
            let path = dir.path().join("file");
            std::fs::write(&path, &bytes).unwrap();
            let (hash, size) = Hash::of_file(Utf8Path::from_path(&path).unwrap()).unwrap();
            assert_eq!((hash, size), (Hash::of(&bytes), len as u64));
        }
    }
}
