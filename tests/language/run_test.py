"""Programs of tests/language/run against what their first lines say: run_test.py BOREL FOLDER [WITHOUT]

  // data: {…}                    data, as JSON
  // at: [0.5, -1]  lp: EXPR      the log density at an unconstrained point, in Python's arithmetic with
                                  the densities below; the gradient is compared with differences of it
  // draws: N                     draws of the program's machine (one chain), for
  // mean NAME: EXPR within E     the mean of a column
  // fault: TEXT                  the run ends in a fault (or the data are refused) with this message"""
import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from math import cbrt, cos, erf, exp, expm1, lgamma, log, log1p, log10, pi, sin, sqrt

BOREL, FOLDER = sys.argv[1], sys.argv[2]
WITHOUT = tuple(sys.argv[3:])  # bad programs whose names begin so are left out


def normal(x, m, s):
    return -0.5 * ((x - m) / s) ** 2 - log(s) - 0.5 * log(2 * pi)


def gamma(x, a, b):
    return a * log(b) - lgamma(a) + (a - 1) * log(x) - b * x


def exponential(x, rate):
    return log(rate) - rate * x


def inv_logit(x):
    return 1 / (1 + exp(-x))


def interval(u, lo, hi):
    """The value and log Jacobian of the map from the reals onto (lo, hi)."""
    p = inv_logit(u)
    return lo + (hi - lo) * p, log(hi - lo) + log(p) + log1p(-p)


def fib(n, x):
    return x if n < 2 else fib(n - 1, x) + 0.5 * fib(n - 2, x * x)


def directives(path):
    with open(path) as f:
        lines = [line[2:].strip() for line in f if line.startswith("//")]
    out = {"points": [], "means": []}
    for line in lines:
        if line.startswith("data:"):
            out["data"] = json.loads(line[5:])
        elif line.startswith("at:"):
            at, lp = line[3:].split("lp:")
            out["points"].append((json.loads(at), lp.strip()))
        elif line.startswith("draws:"):
            out["draws"] = int(line[6:])
        elif line.startswith("mean "):
            name, value, error = re.match(r"mean (\S+): (.*) within (.*)", line).groups()
            out["means"].append((name, eval(value), float(error)))
        elif line.startswith("fault:"):
            out["fault"] = line[6:].strip()
    return out


class Language(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def borel(self, *arguments):
        return subprocess.run([BOREL, *arguments], capture_output=True, text=True)

    def write(self, name, value):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            json.dump(value, f)
        return path

    def logp(self, program, data, at):
        run = self.borel("logp", program, "--data", data, "--at",
                         self.write("at.json", {"params_r": at}))
        self.assertEqual(run.returncode, 0, run.stderr)
        out = json.loads(run.stdout)
        self.assertEqual(len(out["grad"]), len(at))
        return out["lp"], out["grad"]

    def check(self, program):
        says = directives(program)
        data = self.write("data.json", says.get("data", {}))
        for at, expected in says["points"]:
            lp, gradient = self.logp(program, data, at)
            self.assertAlmostEqual(lp, eval(expected), delta=1e-9 * max(1, abs(lp)))
            step = [1e-5 * math.cos(3 * i) for i in range(len(at))]
            up, _ = self.logp(program, data, [u + h for u, h in zip(at, step)])
            down, _ = self.logp(program, data, [u - h for u, h in zip(at, step)])
            slope = 2 * sum(g * h for g, h in zip(gradient, step))
            self.assertAlmostEqual(slope, up - down, delta=2e-9 * max(1, abs(lp)))
        if "fault" in says:
            run = self.borel("sample", program, "--data", data, "--quiet")
            self.assertIn(run.returncode, (3, 4), run.stderr)
            self.assertIn(says["fault"], run.stderr)
        if "draws" in says:
            out = os.path.join(self.folder, "out")
            run = self.borel("sample", program, "--data", data, "--quiet", "--seed", "11",
                             "--output", out, "--set", f"draws={says['draws']}", "--set",
                             "chains=1")
            self.assertEqual(run.returncode, 0, run.stderr)
            (name,) = os.listdir(out)
            with open(os.path.join(out, name)) as f:
                rows = list(csv.reader(line for line in f if not line.startswith("#")))
            for column, value, error in says["means"]:
                i = rows[0].index(column)
                mean = math.fsum(float(row[i]) for row in rows[1:]) / (len(rows) - 1)
                self.assertAlmostEqual(mean, value, delta=error, msg=column)
        self.assertTrue(says["points"] or "fault" in says or says["means"], "nothing is checked")


class Whole(unittest.TestCase):
    """Good programs become code, bad ones errors and nothing else."""

    def build(self, folder, expected):
        with tempfile.TemporaryDirectory() as out:
            for name in sorted(os.listdir(os.path.join(FOLDER, "..", folder))):
                if not name.endswith(".ppl") or name.startswith(("syntax_", *WITHOUT)):
                    continue
                with self.subTest(name):
                    run = subprocess.run(
                        [BOREL, "build", os.path.join(FOLDER, "..", folder, name), "--output",
                         os.path.join(out, "program.o")], capture_output=True, text=True)
                    self.assertEqual(run.returncode, expected, run.stderr)

    def test_good(self):
        self.build("good", 0)

    def test_bad(self):
        self.build("bad", 1)


for file in sorted(os.listdir(FOLDER)):
    if file.endswith(".ppl"):
        def test(self, path=os.path.join(FOLDER, file)):
            self.check(path)
        setattr(Language, "test_" + file[:-4], test)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
