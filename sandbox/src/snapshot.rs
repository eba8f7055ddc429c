//! Starting the interpreter once and keeping its state: the image.
//!
//! Everything that the interpreter can see while it starts is fixed (files, clock, random bytes,
//! environment), so the same inputs give the same image on every machine, byte for byte.

use std::sync::Arc;

use wasmtime::{Config, Engine, Instance, Linker, Module, OptLevel, Store, Val};

use crate::guest::{self, EXPORTS, Guest, HANDLER, INSTALL_SUM};
use crate::link::{Exports, LinkError, Linked, State};
use crate::wasi::{Files, Host};

/// The interpreter's environment while it starts, with its library in `folder`. It is gone when a program runs.
fn environment(folder: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PYTHONHOME", "/".to_owned()),
        ("PYTHONPATH", format!("/{folder}")),
        ("PYTHONHASHSEED", "0".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("PYTHONUTF8", "1".to_owned()),
    ]
}

/// Memory that the interpreter may use while it starts.
const MEMORY_LIMIT: usize = 1 << 30;

/// Native stack of the thread that starts the interpreter, and the part of it that WebAssembly may use.
const THREAD_STACK: usize = 64 << 20;
const WASM_STACK: usize = 48 << 20;

/// Why the interpreter could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Writing the module failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The runtime refused the module, or the interpreter trapped.
    #[error("the interpreter did not start: {message}; it wrote: {stderr}")]
    Start {
        /// What the runtime said.
        message: String,
        /// What the interpreter wrote to its standard error.
        stderr: String,
    },
}

/// Starts the interpreter with the library `files` in `folder`, runs the Python text `prepare` and captures the result.
///
/// Gives the image, a core module. The address of the object that `prepare` calls `handle` is its global
/// [`HANDLER`](crate::guest::HANDLER).
pub(crate) fn take(
    linked: &Linked,
    files: Files,
    folder: &str,
    prepare: &str,
) -> Result<Vec<u8>, SnapshotError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(THREAD_STACK);
        let start = || start(linked, Host::with_files(Arc::new(files), environment(folder)), prepare);
        let failed = |message: String| SnapshotError::Start { message, stderr: String::new() };
        match thread.spawn_scoped(scope, start).map_err(|error| failed(error.to_string()))?.join() {
            Ok(result) => result,
            Err(_) => Err(failed("a defect of this program: the thread panicked".to_owned())),
        }
    })
}

fn start(linked: &Linked, host: Host, prepare: &str) -> Result<Vec<u8>, SnapshotError> {
    let exports = Exports { functions: &EXPORTS, constants: &[], initializers: true };
    let module = linked.encode(&linked.initial_state(), &exports)?;
    let failed = |error: wasmtime::Error| SnapshotError::Start {
        message: format!("{error:#}"),
        stderr: String::new(),
    };
    // Started once only: compiling fast matters more than running fast.
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::None).async_stack_size(WASM_STACK).max_wasm_stack(WASM_STACK);
    config.wasm_backtrace_max_frames(None).cranelift_nan_canonicalization(true);
    let engine = Engine::new(&config).map_err(failed)?;
    let module = Module::new(&engine, module).map_err(failed)?;
    let linker = guest::linker(&engine, &module).map_err(failed)?;
    let mut store = Guest::new(host, MEMORY_LIMIT).store(&engine);
    match initialize(linked, &linker, &module, &mut store, prepare) {
        Ok((state, handler)) => {
            let constants = [(HANDLER, handler.cast_signed())];
            let exports = Exports { functions: &EXPORTS, constants: &constants, initializers: false };
            Ok(linked.encode(&state, &exports)?)
        }
        Err(error) => {
            let stderr = String::from_utf8_lossy(&store.data().host.stderr.bytes).into_owned();
            Err(SnapshotError::Start { message: format!("{error:#}"), stderr })
        }
    }
}

fn initialize(
    linked: &Linked,
    linker: &Linker<Guest>,
    module: &Module,
    store: &mut Store<Guest>,
    prepare: &str,
) -> wasmtime::Result<(State, u32)> {
    let instance = linker.instantiate(&mut *store, module)?;
    for name in linked.initializer_exports() {
        instance.get_typed_func::<(), ()>(&mut *store, &name)?.call(&mut *store, ())?;
    }
    instance.get_typed_func::<u32, ()>(&mut *store, "Py_InitializeEx")?.call(&mut *store, 0)?;
    if instance.get_typed_func::<(), u32>(&mut *store, INSTALL_SUM)?.call(&mut *store, ())? != 0 {
        return Err(wasmtime::Error::msg("the interpreter refused its function `sum`"));
    }
    let text = place(store, &instance, prepare)?;
    let failed =
        instance.get_typed_func::<u32, u32>(&mut *store, "PyRun_SimpleString")?.call(&mut *store, text)?;
    if failed != 0 {
        return Err(wasmtime::Error::msg("the guest's own program raised an exception"));
    }
    let name = place(store, &instance, "__main__")?;
    let main =
        instance.get_typed_func::<u32, u32>(&mut *store, "PyImport_AddModule")?.call(&mut *store, name)?;
    let name = place(store, &instance, "handle")?;
    let handler = instance
        .get_typed_func::<(u32, u32), u32>(&mut *store, "PyObject_GetAttrString")?
        .call(&mut *store, (main, name))?;
    if handler == 0 {
        return Err(wasmtime::Error::msg("the guest's own program has no handler"));
    }
    Ok((capture(linked, store, &instance)?, handler))
}

fn place(store: &mut Store<Guest>, instance: &Instance, text: &str) -> wasmtime::Result<u32> {
    let at = instance
        .get_typed_func::<u32, u32>(&mut *store, "malloc")?
        .call(&mut *store, text.len() as u32 + 1)?;
    let memory = memory(store, instance)?;
    memory.write(&mut *store, at as usize, text.as_bytes())?;
    memory.write(&mut *store, at as usize + text.len(), &[0])?;
    Ok(at)
}

fn memory(store: &mut Store<Guest>, instance: &Instance) -> wasmtime::Result<wasmtime::Memory> {
    instance.get_memory(&mut *store, "memory").ok_or_else(|| wasmtime::Error::msg("there is no memory"))
}

fn capture(linked: &Linked, store: &mut Store<Guest>, instance: &Instance) -> wasmtime::Result<State> {
    let mut globals = Vec::new();
    for name in linked.global_exports() {
        let global = instance.get_global(&mut *store, &name).map(|global| global.get(&mut *store));
        globals.push(
            global.as_ref().and_then(Val::i32).ok_or_else(|| wasmtime::Error::msg("a global is missing"))?,
        );
    }
    let memory = memory(store, instance)?;
    let mut memory = memory.data(&*store).to_vec();
    // No call is in flight, so the C stack holds nothing that is still wanted.
    let stack = usize::try_from(linked.initial_stack_pointer())?.min(memory.len());
    memory[..stack].fill(0);
    Ok(State { memory, globals })
}
