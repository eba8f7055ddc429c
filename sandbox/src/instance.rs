//! Copies of the image, and turning a used copy back into a fresh one.
//!
//! Making an instance costs little, but each page that it then touches costs a page fault, and threads that
//! fault and unmap in one address space hinder each other. So a copy that ended well is kept: the pages it
//! wrote are copied back from the image, its globals are reset, and it is as it was when it was made. (The
//! table never changes.) A copy that trapped, grew its memory or wrote a great deal is thrown away.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use wasmtime::{Engine, Error, Extern, Global, InstancePre, Module, ModuleExport, Result, Store, Val};

use crate::dirty;
use crate::fuel::Tank;
use crate::guest::{Exports, Guest, HANDLER, Interpreter};
use crate::link::FUEL;
use crate::wasi::{Host, Stdin};

/// A copy that wrote more than this part of its memory is not worth cleaning. (Comparing answers writes a
/// fifth.)
const CLEANABLE_PART: usize = 4;

/// Used copies that are kept at most.
const KEPT: usize = 8;

/// Makes copies of an image.
pub(crate) struct Copies {
    engine: Engine,
    instance: InstancePre<Guest>,
    exports: Exports,
    handler: ModuleExport,
    fuel: ModuleExport,
    globals: Vec<ModuleExport>,
    /// A copy that never runs: what the others are cleaned from.
    pristine: OnceLock<Option<Copy>>,
    kept: Mutex<Vec<Copy>>,
}

/// One copy of the image.
pub(crate) struct Copy {
    pub store: Store<Guest>,
    pub interpreter: Interpreter,
    /// Address of the Python object that answers requests.
    pub handler: u32,
    /// The counter of fuel, an `i64`.
    fuel: Global,
    globals: Vec<(Global, Val)>,
}

impl Copies {
    pub(crate) fn new(engine: &Engine, module: &Module, instance: InstancePre<Guest>) -> Result<Self> {
        let handler =
            module.get_export_index(HANDLER).ok_or_else(|| Error::msg("the image has no handler"))?;
        let fuel = module.get_export_index(FUEL).ok_or_else(|| Error::msg("the image has no fuel"))?;
        let globals = module
            .exports()
            .filter(|export| export.ty().global().is_some_and(|global| global.mutability().is_var()))
            .filter_map(|export| module.get_export_index(export.name()))
            .collect();
        Ok(Copies {
            engine: engine.clone(),
            instance,
            exports: Exports::of(module)?,
            handler,
            fuel,
            globals,
            pristine: OnceLock::new(),
            kept: Mutex::new(Vec::new()),
        })
    }

    /// A fresh copy.
    pub(crate) fn take(&self) -> Result<Copy> {
        match self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(copy) => Ok(copy),
            None => self.make(),
        }
    }

    fn make(&self) -> Result<Copy> {
        let mut store = Guest::new(Host::new(0, Stdin::default()), usize::MAX).store(&self.engine);
        let instance = self.instance.instantiate(&mut store)?;
        let mut global = |export: &ModuleExport| {
            let global = instance.get_module_export(&mut store, export).and_then(Extern::into_global);
            let global = global.ok_or_else(|| Error::msg("a global of the image is missing"))?;
            Ok((global, global.get(&mut store)))
        };
        let (_, handler) = global(&self.handler)?;
        let (fuel, _) = global(&self.fuel)?;
        let globals = self.globals.iter().map(global).collect::<Result<_>>()?;
        let handler =
            handler.i32().ok_or_else(|| Error::msg("the image's handler is no address"))?.cast_unsigned();
        let interpreter = Interpreter::new(&mut store, instance, &self.exports)?;
        Ok(Copy { store, interpreter, handler, fuel, globals })
    }

    /// Takes back a copy whose last call returned (a copy that trapped is simply dropped), for reuse if that
    /// pays.
    pub(crate) fn give_back(&self, mut copy: Copy) {
        if self.kept.lock().unwrap_or_else(PoisonError::into_inner).len() < KEPT
            && self.clean(&mut copy).is_some()
        {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
        }
    }

    /// Makes a used copy equal to a fresh one, or gives `None` if that cannot be done.
    fn clean(&self, copy: &mut Copy) -> Option<()> {
        let pristine = self.pristine.get_or_init(|| self.make().ok()).as_ref()?;
        let original = pristine.interpreter.memory().data(&pristine.store);
        let memory = copy.interpreter.memory().data_mut(&mut copy.store);
        if memory.len() != original.len() {
            return None;
        }
        for range in dirty::written(memory, original.len() / CLEANABLE_PART)? {
            memory.get_mut(range.clone())?.copy_from_slice(original.get(range)?);
        }
        for (global, value) in &copy.globals {
            global.set(&mut copy.store, *value).ok()?;
        }
        Some(())
    }
}

impl Copy {
    /// Puts a host and a memory cap in the place of the last ones.
    pub(crate) fn arm(&mut self, host: Host, memory_limit: usize) {
        *self.store.data_mut() = Guest::new(host, memory_limit);
    }

    /// Sets what fuel and how much time the copy has from now on.
    pub(crate) fn refuel(&mut self, fuel: u64, wall: Duration) -> Result<()> {
        let (tank, slice) = Tank::new(fuel, wall);
        let counter = self.fuel.get(&mut self.store).i64().unwrap_or_default();
        let guest = self.store.data_mut();
        guest.host.pass(guest.tank.used(counter));
        guest.host.start_test();
        guest.tank = tank;
        self.fuel.set(&mut self.store, Val::I64(slice))
    }

    /// Fuel that is left.
    pub(crate) fn fuel_left(&mut self) -> u64 {
        let counter = self.fuel.get(&mut self.store).i64().unwrap_or_default();
        self.store.data().tank.left(counter)
    }

    /// Makes a request of the guest's program and gives its reply, or the first `most` bytes of it.
    pub(crate) fn ask(&mut self, request: &[u8], most: usize) -> Result<Vec<u8>> {
        self.interpreter.call(&mut self.store, self.handler, request, most)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

    use std::time::Duration;

    use camino::Utf8Path;

    use super::Copies;
    use crate::setup::THREAD_STACK;
    use crate::wasi::{Host, Stdin};
    use crate::{Image, ImageLock, Tools};

    /// The strongest check of a cleaned copy: after programs that write all over the interpreter, memory and
    /// globals are those of a copy that never ran, to the byte.
    #[test]
    fn a_cleaned_copy_is_a_fresh_one() {
        let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs_err::read_to_string(root.join("lockfiles/python-image.lock")).unwrap();
        let lock = ImageLock::parse(&text, "lock").unwrap();
        let tools = Tools::with_python("python3");
        match Image::prepare(&root.join("target/images"), &lock, &tools, &mut |_| {}) {
            Ok(image) => {
                let thread = std::thread::Builder::new().stack_size(THREAD_STACK);
                thread.spawn(move || check(&image.runtime.copies)).unwrap().join().unwrap();
            }
            Err(error) if error.is_out_of_reach() => {
                eprintln!("skipped: there is no Python image");
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn check(copies: &Copies) {
        let sources = [
            "print(1)",
            "import gc, sys\nfor o in gc.get_objects():\n  try: o.clear()\n  except BaseException: pass",
            "x = [bytearray(b'x' * 1000) for _ in range(500)]\ndef f(n): return n and f(n - 1)\nf(900)",
            "import sys\nsys.setrecursionlimit(10 ** 9)\nclass A:\n def __repr__(s): return repr(s)\nrepr(A())",
        ];
        let mut cleaned = 0;
        for source in sources {
            let mut copy = copies.take().unwrap();
            copy.arm(Host::new(1 << 20, Stdin::default()), usize::MAX);
            copy.refuel(1 << 40, Duration::from_secs(600)).unwrap();
            let fresh = copy.interpreter.memory().data(&copy.store).to_vec();
            for request in [[b"L-", source.as_bytes()].concat(), b"S".to_vec()] {
                copy.ask(&request, 1 << 20).unwrap_or_else(|error| panic!("{source}: {error:#}"));
            }
            assert!(
                copy.interpreter.memory().data(&copy.store)[..fresh.len()] != fresh,
                "the check would see it"
            );
            if copies.clean(&mut copy).is_some() {
                cleaned += 1;
                assert!(
                    copy.interpreter.memory().data(&copy.store) == fresh,
                    "memory differs after {source}"
                );
                for (global, value) in copy.globals.clone() {
                    let found = global.get(&mut copy.store);
                    assert_eq!((found.i32(), found.i64()), (value.i32(), value.i64()));
                }
            }
        }
        // Where the system cannot tell which pages were written, nothing is ever cleaned.
        let copy = copies.take().unwrap();
        let possible =
            crate::dirty::written(copy.interpreter.memory().data(&copy.store), usize::MAX).is_some();
        assert_eq!(cleaned >= 2, possible, "{cleaned} of {}", sources.len());
    }
}
