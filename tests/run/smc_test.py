"""`borel smc` as its users meet it: numbers, the same bits for any number of threads and after any end,
settings, figure, messages. smc_test.py BOREL SOURCE_ROOT"""
import csv
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

BOREL, ROOT = sys.argv[1], sys.argv[2]
FILTER = os.path.join(ROOT, "tests/run/filter.ppl")
SCHOOLS = os.path.join(ROOT, "examples/eight_schools/eight_schools")
A, Q, R = 0.9, 0.5, 1.0  # of the program: x' = A x + Q e, y = x + R e


def borel(*arguments, **options):
    return subprocess.run([BOREL, *arguments], capture_output=True, text=True, **options)


def simulate(steps, seed=3):
    draw = random.Random(seed)
    x, y = 0.0, []
    for _ in range(steps):
        x = A * x + draw.gauss(0, Q)
        y.append(round(x + draw.gauss(0, R), 3))
    return y


def kalman(y):
    """Log evidence, and each step's filtered mean and standard deviation."""
    m, p, log_evidence, out = 0.0, 0.0, 0.0, []
    for v in y:
        m, p = A * m, A * A * p + Q * Q
        s = p + R * R
        log_evidence -= 0.5 * math.log(2 * math.pi * s) + 0.5 * (v - m) ** 2 / s
        m, p = m + p / s * (v - m), p * R * R / s
        out.append((m, math.sqrt(p)))
    return log_evidence, out


def rows(path):
    with open(path) as f:
        return [{k: float(v) for k, v in row.items()}
                for row in csv.DictReader(line for line in f if not line.startswith("#"))]


class Smc(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.y = simulate(40)
        self.data = self.write("y.json", json.dumps({"y": self.y}))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def smc(self, *arguments):
        run = borel("smc", FILTER, "--data", self.data, "--seed", "4", *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run

    def lines(self, folder):
        """All lines of the CSV files but those that tell times and places."""
        volatile = ("start_datetime", "  file = ", "seconds (")
        return [[line for line in self.read(os.path.join(folder, name)).split("\n")
                 if not any(word in line for word in volatile)]
                for name in sorted(os.listdir(self.path(folder))) if name.endswith(".csv")]

    def refused(self, code, *arguments, words=()):
        run = borel(*arguments)
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(run.stdout, "")
        for word in words:
            self.assertIn(word, run.stderr)

    def test_means_and_evidence_are_those_of_the_kalman_filter(self):
        self.smc("--particles", "20000", "--output", self.path("out"), "--quiet")
        log_evidence, exact = kalman(self.y)
        got = rows(self.path("out", "filter_1.csv"))
        self.assertEqual(list(got[0]), ["log_evidence__", "ess__", "resampled__", "ancestors__", "x", "x_sd"])
        self.assertEqual(len(got), 40)
        for row, (mean, sd) in zip(got, exact):
            self.assertLess(abs(row["x"] - mean), 6 * sd / math.sqrt(row["ess__"] / 5))
            self.assertLess(abs(row["x_sd"] / sd - 1), 0.1)
        self.assertLess(abs(got[-1]["log_evidence__"] - log_evidence), 0.15)

        # The evidence is unbiased: 400 small filters.
        summary = self.path("s.json")
        run = self.smc("--particles", "100", "--runs", "400", "--summary", summary)
        with open(summary) as f:
            result = json.load(f)
        self.assertEqual((result["particles"], result["steps"], len(result["runs"])), (100, 40, 400))
        ratios = [math.exp(one["log_evidence"] - log_evidence) for one in result["runs"]]
        mean = sum(ratios) / 400
        variance = sum((ratio - mean) ** 2 for ratio in ratios) / 399
        self.assertLess(variance, 1)
        self.assertLess(abs(mean - 1), 4 * math.sqrt(variance / 400))
        self.assertAlmostEqual(result["log_evidence"], log_evidence + math.log(mean), 9)
        self.assertAlmostEqual(result["relative_variance"], variance / mean ** 2, 9)
        self.assertAlmostEqual(result["standard_error"], math.sqrt(variance / 400) / mean, 9)
        self.assertIn("run 1 of 400:", run.stdout)
        self.assertIn("log evidence %.4f ± " % result["log_evidence"], run.stdout)
        self.assertIn("the mean of 400 runs", run.stdout)

    def test_what_is_printed(self):
        lines = self.smc("--output", self.path("out")).stdout.split("\n")
        self.assertEqual(lines[0].split(), ["step", "ESS", "share", "log", "evidence", "ancestors", "x"])
        self.assertEqual(lines[1].split()[0], "1")
        self.assertEqual(lines[13].split(), ["…"] * 6)
        self.assertEqual(lines[25].split()[0], "40")
        last = rows(self.path("out", "filter_1.csv"))[-1]
        self.assertEqual(lines[25].split()[1], "%.1f" % last["ess__"])
        picture = lines[lines.index("effective share of the particles, by step") + 1:]
        self.assertEqual([line[:6] for line in picture[:6]],
                         ["100 % ", "      ", "      ", "      ", "  0 % ", "      "])
        self.assertTrue(set(picture[4][6:]) <= set("▁▂▃▄▅▆▇█"), picture[4])
        self.assertEqual(picture[5].split(), ["1", "40"])
        self.assertIn("log evidence %.4f" % last["log_evidence__"], lines)
        self.assertEqual(self.smc("--quiet").stdout, "")
        self.assertRegex(borel("smc", FILTER, "--data", self.data).stdout, r"\nseed: \d+\n")

    def test_same_bytes_for_any_number_of_threads(self):
        for threads in ("1", "2", "4", "16"):
            self.smc("--runs", "5", "--output", self.path(threads), "--threads", threads, "--quiet")
        one = self.lines("1")
        self.assertEqual(len(one), 5)
        self.assertNotEqual(one[0], one[1])
        for threads in ("2", "4", "16"):
            self.assertEqual(self.lines(threads), one)

    def test_settings_and_defaults(self):
        def last(*arguments):
            shutil.rmtree(self.path("out"), ignore_errors=True)
            self.smc("--quiet", "--output", self.path("out"), *arguments)
            return self.read("out/filter_1.csv").split("\n# \n")[0].split("\n")[-1]
        default = last()
        self.assertEqual(last("--particles", "1000"), default)
        self.assertEqual(last("--set", "particles=1000", "--set", "a=.9"), default)
        self.assertEqual(last("--set", "a=3", "--set", "a=0.9"), default)
        self.assertNotEqual(last("--set", "a=0.8"), default)
        few = last("--particles", "10")
        self.assertNotEqual(few, default)
        self.data = self.write("ten.json", json.dumps({"y": self.y, "particles": 10, "a": 0.9}))
        self.assertEqual(last(), few)
        self.assertEqual(last("--particles", "1000"), default)

    def test_settings_of_other_commands(self):
        program = self.write("p.ppl", "model m(n: int, s: positive) {\n  mu ~ Normal(0, 1)\n"
                             "  for i in 0..n { y[i] ~ Normal(mu, s) }\n}\n"
                             "infer main(y: real[N], s: positive = 2) { nuts(m(N, s) | {y}) }\n")
        data = self.write("d.json", '{"y": [1, 2]}')
        at = self.write("at.json", '{"params_r": [0.5]}')

        def density(*arguments):
            run = borel("logp", program, "--data", data, "--at", at, *arguments)
            self.assertEqual(run.returncode, 0, run.stderr)
            return json.loads(run.stdout)["lp"]

        def normal(x, mean, sd):
            return -0.5 * ((x - mean) / sd) ** 2 - math.log(sd) - 0.5 * math.log(2 * math.pi)
        for s, arguments in ((2, ()), (0.5, ("--set", "s=0.5"))):
            wanted = normal(0.5, 0, 1) + normal(1, 0.5, s) + normal(2, 0.5, s)
            self.assertAlmostEqual(density(*arguments), wanted, 12)
        self.refused(2, "logp", program, "--data", data, "--at", at, "--set", "draws=3",
                     words=["there is no input `draws`"])
        sample = ["sample", program, "--data", data, "--quiet"]
        run = borel(*sample, "--set", "s=3", "--set", "draws=10", "--set", "chains=2", "--output", self.path("o"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual([len(rows(self.path("o", "p_%d.csv" % c))) for c in (1, 2)], [10, 10])
        self.refused(3, *sample, "--set", "s=0", words=["--set s=0: error: `s`: found 0", "p.ppl:5:24"])
        self.refused(2, *sample, "--set", "y=0", words=["`y` is an array"])
        self.refused(2, *sample, "--set", "drawz=3", words=["did you mean `draws`?"])
        self.refused(2, *sample, "--set", "s", words=["NAME=VALUE, not 's'"])
        self.refused(2, *sample, "--set", "s=x", words=["--set s=x: `x` is not a number"])
        self.refused(2, *sample, "--set", "draws=x", words=["`draws`: `x` is not a number"])

    def test_refusals(self):
        self.refused(2, "sample", FILTER, "--data", self.data, words=["`borel smc` runs it"])
        self.refused(2, "smc", SCHOOLS + ".ppl", "--data", SCHOOLS + ".json", words=["`borel sample` runs it"])
        here = ["smc", FILTER, "--data", self.data]
        self.refused(2, *here, "--runs", "0", words=["--runs"])
        self.refused(2, *here, "--runs", "1001", words=["`chains`", "from 1 to 1000"])
        self.refused(2, *here, "--particles", "0", words=["--particles"])
        self.refused(2, *here, "--set", "draws=7", words=["the machine makes 40 steps"])
        self.refused(2, *here, "--set", "particels=7", words=["did you mean `particles`?"])
        self.refused(2, *here, "--warmup", "7")
        self.refused(3, *here, "--set", "particles=0.5", words=["found the real number 0.5, expected an integer"])
        self.refused(3, "smc", FILTER, words=["`y` is missing", "--data FILE.json"])
        self.refused(5, *here, "--quiet", "--figure", "/dev/full", words=["'/dev/full' could not be written"])
        self.refused(5, *here, "--quiet", "--summary", "/dev/full")
        self.refused(5, *here, "--output", "/proc/none")

    def test_figure(self):
        self.smc("--quiet", "--figure", self.path("f.svg"), "--output", self.path("out"))
        root = xml.etree.ElementTree.parse(self.path("f.svg")).getroot()
        self.assertTrue(root.tag.endswith("svg"))
        paths = [e.attrib["d"] for e in root.iter() if e.tag.endswith("path")]
        self.assertEqual([path.count("L") for path in paths], [39])
        resampled = sum(row["resampled__"] for row in rows(self.path("out", "filter_1.csv")))
        self.assertGreater(resampled, 3)
        self.assertEqual(sum(e.tag.endswith("circle") for e in root.iter()), resampled + 1)
        texts = [e.text for e in root.iter() if e.tag.endswith("text")]
        for text in ("filter, 1000 particles", "effective particles", "distinct ancestors, where resampled", "100 %", "40"):
            self.assertIn(text, texts)

    def test_killed_at_any_moment(self):
        self.data = self.write("long.json", json.dumps({"y": simulate(600)}))
        arguments = [FILTER, "--data", self.data, "--seed", "9", "--particles", "20000", "--runs", "2"]
        plain = borel("smc", *arguments, "--output", self.path("plain"), "--figure", self.path("plain.svg"))
        self.assertEqual(plain.returncode, 0, plain.stderr)
        moment = random.Random(5)
        command = ["smc", *arguments, "--checkpoint", self.path("ck"), "--checkpoint-every", "0",
                   "--figure", self.path("resumed.svg")]
        kills = gone_on = 0
        while True:
            process = subprocess.Popen([BOREL, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True)
            if kills < 6:
                first = self.path("ck", "chain_1.checkpoint")
                before = os.stat(first).st_mtime_ns if os.path.exists(first) else 0
                while process.poll() is None and not (
                        os.path.exists(first) and os.stat(first).st_mtime_ns > before):
                    time.sleep(0.001)
                time.sleep(moment.uniform(0, 0.05))
                process.kill()
            output, error = process.communicate(timeout=300)
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, -signal.SIGKILL, error)
            kills += 1
            if os.path.exists(self.path("ck", "run.json")):
                command = ["resume", self.path("ck")]
                gone_on += os.path.exists(self.path("ck", "chain_1.checkpoint"))
        self.assertEqual(kills, 6)
        self.assertGreater(gone_on, 3)
        self.assertIn("go on after iterations", error)
        self.assertEqual(self.lines("ck"), self.lines("plain"))
        self.assertEqual(output, plain.stdout)
        self.assertEqual(self.read("resumed.svg"), self.read("plain.svg"))

    def test_header_and_descriptor(self):
        run = borel("build", FILTER, "--output", self.path("filter.o"))
        self.assertEqual(run.returncode, 0, run.stderr)
        header = self.read("filter.h")
        self.assertIn("#define filter_default_particles (INT64_C(1000))", header)
        self.assertIn("#define filter_default_a (0.9)", header)
        self.assertIn("const double* x_sd; /* real; derived */", header)
        described = json.loads(self.read("filter.json"))
        inputs = {one["name"]: one for one in described["inputs"]}
        self.assertNotIn("default", inputs["y"])
        self.assertEqual(inputs["particles"]["default"], 1000)
        self.assertEqual(inputs["a"]["default"], 0.9)
        self.assertTrue(described["machine"]["steps"])
        model = described["models"][0]
        self.assertEqual(model["functions"], [])
        self.assertEqual([(site["name"], site["kind"]) for site in model["sites"]],
                         [("x", "derived"), ("x_sd", "derived")])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
