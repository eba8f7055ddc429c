//! The one way from programs and answers to findings: a key for each job, the memo, a pool of worker
//! processes.
//!
//! [`Judging::run`] does any jobs; [`Judging::judge_samples`] judges the samples of a benchmark, whose tests
//! together may not fit into memory. What the judge failed on is told and not kept. What is killed or stopped
//! loses at most what the memo had not stored yet, and the next call goes on from there.

mod error;
mod imports;
mod job;
mod made;
mod pool;
mod process;
mod protocol;
mod row;
mod samples;
mod worker;

pub use error::JudgingError;
pub use job::{Finding, Job};
pub use process::PoolError;
pub use row::{FailedTest, VERDICT_FORMAT, VerdictRow};
pub use samples::{Counts, Judged, SampleEvent, SampleSet, task_of_sample};
pub use worker::serve;

#[cfg(fuzzing)]
pub(crate) use {
    pool::{Open, read_findings},
    protocol::read_line,
};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_store::memo::memoized;
use assay_store::{Hash, Store, StoreError};
use camino::Utf8PathBuf;

use job::{Conditions, EachImage, ImageKind, TaskParts, hash_of_tests};
use made::{Made, Unkept, count_kept};
use pool::Pool;
use process::locked;
use protocol::Hello;

use crate::limits::Limits;
use assay_fetch::Tools;

use crate::setup::{Image, ImageLock, SetupEvent};

/// What judging needs.
pub struct JudgingSetup {
    /// Folder of the images, which are made when first needed.
    pub images: Utf8PathBuf,
    /// The image that runs programs.
    pub python: ImageLock,
    /// The image that runs programs which import packages of it, if they are to run at all.
    pub packages: Option<ImageLock>,
    /// The image that compares answers.
    pub math: ImageLock,
    /// Programs that set up images.
    pub tools: Tools,
    /// Limits of a test of a program.
    pub limits: Limits,
    /// Limits of a comparison of answers, such as [`grade::limits`](crate::grade::limits).
    pub comparison_limits: Limits,
    /// Starts a process that calls [`serve`] with its standard input and output.
    pub worker: Box<dyn Fn() -> Command + Send + Sync>,
    /// Called with what the set-up of an image is doing.
    pub progress: Box<dyn Fn(SetupEvent) + Send + Sync>,
}

/// What findings depend on besides the jobs, as facts for keys of what is made from findings. Judges and
/// graders have versions of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgingFacts {
    /// Identity of the image that runs programs.
    pub image: Hash,
    /// Version of its Python, such as `3.14.0`; it is part of the identity.
    pub python: String,
    /// The image of programs that import packages of it.
    pub packages: Option<PackagesFacts>,
    /// Limits of a test of a program.
    pub limits: String,
    /// Identity of the image that compares answers.
    pub comparison_image: Hash,
    /// Limits of a comparison of answers.
    pub comparison_limits: String,
}

/// The image of programs that import packages of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagesFacts {
    /// Its identity.
    pub image: Hash,
    /// Version of its Python.
    pub python: String,
    /// The packages, with their versions.
    pub packages: BTreeMap<String, String>,
}

impl std::fmt::Display for PackagesFacts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "CPython {}", self.python)?;
        self.packages.iter().try_for_each(|(name, version)| write!(out, ", {name} {version}"))
    }
}

/// Images, limits and worker processes, set up when first needed. Share it by reference: calls from several
/// threads use one pool. The processes end when it is dropped.
pub struct Judging {
    each: EachImage,
    images: Utf8PathBuf,
    tools: Tools,
    progress: Box<dyn Fn(SetupEvent) + Send + Sync>,
    /// The images that are known to be there.
    ready: Mutex<BTreeSet<ImageKind>>,
    pool: Pool,
    /// Told why findings are not kept; without it, that is an error.
    unkept: Option<Box<Unkept>>,
}

impl Judging {
    /// The most worker processes of one call.
    pub const MAX_WORKERS: usize = Pool::MAX_WORKERS;

    /// Judging with this set-up. Nothing is started, read or made yet.
    pub fn new(setup: JudgingSetup) -> Self {
        let packages = setup.packages.map(|lock| Conditions { lock, limits: setup.limits.clone() });
        let python = Conditions { lock: setup.python, limits: setup.limits };
        let math = Conditions { lock: setup.math, limits: setup.comparison_limits };
        let each = EachImage::new(python, packages, math);
        let hello = Hello::new(setup.images.clone(), &each);
        Judging {
            pool: Pool::new(setup.worker, hello),
            each,
            images: setup.images,
            tools: setup.tools,
            progress: setup.progress,
            ready: Mutex::default(),
            unkept: None,
        }
    }

    /// The same, but with a store that is full or cannot be written it goes on without keeping what it finds, and tells
    /// why, once for each call.
    #[must_use]
    pub fn even_unkept(self, tell: impl Fn(&StoreError) + Send + Sync + 'static) -> Self {
        Self { unkept: Some(Box::new(tell)), ..self }
    }

    /// What findings depend on besides the jobs.
    pub fn describe(&self) -> JudgingFacts {
        let (python, math) = (self.each.get(ImageKind::Python), self.each.get(ImageKind::Math));
        let packages = self.each.packages().map(|packages| PackagesFacts {
            image: packages.lock.identity(),
            python: packages.lock.cpython_version().to_owned(),
            packages: packages.lock.packages().clone(),
        });
        JudgingFacts {
            image: python.lock.identity(),
            python: python.lock.cpython_version().to_owned(),
            packages,
            limits: python.limits.describe(),
            comparison_image: math.lock.identity(),
            comparison_limits: math.limits.describe(),
        }
    }

    /// Limits of a test of a program.
    pub fn limits(&self) -> &Limits {
        &self.each.get(ImageKind::Python).limits
    }

    /// The lock of the image that a program runs in, and whether that is the one with packages.
    pub fn image_of(&self, program: &str) -> (&ImageLock, bool) {
        let kind = self.each.of_program(program);
        (&self.each.get(kind).lock, kind == ImageKind::Packages)
    }

    /// A finding for each job, in order: decided here if that takes no sandbox, else from the memo, else from
    /// at most `workers` processes. Findings do not depend on their number.
    ///
    /// `progress` is called with how many of the distinct jobs are done, and how many there are; first with
    /// what was known before, and not at all if there is nothing to do.
    ///
    /// # Errors
    /// [`JudgingError::Stopped`] soon after `stopped` says true, unless everything was known; what was found
    /// by then is kept. Else a [`JudgingError`] with what to do about it. A failure of the judge on one job is
    /// no error but the finding on that job.
    pub fn run(
        &self,
        store: &Store,
        jobs: &[Job],
        workers: usize,
        stopped: &(dyn Fn() -> bool + Sync),
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<Finding>, JudgingError> {
        let mut findings: Vec<Option<Finding>> = jobs.iter().map(Job::decided).collect();
        let open: Vec<usize> = (0..jobs.len()).filter(|&index| findings[index].is_none()).collect();
        let keys: Vec<Hash> = open.iter().map(|&index| self.key(&jobs[index])).collect();
        let wanted = Wanted {
            keys: &keys,
            images: open.iter().map(|&index| self.each.of_job(&jobs[index])).collect(),
        };
        let mut job = |index: usize| open.get(index).map(|&index| jobs[index].clone());
        let tell = |told: Told| progress(told.done as u64, told.distinct as u64);
        let found = self.find(store, &wanted, &mut job, workers, stopped, &tell)?;
        for (index, finding) in open.into_iter().zip(found) {
            findings[index] = Some(finding);
        }
        Ok(findings.into_iter().flatten().collect())
    }

    fn key(&self, job: &Job) -> Hash {
        let conditions = self.each.get(self.each.of_job(job));
        match job {
            Job::Judge(task) => conditions.key_of_program(&TaskParts {
                judge: task.judge,
                until: task.until,
                program: &task.program,
                tests: hash_of_tests(&task.tests),
            }),
            Job::Grade { grader, question } => conditions.key_of_answer(*grader, question),
        }
    }

    /// Findings under these keys. `job` makes the job of a key when its turn comes.
    fn find(
        &self,
        store: &Store,
        wanted: &Wanted<'_>,
        job: &mut (dyn FnMut(usize) -> Option<Job> + Send),
        workers: usize,
        stopped: &(dyn Fn() -> bool + Sync),
        tell: &dyn Fn(Told),
    ) -> Result<Vec<Finding>, JudgingError> {
        let keys = wanted.keys;
        let mut uses: HashMap<Hash, usize> = HashMap::new();
        for key in keys {
            *uses.entry(*key).or_default() += 1;
        }
        let mut made = Made::new(self.unkept.as_deref());
        let found = memoized(store, keys, |unknown, keeper| {
            let missing = unknown.iter().map(|&index| uses[&keys[index]]).sum();
            let mut told = Told { done: uses.len() - unknown.len(), distinct: uses.len(), missing };
            tell(told);
            // Before an image is set up, which takes a while.
            if told.done < told.distinct && stopped() {
                return Err(JudgingError::STOPPED);
            }
            let images = unknown.iter().filter_map(|&index| wanted.images.get(index).copied());
            for image in images.collect::<BTreeSet<_>>() {
                self.prepare(image, stopped)?;
            }
            let jobs = unknown.iter().filter_map(|&index| Some((index, job(index)?)));
            let (broken, mut failure) = (AtomicBool::new(false), None);
            let over = || stopped() || broken.load(Ordering::Relaxed);
            self.pool.work(jobs, workers, &over, &mut |index, finding| {
                told.done += 1;
                if let Err(error) = made.keep(keeper, index, finding) {
                    broken.store(true, Ordering::Relaxed);
                    failure = failure.take().or(Some(error));
                }
                tell(told);
            })?;
            match failure {
                Some(error) => Err(JudgingError::Store(error)),
                None if told.done < told.distinct && stopped() => Err(JudgingError::STOPPED),
                None => Ok(()),
            }
        });
        match found {
            Err(JudgingError::Store(error)) => made.with_known(store, keys, error),
            // Only now it is certain what the store has taken.
            Err(error) if error.is_stop() => {
                Err(JudgingError::Stopped { kept: count_kept(store, keys), jobs: keys.len() })
            }
            found => found,
        }
    }

    /// Makes an image unless it is there, once for all calls.
    fn prepare(&self, kind: ImageKind, stopped: &(dyn Fn() -> bool + Sync)) -> Result<(), JudgingError> {
        let mut ready = locked(&self.ready);
        if !ready.contains(&kind) {
            let lock = &self.each.get(kind).lock;
            let mut progress = |event| (self.progress)(event);
            Image::prepare_until(&self.images, lock, &self.tools, stopped, &mut progress)?;
            ready.insert(kind);
        }
        Ok(())
    }
}

/// Keys whose findings are wanted, equal ones included, and the image that each needs.
struct Wanted<'a> {
    keys: &'a [Hash],
    images: Vec<ImageKind>,
}

/// How far [`Judging::find`] is.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// Distinct keys with a finding, and all of them.
    done: usize,
    distinct: usize,
    /// Keys, equal ones included, that had no finding at the start.
    missing: usize,
}
