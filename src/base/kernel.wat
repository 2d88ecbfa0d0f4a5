;; The source of MODULE in kernel.ts: a test assembles this file and compares.
;;
;;       0  16 tables of 256 CRCs, 8 bytes each: table k is of a byte followed by k zero bytes
;;   32768  the CRC before and after a call
;;   32776  input of either function
;;  131072  output of unpack
;;
;; Copies write eight bytes at once, up to 13 bytes beyond their end: kernel.ts leaves 16 bytes free there.
(module
  (memory (export "memory") 6)

  ;; Unpacks the LZF in `[pos, end)` into exactly `[start, outEnd)`. Returns 0 when the bytes are no LZF
  ;; or do not fill the output exactly, else 1.
  (func (export "unpack")
    (param $pos i32) (param $end i32) (param $start i32) (param $outEnd i32) (result i32)
    (local $out i32) (local $control i32) (local $length i32) (local $from i32) (local $stop i32)
    (local $distance i32) (local $first i32)
    (local.set $out (local.get $start))
    (loop $next
      (if (i32.ge_u (local.get $pos) (local.get $end))
        (then (return (i32.eq (local.get $out) (local.get $outEnd)))))
      (local.set $control (i32.load8_u (local.get $pos)))
      (local.set $pos (i32.add (local.get $pos) (i32.const 1)))
      (if (i32.lt_u (local.get $control) (i32.const 32))
        (then
          ;; Literals: one more than the control byte says.
          (local.set $from (local.get $pos))
          (local.set $pos (i32.add (local.get $pos) (i32.add (local.get $control) (i32.const 1))))
          (local.set $stop (i32.add (local.get $out) (i32.add (local.get $control) (i32.const 1))))
          (if (i32.gt_u (local.get $pos) (local.get $end)) (then (return (i32.const 0)))))
        (else
          ;; A reference: length in the top three bits, with 7 one more byte is added to it.
          (local.set $length (i32.shr_u (local.get $control) (i32.const 5)))
          (if (i32.eq (local.get $length) (i32.const 7))
            (then
              (if (i32.ge_u (local.get $pos) (local.get $end)) (then (return (i32.const 0))))
              (local.set $length (i32.add (i32.load8_u (local.get $pos)) (i32.const 7)))
              (local.set $pos (i32.add (local.get $pos) (i32.const 1)))))
          (if (i32.ge_u (local.get $pos) (local.get $end)) (then (return (i32.const 0))))
          (local.set $from
            (i32.sub
              (i32.sub (local.get $out) (i32.const 1))
              (i32.or
                (i32.shl (i32.and (local.get $control) (i32.const 31)) (i32.const 8))
                (i32.load8_u (local.get $pos)))))
          (local.set $pos (i32.add (local.get $pos) (i32.const 1)))
          (if (i32.lt_s (local.get $from) (local.get $start)) (then (return (i32.const 0))))
          (local.set $stop
            (i32.add (local.get $out) (i32.add (local.get $length) (i32.const 2))))))
      (if (i32.gt_u (local.get $stop) (local.get $outEnd)) (then (return (i32.const 0))))
      ;; Eight bytes at once need a distance of 8 or more. A copy with a shorter distance d repeats every d
      ;; bytes, so it also repeats at the first multiple of d from 8 on (8 to 14): bytes are copied
      ;; one by one until the output is that far from the source, and the rest uses the multiple as its distance.
      (local.set $distance (i32.sub (local.get $out) (local.get $from)))
      (if (i32.lt_u (local.get $distance) (i32.const 8))
        (then
          (local.set $distance
            (i32.mul
              (local.get $distance)
              (i32.div_u (i32.add (local.get $distance) (i32.const 7)) (local.get $distance))))
          (local.set $first (local.get $from))
          (loop $byte
            (i32.store8 (local.get $out) (i32.load8_u (local.get $from)))
            (local.set $out (i32.add (local.get $out) (i32.const 1)))
            (local.set $from (i32.add (local.get $from) (i32.const 1)))
            (br_if $byte
              (i32.lt_u (i32.sub (local.get $out) (local.get $first)) (local.get $distance))))
          (local.set $from (local.get $first))))
      (loop $eight
        (if (i32.lt_u (local.get $out) (local.get $stop))
          (then
            (i64.store align=1 (local.get $out) (i64.load align=1 (local.get $from)))
            (local.set $out (i32.add (local.get $out) (i32.const 8)))
            (local.set $from (i32.add (local.get $from) (i32.const 8)))
            (br $eight))))
      (local.set $out (local.get $stop))
      (br $next))
    (unreachable))

  ;; Adds `[pos, end)`, a multiple of 16 bytes, to the CRC. `offset` selects the table, 2048 bytes each:
  ;; the first byte has 15 bytes behind it and uses table 15. A byte times 8 is the offset in its table.
  (func (export "crc") (param $pos i32) (param $end i32)
    (local $crc i64) (local $a i64) (local $b i64)
    (local.set $crc (i64.load (i32.const 32768)))
    (loop $next
      (if (i32.lt_u (local.get $pos) (local.get $end))
        (then
          (local.set $a (i64.xor (local.get $crc) (i64.load align=1 (local.get $pos))))
          (local.set $b (i64.load offset=8 align=1 (local.get $pos)))
          (local.set $pos (i32.add (local.get $pos) (i32.const 16)))
          (local.set $crc
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.xor
                    (i64.load offset=30720 (i32.wrap_i64 (i64.shl (i64.and (local.get $a) (i64.const 255)) (i64.const 3))))
                    (i64.load offset=28672 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 5)) (i64.const 2040)))))
                  (i64.xor
                    (i64.load offset=26624 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 13)) (i64.const 2040))))
                    (i64.load offset=24576 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 21)) (i64.const 2040))))))
                (i64.xor
                  (i64.xor
                    (i64.load offset=22528 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 29)) (i64.const 2040))))
                    (i64.load offset=20480 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 37)) (i64.const 2040)))))
                  (i64.xor
                    (i64.load offset=18432 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 45)) (i64.const 2040))))
                    (i64.load offset=16384 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $a) (i64.const 53)) (i64.const 2040)))))))
              (i64.xor
                (i64.xor
                  (i64.xor
                    (i64.load offset=14336 (i32.wrap_i64 (i64.shl (i64.and (local.get $b) (i64.const 255)) (i64.const 3))))
                    (i64.load offset=12288 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 5)) (i64.const 2040)))))
                  (i64.xor
                    (i64.load offset=10240 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 13)) (i64.const 2040))))
                    (i64.load offset=8192 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 21)) (i64.const 2040))))))
                (i64.xor
                  (i64.xor
                    (i64.load offset=6144 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 29)) (i64.const 2040))))
                    (i64.load offset=4096 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 37)) (i64.const 2040)))))
                  (i64.xor
                    (i64.load offset=2048 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 45)) (i64.const 2040))))
                    (i64.load offset=0 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $b) (i64.const 53)) (i64.const 2040)))))))))
          (br $next))))
    (i64.store (i32.const 32768) (local.get $crc))))
