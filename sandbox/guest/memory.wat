;; Comparing and searching memory, in front of the C library.
;;
;; The C library's functions look at one byte or one word at a time. Python compares texts and looks for characters with
;; them, and programs that slice long texts spend their time here: 16 bytes at a time are an eighth to a fifteenth of the
;; work. Memory that lies outside what is asked for is only looked at where it is in the same 16 aligned bytes, which are
;; never outside of memory.
(module
  (@dylink.0 (mem-info (memory 0 0)))
  (import "env" "memory" (memory 1))

  ;; The first byte that differs decides, as an unsigned number.
  (func (export "memcmp") (param $left i32) (param $right i32) (param $size i32) (result i32)
    (local $last i32) (local $same i32) (local $word i64)
    (if (i32.ge_u (local.get $size) (i32.const 16)) (then
      ;; Where the last 16 bytes start. They may overlap those before them, which are known to be equal by then.
      (local.set $last (i32.add (local.get $left) (i32.sub (local.get $size) (i32.const 16))))
      ;; 64 bytes at a time, for as long as more than that is left. Where they differ, the next loop finds the byte.
      (block $unequal
        (loop $next
          (br_if $unequal (i32.le_u (i32.sub (local.get $last) (local.get $left)) (i32.const 64)))
          (br_if $unequal (i32.eqz (i8x16.all_true (v128.and
            (v128.and
              (i8x16.eq (v128.load align=1 (local.get $left)) (v128.load align=1 (local.get $right)))
              (i8x16.eq
                (v128.load offset=16 align=1 (local.get $left))
                (v128.load offset=16 align=1 (local.get $right))))
            (v128.and
              (i8x16.eq
                (v128.load offset=32 align=1 (local.get $left))
                (v128.load offset=32 align=1 (local.get $right)))
              (i8x16.eq
                (v128.load offset=48 align=1 (local.get $left))
                (v128.load offset=48 align=1 (local.get $right))))))))
          (local.set $left (i32.add (local.get $left) (i32.const 64)))
          (local.set $right (i32.add (local.get $right) (i32.const 64)))
          (br $next)))
      (loop $next
        (local.set $same
          (i8x16.bitmask (i8x16.eq (v128.load align=1 (local.get $left)) (v128.load align=1 (local.get $right)))))
        (if (i32.ne (local.get $same) (i32.const 0xffff)) (then
          (return (call $differ (local.get $left) (local.get $right)
            (i32.ctz (i32.xor (local.get $same) (i32.const 0xffff)))))))
        (if (i32.eq (local.get $left) (local.get $last)) (then
          (return (i32.const 0))))
        (local.set $same
          (select (i32.const 16) (i32.sub (local.get $last) (local.get $left))
            (i32.ge_u (i32.sub (local.get $last) (local.get $left)) (i32.const 16))))
        (local.set $left (i32.add (local.get $left) (local.get $same)))
        (local.set $right (i32.add (local.get $right) (local.get $same)))
        (br $next))))
    (if (i32.ge_u (local.get $size) (i32.const 8)) (then
      (local.set $word (i64.xor (i64.load align=1 (local.get $left)) (i64.load align=1 (local.get $right))))
      (if (i64.eqz (local.get $word)) (then
        (local.set $size (i32.sub (local.get $size) (i32.const 8)))
        (local.set $left (i32.add (local.get $left) (local.get $size)))
        (local.set $right (i32.add (local.get $right) (local.get $size)))
        (local.set $word (i64.xor (i64.load align=1 (local.get $left)) (i64.load align=1 (local.get $right))))
        (if (i64.eqz (local.get $word)) (then
          (return (i32.const 0))))))
      (return (call $differ (local.get $left) (local.get $right)
        (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $word)) (i64.const 3)))))))
    (if (i32.ge_u (local.get $size) (i32.const 4)) (then
      (local.set $word (i64.xor
        (call $ends (local.get $left) (i32.sub (local.get $size) (i32.const 4)))
        (call $ends (local.get $right) (i32.sub (local.get $size) (i32.const 4)))))
      (if (i64.eqz (local.get $word)) (then
        (return (i32.const 0))))
      (local.set $same (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $word)) (i64.const 3))))
      (return (call $differ (local.get $left) (local.get $right)
        (select (local.get $same) (i32.sub (i32.add (local.get $size) (local.get $same)) (i32.const 8))
          (i32.lt_u (local.get $same) (i32.const 4)))))))
    (if (i32.eqz (local.get $size)) (then
      (return (i32.const 0))))
    (i32.sub
      (call $few (local.get $left) (local.get $size))
      (call $few (local.get $right) (local.get $size))))

  ;; The first four bytes, and above them the four at this offset.
  (func $ends (param $at i32) (param $offset i32) (result i64)
    (i64.or
      (i64.load32_u align=1 (local.get $at))
      (i64.shl (i64.load32_u align=1 (i32.add (local.get $at) (local.get $offset))) (i64.const 32))))

  ;; One, two or three bytes as a number of which the first is the highest.
  (func $few (param $at i32) (param $size i32) (result i32)
    (i32.or
      (i32.or
        (i32.shl (i32.load8_u (local.get $at)) (i32.const 16))
        (i32.shl (i32.load8_u (i32.add (local.get $at) (i32.shr_u (local.get $size) (i32.const 1)))) (i32.const 8)))
      (i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 1)))))

  ;; The difference of the two bytes at this offset.
  (func $differ (param $left i32) (param $right i32) (param $offset i32) (result i32)
    (i32.sub
      (i32.load8_u (i32.add (local.get $left) (local.get $offset)))
      (i32.load8_u (i32.add (local.get $right) (local.get $offset)))))

  ;; Of each of the 16 bytes at $at, an aligned address, whether it is this one: the lowest bit is that of the first.
  (func $found (param $at i32) (param $byte i32) (result i32)
    (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (i8x16.splat (local.get $byte)))))

  ;; The address of the first such byte, or 0.
  (func (export "memchr") (param $at i32) (param $byte i32) (param $size i32) (result i32)
    (local $end i32) (local $found i32) (local $wanted v128)
    (if (i32.eqz (local.get $size)) (then
      (return (i32.const 0))))
    ;; A size that reaches beyond the address space means that the byte is there.
    (local.set $end (i32.add (local.get $at) (local.get $size)))
    (if (i32.lt_u (local.get $end) (local.get $at)) (then
      (local.set $end (i32.const -1))))
    (local.set $wanted (i8x16.splat (local.get $byte)))
    ;; What lies before the start in its 16 bytes is not asked for.
    (local.set $found
      (i32.and
        (call $found (i32.and (local.get $at) (i32.const -16)) (local.get $byte))
        (i32.shl (i32.const -1) (i32.and (local.get $at) (i32.const 15)))))
    (local.set $at (i32.and (local.get $at) (i32.const -16)))
    (block $done
      (loop $next
        (br_if $done (local.get $found))
        ;; 64 aligned bytes at a time, for as long as more than 80 are left: the size may lie, as that of a text that ends with
        ;; a 0, but no such bytes are half outside of memory. Where the byte is among them, the outer loop finds it.
        (block $near
          (br_if $near (i32.and (i32.add (local.get $at) (i32.const 16)) (i32.const 63)))
          (loop $more
            (br_if $near (i32.le_u (i32.sub (local.get $end) (local.get $at)) (i32.const 80)))
            (br_if $near (v128.any_true (v128.or
              (v128.or
                (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $wanted))
                (i8x16.eq (v128.load offset=32 (local.get $at)) (local.get $wanted)))
              (v128.or
                (i8x16.eq (v128.load offset=48 (local.get $at)) (local.get $wanted))
                (i8x16.eq (v128.load offset=64 (local.get $at)) (local.get $wanted))))))
            (local.set $at (i32.add (local.get $at) (i32.const 64)))
            (br $more)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (if (i32.ge_u (local.get $at) (local.get $end)) (then
          (return (i32.const 0))))
        (local.set $found (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (local.get $wanted))))
        (br $next)))
    (local.set $at (i32.add (local.get $at) (i32.ctz (local.get $found))))
    (select (local.get $at) (i32.const 0) (i32.lt_u (local.get $at) (local.get $end))))

  ;; The address of the last such byte, or 0.
  (func (export "memrchr") (param $start i32) (param $byte i32) (param $size i32) (result i32)
    (local $at i32) (local $found i32) (local $wanted v128)
    (if (i32.eqz (local.get $size)) (then
      (return (i32.const 0))))
    (local.set $at (i32.sub (i32.add (local.get $start) (local.get $size)) (i32.const 1)))
    (local.set $wanted (i8x16.splat (local.get $byte)))
    ;; What lies behind the end in its 16 bytes is not asked for.
    (local.set $found
      (i32.and
        (call $found (i32.and (local.get $at) (i32.const -16)) (local.get $byte))
        (i32.shr_u (i32.const 0xffff) (i32.sub (i32.const 15) (i32.and (local.get $at) (i32.const 15))))))
    (local.set $at (i32.and (local.get $at) (i32.const -16)))
    (block $done
      (loop $next
        (br_if $done (local.get $found))
        (if (i32.le_u (local.get $at) (local.get $start)) (then
          (return (i32.const 0))))
        ;; 64 bytes at a time, for as long as there are as many. Where the byte is among them, the outer loop finds it.
        (block $near
          (loop $more
            (br_if $near (i32.lt_u (i32.sub (local.get $at) (local.get $start)) (i32.const 80)))
            (br_if $near (v128.any_true (v128.or
              (v128.or
                (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 16))) (local.get $wanted))
                (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 32))) (local.get $wanted)))
              (v128.or
                (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 48))) (local.get $wanted))
                (i8x16.eq (v128.load (i32.sub (local.get $at) (i32.const 64))) (local.get $wanted))))))
            (local.set $at (i32.sub (local.get $at) (i32.const 64)))
            (br $more)))
        (local.set $at (i32.sub (local.get $at) (i32.const 16)))
        (local.set $found (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (local.get $wanted))))
        (br $next)))
    (local.set $at (i32.add (local.get $at) (i32.sub (i32.const 31) (i32.clz (local.get $found)))))
    (select (local.get $at) (i32.const 0) (i32.ge_u (local.get $at) (local.get $start))))

  ;; The number of bytes before the first 0.
  (func (export "strlen") (param $text i32) (result i32)
    (local $at i32) (local $found i32) (local $zero v128)
    (local.set $at (i32.and (local.get $text) (i32.const -16)))
    (local.set $found
      (i32.and
        (call $found (local.get $at) (i32.const 0))
        (i32.shl (i32.const -1) (i32.and (local.get $text) (i32.const 15)))))
    (block $done
      (loop $next
        (br_if $done (local.get $found))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $found (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (local.get $zero))))
        (br $next)))
    (i32.sub (i32.add (local.get $at) (i32.ctz (local.get $found))) (local.get $text)))

  ;; The address of the first of $count wide characters that is this one, or 0.
  (func (export "wmemchr") (param $at i32) (param $wide i32) (param $count i32) (result i32)
    (local $found i32) (local $wanted v128)
    (local.set $wanted (i32x4.splat (local.get $wide)))
    (block $rest
      (loop $next
        (br_if $rest (i32.lt_u (local.get $count) (i32.const 4)))
        (local.set $found (i32x4.bitmask (i32x4.eq (v128.load align=1 (local.get $at)) (local.get $wanted))))
        (if (local.get $found) (then
          (return (i32.add (local.get $at) (i32.shl (i32.ctz (local.get $found)) (i32.const 2))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $next)))
    (block $none
      (loop $next
        (br_if $none (i32.eqz (local.get $count)))
        (if (i32.eq (i32.load (local.get $at)) (local.get $wide)) (then
          (return (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.const 0))
)
