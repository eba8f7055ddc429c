;; The truth value of `NotImplemented`, which is true up to Python 3.13 and an error since.
;;
;; Layouts are those of CPython 3.14 for 32-bit addresses: an object's class stands behind its reference count; at 48 a class has
;; the address of its operations on numbers, which have the one for truth at 36. What has none is true.
(module
  (@dylink.0 (mem-info (memory 0 0) (table 0 0)))
  (import "env" "memory" (memory 1))
  (import "GOT.mem" "_Py_NotImplementedStruct" (global $not_implemented (mut i32)))
  (func (export "_initialize")
    (i32.store offset=36
      (i32.load offset=48 (i32.load offset=4 (global.get $not_implemented)))
      (i32.const 0))))
