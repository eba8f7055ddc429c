//! Judging short programs: a fresh interpreter in the sandbox per test against a `python3` process per test.

use std::process::{Command, Stdio};

use assay_bench::{Contender, compare_cpu};
use assay_sandbox::{Entry, Image, ImageLock, Input, Limits, Prelude, Program, Sandbox, Tools};
use camino::Utf8Path;

const PROGRAM: &str = "def f(x):\n    return x*(x+1)-3\n";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lock = ImageLock::parse(
        &std::fs::read_to_string(root.join("lockfiles/python-image.lock"))?,
        "python-image.lock",
    )?;
    let tools = Tools { python: "python3".into() };
    let image = Image::prepare(&root.join("target/images"), &lock, &tools, &mut |_| {})?;
    let sandbox = Sandbox::new(&image, Limits::default());
    let program = Program {
        source: PROGRAM.to_owned(),
        entry: Entry::Function("f".to_owned()),
        prelude: Prelude::None,
    };
    let inputs: Vec<Input> = (-3..=12).map(|x| Input::arguments([x])).collect();
    // The interpreter itself: what is called `python3` may be a script that looks for it first.
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output()?;
    let python = String::from_utf8(asked.stdout)?.trim().to_owned();
    let native = format!("{PROGRAM}print(f(5))\n");
    compare_cpu(
        "short programs, a test each time",
        "test",
        5,
        vec![
            Contender::new("a python3 process per test", || {
                let run = || Command::new(&python).args(["-c", &native]).stdout(Stdio::null()).status();
                (0..5).filter(|_| run().is_ok_and(|status| status.success())).count() as u64
            }),
            Contender::new("a fresh interpreter in the sandbox per test", || {
                sandbox.run(&program, &inputs).len() as u64
            }),
        ],
    );
    Ok(())
}
