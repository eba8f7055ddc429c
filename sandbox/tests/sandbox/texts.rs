//! Texts of exceptions, which programs print and tests compare, are those of CPython 3.11.

use assay_sandbox::Verdict::{Pass, WrongAnswer};

use crate::checks::expect;
use crate::common::write;

#[test]
fn a_program_prints_the_texts_of_3_11() {
    write(&[(include_str!("texts.py"), "", include_str!("texts.txt"))]);
}

/// What a program says itself is left as it is.
#[test]
fn texts_of_the_program_are_its_own() {
    let program = "def hour(h):\n  if h > 23: raise ValueError(f'hour must be in 0..23, not {h}')\n\
                   def positive(n):\n  if n < 1: raise ValueError('expected a positive integer')";
    let tests = "try: hour(25)\nexcept ValueError as e: assert str(e) == 'hour must be in 0..23, not 25'\nelse: assert 0\n\
                 try: positive(0)\nexcept ValueError as e: assert str(e) == 'expected a positive integer'\nelse: assert 0";
    expect(&[(program, tests, Pass)]);
}

#[test]
fn a_test_finds_the_texts_of_3_11() {
    let program = "class Stack:\n  def __init__(self): self.items = []\n  def top(self): return max(self.items)\n\
                   def divide(a, b): return a // b\ndef read(): open('no.txt')";
    let tests = "try: divide(1, 0)\nexcept ZeroDivisionError as e: assert str(e) == 'integer division or modulo by zero'\n\
                 else: assert 0\n\
                 try: Stack().top()\nexcept ValueError as e: assert e.args == ('max() arg is an empty sequence',)\n\
                 try: read()\nexcept OSError as e: assert (e.errno, e.filename) == (2, 'no.txt')\nelse: assert 0";
    expect(&[
        (program, tests, Pass),
        (program, "try: divide(1, 0)\nexcept ZeroDivisionError as e: assert str(e) == 'no'", WrongAnswer),
    ]);
}
