//! What the benchmarks of the judge share: the sandbox, the native Python and short programs.

use std::error::Error;
use std::process::Command;

use assay_sandbox::{Image, ImageLock, Judging, JudgingSetup, Limits, Sandbox, Tools, grade};
use camino::{Utf8Path, Utf8PathBuf};

/// A program from standard input to standard output, and its inputs.
#[derive(Debug, Clone)]
pub struct ShortProgram {
    /// The source text.
    pub source: String,
    /// One text per test.
    pub inputs: Vec<String>,
}

/// The root of the repository.
pub fn root() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder with the images that benchmarks use.
pub fn images() -> Utf8PathBuf {
    root().join("target/images")
}

/// The committed lockfile of the image.
///
/// # Errors
/// It cannot be read.
pub fn lock() -> Result<ImageLock, Box<dyn Error>> {
    let text = std::fs::read_to_string(root().join("lockfiles/python-image.lock"))?;
    Ok(ImageLock::parse(&text, "python-image.lock")?)
}

/// A sandbox of the committed image, which is made if it is not there.
///
/// # Errors
/// The image cannot be had.
pub fn sandbox(limits: Limits) -> Result<Sandbox, Box<dyn Error>> {
    let tools = Tools::with_python("python3");
    let image = Image::prepare(&images(), &lock()?, &tools, &mut |_| {})?;
    Ok(Sandbox::new(&image, limits))
}

/// Judging for plans and steps of which none judges: it sets up no image.
///
/// # Errors
/// A built-in lockfile is wrong.
pub fn unused(images: &Utf8Path) -> Result<Judging, Box<dyn Error>> {
    Ok(Judging::new(JudgingSetup {
        images: images.to_owned(),
        python: ImageLock::built_in()?,
        packages: None,
        math: ImageLock::built_in_math()?,
        tools: Tools::with_python("python3"),
        limits: Limits::default(),
        comparison_limits: grade::limits(),
        worker: Box::new(|| Command::new("false")),
        progress: Box::new(|_| {}),
    }))
}

/// The native Python to compare with and its version: Debian's 3.11, an optimised build that many machines
/// have, else the `python3` on the path. Of a script that looks for the interpreter first, the interpreter.
///
/// # Errors
/// There is no Python.
pub fn native_python() -> Result<(String, String), Box<dyn Error>> {
    let debian = "/usr/bin/python3.11";
    let python = if Utf8Path::new(debian).is_file() { debian } else { "python3" };
    let code = "import sys; print(sys.executable, sys.version.split()[0])";
    let said = String::from_utf8(Command::new(python).args(["-c", code]).output()?.stdout)?;
    let (path, version) = said.trim().rsplit_once(' ').ok_or("no native Python runs")?;
    Ok((path.to_owned(), version.to_owned()))
}

/// Twenty kinds of short programs, as the easy problems of benchmarks have them. `K` is a small number that
/// makes each one another program. All read a line with a count and a line with that many numbers.
const KINDS: [&str; 20] = [
    "n = int(input())\nprint(sum(map(int, input().split())) + K)",
    "n = int(input())\na = list(map(int, input().split()))\nprint(max(a) - min(a), a.index(max(a)) + K)",
    "n = int(input())\na = sorted(map(int, input().split()), key=lambda x: (x % (K + 2), x))\nprint(*a)",
    "n = int(input())\nprint(' '.join(str(int(x) ** 2 % (K + 7)) for x in input().split()))",
    "input()\nseen = {}\nfor x in input().split():\n    seen[x] = seen.get(x, 0) + 1\nprint(len(seen), max(seen.values()), K)",
    "import sys\nlines = sys.stdin.read().split()\nprint(len(lines) + K, lines[0][::-1])",
    "from collections import Counter\ninput()\nc = Counter(int(x) % (K + 3) for x in input().split())\nfor k in sorted(c):\n    print(k, c[k])",
    "from collections import deque\ninput()\nd = deque(map(int, input().split()))\nd.rotate(K)\nprint(*d)",
    "import math\ninput()\na = list(map(int, input().split()))\nprint(math.gcd(*a) + K, math.isqrt(abs(sum(a))))",
    "import heapq\ninput()\nh = []\nfor x in map(int, input().split()):\n    heapq.heappush(h, x * x % (K + 11))\nprint([heapq.heappop(h) for _ in range(len(h))])",
    "from bisect import bisect_left\ninput()\nt = []\nfor x in map(int, input().split()):\n    i = bisect_left(t, x + K)\n    t[i:i + 1] = [x + K]\nprint(len(t))",
    "def solve(a, k):\n    best = here = -10 ** 9\n    for x in a:\n        here = max(x - k, here + x - k)\n        best = max(best, here)\n    return best\n\ninput()\nprint(solve(list(map(int, input().split())), K))",
    "from functools import lru_cache\n\n@lru_cache(None)\ndef f(n):\n    return 1 if n < 2 else (f(n - 1) + f(n - 2)) % (10 ** 9 + K)\n\ninput()\nfor x in input().split():\n    print(f(abs(int(x)) % 90))",
    "n = int(input())\na = list(map(int, input().split()))\ndp = [1] + [0] * 60\nfor x in a:\n    x = abs(x) % 13 + 1\n    for s in range(60, x - 1, -1):\n        dp[s] += dp[s - x]\nprint(dp[20 + K], sum(dp))",
    "class Tree:\n    def __init__(self, n):\n        self.t = [0] * (n + 1)\n\n    def add(self, i):\n        while i < len(self.t):\n            self.t[i] += 1\n            i += i & -i\n\nn = int(input())\ntree = Tree(100)\nfor x in input().split():\n    tree.add(abs(int(x)) % 99 + 1)\nprint(sum(tree.t) * K)",
    "import itertools\ninput()\na = list(map(int, input().split()))[:6]\nprint(sum(1 for p in itertools.combinations(a, 3) if sum(p) % (K + 2) == 0))",
    "import re\ninput()\nline = input()\nprint(len(re.findall(r'\\d+', line)), re.sub(r'-(\\d)', r'm\\1', line), K)",
    "input()\na = [abs(int(x)) for x in input().split()]\nprint([x for x in a if x > 1 and all(x % d for d in range(2, int(x ** 0.5) + 1))][:K + 1])",
    "input()\ns = input().replace(' ', '')\nprint(''.join(chr((ord(c) - 32 + K) % 95 + 32) for c in s), s == s[::-1])",
    "n = int(input())\na = list(map(int, input().split()))\ngrid = [[(a[i] * j + K) % 10 for j in range(n)] for i in range(n)]\nfor row in zip(*grid[::-1]):\n    print(*row)",
];

/// 200 short programs with 10 inputs each; the same ones each time.
pub fn short_programs() -> Vec<ShortProgram> {
    let mut state = 1_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut input = || {
        let count = 5 + next(26);
        let numbers: Vec<String> = (0..count).map(|_| (next(2_001) as i64 - 1_000).to_string()).collect();
        format!("{count}\n{}\n", numbers.join(" "))
    };
    let program = |number: usize| ShortProgram {
        source: KINDS[number % KINDS.len()].replace('K', &(number / KINDS.len() + 1).to_string()) + "\n",
        inputs: (0..10).map(|_| input()).collect(),
    };
    (0..200).map(program).collect()
}
