;; Mathematical functions, in front of the C library.
;;
;; Programs print floats with all their digits, and expected outputs were made with glibc. Its sine, arc sine and the like give
;; the double that is nearest to the exact value for all but one to three of a thousand arguments; the C library's miss it for
;; two to twenty of a hundred. The host gives the nearest double (src/libm.rs). log10 and tanh are computed by the formulas of
;; FDLIBM, as glibc does up to version 2.41: there the nearest double is what glibc does not give. So it is with the cube root,
;; which the host computes by glibc's formula.
(module
  (@dylink.0 (mem-info (memory 0 0)))
  (import "assay" "sin" (func $sin (param f64) (result f64)))
  (import "assay" "cos" (func $cos (param f64) (result f64)))
  (import "assay" "tan" (func $tan (param f64) (result f64)))
  (import "assay" "asin" (func $asin (param f64) (result f64)))
  (import "assay" "acos" (func $acos (param f64) (result f64)))
  (import "assay" "atan" (func $atan (param f64) (result f64)))
  (import "assay" "cbrt" (func $cbrt (param f64) (result f64)))
  (import "assay" "atan2" (func $atan2 (param f64 f64) (result f64)))
  (import "assay" "hypot" (func $hypot (param f64 f64) (result f64)))
  (import "env" "log" (func $log (param f64) (result f64)))
  (import "env" "expm1" (func $expm1 (param f64) (result f64)))

  (func (export "sin") (param $x f64) (result f64) (call $sin (local.get $x)))
  (func (export "cos") (param $x f64) (result f64) (call $cos (local.get $x)))
  (func (export "tan") (param $x f64) (result f64) (call $tan (local.get $x)))
  (func (export "asin") (param $x f64) (result f64) (call $asin (local.get $x)))
  (func (export "acos") (param $x f64) (result f64) (call $acos (local.get $x)))
  (func (export "atan") (param $x f64) (result f64) (call $atan (local.get $x)))
  (func (export "cbrt") (param $x f64) (result f64) (call $cbrt (local.get $x)))
  (func (export "atan2") (param $y f64) (param $x f64) (result f64) (call $atan2 (local.get $y) (local.get $x)))
  (func (export "hypot") (param $x f64) (param $y f64) (result f64) (call $hypot (local.get $x) (local.get $y)))

  ;; x = 2^k f, where f is in [1, 2) for x of 1 and more, else in [1/2, 1), and log10(x) = k log10(2) + log(f) / log(10).
  ;; log10(2) is the sum of two constants, the larger of which has so few bits that its product with k is exact.
  (func (export "log10") (param $x f64) (result f64)
    (local $k i32) (local $half i32) (local $bits i64)
    ;; Zero, negative numbers, infinity and NaN.
    (if (i32.eqz (i32.and (f64.gt (local.get $x) (f64.const 0)) (f64.lt (local.get $x) (f64.const inf)))) (then
      (return (call $log (local.get $x)))))
    ;; A subnormal number is made a normal one.
    (if (f64.lt (local.get $x) (f64.const 0x1p-1022)) (then
      (local.set $k (i32.const -54))
      (local.set $x (f64.mul (local.get $x) (f64.const 0x1p54)))))
    (local.set $bits (i64.reinterpret_f64 (local.get $x)))
    (local.set $k
      (i32.add (local.get $k)
        (i32.sub (i32.wrap_i64 (i64.shr_u (local.get $bits) (i64.const 52))) (i32.const 1023))))
    (local.set $half (i32.shr_u (local.get $k) (i32.const 31)))
    (local.set $k (i32.add (local.get $k) (local.get $half)))
    (local.set $x
      (f64.reinterpret_i64
        (i64.or
          (i64.and (local.get $bits) (i64.const 0x000fffffffffffff))
          (i64.shl (i64.extend_i32_u (i32.sub (i32.const 0x3ff) (local.get $half))) (i64.const 52)))))
    (f64.add
      (f64.add
        (f64.mul (f64.convert_i32_s (local.get $k)) (f64.const 3.69423907715893078616e-13))
        (f64.mul (f64.const 4.34294481903251816668e-01) (call $log (local.get $x))))
      (f64.mul (f64.convert_i32_s (local.get $k)) (f64.const 3.01029995663611771306e-01))))

  ;; With t = exp(2|x|) - 1, tanh|x| = 1 - 2 / (t + 2); for small numbers, with t = exp(-2|x|) - 1, it is -t / (t + 2).
  (func (export "tanh") (param $x f64) (result f64)
    (local $magnitude f64) (local $t f64)
    (local.set $magnitude (f64.abs (local.get $x)))
    (if (f64.lt (local.get $magnitude) (f64.const 0x1p-55)) (then
      (return (local.get $x))))
    (if (f64.ge (local.get $magnitude) (f64.const 22)) (then
      (return (f64.copysign (f64.const 1) (local.get $x)))))
    (if (f64.ge (local.get $magnitude) (f64.const 1))
      (then
        (local.set $t (call $expm1 (f64.mul (f64.const 2) (local.get $magnitude))))
        (local.set $t
          (f64.sub (f64.const 1) (f64.div (f64.const 2) (f64.add (local.get $t) (f64.const 2))))))
      (else
        (local.set $t (call $expm1 (f64.mul (f64.const -2) (local.get $magnitude))))
        (local.set $t (f64.div (f64.neg (local.get $t)) (f64.add (local.get $t) (f64.const 2))))))
    (f64.copysign (local.get $t) (local.get $x)))
)
