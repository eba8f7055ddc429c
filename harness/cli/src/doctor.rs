//! `assay doctor`: what this machine has, and what is missing.

use std::process::Command;

use anstyle::Style;
use assay_lm::Cuda;
use serde::Serialize;

use crate::args::Global;
use crate::document;
use crate::failure::Failure;
use crate::process;
use crate::stdio;

/// What a machine has for this program.
#[derive(Debug, Serialize)]
struct Examined {
    /// The version of this program.
    version: &'static str,
    /// The processor's instructions that models are computed with; floats are bit-identical on the same ones only.
    instruction_set: &'static str,
    /// Cores that this process may use.
    cores: usize,
    /// The version of the Python that downloads wheels; null if there is none with pip.
    python: Option<String>,
    /// What there is of CUDA; null in a build without it.
    cuda: Option<Cuda>,
    /// What is missing for something.
    missing: Vec<Missing>,
}

/// Something that a machine lacks.
#[derive(Debug, Serialize)]
struct Missing {
    /// What it is, and what it is needed for.
    what: String,
    /// What to do.
    remedy: &'static str,
}

/// Says what this machine has, and what is missing.
pub(crate) fn doctor(global: &Global) -> Result<(), Failure> {
    let examined = Examined::of_this_machine();
    if global.json {
        return document::print(&examined);
    }
    examined.write()
}

impl Examined {
    fn of_this_machine() -> Self {
        let (python, cuda) = (python(), Cuda::look_closely());
        let mut missing = Vec::new();
        if python.is_none() {
            let what =
                "Python 3 with pip, which downloads wheels: the sandbox's image is made from one".to_owned();
            missing.push(Missing { what, remedy: "install it, or name another one with `--python`" });
        }
        if let Some(cuda) = &cuda
            && cuda.gpus.is_empty()
        {
            let said = cuda.problem.as_deref().unwrap_or("the driver counts none");
            let remedy = "install NVIDIA's driver 580 or later, and start this program with the folders of the driver and \
                 of NVIDIA's CUDA 13 libraries on LD_LIBRARY_PATH, before any stand-ins (docs/gpu.md); on the CPU all works";
            missing.push(Missing { what: format!("a GPU ({said})"), remedy });
        }
        Self {
            version: env!("CARGO_PKG_VERSION"),
            instruction_set: assay_lm::instruction_set(),
            cores: process::cores(),
            python,
            cuda,
            missing,
        }
    }

    fn write(&self) -> Result<(), Failure> {
        let mut out = stdio::out();
        let with = if self.cuda.is_some() { "with CUDA" } else { "without CUDA" };
        writeln!(out, "program   assay {}, built {with}", self.version)?;
        writeln!(out, "computer  {} cores, {}", self.cores, self.instruction_set)?;
        writeln!(out, "python    {}", self.python.as_deref().unwrap_or("none with pip"))?;
        if let Some(cuda) = &self.cuda {
            let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
            writeln!(out, "CUDA      driver {}, cuBLAS {}", version(&cuda.driver), version(&cuda.cublas))?;
            for gpu in &cuda.gpus {
                let free = gpu.free_bytes.map_or("cannot be used".to_owned(), |free| {
                    format!("{} of {} free", gib(free), gib(gpu.memory_bytes))
                });
                writeln!(
                    out,
                    "cuda:{}    {}, compute capability {}, {free}",
                    gpu.index, gpu.name, gpu.capability
                )?;
            }
        }
        let bold = Style::new().bold();
        for Missing { what, remedy } in &self.missing {
            writeln!(out, "\n{bold}missing{bold:#}: {what}\n  {remedy}")?;
        }
        if self.missing.is_empty() { writeln!(out, "\nnothing is missing") } else { Ok(()) }
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// The version of `python3`, if it has pip.
fn python() -> Option<String> {
    let output = Command::new("python3")
        .args(["-c", "import pip, sys; print(sys.version.split()[0])"])
        .output()
        .ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| version.trim().to_owned())
}
