//! Since when files of criteria have stood, by git.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use assay_flow::CRITERIA;
use assay_store::{Hash, Hasher, Store};
use camino::{Utf8Path, Utf8PathBuf};

/// A file, and the hash of its text as the run read it.
type Read = (Utf8PathBuf, Hash);

/// The commits since when the files of criteria of a run have stood. Git is asked when the first of them is wanted, and for
/// all of them: several tables have criteria in common.
pub(crate) struct Commits {
    root: Utf8PathBuf,
    files: BTreeSet<Read>,
    first: OnceLock<BTreeMap<Read, String>>,
}

impl Commits {
    /// Those of the criteria among these files of the workspace at `root`.
    pub(crate) fn new<'a>(root: &Utf8Path, files: impl IntoIterator<Item = &'a Read>) -> Self {
        let criteria = files.into_iter().filter(|(file, _)| file.starts_with(CRITERIA));
        Self { root: root.to_owned(), files: criteria.cloned().collect(), first: OnceLock::new() }
    }

    /// The first commit in which a file has the text that the run read. `None` without git, without a history that reaches back
    /// to it, for a text that is not committed, and for a file that was edited during the run.
    pub(crate) fn first(&self, store: &Store, file: &Utf8Path, read: &Hash) -> Option<String> {
        let first = self.first.get_or_init(|| self.ask(store).unwrap_or_default());
        first.get(&(file.to_owned(), *read)).cloned()
    }

    /// The first commits of all files that have one; `None` where git tells nothing of any.
    fn ask(&self, store: &Store) -> Option<BTreeMap<Read, String>> {
        let is_as_read = |(file, hash): &&Read| {
            fs_err::read(self.root.join(file)).is_ok_and(|bytes| Hash::of(&bytes) == *hash)
        };
        let files: Vec<&Read> = self.files.iter().filter(is_as_read).collect();
        if files.is_empty() {
            return None;
        }
        let history = History::of(&self.root)?;
        let mut arguments = vec!["hash-object", "--"];
        arguments.extend(files.iter().map(|(file, _)| file.as_str()));
        let blobs = git(&self.root, &arguments)?;
        // Git has read the files again.
        if !files.iter().all(is_as_read) {
            return None;
        }
        let questions: Vec<(&Utf8Path, &str)> =
            files.iter().map(|(file, _)| file.as_path()).zip(blobs.lines()).collect();
        let keys: Vec<Hash> = questions.iter().map(|(file, blob)| history.key(file, blob)).collect();
        let known = store.recall(&keys).unwrap_or_default();
        let mut found = Vec::new();
        let mut first = BTreeMap::new();
        for (index, (file, blob)) in questions.into_iter().enumerate() {
            let remembered = known.get(index).cloned().flatten();
            let remembered = remembered.and_then(|commit| String::from_utf8(commit).ok());
            let commit = match remembered.filter(|commit| commit.is_empty() || is_commit(commit)) {
                Some(commit) => commit,
                None => {
                    // What git could not tell now, it may tell the next time.
                    let Some(commit) = history.first(file, blob) else { continue };
                    found.push((keys[index], commit.clone().into_bytes()));
                    commit
                }
            };
            if !commit.is_empty() {
                first.insert(files[index].clone(), commit);
            }
        }
        // At worst git is asked again.
        let _ = store.remember(&found);
        Some(first)
    }
}

/// Whether this is the name of a commit: 40 or 64 hexadecimal digits, by the repository's hash.
fn is_commit(name: &str) -> bool {
    [40, 64].contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A history that is complete, up to one commit.
struct History {
    root: Utf8PathBuf,
    /// The last commit, which names all that are before it.
    head: String,
    /// Where the workspace is in the repository.
    prefix: String,
}

impl History {
    /// The history of the workspace at `root`. `None` without git, without a commit, and for a shallow clone, which does not
    /// know which commit was the first.
    fn of(root: &Utf8Path) -> Option<Self> {
        let told = git(root, &["rev-parse", "--is-shallow-repository", "HEAD", "--show-prefix"])?;
        let mut parts = told.splitn(3, '\n');
        let (shallow, head, prefix) = (parts.next()?, parts.next()?, parts.next()?);
        let (head, prefix) = (head.to_owned(), prefix.to_owned());
        (shallow == "false").then(|| Self { root: root.to_owned(), head, prefix })
    }

    /// Names the answer to [`History::first`].
    fn key(&self, file: &Utf8Path, blob: &str) -> Hash {
        let mut hasher = Hasher::new("assay first commit 1");
        hasher.str("head", &self.head).str("prefix", &self.prefix);
        hasher.str("file", file.as_str()).str("blob", blob);
        hasher.finish()
    }

    /// The first commit in which a file has these contents; empty if there is none, `None` if git does not tell.
    fn first(&self, file: &Utf8Path, blob: &str) -> Option<String> {
        let object = format!("--find-object={blob}");
        let log = [
            "log",
            "--no-show-signature",
            "--reverse",
            "--format=%H",
            &object,
            &self.head,
            "--",
            file.as_str(),
        ];
        Some(git(&self.root, &log)?.lines().next().unwrap_or_default().to_owned())
    }
}

/// What git prints, if it succeeds. Objects are those that commits name, not what somebody has put in their place.
fn git(root: &Utf8Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    let output = command.args(["--no-replace-objects", "-C", root.as_str()]).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}
