//! One running interpreter: its memory cap, and calls into it.

use wasmtime::{
    AsContextMut, Caller, Engine, Error, Extern, Instance, Linker, Memory, Module, ModuleExport,
    ResourceLimiter, Result, Store, TypedFunc, Val,
};

use crate::fuel::Tank;
use crate::libm;
use crate::link::{FUEL, REFILL};
use crate::wasi::{self, Host};

/// Functions of the interpreter's C API (and of its C library) that the host calls.
pub(crate) const EXPORTS: [&str; 13] = [
    "Py_InitializeEx",
    INSTALL_SUM,
    "PyRun_SimpleString",
    "PyImport_AddModule",
    "PyObject_GetAttrString",
    "PyObject_CallOneArg",
    "PyBytes_FromStringAndSize",
    "PyBytes_AsString",
    "PyBytes_Size",
    "Py_DecRef",
    "cabi_realloc",
    "malloc",
    "free",
];

/// Function of `guest/sum.wat` that puts its `sum` into the place of the interpreter's own.
pub(crate) const INSTALL_SUM: &str = "assay_install_sum";

/// Exported global of the image: the address of the Python object that answers requests.
pub(crate) const HANDLER: &str = "handler";

/// What a store holds for one guest.
pub(crate) struct Guest {
    pub host: Host,
    pub tank: Tank,
    memory_limit: usize,
    /// Whether the guest was refused memory when it last asked for some.
    pub memory_refused: bool,
}

impl Guest {
    pub(crate) fn new(host: Host, memory_limit: usize) -> Self {
        Guest { host, tank: Tank::default(), memory_limit, memory_refused: false }
    }

    /// A store for this guest; the memory cap is in force.
    pub(crate) fn store(self, engine: &Engine) -> Store<Guest> {
        let mut store = Store::new(engine, self);
        store.limiter(|guest| guest);
        store
    }
}

impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let allowed = desired <= self.memory_limit;
        self.memory_refused = !allowed;
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}

/// All that a guest finds outside of itself, for a module of the image.
pub(crate) fn linker(engine: &Engine, module: &Module) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    let functions = module
        .imports()
        .filter_map(|import| Some((import.module(), import.name(), import.ty().func()?.clone())));
    wasi::define(&mut linker, functions)?;
    define_refill(&mut linker)?;
    libm::define(&mut linker)?;
    Ok(linker)
}

/// Defines the function that guests call when their counter is below zero.
fn define_refill(linker: &mut Linker<Guest>) -> Result<()> {
    linker.func_wrap(REFILL.0, REFILL.1, |mut caller: Caller<'_, Guest>| -> Result<()> {
        let counter = caller.get_export(FUEL).and_then(Extern::into_global);
        let counter = counter.ok_or_else(|| Error::msg("the image has no fuel"))?;
        let value = counter.get(&mut caller).i64().unwrap_or_default();
        let value = caller.data_mut().tank.refill(value).map_err(Error::new)?;
        counter.set(&mut caller, Val::I64(value))
    })?;
    Ok(())
}

/// Where the exports are in a module, looked up once.
#[derive(Clone)]
pub(crate) struct Exports {
    memory: ModuleExport,
    malloc: ModuleExport,
    free: ModuleExport,
    to_bytes: ModuleExport,
    call: ModuleExport,
    start: ModuleExport,
    size: ModuleExport,
    release: ModuleExport,
}

impl Exports {
    pub(crate) fn of(module: &Module) -> Result<Self> {
        let find = |name: &str| {
            module
                .get_export_index(name)
                .ok_or_else(|| Error::msg(format!("the image does not export {name}")))
        };
        Ok(Exports {
            memory: find("memory")?,
            malloc: find("malloc")?,
            free: find("free")?,
            to_bytes: find("PyBytes_FromStringAndSize")?,
            call: find("PyObject_CallOneArg")?,
            start: find("PyBytes_AsString")?,
            size: find("PyBytes_Size")?,
            release: find("Py_DecRef")?,
        })
    }
}

/// The interpreter in an instance, ready to be called.
pub(crate) struct Interpreter {
    memory: Memory,
    malloc: TypedFunc<u32, u32>,
    free: TypedFunc<u32, ()>,
    to_bytes: TypedFunc<(u32, u32), u32>,
    call: TypedFunc<(u32, u32), u32>,
    start: TypedFunc<u32, u32>,
    size: TypedFunc<u32, u32>,
    release: TypedFunc<u32, ()>,
}

impl Interpreter {
    pub(crate) fn new(store: &mut Store<Guest>, instance: Instance, exports: &Exports) -> Result<Self> {
        let mut export = |index: &ModuleExport| {
            instance
                .get_module_export(store.as_context_mut(), index)
                .and_then(Extern::into_func)
                .ok_or_else(|| Error::msg("an export of the image is no function"))
        };
        let (malloc, free) = (export(&exports.malloc)?, export(&exports.free)?);
        let (to_bytes, call) = (export(&exports.to_bytes)?, export(&exports.call)?);
        let (start, size) = (export(&exports.start)?, export(&exports.size)?);
        let release = export(&exports.release)?;
        let memory = instance
            .get_module_export(store.as_context_mut(), &exports.memory)
            .and_then(Extern::into_memory)
            .ok_or_else(|| Error::msg("the image exports no memory"))?;
        Ok(Interpreter {
            memory,
            malloc: malloc.typed(&store)?,
            free: free.typed(&store)?,
            to_bytes: to_bytes.typed(&store)?,
            call: call.typed(&store)?,
            start: start.typed(&store)?,
            size: size.typed(&store)?,
            release: release.typed(&store)?,
        })
    }

    pub(crate) fn memory(&self) -> Memory {
        self.memory
    }

    /// Bytes of linear memory. Memory never shrinks, so after a run this is its peak.
    pub(crate) fn memory_bytes(&self, store: &Store<Guest>) -> u64 {
        self.memory.data_size(store) as u64
    }

    /// Copies bytes into memory of the guest that it allocates; a terminating zero is added.
    pub(crate) fn place(&self, store: &mut Store<Guest>, bytes: &[u8]) -> Result<u32> {
        let at = self.malloc.call(&mut *store, bytes.len() as u32 + 1)?;
        if at == 0 {
            return Err(Error::new(OutOfMemory));
        }
        let place = at as usize;
        let written = self.memory.write(&mut *store, place, bytes);
        let written = written.and_then(|()| self.memory.write(&mut *store, place + bytes.len(), &[0]));
        written.map(|()| at).map_err(|_| Error::new(Broken))
    }

    /// Calls the Python function `handler`, an object's address, with one `bytes` object and gives back the
    /// bytes object that it returns, or the first `most` bytes of it.
    pub(crate) fn call(
        &self,
        store: &mut Store<Guest>,
        handler: u32,
        request: &[u8],
        most: usize,
    ) -> Result<Vec<u8>> {
        let at = self.place(store, request)?;
        let argument = self.to_bytes.call(&mut *store, (at, request.len() as u32))?;
        if argument == 0 {
            return Err(Error::new(OutOfMemory));
        }
        self.free.call(&mut *store, at)?;
        let reply = self.call.call(&mut *store, (handler, argument))?;
        if reply == 0 {
            return Err(Error::new(Broken));
        }
        let length = self.size.call(&mut *store, reply)? as usize;
        let start = self.start.call(&mut *store, reply)? as usize;
        let end = start.checked_add(length.min(most));
        let bytes = end.and_then(|end| self.memory.data(&*store).get(start..end));
        let bytes = bytes.map(<[u8]>::to_vec).ok_or_else(|| Error::new(Broken))?;
        for object in [argument, reply] {
            self.release.call(&mut *store, object)?;
        }
        Ok(bytes)
    }
}

/// The guest had no memory for the request.
#[derive(Debug, thiserror::Error)]
#[error("the guest has no memory for the request")]
pub(crate) struct OutOfMemory;

/// The interpreter no longer works as it was made to: its handler raised an exception or returned something
/// that is no bytes object, or an address that it gave the host lies outside its memory. Only the program can
/// have done that.
#[derive(Debug, thiserror::Error)]
#[error("the program broke the interpreter")]
pub(crate) struct Broken;
