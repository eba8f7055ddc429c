;; Python's `sum`, as it was up to 3.11 and where numbers have 64 bits.
;;
;; The interpreter's own adds in 32 bits, and makes an object for each sum beyond; it also rounds sums of floats but once, at
;; the end. This one adds whole numbers in 64 bits for as long as they fit, rounds floats after each addition, and adds
;; everything else as `+` does.
;;
;; Layouts are those of CPython 3.14 for 32-bit addresses: an object is its reference count and its class; a whole number
;; goes on with a tag (its sign in two bits, one bit, the number of digits) and digits of 30 bits; a float with its value; a
;; list with its length and the address of its items.
(module
  (@dylink.0 (mem-info (memory 160 4) (table 1 0)))
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__memory_base" (global $base i32))
  (import "env" "__table_base" (global $table i32))
  (import "GOT.mem" "PyList_Type" (global $lists (mut i32)))
  (import "GOT.mem" "PyLong_Type" (global $whole_numbers (mut i32)))
  (import "GOT.mem" "PyBool_Type" (global $truth_values (mut i32)))
  (import "GOT.mem" "PyFloat_Type" (global $floats (mut i32)))
  (import "GOT.mem" "PyUnicode_Type" (global $texts (mut i32)))
  (import "GOT.mem" "PyBytes_Type" (global $byte_strings (mut i32)))
  (import "GOT.mem" "PyByteArray_Type" (global $byte_arrays (mut i32)))
  (import "env" "Py_IncRef" (func $keep (param i32)))
  (import "env" "Py_DecRef" (func $release (param i32)))
  (import "env" "PyErr_Occurred" (func $has_failed (result i32)))
  (import "env" "PyFloat_FromDouble" (func $of_double (param f64) (result i32)))
  (import "env" "PyImport_AddModule" (func $module_of (param i32) (result i32)))
  (import "env" "PyIter_Next" (func $next_of (param i32) (result i32)))
  (import "env" "PyLong_FromLongLong" (func $of_long (param i64) (result i32)))
  (import "env" "PyModule_AddFunctions" (func $add_functions (param i32 i32) (result i32)))
  (import "env" "PyNumber_Add" (func $plus (param i32 i32) (result i32)))
  (import "env" "PyObject_GetAttrString" (func $attribute (param i32 i32) (result i32)))
  (import "env" "PyObject_GetIter" (func $iterator_of (param i32) (result i32)))
  (import "env" "PyObject_Vectorcall" (func $call (param i32 i32 i32 i32) (result i32)))
  (import "env" "PyTuple_GetItem" (func $item_of (param i32 i32) (result i32)))
  (import "env" "PyTuple_Size" (func $size_of (param i32) (result i32)))
  (import "env" "PyUnicode_CompareWithASCIIString" (func $compare (param i32 i32) (result i32)))
  (elem (global.get $table) func $sum)

  ;; At 0 the definition of the function and an empty one that ends the list, at 32 the interpreter's own function; then texts.
  (data (global.get $base)
    "\00\00\00\00\00\00\00\00\82\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00"
    "\00\00\00\00"
    "sum\00"
    "start\00\00\00"
    "builtins\00\00\00\00"
    "sum($module, iterable, /, start=0)\n--\n\nThe sum of a start value and the numbers.\00")

  (func (export "__wasm_apply_data_relocs")
    (i32.store (global.get $base) (i32.add (global.get $base) (i32.const 36)))
    (i32.store offset=4 (global.get $base) (global.get $table))
    (i32.store offset=12 (global.get $base) (i32.add (global.get $base) (i32.const 60))))

  ;; Puts the function into the place of the interpreter's own, which must be running. Gives zero if that is done.
  (func (export "assay_install_sum") (result i32)
    (local $builtins i32)
    (local.set $builtins (call $module_of (i32.add (global.get $base) (i32.const 48))))
    (i32.store offset=32 (global.get $base)
      (call $attribute (local.get $builtins) (i32.add (global.get $base) (i32.const 36))))
    (call $add_functions (local.get $builtins) (global.get $base)))

  ;; Whether it is a whole number or a truth value of at most two digits.
  (func $is_small (param $object i32) (result i32)
    (local $class i32)
    (local.set $class (i32.load offset=4 (local.get $object)))
    (if (i32.and
          (i32.ne (local.get $class) (global.get $whole_numbers))
          (i32.ne (local.get $class) (global.get $truth_values))) (then
      (return (i32.const 0))))
    (i32.lt_u (i32.load offset=8 (local.get $object)) (i32.const 24)))

  ;; The value of such a number: below 2^60.
  (func $value (param $object i32) (result i64)
    (local $tag i32) (local $value i64)
    (local.set $tag (i32.load offset=8 (local.get $object)))
    (if (i32.ge_u (local.get $tag) (i32.const 8)) (then
      (local.set $value (i64.load32_u offset=12 (local.get $object)))))
    (if (i32.ge_u (local.get $tag) (i32.const 16)) (then
      (local.set $value
        (i64.or (local.get $value) (i64.shl (i64.load32_u offset=16 (local.get $object)) (i64.const 30))))))
    ;; The sign: 0 is positive, 1 is zero, 2 is negative.
    (i64.mul (local.get $value)
      (i64.sub (i64.const 1) (i64.extend_i32_u (i32.and (local.get $tag) (i32.const 3))))))

  ;; Whether another number below 2^60 can be added: it is below 2^62.
  (func $has_room (param $sum i64) (result i32)
    (i64.lt_u
      (i64.add (local.get $sum) (i64.const 0x4000000000000000))
      (i64.const 0x8000000000000000)))

  (func $is_float (param $object i32) (result i32)
    (i32.eq (i32.load offset=4 (local.get $object)) (global.get $floats)))

  (func $is_text (param $object i32) (result i32)
    (local $class i32)
    (local.set $class (i32.load offset=4 (local.get $object)))
    (i32.or
      (i32.eq (local.get $class) (global.get $texts))
      (i32.or
        (i32.eq (local.get $class) (global.get $byte_strings))
        (i32.eq (local.get $class) (global.get $byte_arrays)))))

  ;; A call with positional arguments, and with those whose names are in a tuple (or null) behind them. What is refused,
  ;; the interpreter's own function refuses.
  (func $sum (param $self i32) (param $arguments i32) (param $count i32) (param $names i32) (result i32)
    (local $given i32) (local $start i32)
    (local.set $given (local.get $count))
    (block $refused
      (br_if $refused (i32.eqz (local.get $count)))
      (if (local.get $names) (then
        (br_if $refused
          (i32.or
            (i32.ne (local.get $count) (i32.const 1))
            (i32.ne (call $size_of (local.get $names)) (i32.const 1))))
        (br_if $refused
          (call $compare
            (call $item_of (local.get $names) (i32.const 0))
            (i32.add (global.get $base) (i32.const 40))))
        (local.set $given (i32.const 2))))
      (br_if $refused (i32.gt_u (local.get $given) (i32.const 2)))
      (if (i32.eq (local.get $given) (i32.const 2)) (then
        (local.set $start (i32.load offset=4 (local.get $arguments)))
        (br_if $refused (call $is_text (local.get $start)))))
      (return (call $total (i32.load (local.get $arguments)) (local.get $start))))
    (call $call
      (i32.load offset=32 (global.get $base))
      (local.get $arguments) (local.get $count) (local.get $names)))

  ;; The sum of a list that holds nothing but numbers of one kind, or null.
  (func $total_of_list (param $list i32) (param $start i64) (result i32)
    (local $at i32) (local $end i32) (local $item i32) (local $is_real i32) (local $real f64)
    (local.set $at (i32.load offset=12 (local.get $list)))
    (local.set $end
      (i32.add (local.get $at) (i32.shl (i32.load offset=8 (local.get $list)) (i32.const 2))))
    (if (i32.ne (local.get $at) (local.get $end)) (then
      (local.set $is_real (call $is_float (i32.load (local.get $at))))))
    (local.set $real (f64.convert_i64_s (local.get $start)))
    (block $mixed
      (block $done
        (loop $next
          (br_if $done (i32.eq (local.get $at) (local.get $end)))
          (local.set $item (i32.load (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (if (local.get $is_real) (then
            (br_if $mixed (i32.eqz (call $is_float (local.get $item))))
            (local.set $real (f64.add (local.get $real) (f64.load offset=8 (local.get $item))))
            (br $next)))
          (br_if $mixed (i32.eqz (call $is_small (local.get $item))))
          (br_if $mixed (i32.eqz (call $has_room (local.get $start))))
          (local.set $start (i64.add (local.get $start) (call $value (local.get $item))))
          (br $next)))
      (if (local.get $is_real) (then
        (return (call $of_double (local.get $real)))))
      (return (call $of_long (local.get $start))))
    (i32.const 0))

  ;; The sum of a start value (or null, for zero) and what can be iterated over.
  (func $total (param $numbers i32) (param $start i32) (result i32)
    (local $iterator i32) (local $item i32) (local $object i32) (local $is_whole i32)
    (local $whole i64) (local $real f64)
    ;; The sum so far is $object, if that is not null, else $whole or $real.
    (local.set $is_whole (i32.const 1))
    (if (local.get $start) (then
      (call $keep (local.get $start))
      (local.set $object (local.get $start))
      ;; A truth value stays one, if nothing is added to it.
      (if (i32.eq (i32.load offset=4 (local.get $start)) (global.get $whole_numbers)) (then
        (if (call $is_small (local.get $start)) (then
          (local.set $whole (call $value (local.get $start)))
          (local.set $object (i32.const 0))
          (call $release (local.get $start))))))))
    (if (i32.and
          (i32.eqz (local.get $object))
          (i32.eq (i32.load offset=4 (local.get $numbers)) (global.get $lists))) (then
      (local.set $item (call $total_of_list (local.get $numbers) (local.get $whole)))
      (if (local.get $item) (then
        (return (local.get $item))))))
    (local.set $iterator (call $iterator_of (local.get $numbers)))
    (block $failed
      (br_if $failed (i32.eqz (local.get $iterator)))
      (loop $next
        (if (local.get $object) (then
          (if (call $is_float (local.get $object)) (then
            (local.set $real (f64.load offset=8 (local.get $object)))
            (local.set $is_whole (i32.const 0))
            (call $release (local.get $object))
            (local.set $object (i32.const 0))))))
        (local.set $item (call $next_of (local.get $iterator)))
        (if (i32.eqz (local.get $item)) (then
          (br_if $failed (call $has_failed))
          (call $release (local.get $iterator))
          (if (local.get $object) (then
            (return (local.get $object))))
          (if (local.get $is_whole) (then
            (return (call $of_long (local.get $whole)))))
          (return (call $of_double (local.get $real)))))
        (if (i32.eqz (local.get $object)) (then
          (if (call $is_small (local.get $item))
            (then
              (if (local.get $is_whole)
                (then
                  (if (call $has_room (local.get $whole)) (then
                    (local.set $whole (i64.add (local.get $whole) (call $value (local.get $item))))
                    (call $release (local.get $item))
                    (br $next))))
                (else
                  (local.set $real
                    (f64.add (local.get $real) (f64.convert_i64_s (call $value (local.get $item)))))
                  (call $release (local.get $item))
                  (br $next))))
            (else
              (if (i32.and (i32.eqz (local.get $is_whole)) (call $is_float (local.get $item))) (then
                (local.set $real (f64.add (local.get $real) (f64.load offset=8 (local.get $item))))
                (call $release (local.get $item))
                (br $next)))))
          (local.set $object
            (if (result i32) (local.get $is_whole)
              (then (call $of_long (local.get $whole)))
              (else (call $of_double (local.get $real)))))
          (br_if $failed (i32.eqz (local.get $object)))))
        (local.set $start (call $plus (local.get $object) (local.get $item)))
        (call $release (local.get $object))
        (call $release (local.get $item))
        (local.set $object (local.get $start))
        (br_if $next (local.get $object))))
    (call $release (local.get $iterator))
    (call $release (local.get $object))
    (i32.const 0))
)
