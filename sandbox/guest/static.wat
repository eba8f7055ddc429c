;; What the host and other libraries call of an interpreter that was linked as a whole, and that was left out of it for want of
;; use: see lockfiles/numpy-image.lock.
(module
  ;; The configuration of the interpreter, of which only its own functions know the parts; from 4080 on the status of a call; then
  ;; the name of a module.
  (@dylink.0 (mem-info (memory 4112 4)))
  (import "env" "memory" (memory 1))
  (import "env" "__memory_base" (global $base i32))
  (import "GOT.mem" "is_no_snapshot" (global $is_no_snapshot (mut i32)))
  (import "env" "PyConfig_InitPythonConfig" (func $default (param i32)))
  (import "env" "Py_InitializeFromConfig" (func $start (param i32 i32)))
  (import "env" "PyStatus_Exception" (func $has_failed (param i32) (result i32)))
  (import "env" "PyThreadState_Get" (func $thread (result i32)))
  (import "env" "PyUnstable_ThreadState_SetStackProtection" (func $protect (param i32 i32 i32) (result i32)))
  (import "env" "PyImport_AddModule" (func $module_of (param i32) (result i32)))
  (import "env" "PyModule_GetDict" (func $names_of (param i32) (result i32)))
  (import "env" "PyRun_StringFlags" (func $run (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "PyErr_Print" (func $print_error))
  (import "env" "_Py_Dealloc" (func $give_up (param i32)))
  (import "env" "realloc" (func $realloc (param i32 i32) (result i32)))
  (data (i32.add (global.get $base) (i32.const 4096)) "__main__\00")

  (func (export "Py_InitializeEx") (param $signals i32)
    ;; From now on it asks the host for time and random bytes, and does not make them up as while its own snapshot is made.
    (i32.store8 (global.get $is_no_snapshot) (i32.const 1))
    (call $default (global.get $base))
    (call $start (i32.add (global.get $base) (i32.const 4080)) (global.get $base))
    (if (call $has_failed (i32.add (global.get $base) (i32.const 4080))) (then
      (unreachable)))
    ;; The C stack is the lowest 16 MiB of memory.
    (if (call $protect (call $thread) (i32.const 0) (i32.const 0x1000000)) (then
      (unreachable))))

  (func (export "PyRun_SimpleString") (param $text i32) (result i32)
    (local $names i32) (local $result i32)
    (local.set $names (call $names_of (call $module_of (i32.add (global.get $base) (i32.const 4096)))))
    ;; 257 means a file of statements.
    (local.set $result
      (call $run (local.get $text) (i32.const 257) (local.get $names) (local.get $names) (i32.const 0)))
    (if (i32.eqz (local.get $result)) (then
      (call $print_error)
      (return (i32.const -1))))
    (call $release (local.get $result))
    (i32.const 0))

  ;; An object starts with the number of its references; one with 2^30 and more lives for ever.
  (func (export "Py_IncRef") (param $object i32)
    (local $count i32)
    (if (i32.eqz (local.get $object)) (then
      (return)))
    (local.set $count (i32.load (local.get $object)))
    (if (i32.lt_u (local.get $count) (i32.const 0x40000000)) (then
      (i32.store (local.get $object) (i32.add (local.get $count) (i32.const 1))))))

  (func $release (export "Py_DecRef") (param $object i32)
    (local $count i32)
    (if (i32.eqz (local.get $object)) (then
      (return)))
    (local.set $count (i32.sub (i32.load (local.get $object)) (i32.const 1)))
    (if (i32.lt_u (local.get $count) (i32.const 0x3fffffff)) (then
      (i32.store (local.get $object) (local.get $count))
      (if (i32.eqz (local.get $count)) (then
        (call $give_up (local.get $object)))))))

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $alignment i32) (param $size i32) (result i32)
    (call $realloc (local.get $old) (local.get $size)))
)
