//! Programs, their inputs and what came of running them.

use serde::{Deserialize, Serialize};

/// How a program is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It is run as a script, from standard input to standard output.
    Stdin,
    /// It is run, then the function of this name is called: a method of the class `Solution` if the program
    /// has one with that method, else a plain function.
    Function(String),
}

/// What a program finds imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prelude {
    /// Nothing, as for any script.
    #[default]
    None,
    /// What LiveCodeBench puts before a program: everything of `math`, `collections`, `typing` and others by
    /// its bare name, a recursion limit of 50,000 and integers of up to 50,000 digits.
    Benchmark,
}

/// A Python program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The source text.
    pub source: String,
    /// How it is used.
    pub entry: Entry,
    /// What it finds imported.
    pub prelude: Prelude,
}

/// What one run gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Standard input, for [`Entry::Stdin`].
    Text(String),
    /// The arguments, for [`Entry::Function`].
    Arguments(Vec<serde_json::Value>),
    /// The same as JSON text, one argument per line. Numbers of any size keep their value.
    Lines(String),
}

impl Input {
    /// Arguments from anything that has a JSON form, such as `Input::arguments([3])`.
    pub fn arguments<T: Into<serde_json::Value>>(values: impl IntoIterator<Item = T>) -> Self {
        Input::Arguments(values.into_iter().map(Into::into).collect())
    }
}

/// One run of a program: what came of it and what it used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Run {
    /// What came of it.
    pub outcome: RunOutcome,
    /// Units of fuel used, loading the program included. The same for every run of the same program on the
    /// same input that completes or raises; after a trap the runtime may not have charged the last stretch. A
    /// program that is over its limit runs on for a quarter more, so that one which nearly kept it can be
    /// told from one that does not end.
    pub fuel: u64,
    /// Most bytes of linear memory, the interpreter's own included.
    pub peak_memory: u64,
}

impl Run {
    /// Whether the judge failed: the run says nothing about the program.
    pub fn is_judge_failure(&self) -> bool {
        matches!(self.outcome, RunOutcome::JudgeFailure { .. })
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunOutcome {
    /// It ran to its end.
    Completed {
        /// What it wrote to standard output, or what the function returned as JSON. A returned value without
        /// a JSON form is `not JSON: ` and its `repr`.
        output: String,
    },
    /// It raised an exception, exited with a failure, overflowed its stack or used what the sandbox does not
    /// have.
    RuntimeError {
        /// The exception's type and text, or what happened.
        message: String,
    },
    /// It is not valid Python.
    CompileError {
        /// The exception's type and text.
        message: String,
    },
    /// It imports a module that the image lacks, though Python elsewhere may have it.
    UnsupportedImport {
        /// The module.
        module: String,
    },
    /// It needs what this platform cannot do, such as threads that wait for each other.
    UnsupportedPlatform {
        /// What it needs.
        message: String,
    },
    /// It used up its fuel.
    TimeLimit,
    /// It ran out of memory.
    MemoryLimit,
    /// It wrote too much.
    OutputLimit,
    /// The judge, not the program, is at fault: nothing is known about the program.
    JudgeFailure {
        /// What happened.
        message: String,
    },
}
