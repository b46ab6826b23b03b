"""The command as its users meet it: same draws for any number of threads, an edited algorithm runs as
edited, exit codes, interruption. command_test.py BOREL SOURCE_ROOT"""
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BOREL, ROOT = sys.argv[1], sys.argv[2]
PROGRAM = os.path.join(ROOT, "examples/eight_schools/eight_schools.ppl")
DATA = os.path.join(ROOT, "examples/eight_schools/eight_schools.json")


def borel(*arguments, **options):
    return subprocess.run([BOREL, *arguments], capture_output=True, text=True, **options)


def draws(folder):
    out = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as f:
            out.append([line for line in f if not line.startswith("#")])
    return out


class Command(unittest.TestCase):
    def test_functions_of_a_host(self):
        program = os.path.join(ROOT, "tests/host/programs/underived.ppl")
        for command in ("sample", "logp"):
            at = ["--at", self.write("at.json", '{"params_r": [0, 0]}')] if command == "logp" else []
            result = borel(command, program, *at)
            self.assertNotIn(result.returncode, (0, 70, -signal.SIGSEGV), result.stderr)
            self.assertIn("underived.ppl:2:", result.stderr)
            self.assertIn("the function `score` is one of a host", result.stderr)

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def sample(self, out, *arguments):
        run = borel("sample", PROGRAM, "--data", DATA, "--seed", "7", "--quiet", "--output",
                    self.path(out), *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return draws(self.path(out))

    def test_same_bytes_for_any_number_of_threads(self):
        one = self.sample("one", "--threads", "1")
        self.assertEqual(len(one), 4)
        self.assertEqual(len(one[0]), 1001)
        self.assertEqual(one, self.sample("two", "--threads", "2"))
        self.assertEqual(one, self.sample("seven", "--threads", "7"))
        self.assertNotEqual(one[0], one[1])

    def test_an_edited_algorithm_runs_as_edited(self):
        # The jittered step size of docs/inference.md.
        library = self.path("library")
        shutil.copytree(os.path.join(ROOT, "stdlib"), library)
        nuts = os.path.join(library, "inference/nuts.ppl")
        with open(nuts) as f:
            text = f.read()
        line = "let signed_step = rightwards ? step_size : -step_size"
        self.assertEqual(text.count(line), 1)
        text = text.replace(line, line.replace(
            "rightwards ? step_size : -step_size", "(rightwards ? jittered : -jittered)"))
        head = "    while going && levels < max_depth {"
        self.assertEqual(text.count(head), 1)
        text = text.replace(head, "    let jittered = step_size * (0.9 + 0.2 * uniform())\n" + head)
        with open(nuts, "w") as f:
            f.write(text)
        plain = self.sample("plain")
        edited = self.sample("edited", "--library", library)
        self.assertNotEqual(plain, edited)
        summary = self.path("summary.json")
        run = borel("sample", PROGRAM, "--data", DATA, "--seed", "7", "--quiet", "--library", library,
                    "--summary", summary)
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(summary) as f:
            quantities = {q["name"]: q for q in json.load(f)["quantities"]}
        self.assertLess(quantities["mu"]["rhat"], 1.02)
        self.assertLess(abs(quantities["mu"]["mean"] - 4.4), 6 * quantities["mu"]["mcse"] + 0.2)

    def test_parameters_from_the_command_line_override_the_program(self):
        out = self.sample("few", "--chains", "2", "--draws", "10", "--warmup", "20")
        self.assertEqual([len(chain) for chain in out], [11, 11])
        run = borel("sample", PROGRAM, "--data", DATA, "--target-accept", "2")
        self.assertEqual(run.returncode, 2)
        self.assertIn("target_accept", run.stderr)

    def test_log_density_and_names(self):
        at = self.write("u.json", json.dumps({"params_r": [0.1 * (i + 1) for i in range(10)]}))
        run = borel("logp", PROGRAM, "--data", DATA, "--at", at)
        self.assertEqual(run.returncode, 0, run.stderr)
        with_jacobian = json.loads(run.stdout)
        self.assertEqual(with_jacobian["names"][:3], ["mu", "tau", "z.1"])
        run = borel("logp", PROGRAM, "--data", DATA, "--at", at, "--no-jacobian")
        plain = json.loads(run.stdout)
        # tau = exp(u): its log Jacobian is u = 0.2, with derivative 1.
        self.assertAlmostEqual(with_jacobian["lp"] - plain["lp"], 0.2, 12)
        self.assertAlmostEqual(with_jacobian["grad"][1] - plain["grad"][1], 1.0, 12)

    def test_exit_codes_and_messages(self):
        bad = self.write("bad.ppl", "model m() { x ~ Normal(0, sgima) }\ninfer main() { nuts(m()) }\n")
        run = borel("check", bad)
        self.assertEqual(run.returncode, 1)
        self.assertIn("bad.ppl:1:27", run.stderr)
        self.assertEqual(borel("sample").returncode, 2)
        run = borel("sample", PROGRAM)
        self.assertEqual(run.returncode, 3)
        self.assertIn("`sigma` is missing", run.stderr)
        short = self.write("short.json", '{"sigma": [1, 2, 3], "y": [1, 2]}')
        run = borel("sample", PROGRAM, "--data", short)
        self.assertEqual(run.returncode, 3)
        self.assertIn("`y`", run.stderr)
        run = borel("sample", PROGRAM, "--data", DATA, "--quiet", "--summary", "/dev/full")
        self.assertEqual(run.returncode, 5)

    def test_a_derivative_that_is_made_of_itself(self):
        program = self.write("tower.ppl", "def f(n: int, x: real): real {\n"
                             "  return n == 0 ? x : grad(fn y => f(n - 1, y) * y)(x)\n}\n"
                             "model m(n: int) {\n  a ~ Normal(0, 1)\n  factor(f(n, a))\n}\n"
                             "infer main(n: int) { nuts(m(n)) }\n")
        run = borel("build", program, "--output", self.path("tower.o"))
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("tower.ppl:2:28", run.stderr)
        self.assertIn("a derivative that is made of itself", run.stderr)

    def test_a_start_that_cannot_be_names_site_and_term(self):
        program = self.write("start.ppl", "model m() {\n  mu ~ Normal(0, 1)\n  x ~ Normal(mu, -1)\n}\n"
                             "infer main() { nuts(m()) }\n")
        run = borel("sample", program)
        self.assertEqual(run.returncode, 4)
        self.assertIn("`sigma > 0", run.stderr)
        self.assertIn("start.ppl:3:3", run.stderr)

    def test_endless_recursion_is_a_fault(self):
        program = self.write("deep.ppl", """def odd(x: real, n: int): real {
  if n == 0 { return x }
  return even(x, n - 1) + 0.5
}
def even(x: real, n: int): real {
  if n == 0 { return x }
  return odd(x, n - 1)
}
model m(n: int) {
  a ~ Normal(0, 1)
  factor(odd(a, n))
}
infer main(n: int) { nuts(m(n)) }
""")
        at = self.write("at.json", '{"params_r": [0.25]}')
        run = borel("logp", program, "--data", self.write("shallow.json", '{"n": 500}'), "--at", at)
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        self.assertAlmostEqual(result["lp"], -0.5 * math.log(2 * math.pi) - 0.03125 + 125.25, 10)
        self.assertAlmostEqual(result["grad"][0], 1 - 0.25, 12)
        endless = self.write("endless.json", '{"n": 1000000000000}')
        for arguments in (("logp", program, "--data", endless, "--at", at),
                          ("sample", program, "--data", endless, "--quiet")):
            run = borel(*arguments)
            self.assertEqual(run.returncode, 4, run.stderr)
            self.assertIn("a function calls itself too deeply", run.stderr)
            self.assertIn("deep.ppl:1:5", run.stderr)

    def test_densities_of_zero_are_counted(self):
        program = self.write("scale.ppl", """model m() {
  s ~ Normal(0.5, 1)
  x ~ Normal(0, s)
}
infer main() { nuts(m() | {x = 0.3}) }
""")
        summary = self.path("summary.json")
        run = borel("sample", program, "--seed", "1", "--summary", summary)
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(summary) as f:
            self.assertGreater(sum(chain["rejections"] for chain in json.load(f)["chains"]), 0)
        self.assertRegex(run.stderr, r"the log density was -infinity at \d+ points")

    def test_interruption_keeps_finished_draws(self):
        out = self.path("out")
        process = subprocess.Popen(
            [BOREL, "sample", PROGRAM, "--data", DATA, "--quiet", "--draws", "100000000", "--chains",
             "1", "--output", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        file = os.path.join(out, "eight_schools_1.csv")
        for _ in range(600):
            time.sleep(0.05)
            if os.path.exists(file) and os.path.getsize(file) > 20000:
                break
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, error)
        rows = draws(out)[0]
        self.assertGreater(len(rows), 10)
        columns = rows[0].count(",")
        self.assertTrue(all(row.count(",") == columns for row in rows))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
