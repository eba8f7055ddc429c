//! A workspace of its own for each test: the repository's recipes at a tiny scale, and a store.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// Everything that the recipes need, at a size that trains and samples in a second or two.
const TINY: &str = include_str!("fixtures/tiny.toml");

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A workspace with the repository's recipes and the scale `tiny`.
pub(crate) struct World {
    dir: TempDir,
}

impl World {
    /// A fresh workspace with an empty store.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        for folder in ["recipes", "lockfiles"] {
            copy(&repository().join(folder), &dir.path().join(folder));
        }
        std::fs::write(dir.path().join("recipes/scale/tiny.toml"), TINY).unwrap();
        Self { dir }
    }

    /// A workspace whose store holds a finished run of `table-05`. The run is made once and copied.
    pub(crate) fn finished() -> Self {
        static FINISHED: OnceLock<World> = OnceLock::new();
        let finished = FINISHED.get_or_init(|| {
            let world = Self::new();
            world.run(&["run", "table-05", "--scale", "tiny"]).succeeds();
            world
        });
        let world = Self::new();
        for folder in [".assay", "reports"] {
            copy(&finished.path(folder), &world.path(folder));
        }
        world
    }

    /// A path in the workspace.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    /// The text of a file in the workspace.
    pub(crate) fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.path(relative)).unwrap()
    }

    /// Replaces a text that must occur in a file.
    pub(crate) fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "{relative} does not hold {from:?}");
        std::fs::write(self.path(relative), text.replacen(from, to, 1)).unwrap();
    }

    /// The command, in this workspace and without the tester's environment.
    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.args(arguments).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env_remove("ASSAY_STORE").env("ASSAY_IMAGES", repository().join("target/images"));
        hear_signals(&mut command);
        command
    }

    /// The same from a shell that first does something which the command inherits, such as `ulimit -f 16`.
    pub(crate) fn command_after(&self, first: &str, arguments: &[impl AsRef<OsStr>]) -> Command {
        let plain = self.command(arguments);
        let mut command = Command::new("sh");
        command.args(["-c", &format!(r#"{first} && exec "$0" "$@""#)]).arg(plain.get_program());
        command.args(plain.get_args()).current_dir(self.dir.path()).stdin(Stdio::null());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        hear_signals(&mut command);
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Ran {
        Ran(self.command(arguments).output().unwrap())
    }

    /// The steps that a run executes, by the event log that it prints, and its other events.
    pub(crate) fn events(&self, arguments: &[&str]) -> Vec<Value> {
        let finished = self.run(&[&["run"], arguments, &["--json"]].concat()).succeeds();
        finished.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The steps that a run executes.
    pub(crate) fn executed(&self, arguments: &[&str]) -> Vec<String> {
        steps(&self.events(arguments), "step-finished")
    }
}

/// Lets a command hear the signals that whoever runs the tests may ignore, as a shell's job in the background does.
#[expect(unsafe_code, reason = "what a child ignores can be changed only between fork and exec")]
fn hear_signals(command: &mut Command) {
    let reset = || {
        for signal in [libc::SIGHUP, libc::SIGINT] {
            // SAFETY: `signal` may be called between fork and exec, and the default action needs no handler.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(reset) };
}

/// The steps named by the events of one kind, sorted.
pub(crate) fn steps(events: &[Value], kind: &str) -> Vec<String> {
    let mut steps: Vec<String> = events
        .iter()
        .filter(|event| event["event"] == kind)
        .map(|event| event["step"].as_str().unwrap().to_owned())
        .collect();
    steps.sort();
    steps
}

/// A command that has ended, before anyone said how it should have.
#[must_use = "say whether it should have succeeded"]
pub(crate) struct Ran(Output);

impl Ran {
    /// Of a command that was started otherwise.
    pub(crate) fn of(output: Output) -> Self {
        Self(output)
    }

    pub(crate) fn succeeds(self) -> Finished {
        let finished = Finished(self.0);
        assert!(finished.0.status.success(), "{:?}\n{}", finished.0.status, finished.stderr());
        finished
    }

    pub(crate) fn fails_with(self, code: i32) -> Finished {
        let finished = Finished(self.0);
        let found = finished.0.status.code();
        assert_eq!(found, Some(code), "{}\n{}", finished.stdout(), finished.stderr());
        finished
    }

    /// However it ended.
    pub(crate) fn either_way(self) -> Finished {
        Finished(self.0)
    }
}

/// A command that has ended as it should.
pub(crate) struct Finished(Output);

impl Finished {
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Asserts that standard output holds all of these.
    pub(crate) fn prints(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout().contains(part), "no {part:?} in\n{}", self.stdout());
        }
        self
    }

    /// Asserts that standard error holds all of these.
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr().contains(part), "no {part:?} in\n{}", self.stderr());
        }
        self
    }
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
