;; Small blocks, in front of the C library's allocator.
;;
;; The interpreter comes without its own allocator for small objects, and the C library's costs it up to a sixth
;; of its time. Blocks of at most 512 bytes come in 32 classes, by multiples of 16 bytes. Each class has a list of
;; freed blocks, and cuts new ones from chunks of 16 KiB; a map says to which class a chunk belongs. Everything else,
;; and the chunks themselves, is the C library's. Chunks are never given back.
;;
;; The linker puts this library before the C library: its functions are called in the place of those of the same
;; name, also by the C library itself, and its own imports of these names are what they stand in front of.
(module
  ;; From the memory base on:
  ;;      0  the first freed block of each class; a freed block starts with the address of the next one
  ;;    128  of each class, where the next block is cut
  ;;    256  of each class, where the chunk that blocks are cut from ends
  ;;    384  the next unused chunk, and where the unused chunks end
  ;;    400  of each chunk in a memory of 1 GiB, the number of its class from 1 on, or 0
  (@dylink.0 (mem-info (memory 65936 4)))
  (import "env" "memory" (memory 1))
  (import "env" "__memory_base" (global $base i32))
  (import "env" "malloc" (func $large_malloc (param i32) (result i32)))
  (import "env" "free" (func $large_free (param i32)))
  (import "env" "calloc" (func $large_calloc (param i32 i32) (result i32)))
  (import "env" "realloc" (func $large_realloc (param i32 i32) (result i32)))
  (import "env" "malloc_usable_size" (func $large_size (param i32) (result i32)))
  (import "env" "aligned_alloc" (func $aligned_alloc (param i32 i32) (result i32)))

  (func $malloc (export "malloc") (param $size i32) (result i32)
    (local $class i32) (local $block i32)
    (local.set $class (i32.sub (local.get $size) (i32.const 1)))
    ;; A size of 0 wraps around and is the C library's.
    (if (i32.ge_u (local.get $class) (i32.const 512)) (then
      (return (call $large_malloc (local.get $size)))))
    ;; Four times the number of the class: where its word is in each table.
    (local.set $class
      (i32.and (i32.shr_u (local.get $class) (i32.const 2)) (i32.const 0x7c)))
    (local.set $block (i32.load (i32.add (global.get $base) (local.get $class))))
    (if (local.get $block) (then
      (i32.store (i32.add (global.get $base) (local.get $class)) (i32.load (local.get $block)))
      (return (local.get $block))))
    (call $cut (local.get $class)))

  ;; A block that was never used, or 0.
  (func $cut (param $class i32) (result i32)
    (local $words i32) (local $size i32) (local $block i32)
    (local.set $words (i32.add (global.get $base) (local.get $class)))
    (local.set $size (i32.add (i32.shl (local.get $class) (i32.const 2)) (i32.const 16)))
    (local.set $block (i32.load offset=128 (local.get $words)))
    (if (i32.lt_u (i32.sub (i32.load offset=256 (local.get $words)) (local.get $block)) (local.get $size)) (then
      (local.set $block (call $chunk (local.get $class)))
      (if (i32.eqz (local.get $block)) (then
        (return (i32.const 0))))
      (i32.store offset=256 (local.get $words) (i32.add (local.get $block) (i32.const 0x4000)))))
    (i32.store offset=128 (local.get $words) (i32.add (local.get $block) (local.get $size)))
    (local.get $block))

  ;; An unused chunk, from now on of this class, or 0. The C library gives sixteen at a time.
  (func $chunk (param $class i32) (result i32)
    (local $chunk i32)
    (local.set $chunk (i32.load offset=384 (global.get $base)))
    (if (i32.eq (local.get $chunk) (i32.load offset=388 (global.get $base))) (then
      (local.set $chunk (call $aligned_alloc (i32.const 0x4000) (i32.const 0x40000)))
      (if (i32.eqz (local.get $chunk)) (then
        (return (i32.const 0))))
      (i32.store offset=388 (global.get $base) (i32.add (local.get $chunk) (i32.const 0x40000)))))
    (i32.store offset=384 (global.get $base) (i32.add (local.get $chunk) (i32.const 0x4000)))
    (i32.store8 offset=400
      (i32.add (global.get $base) (i32.shr_u (local.get $chunk) (i32.const 14)))
      (i32.add (i32.shr_u (local.get $class) (i32.const 2)) (i32.const 1)))
    (local.get $chunk))

  ;; The number, from 1 on, of the class that a block is of; 0: it is the C library's, or none.
  (func $class_of (param $block i32) (result i32)
    (i32.load8_u offset=400 (i32.add (global.get $base) (i32.shr_u (local.get $block) (i32.const 14)))))

  (func $free (export "free") (param $block i32)
    (local $class i32)
    (local.set $class (call $class_of (local.get $block)))
    (if (i32.eqz (local.get $class)) (then
      (return (call $large_free (local.get $block)))))
    (local.set $class
      (i32.add (global.get $base) (i32.shl (i32.sub (local.get $class) (i32.const 1)) (i32.const 2))))
    (i32.store (local.get $block) (i32.load (local.get $class)))
    (i32.store (local.get $class) (local.get $block)))

  (func (export "calloc") (param $count i32) (param $each i32) (result i32)
    (local $size i64) (local $block i32)
    (local.set $size
      (i64.mul (i64.extend_i32_u (local.get $count)) (i64.extend_i32_u (local.get $each))))
    (if (i64.gt_u (local.get $size) (i64.const 512)) (then
      (return (call $large_calloc (local.get $count) (local.get $each)))))
    (local.set $block (call $malloc (i32.wrap_i64 (local.get $size))))
    (if (local.get $block) (then
      (memory.fill (local.get $block) (i32.const 0) (i32.wrap_i64 (local.get $size)))))
    (local.get $block))

  ;; Whether a block of this capacity may stay where it is: it is filled by at least half.
  (func $fits (param $size i32) (param $capacity i32) (result i32)
    (i32.and
      (i32.le_u (local.get $size) (local.get $capacity))
      (i32.ge_u (local.get $size) (i32.shr_u (local.get $capacity) (i32.const 1)))))

  ;; A block of the C library's in another size. One that grows gets a quarter more than it needs: text to which
  ;; a program adds line by line would else be copied whole for each line.
  (func $large (param $block i32) (param $size i32) (result i32)
    (local $capacity i32) (local $new i32)
    (local.set $capacity (call $large_size (local.get $block)))
    (if (call $fits (local.get $size) (local.get $capacity)) (then
      (return (local.get $block))))
    (if (i32.and
          (i32.gt_u (local.get $size) (local.get $capacity))
          ;; From a page to what with a quarter more is still a number.
          (i32.lt_u (i32.sub (local.get $size) (i32.const 4096)) (i32.const 0x40000000))) (then
      (local.set $new
        (call $large_realloc (local.get $block)
          (i32.add (local.get $size) (i32.shr_u (local.get $size) (i32.const 2)))))
      (if (local.get $new) (then
        (return (local.get $new))))))
    (call $large_realloc (local.get $block) (local.get $size)))

  (func (export "realloc") (param $block i32) (param $size i32) (result i32)
    (local $old i32) (local $new i32)
    (if (i32.eqz (local.get $block)) (then
      (return (call $malloc (local.get $size)))))
    (local.set $old (i32.shl (call $class_of (local.get $block)) (i32.const 4)))
    (if (i32.eqz (local.get $old)) (then
      (return (call $large (local.get $block) (local.get $size)))))
    (if (call $fits (local.get $size) (local.get $old)) (then
      (return (local.get $block))))
    (local.set $new (call $malloc (local.get $size)))
    (if (local.get $new) (then
      (memory.copy (local.get $new) (local.get $block)
        (select (local.get $size) (local.get $old) (i32.lt_u (local.get $size) (local.get $old))))
      (call $free (local.get $block))))
    (local.get $new))
)
