//! The WebAssembly runtime's settings, and the image compiled for this machine.

use std::hash::Hash as _;
use std::io::Read;

use assay_store::Hash;
use camino::Utf8Path;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, Module, OptLevel, PoolingAllocationConfig,
};

use super::error::SetupError;
use super::{trust, write};
use crate::guest;
use crate::instance::Copies;
use crate::link::MAX_MEMORY;

/// Native stack that WebAssembly may use. Compiled code needs more of it than the C stack in linear memory
/// ([`STACK_BYTES`](super::STACK_BYTES)), so that the interpreter's own check comes first.
const WASM_STACK: usize = 512 << 20;

/// Stack of a thread that runs a guest. A stack smaller than what WebAssembly may use would abort the
/// process.
pub(crate) const THREAD_STACK: usize = WASM_STACK + (8 << 20);

/// Instances that can live at once in one process. Each takes 4 GiB of address space, though no memory.
const MAX_INSTANCES: u32 = 32;

/// An engine with the settings under which programs are judged.
pub(super) fn engine() -> Result<Engine, SetupError> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(MAX_INSTANCES)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES)
        .max_memory_size(MAX_MEMORY)
        .table_elements(64_000)
        .max_core_instance_size(4 << 20)
        .table_keep_resident(1 << 20);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(16 << 20);
    }
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .memory_init_cow(true)
        .memory_guaranteed_dense_image_size(256 << 20)
        .async_stack_size(WASM_STACK)
        .max_wasm_stack(WASM_STACK)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false)
        .wasm_relaxed_simd(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(SetupError::runtime)
}

/// Name of the compiled form: it depends on the image and on all that decides whether compiled code fits: the
/// runtime's version, its settings and the CPU's features.
pub(super) fn file_name(engine: &Engine, image: &Hash) -> String {
    struct Blake3(blake3::Hasher);
    impl std::hash::Hasher for Blake3 {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Blake3(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("image-{}-{}.compiled", image.short(), Hash::from(hasher.0.finalize()).short())
}

/// The compiled image, linked to its host.
pub(crate) struct Runtime {
    pub copies: Copies,
}

impl Runtime {
    /// Compiles the image, keeps the compiled form at `path` and loads it.
    pub(super) fn compile(engine: &Engine, image: &[u8], path: &Utf8Path) -> Result<Self, SetupError> {
        let compiled = engine.precompile_module(image).map_err(SetupError::runtime)?;
        write(path, &compiled)?;
        // Last, because it is what makes the compiled form trusted.
        write(&seal_path(path), Hash::of(&compiled).to_string().as_bytes())?;
        drop(compiled);
        Self::load(engine, path)?
            .ok_or_else(|| SetupError::runtime("the compiled image does not match its hash"))
    }

    /// Loads a compiled image that this program made; `None` if there is none, if it does not match its hash,
    /// or if others can have written it. One that is there and cannot be read is an error: it would have to
    /// be made in a folder that is another user's.
    pub(super) fn load(engine: &Engine, path: &Utf8Path) -> Result<Option<Self>, SetupError> {
        let seal_path = seal_path(path);
        let open = |path: &Utf8Path| trust::open(path).map_err(SetupError::io("read", path));
        let (Some(mut seal_file), Some(file)) = (open(&seal_path)?, open(path)?) else { return Ok(None) };
        let mut seal = Vec::new();
        seal_file.read_to_end(&mut seal).map_err(SetupError::io("read", &seal_path))?;
        // The file is hashed and loaded through one open handle, so that it cannot be exchanged in between.
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&file).map_err(SetupError::io("read", path))?;
        if Hash::from(hasher.finalize()).to_string().as_bytes() != seal {
            return Ok(None);
        }
        #[expect(unsafe_code, reason = "compiled code is loaded from a file to start within milliseconds")]
        // SAFETY: the file was written by `compile` of this program, as its hash confirms, and nobody but the
        // current user and the superuser can have written file or hash, as `trust` confirms; the runtime
        // itself refuses code that was compiled by another version or for another CPU.
        let module = unsafe { Module::deserialize_open_file(engine, file) };
        module.map_err(SetupError::runtime).and_then(|module| Self::new(engine, &module)).map(Some)
    }

    fn new(engine: &Engine, module: &Module) -> Result<Self, SetupError> {
        let linker = guest::linker(engine, module).map_err(SetupError::runtime)?;
        let instance = linker.instantiate_pre(module).map_err(SetupError::runtime)?;
        let copies = Copies::new(engine, module, instance).map_err(SetupError::runtime)?;
        Ok(Runtime { copies })
    }
}

fn seal_path(compiled: &Utf8Path) -> camino::Utf8PathBuf {
    compiled.with_extension("compiled.blake3")
}
