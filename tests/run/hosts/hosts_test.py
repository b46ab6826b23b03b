"""The applications of examples/hosts, each built in a fresh folder from an installed Borel.
hosts_test.py BUILD_FOLDER SOURCE_ROOT CMAKE C_COMPILER C++_COMPILER"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, ROOT, CMAKE, CC, CXX = sys.argv[1:6]
SCHOOLS = os.path.join(ROOT, "examples/eight_schools/eight_schools.json")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp()
        cls.prefix = os.path.join(cls.root, "prefix")
        for component in ("compiler", "dev"):
            result = run(CMAKE, "--install", BUILD, "--prefix", cls.prefix, "--component", component)
            assert result.returncode == 0, result.stdout + result.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def build(self, name, program):
        folder = os.path.join(self.root, name)
        shutil.copytree(os.path.join(ROOT, "examples/hosts", name), folder)
        build = os.path.join(folder, "build")
        warnings = "-Wall -Wextra -Wpedantic -Werror"
        for command in ((CMAKE, "-S", folder, "-B", build, "-DCMAKE_PREFIX_PATH=" + self.prefix,
                         "-DCMAKE_C_COMPILER=" + CC, "-DCMAKE_CXX_COMPILER=" + CXX,
                         "-DCMAKE_C_FLAGS=" + warnings, "-DCMAKE_CXX_FLAGS=" + warnings),
                        (CMAKE, "--build", build)):
            result = run(*command)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return os.path.join(build, program)

    def test_c(self):
        schools = self.build("c", "schools")
        result = run(schools, SCHOOLS)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"^(warning: \d+ of 4000 draws ended in a divergence\n)?$")
        means = {line.split()[0]: float(line.split()[1]) for line in result.stdout.splitlines()[1:-1]}
        # posteriordb's reference: mu 4.36, tau 3.55.
        self.assertAlmostEqual(means["mu"], 4.4, delta=0.4)
        self.assertAlmostEqual(means["tau"], 3.6, delta=0.4)
        self.assertEqual(len([name for name in means if name.startswith("theta[")]), 8)
        self.assertRegex(result.stdout, r"\n\d+ of 4000 transitions diverged\n$")
        self.assertEqual(run(schools, SCHOOLS).stdout, result.stdout)
        with open(os.path.join(self.root, "bad.json"), "w") as f:
            f.write('{"y": [1, 2], "sigma": [1, -2]}')
        result = run(schools, f.name)
        self.assertEqual(result.returncode, 1)
        self.assertIn("`sigma[2]` (counting from 1): found -2", result.stderr)

    def test_tree_search(self):
        result = run(self.build("tree_search", "tree_search"), "600", "1")
        self.assertEqual(result.returncode, 0, result.stderr)
        regret = re.search(r"600 refits of 4 chains .* mean regret ([0-9.]+)", result.stdout)
        self.assertTrue(regret, result.stdout)
        # Choosing blindly among branches whose sd is 0.2 costs more than that on average.
        self.assertLess(float(regret.group(1)), 0.15)
        memory = re.search(r"memory: (\d+) KiB .*, (\d+) KiB", result.stdout)
        self.assertTrue(memory, result.stdout)
        self.assertEqual(memory.group(1), memory.group(2))

    def test_service(self):
        service = self.build("service", "service")
        requests = [json.dumps({"y": [j + 10.0 * k for j in range(3 + k % 4)],
                                "sigma": [1.0] * (3 + k % 4)}) for k in range(12)]
        requests[5] = '{"y": [1, 2, 3], "sigma": [1, 1]}'
        requests[7] = "not JSON"
        answers = []
        for threads in "1", "3":
            result = run(service, threads, input="\n".join(requests) + "\n")
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = [json.loads(line) for line in result.stdout.splitlines()]
            answers.append({line["request"]: line for line in lines})
        self.assertEqual(*answers)
        self.assertEqual(set(answers[0]), set(range(1, 13)))
        self.assertEqual({n for n, answer in answers[0].items() if "error" in answer}, {6, 8})
        self.assertIn("sigma", answers[0][6]["error"])
        for n, answer in answers[0].items():
            if "error" not in answer:
                y = json.loads(requests[n - 1])["y"]
                self.assertEqual(len(answer["theta"]), len(y))
                for theta, value in zip(answer["theta"], y):
                    self.assertAlmostEqual(theta, value, delta=1.5)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
