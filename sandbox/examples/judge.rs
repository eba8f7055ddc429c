//! Judges a Python program on one test.
//!
//! ```text
//! cargo run --release -p assay-sandbox --example judge -- PROGRAM.py INPUT EXPECTED
//! ```
//!
//! Without arguments it judges a program of its own. The first run makes the Python image, in a minute or so.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use std::error::Error;
use std::time::Instant;

use assay_sandbox::{
    Entry, Expected, Image, ImageLock, Input, Limits, Prelude, Program, Sandbox, Test, Tools, judge,
};
use camino::Utf8Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (source, input, expected) = match arguments.as_slice() {
        [path, input, expected] => (std::fs::read_to_string(path)?, input.clone(), expected.clone()),
        [] => {
            let source = "numbers = map(int, input().split())\nprint(sum(numbers))\n";
            (source.to_owned(), "1 2 3\n".to_owned(), "6".to_owned())
        }
        _ => return Err("usage: judge [PROGRAM.py INPUT EXPECTED]".into()),
    };

    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let lockfile = root.join("lockfiles/python-image.lock");
    let lock = ImageLock::parse(&std::fs::read_to_string(&lockfile)?, lockfile.as_str())?;
    let tools = Tools::with_python("python3");
    let start = Instant::now();
    let mut progress = |event| eprintln!("{:5.1} s  {event:?}", start.elapsed().as_secs_f64());
    let image = Image::prepare(&root.join("target/images"), &lock, &tools, &mut progress)
        .map_err(|error| format!("{error}\nhint: {}", error.remedy()))?;

    let sandbox = Sandbox::new(&image, Limits::default());
    let program = Program { source, entry: Entry::Stdin, prelude: Prelude::None };
    let tests = [Test { input: Input::Text(input), expected: Expected::Output(expected) }];
    let judgement = judge(&sandbox, &program, &tests);
    println!("{}", serde_json::to_string_pretty(&judgement)?);
    Ok(())
}
