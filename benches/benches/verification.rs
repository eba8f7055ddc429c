//! What it costs that everything read back is checked: remembered verdicts beside the judging that they save, and an artefact
//! beside reading its bytes.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::hint::black_box;

use assay_bench::judging::{sandbox, short_programs};
use assay_bench::{Contender, compare_cpu, report_load};
use assay_sandbox::{Entry, Input, Limits, Prelude, Program, Sandbox};
use assay_store::{Hash, Store};
use camino::Utf8PathBuf;

/// Remembered verdicts, and their size in bytes: those of a sample with ten tests.
const VERDICTS: usize = 20_000;
const VERDICT: usize = 400;
/// Size of the artefact, in MiB.
const MEBIBYTES: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::TempDir::new()?;
    let root = Utf8PathBuf::try_from(folder.path().to_owned())?;
    let store = Store::open(&root.join("store"))?;
    let value = |number: usize| format!("{number:0width$}", width = VERDICT).into_bytes();
    let entries: Vec<(Hash, Vec<u8>)> =
        (0..VERDICTS).map(|number| (Hash::of(&number.to_le_bytes()), value(number))).collect();
    store.remember(&entries)?;
    let keys: Vec<Hash> = entries.iter().map(|(key, _)| *key).collect();
    let sandbox = sandbox(Limits::default())?;
    let programs = short_programs();
    report_load();
    let costs = compare_cpu(
        "a verdict on a short program with ten tests",
        "verdict",
        5,
        vec![
            Contender::new("judged", || {
                let programs = programs.iter().take(20);
                programs.filter(|short| ran(&sandbox, &short.source, &short.inputs)).count() as u64
            }),
            Contender::new("recalled and checked", || {
                let found = store.recall(&keys).unwrap_or_default();
                found.iter().flatten().count() as u64
            }),
            Contender::new("its check alone", || {
                entries.iter().for_each(|(key, value)| {
                    let mut hasher = blake3::Hasher::new();
                    hasher.update(key.as_bytes()).update(value);
                    black_box(hasher.finalize());
                });
                VERDICTS as u64
            }),
        ],
    );
    if let [judged, _, check] = costs[..] {
        println!("  the check is {:.4} % of judging  (goal: at most 2 %)", 100.0 * check / judged);
    }
    let bytes: Vec<u8> =
        (0..MEBIBYTES << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u8).collect();
    let plain = root.join("plain");
    std::fs::write(&plain, &bytes)?;
    let hash = store.put_path(&plain)?;
    compare_cpu(
        "an artefact of 64 MiB",
        "MiB",
        5,
        vec![
            Contender::new("read as a file", || {
                std::fs::read(&plain).map_or(0, |bytes| bytes.len() as u64 >> 20)
            }),
            Contender::new("read from the store and checked", || {
                store.read(&hash).map_or(0, |bytes| bytes.len() as u64 >> 20)
            }),
        ],
    );
    Ok(())
}

/// Whether a program was run on all inputs.
fn ran(sandbox: &Sandbox, source: &str, inputs: &[String]) -> bool {
    let program = Program { source: source.to_owned(), entry: Entry::Stdin, prelude: Prelude::None };
    let inputs: Vec<Input> = inputs.iter().map(|input| Input::Text(input.clone())).collect();
    sandbox.run(&program, &inputs).len() == inputs.len()
}
