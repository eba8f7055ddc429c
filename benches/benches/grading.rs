//! Comparing answers: a fresh copy of the interpreter with sympy in it per answer, against a Python process
//! with math-verify per answer. Both read and compare the same pairs, by the same release of the same
//! packages.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::process::{Command, Stdio};

use assay_bench::{Contender, compare_cpu};
use assay_sandbox::grade::{Grader, Question, grade, limits};
use assay_sandbox::{Image, ImageLock, Sandbox, Tools};
use camino::{Utf8Path, Utf8PathBuf};

/// Gold answers and responses such as benchmarks have. None of them is decided without sympy.
const PAIRS: [(&str, &str); 8] = [
    (r"$\frac{3}{4}$", r"Adding up, we get \boxed{0.75}."),
    (r"$2\sqrt{3}$", r"so the side is $\sqrt{12}$"),
    (r"$(x-1)(x+1)$", r"The answer is $x^2 - 1$."),
    (r"$(-\infty, 2]$", r"\boxed{x \le 2}"),
    (r"$\{1, 2, 3\}$", r"The solutions are $3$, $2$ and $1$."),
    (
        r"$\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}$",
        r"\boxed{\begin{pmatrix} 1 & 0 \\ 0 & 2 \end{pmatrix}}",
    ),
    (r"$25\%$", "It is 25 percent."),
    (r"$y = 2x + 1$", r"\boxed{y - 1 = 2x}"),
];

const NATIVE: &str = "\
import sys
from math_verify import parse, verify
print(verify(parse(sys.argv[1]), parse(sys.argv[2])))
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lock = ImageLock::built_in_math()?;
    let tools = Tools::with_python("python3");
    let image = Image::prepare(&root.join("target/images"), &lock, &tools, &mut |_| {})?;
    let sandbox = Sandbox::new(&image, limits());
    let Some(python) =
        environment(&root.join("target/math-verify"), include_str!("../../lockfiles/math-image.lock"))
    else {
        println!("skipped: pip could not install math-verify");
        return Ok(());
    };
    let right = |native: &str, ours: Option<bool>| (native.trim() == "True") == (ours == Some(true));
    for (gold, answer) in PAIRS {
        let output = Command::new(&python).args(["-c", NATIVE, gold, answer]).output()?;
        let ours = grade(Grader::MathVerify, &Question::pair(gold, answer), &sandbox).equal();
        assert!(right(&String::from_utf8_lossy(&output.stdout), ours), "{gold} {answer}");
    }
    compare_cpu(
        "answers compared by math-verify",
        "answer",
        5,
        vec![
            Contender::new("a native process per answer", || {
                let run = |(gold, answer): &(&str, &str)| {
                    let mut command = Command::new(&python);
                    command.args(["-c", NATIVE, gold, answer]).stdout(Stdio::null()).status()
                };
                PAIRS.iter().filter(|pair| run(pair).is_ok_and(|status| status.success())).count() as u64
            }),
            Contender::new("a fresh interpreter in the sandbox per answer", || {
                let graded = |(gold, answer): &(&str, &str)| {
                    grade(Grader::MathVerify, &Question::pair(*gold, *answer), &sandbox).equal().is_some()
                };
                PAIRS.iter().filter(|pair| graded(pair)).count() as u64
            }),
        ],
    );
    Ok(())
}

/// A Python with the packages of the lock, but for the one that only SkyThought's grader uses; made once.
fn environment(folder: &Utf8Path, lock: &str) -> Option<Utf8PathBuf> {
    let python = folder.join("bin/python");
    let quiet =
        |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if quiet(Command::new(&python).args(["-c", "import math_verify"]).stderr(Stdio::null())) {
        return Some(python);
    }
    let value =
        |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches(['"', ' ', '=']).to_owned());
    let names = lock.lines().filter_map(|line| value(line, "name"));
    let releases = lock.lines().filter_map(|line| value(line, "release"));
    let packages: Vec<String> = names
        .zip(releases)
        .filter(|(name, _)| name != "latex2sympy2")
        .map(|(name, release)| format!("{name}=={release}"))
        .collect();
    let made = quiet(Command::new("python3").args(["-m", "venv", folder.as_str()]))
        && quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(&packages));
    made.then_some(python)
}
