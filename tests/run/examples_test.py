"""The examples that populations run: examples_test.py BOREL SOURCE_ROOT

Each gives the log evidence that is known of it: exactly, by the Kalman filter or by integration on a
grid (errors of 0), or from runs of a million particles. Five standard errors of twenty runs are
allowed, for a fixed seed."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BOREL, ROOT = sys.argv[1], sys.argv[2]

# Example, infer, particles; log evidence and its error.
FILTERS = [
    ("linear_gaussian", "main", 10000, -172.42898, 0),
    ("stochastic_volatility", "main", 4000, -529.3271, 0),
    ("stochastic_volatility", "with_leverage", 4000, -514.5767, 0),
    ("bearings_only", "main", 100000, 71.88, 0.05),
    ("fisheries", "main", 10000, -0.1852, 0),
    ("fisheries", "other", 10000, -503.3122, 0),
    ("epidemic", "main", 4000, -100.411, 0.008),
    ("clusters", "main", 4000, -124.495, 0.015),
]


def example(name, extension):
    return os.path.join(ROOT, "examples", name, f"{name}.{extension}")


def run(*command):
    done = subprocess.run([BOREL, *command], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


class Examples(unittest.TestCase):
    def test_filters(self):
        for name, infer, particles, exact, error in FILTERS:
            with self.subTest(name=name, infer=infer), tempfile.TemporaryDirectory() as folder:
                summary = os.path.join(folder, "summary.json")
                run("smc", example(name, "ppl"), "--infer", infer, "--data", example(name, "json"),
                    "--particles", str(particles), "--runs", "20", "--seed", "1", "--quiet",
                    "--summary", summary)
                with open(summary) as file:
                    found = json.load(file)
                allowed = 5 * (found["standard_error"] ** 2 + error ** 2) ** 0.5
                self.assertGreater(allowed, 0)
                self.assertLess(abs(found["log_evidence"] - exact), allowed, found["log_evidence"])

    def test_parameters_by_marginal_metropolis(self):
        """The rates that the data were simulated with lie within the posterior."""
        with tempfile.TemporaryDirectory() as folder:
            summary = os.path.join(folder, "summary.json")
            run("sample", example("epidemic", "ppl"), "--infer", "fitted", "--data",
                example("epidemic", "json"), "--set", "particles=50", "--chains", "2", "--warmup", "200",
                "--draws", "300", "--seed", "1", "--quiet", "--summary", summary)
            with open(summary) as file:
                text = file.read()
            rows = json.loads(text)
            for site, truth in (("contact", 0.6), ("recovery", 0.2)):
                row = find(rows, site)
                self.assertLess(abs(row["mean"] - truth), 4 * row["sd"])

    def test_each_says_what_it_is(self):
        for name in {row[0] for row in FILTERS}:
            with open(os.path.join(ROOT, "examples", name, "README.md")) as file:
                text = file.read()
            for command in re.findall(r"^    borel (.*)$", text, re.M):
                self.assertTrue(os.path.exists(os.path.join(ROOT, command.split()[1])), command)


def find(summary, name):
    """The row of a quantity, wherever the summary keeps its rows."""
    if isinstance(summary, dict):
        if summary.get("name") == name or name in summary and isinstance(summary[name], dict):
            return summary if summary.get("name") == name else summary[name]
        summary = list(summary.values())
    if isinstance(summary, list):
        for part in summary:
            found = find(part, name)
            if found:
                return found
    return None


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
