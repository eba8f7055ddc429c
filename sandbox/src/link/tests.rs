//! The linker on small libraries written by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use wasmtime::{Engine, Instance, Linker, Module, Store, Val};

use super::{Exports, FUEL, Input, LinkError, Linked, REFILL, State, link};

const STACK: u32 = 65_536;

/// Where the program at fixed addresses has a datum.
const FIXED_DATUM: u32 = 131_080;

/// Defines a datum, a function that reads it and one that is only reached through its address.
const PROVIDER: &str = r#"(module
  (@dylink.0 (mem-info (memory 8 2) (table 1 0)))
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__memory_base" (global $base i32))
  (import "env" "__table_base" (global $table i32))
  (import "wasi:host" "add" (func $add (param i32 i32) (result i32)))
  (global (export "datum") i32 (i32.const 4))
  (data (global.get $base) "\07\00\00\00\2a\00\00\00")
  (elem (global.get $table) func $hidden)
  (func $hidden (result i32) (i32.load (global.get $base)))
  (func (export "read") (result i32) (call_indirect (result i32) (global.get $table)))
  (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "_initialize") (i32.store (global.get $base) (i32.const 8))))"#;

/// Uses all of it, and keeps a counter in a global and its stack pointer where it should be.
const CONSUMER: &str = r#"(module
  (@dylink.0 (mem-info (memory 4 2) (table 0 0)))
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 0 funcref))
  (import "env" "__stack_pointer" (global $stack (mut i32)))
  (import "env" "__memory_base" (global $base i32))
  (import "GOT.mem" "datum" (global $datum (mut i32)))
  (import "GOT.func" "read" (global $read (mut i32)))
  (import "env" "read" (func $read (result i32)))
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "dlopen" (func $dlopen (result i32)))
  (global $count (mut i32) (i32.const 10))
  (func (export "__wasm_apply_data_relocs") (i32.store (global.get $base) (global.get $datum)))
  (func (export "direct") (result i32) (call $read))
  (func (export "by_address") (result i32) (call_indirect (result i32) (global.get $read)))
  (func (export "through_pointer") (result i32) (i32.load (i32.load (global.get $base))))
  (func (export "host") (result i32) (call $add (i32.const 20) (i32.const 22)))
  (func (export "absent") (result i32) (call $dlopen))
  (func (export "stack") (result i32) (global.get $stack))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))"#;

const FUNCTIONS: [&str; 7] = ["direct", "by_address", "through_pointer", "host", "absent", "stack", "count"];

fn linked(libraries: &[(&str, &str)]) -> Result<Linked, LinkError> {
    let bytes: Vec<(&str, Vec<u8>)> =
        libraries.iter().map(|(name, text)| (*name, wat::parse_str(text).unwrap())).collect();
    let addresses = BTreeMap::from([("fixed_datum".to_owned(), FIXED_DATUM)]);
    let inputs =
        bytes.iter().map(|(name, bytes)| Input { name, bytes, addresses: &addresses, left_out: &[] });
    link(&inputs.collect::<Vec<_>>(), STACK)
}

fn instantiate(linked: &Linked, state: &State) -> (Store<()>, Instance) {
    let exports = Exports { functions: &FUNCTIONS, constants: &[("answer", 42)], initializers: true };
    let engine = Engine::default();
    let module = Module::new(&engine, linked.encode(state, &exports).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("wasi:host", "add", |left: i32, right: i32| left + right).unwrap();
    linker.func_wrap(REFILL.0, REFILL.1, || Err::<(), _>(wasmtime::Error::msg("out of fuel"))).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

fn call(store: &mut Store<()>, instance: &Instance, name: &str) -> i32 {
    instance.get_typed_func::<(), i32>(&mut *store, name).unwrap().call(&mut *store, ()).unwrap()
}

#[test]
fn libraries_share_functions_data_addresses_and_the_host() {
    let linked = linked(&[("provider", PROVIDER), ("consumer", CONSUMER)]).unwrap();
    let (mut store, instance) = instantiate(&linked, &linked.initial_state());
    assert_eq!(call(&mut store, &instance, "direct"), 7);
    for name in linked.initializer_exports() {
        instance.get_typed_func::<(), ()>(&mut store, &name).unwrap().call(&mut store, ()).unwrap();
    }
    let expected = [
        ("direct", 8),
        ("by_address", 8),
        ("through_pointer", 42),
        ("host", 42),
        ("absent", 0),
        ("stack", 65_536),
    ];
    for (name, value) in expected {
        assert_eq!(call(&mut store, &instance, name), value, "{name}");
    }
    assert_eq!(instance.get_global(&mut store, "answer").unwrap().get(&mut store).i32(), Some(42));
}

/// A program at fixed addresses keeps them, its stack and its table. A library in front finds its functions by their names
/// and its data by the addresses that were given, and is called where it defines a function too. Exceptions are none.
#[test]
fn a_program_at_fixed_addresses_is_a_library_too() {
    const FIXED: &str = r#"(module
      (type $thrown (func (param i32)))
      (memory 3)
      (table 3 funcref)
      (tag $error (type $thrown))
      (global $__stack_pointer (mut i32) (i32.const 131072))
      (data (i32.const 131080) "\2a\00\00\00")
      (elem (i32.const 1) func $hidden $sine)
      (func $hidden (result i32) (i32.load (i32.const 131080)))
      (func $sine (result i32) (i32.const 1))
      (func $own_sine (result i32) (call $sine))
      (func $sine_by_address (result i32) (call_indirect (result i32) (i32.const 2)))
      (func $hidden_by_address (result i32) (call_indirect (result i32) (i32.const 1)))
      (func $stack (result i32) (global.get $__stack_pointer))
      (func $caught (result i32)
        (block $caught (result i32 exnref)
          (try_table (result i32) (catch_ref $error $caught) (i32.const 5))
          (return))
        (throw_ref))
      (func $throws (result i32)
        (throw $error (i32.const 1))))"#;
    const FRONT: &str = r#"(module
      (@dylink.0 (mem-info (memory 4 2) (table 1 0)))
      (import "env" "memory" (memory 1))
      (import "env" "__memory_base" (global $base i32))
      (import "GOT.mem" "fixed_datum" (global $datum (mut i32)))
      (import "env" "hidden" (func $hidden (result i32)))
      (func (export "sine") (result i32) (i32.const 2))
      (func (export "datum") (result i32) (i32.load (global.get $datum)))
      (func (export "of_fixed") (result i32) (call $hidden))
      (func (export "base") (result i32) (global.get $base)))"#;
    let functions = [
        "own_sine",
        "sine_by_address",
        "hidden_by_address",
        "stack",
        "caught",
        "datum",
        "of_fixed",
        "base",
        "throws",
    ];
    let linked = linked(&[("front", FRONT), ("fixed", FIXED)]).unwrap();
    assert_eq!(linked.initial_stack_pointer(), 131_072);
    let exports = Exports { functions: &functions, constants: &[], initializers: true };
    let engine = Engine::default();
    let module = Module::new(&engine, linked.encode(&linked.initial_state(), &exports).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap(REFILL.0, REFILL.1, || {}).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let values = [2, 2, 42, 131_072, 5, 42, 42, 3 * 65_536];
    for (name, value) in functions.iter().zip(values) {
        assert_eq!(call(&mut store, &instance, name), value, "{name}");
    }
    let throws = instance.get_typed_func::<(), i32>(&mut store, "throws").unwrap();
    assert!(format!("{:#}", throws.call(&mut store, ()).unwrap_err()).contains("unreachable"));
}

/// A module written with a captured state goes on where the first one was.
#[test]
fn a_captured_state_goes_on() {
    let linked = linked(&[("provider", PROVIDER), ("consumer", CONSUMER)]).unwrap();
    let (mut store, instance) = instantiate(&linked, &linked.initial_state());
    for name in linked.initializer_exports() {
        instance.get_typed_func::<(), ()>(&mut store, &name).unwrap().call(&mut store, ()).unwrap();
    }
    assert_eq!(call(&mut store, &instance, "count"), 11);
    let memory = instance.get_memory(&mut store, "memory").unwrap().data(&store).to_vec();
    let globals: Vec<i32> = linked
        .global_exports()
        .map(|name| instance.get_global(&mut store, &name).unwrap().get(&mut store))
        .map(|value: Val| value.i32().unwrap())
        .collect();
    let (mut store, instance) = instantiate(&linked, &State { memory, globals });
    assert_eq!(call(&mut store, &instance, "count"), 12);
    assert_eq!(call(&mut store, &instance, "direct"), 8);
    assert_eq!(call(&mut store, &instance, "through_pointer"), 42);
}

#[test]
fn what_cannot_be_linked_is_named() {
    let undefined = linked(&[("consumer", CONSUMER)]).err().unwrap();
    assert!(
        matches!(&undefined, LinkError::Undefined { library, .. } if library == "consumer"),
        "{undefined}"
    );
    let broken = Input {
        name: "broken",
        bytes: b"\0asm\x01\0\0\0\x01\xff",
        addresses: &BTreeMap::new(),
        left_out: &[],
    };
    let malformed = link(&[broken], STACK).err().unwrap();
    assert!(matches!(&malformed, LinkError::Malformed { library, .. } if library == "broken"), "{malformed}");
    let passive =
        linked(&[("passive", "(module (import \"env\" \"memory\" (memory 1)) (data \"x\"))")]).err().unwrap();
    assert!(matches!(passive, LinkError::Unsupported { .. }), "{passive}");
    let linked = linked(&[("provider", PROVIDER)]).unwrap();
    let exports = Exports { functions: &["missing"], constants: &[], initializers: false };
    let missing = linked.encode(&linked.initial_state(), &exports).err().unwrap();
    assert!(matches!(&missing, LinkError::MissingExport { symbol } if symbol == "missing"), "{missing}");
}

/// Loops, calls and bytes moved at once are paid for; what cannot last is free.
#[test]
fn code_counts_its_work() {
    const WORKER: &str = r#"(module
      (@dylink.0 (mem-info (memory 65536 2) (table 0 0)))
      (import "env" "memory" (memory 1))
      (import "env" "__memory_base" (global $base i32))
      (func (export "nothing") (result i32) (i32.const 1))
      (func (export "once") (result i32) (call $recurse (i32.const 0)))
      (func (export "hundred") (result i32) (call $recurse (i32.const 100)))
      (func $recurse (param $n i32) (result i32)
        (if (result i32) (local.get $n)
          (then (call $recurse (i32.sub (local.get $n) (i32.const 1))))
          (else (i32.const 7))))
      (func (export "loop") (result i32) (local $n i32)
        (loop $again
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
        (local.get $n))
      (func (export "fill") (result i32) (local i64)
        (memory.fill (global.get $base) (i32.const 3) (i32.const 50000))
        (memory.copy (i32.add (global.get $base) (i32.const 1)) (global.get $base) (i32.const 10000))
        (i32.load8_u (global.get $base)))
      (func (export "forever") (loop (br 0))))"#;
    let functions = ["nothing", "once", "hundred", "loop", "fill", "forever"];
    let linked = linked(&[("worker", WORKER)]).unwrap();
    let exports = Exports { functions: &functions, constants: &[], initializers: false };
    let engine = Engine::default();
    let module = Module::new(&engine, linked.encode(&linked.initial_state(), &exports).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap(REFILL.0, REFILL.1, || Err::<(), _>(wasmtime::Error::msg("out of fuel"))).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let fuel = instance.get_global(&mut store, FUEL).unwrap();
    assert_eq!(fuel.get(&mut store).i64(), Some(i64::MAX));
    let mut cost = |name, value| {
        fuel.set(&mut store, Val::I64(1_000_000)).unwrap();
        assert_eq!(call(&mut store, &instance, name), value, "{name}");
        1_000_000 - fuel.get(&mut store).i64().unwrap()
    };
    // Operators: `once` has 3, `recurse` 10, the loop 9; an `end` counts.
    assert_eq!(cost("nothing", 1), 0);
    assert_eq!(cost("once", 7), 3 + 10);
    assert_eq!(cost("hundred", 7), 3 + 101 * 10);
    assert_eq!(cost("loop", 1000), 9 * 1000);
    assert_eq!(cost("fill", 3), 2 * 16 + 15_000);
    fuel.set(&mut store, Val::I64(1_000_000)).unwrap();
    let forever = instance.get_typed_func::<(), ()>(&mut store, "forever").unwrap();
    assert!(format!("{:#}", forever.call(&mut store, ()).unwrap_err()).contains("out of fuel"));
}
