//! Tests that are unit tests: classes of `unittest`, and functions whose names begin with `test`.

use assay_sandbox::Verdict::{JudgeFailure, Pass, RuntimeError, WrongAnswer};

use crate::checks::{expect, expect_of_entry};

/// Classes and functions are run, but not those that have been run, and what they say of the program counts.
#[test]
fn what_a_test_leaves_to_its_runner_is_run() {
    expect(&[
        (
            "class Calc:\n  def add(self,a,b): return a+b\n  def div(self,a,b):\n    if b==0: raise ValueError('no')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\n",
            Pass,
        ),
        (
            "class Calc:\n  def add(self,a,b): return a-b\n  def div(self,a,b):\n    if b==0: raise ValueError('no')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\n",
            WrongAnswer,
        ),
        (
            "class Calc:\n  def add(self,a,b): return a+b\n  def div(self,a,b):\n    if b==0: raise KeyError('x')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\n",
            RuntimeError,
        ),
        (
            "class Calc:\n  def add(self,a,b): return a+b\n  def div(self,a,b):\n    if b==0: raise ValueError('no')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\nunittest.main()\n",
            Pass,
        ),
        (
            "class Calc:\n  def add(self,a,b): return a+b\n  def div(self,a,b):\n    if b==0: raise ValueError('no')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\nif __name__=='__main__':\n  unittest.main()\n",
            Pass,
        ),
        (
            "class Calc:\n  def add(self,a,b): return a-b\n  def div(self,a,b):\n    if b==0: raise ValueError('no')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\nunittest.main()\n",
            WrongAnswer,
        ),
        (
            "class Calc:\n  def add(self,a,b): return a+b\n  def div(self,a,b):\n    if b==0: raise ValueError('no')\n    return a/b",
            "import unittest\nclass TestCalc(unittest.TestCase):\n  def setUp(self): self.c=Calc()\n  def test_add(self): self.assertEqual(self.c.add(1,2),3)\n  def test_div(self):\n    with self.assertRaises(ValueError): self.c.div(1,0)\n  def test_div2(self):\n    self.assertAlmostEqual(self.c.div(1,3),0.3333333,places=5)\nunittest.main(argv=['x'],exit=False)\n",
            Pass,
        ),
        (
            "def f(x): return x+1",
            "from solution import f\ndef test_a():\n  assert f(1)==2\ndef test_b():\n  assert f(-1)==0\n",
            Pass,
        ),
        (
            "def f(x): return x+1",
            "from solution import f\ndef test_a():\n  assert f(1)==2\ndef test_b():\n  assert f(-1)==5\n",
            WrongAnswer,
        ),
        ("def f(x): return x+1", "import solution\nassert solution.f(1)==2", Pass),
        ("def g(x): return x+1", "from solution import f\ndef test_a():\n  assert f(1)==2\n", RuntimeError),
        (
            "def f(x): return x",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    for i in range(3):\n      with self.subTest(i=i): self.assertEqual(f(i),i)\n",
            Pass,
        ),
        (
            "def f(x): return x*(x!=2)",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self):\n    for i in range(3):\n      with self.subTest(i=i): self.assertEqual(f(i),i)\n",
            WrongAnswer,
        ),
        (
            "def f(x): return x",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self): pass\n",
            JudgeFailure,
        ),
        (
            "def f(x): return x",
            "import unittest\nclass T(unittest.TestCase):\n  @unittest.skip('no')\n  def test(self): f(1)\n",
            JudgeFailure,
        ),
        (
            "def f(x): return x",
            "import unittest\nclass T(unittest.TestCase):\n  @classmethod\n  def setUpClass(cls): cls.x=f(3)\n  def test(self): self.assertEqual(self.x,3)\n",
            Pass,
        ),
        (
            "def f(x): print(x)",
            "import unittest, io\nfrom unittest.mock import patch\nclass T(unittest.TestCase):\n  @patch('sys.stdout', new_callable=io.StringIO)\n  def test(self, out):\n    f(3)\n    self.assertEqual(out.getvalue(),'3\\n')\n",
            Pass,
        ),
        ("def f(x): return x", "def test():\n  assert f(1)==1\n", Pass),
        ("def f(x): return x", "def test():\n  assert f(1)==2\n", WrongAnswer),
        (
            "def f(x): return x",
            "import unittest\nclass Base(unittest.TestCase):\n  x=1\nclass T(Base):\n  def test(self): self.assertEqual(f(self.x),1)\n",
            Pass,
        ),
        (
            "def f(): raise SystemExit(0)",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(f(),1)\n",
            RuntimeError,
        ),
        (
            "import unittest\nunittest.TestCase.assertEqual=lambda *a:None\ndef f(x): return 7",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(f(1),1)\n",
            WrongAnswer,
        ),
        (
            "def f(x): return x+5",
            "from solution import f\ndef test_a():\n  assert f(1)==2\nif __name__=='__main__':\n  test_a()",
            WrongAnswer,
        ),
        (
            "def f(x): return x+5",
            "from solution import f\nclass TestF:\n  def setup_method(self): self.x=1\n  def test_a(self): assert f(self.x)==2",
            WrongAnswer,
        ),
        (
            "def f(x): return x+1",
            "from solution import f\nclass TestF:\n  def setup_method(self): self.x=1\n  def test_a(self): assert f(self.x)==2",
            Pass,
        ),
        (
            "def f(x): return x+5",
            "from solution import f\ndef test_x(tmp_path): assert f(1)==2",
            JudgeFailure,
        ),
        ("def f(x): return x+5", "from solution import f", JudgeFailure),
        (
            "def f(x): return x+5",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(f(1),2)\nunittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))",
            WrongAnswer,
        ),
        (
            "class A:\n  def test(self): pass",
            "import unittest\nclass T(A, unittest.TestCase): pass",
            JudgeFailure,
        ),
        (
            "def f(): return 1",
            "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(f(),1)\nr=unittest.main(exit=False)\nassert r.result.wasSuccessful()",
            Pass,
        ),
    ]);
}

/// So it is where a row names a function and has no `check`, as BigCodeBench's.
#[test]
fn unit_tests_of_an_entry_are_run() {
    expect_of_entry(
        "task_func",
        &[
            (
                "def task_func(x): return x*2",
                "import unittest\nclass TestCases(unittest.TestCase):\n  def test_case_1(self): self.assertEqual(task_func(2),4)\n",
                Pass,
            ),
            (
                "def task_func(x): return x*3",
                "import unittest\nclass TestCases(unittest.TestCase):\n  def test_case_1(self): self.assertEqual(task_func(2),4)\n",
                WrongAnswer,
            ),
        ],
    );
}
