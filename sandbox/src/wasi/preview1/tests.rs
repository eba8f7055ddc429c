//! The functions of preview 1, called by a module written by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use wasmtime::{Engine, Instance, Linker, Module, Store};

use crate::guest::Guest;
use crate::link::FUEL;
use crate::wasi::{Files, Host, Stdin, Stop, define};

/// Calls functions of the host, with buffers at fixed addresses.
const CALLER: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "host" "call" (func $call (param i32 i32 i32 i32) (result i32)))
  (global (export "fuel") (mut i64) (i64.const 1000000))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\05\00\00\00\50\00\00\00\0a\00\00\00")
  (data (i32.const 128) "lib/a.py")
  (data (i32.const 144) "dev/stdin")
  (func (export "read") (param i32) (result i32) (call $read (local.get 0) (i32.const 0) (i32.const 2) (i32.const 32)))
  (func (export "write") (param i32) (result i32) (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 32)))
  (func (export "write_far") (param i32) (result i32) (call $write (i32.const 1) (local.get 0) (i32.const 1) (i32.const 32)))
  (func (export "open") (param i32) (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 128) (i32.const 8) (i32.const 0) (i64.const 2) (i64.const 0)
      (i32.const 0) (i32.const 32)))
  (func (export "open_to_write") (param i32) (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 128) (i32.const 8) (i32.const 9) (i64.const 66) (i64.const 0)
      (i32.const 0) (i32.const 32)))
  (func (export "open_stdin") (param i32) (result i32)
    (call $open (i32.const 3) (i32.const 0) (i32.const 144) (i32.const 9) (i32.const 0) (i64.const 2) (i64.const 0)
      (i32.const 0) (i32.const 32)))
  (func (export "seek") (param i32) (result i32) (call $seek (local.get 0) (i64.const 2) (i32.const 0) (i32.const 32)))
  (func (export "list") (param i32) (result i32)
    (call $list (local.get 0) (i32.const 256) (i32.const 100) (i64.const 0) (i32.const 32)))
  (func (export "time") (param i32) (result i32) (call $time (local.get 0) (i64.const 0) (i32.const 32)))
  (func (export "random") (param i32) (result i32) (call $random (i32.const 512) (local.get 0)))
  (func (export "unlink") (param i32) (result i32) (call $unlink (i32.const 3) (i32.const 128) (i32.const 8)))
  (func (export "exit") (param i32) (result i32) (call $exit (local.get 0)) (i32.const 0))
  (func (export "denied") (param i32) (result i32)
    (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))"#;

struct Caller {
    store: Store<Guest>,
    instance: Instance,
}

impl Caller {
    fn new(host: Host) -> Self {
        assert_eq!(FUEL, "fuel");
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str(CALLER).unwrap()).unwrap();
        let mut linker = Linker::new(&engine);
        let imports = module.imports();
        let imports =
            imports.filter_map(|import| Some((import.module(), import.name(), import.ty().func()?.clone())));
        define(&mut linker, imports).unwrap();
        let mut store = Guest::new(host, usize::MAX).store(&engine);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Caller { store, instance }
    }

    fn call(&mut self, name: &str, argument: i32) -> wasmtime::Result<i32> {
        let function = self.instance.get_typed_func::<i32, i32>(&mut self.store, name)?;
        function.call(&mut self.store, argument)
    }

    fn memory(&mut self, at: usize, length: usize) -> Vec<u8> {
        let memory = self.instance.get_memory(&mut self.store, "memory").unwrap();
        memory.data(&self.store)[at..at + length].to_vec()
    }

    /// The word that a call has left.
    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.memory(32, 4).try_into().unwrap())
    }
}

#[test]
fn a_program_has_its_streams_and_nothing_else() {
    let mut caller = Caller::new(Host::new(8, Stdin::Bytes(b"0123456789".to_vec())));
    assert_eq!((caller.call("read", 0).unwrap(), caller.word()), (0, 10));
    assert_eq!((caller.memory(64, 5), caller.memory(80, 5)), (b"01234".to_vec(), b"56789".to_vec()));
    assert_eq!((caller.call("write", 1).unwrap(), caller.word()), (0, 5));
    assert_eq!(caller.store.data().host.stdout.bytes, b"01234");
    let stop = caller.call("write", 1).unwrap_err();
    assert_eq!(stop.downcast_ref::<Stop>(), Some(&Stop::OutputLimit));
    assert_eq!(caller.call("write", 4).unwrap(), super::BAD_DESCRIPTOR);
    assert_eq!(caller.call("open", 0).unwrap(), super::NO_ENTRY);
    assert_eq!((caller.call("list", 3).unwrap(), caller.word()), (0, 0));
    assert_eq!(caller.call("open_to_write", 0).unwrap(), super::READ_ONLY);
    assert_eq!(caller.call("unlink", 0).unwrap(), super::READ_ONLY);
    assert_eq!(caller.call("open_stdin", 0).unwrap(), 0);
    let descriptor = caller.word().cast_signed();
    assert_eq!((caller.call("read", descriptor).unwrap(), caller.word()), (0, 0), "it was read");
    assert!(caller.call("write_far", 70_000).unwrap_err().is::<crate::guest::Broken>());
    let stop = caller.call("denied", 0).unwrap_err();
    assert_eq!(stop.downcast_ref::<Stop>(), Some(&Stop::Denied("host.call".to_owned())));
    let stop = caller.call("exit", 3).unwrap_err();
    assert_eq!(stop.downcast_ref::<Stop>(), Some(&Stop::Exit(false)));
}

#[test]
fn clock_and_random_bytes_are_the_same_each_time() {
    let look = || {
        let mut caller = Caller::new(Host::new(0, Stdin::default()));
        assert_eq!(caller.call("time", 0).unwrap() + caller.call("random", 100).unwrap(), 0);
        (caller.memory(32, 8), caller.memory(512, 100))
    };
    assert_eq!(look(), look());
    assert_eq!(look().0, (1_704_067_200_000_100_000_u64).to_le_bytes());
    assert_ne!(look().1[90..], [0; 10]);
}

#[test]
fn files_of_the_library_are_read_while_the_image_is_made() {
    let mut files = Files::default();
    files.insert("lib/a.py".to_owned(), b"import b".to_vec());
    let mut caller = Caller::new(Host::with_files(Arc::new(files), Vec::new()));
    assert_eq!(caller.call("open", 0).unwrap(), 0);
    let descriptor = caller.word().cast_signed();
    assert_eq!((caller.call("seek", descriptor).unwrap(), caller.word()), (0, 2));
    assert_eq!((caller.call("read", descriptor).unwrap(), caller.word()), (0, 6));
    assert_eq!(caller.memory(64, 5), b"port ");
    assert_eq!((caller.call("list", 3).unwrap(), caller.word()), (0, 24 + 3));
    assert_eq!(caller.memory(256 + 24, 3), b"lib");
}
