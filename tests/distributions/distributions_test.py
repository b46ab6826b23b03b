"""Every distribution of stdlib/distributions: distributions_test.py BOREL SOURCE_ROOT

Its density is integrated (or summed) over its support and compared with 1 and with the
distribution's own cdf, quantile, mean and variance where it has them and with the values stated
here; draws of a prior program, by simulate(p), are compared with all of these, in standard errors
for a fixed seed. A new distribution needs a row in ROWS."""
import csv
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BOREL, ROOT = sys.argv[1], sys.argv[2]
DRAWS = 20000

# Expression; methods that it has; mean and standard deviation where they exist; a point at which
# the share of draws up to it is compared.
REAL = [
    ("Normal(1, 2)", "cdf log_cdf mean variance", 1, 2, 2.5),
    ("HalfNormal(2)", "cdf mean variance", 2 * math.sqrt(2 / math.pi),
     2 * math.sqrt(1 - 2 / math.pi), 1.2),
    ("Cauchy(1, 2)", "cdf quantile", None, None, 3),
    ("HalfCauchy(2)", "cdf quantile", None, None, 3),
    ("LogNormal(0.5, 0.4)", "cdf mean variance", math.exp(0.58),
     math.exp(0.58) * math.sqrt(math.expm1(0.16)), 1.5),
    ("StudentT(5, 1, 2)", "mean variance", 1, 2 * math.sqrt(5 / 3), 2.5),
    ("StudentT(0.7, 1, 2)", "", None, None, 2.5),
    ("Laplace(1, 2)", "cdf quantile mean variance", 1, 2 * math.sqrt(2), 2.5),
    ("Laplace(1, 0.5)", "cdf quantile mean variance", 1, math.sqrt(0.5), 0.25),
    ("Logistic(1, 2)", "cdf quantile mean variance", 1, 2 * math.pi / math.sqrt(3), 2.5),
    ("Uniform(-1, 3)", "cdf quantile mean variance", 1, 4 / math.sqrt(12), 0.3),
    ("Exponential(2)", "cdf quantile mean variance", 0.5, 0.5, 0.3),
    ("Gamma(2.5, 3)", "mean variance", 2.5 / 3, math.sqrt(2.5) / 3, 0.7),
    ("Gamma(0.3, 2)", "mean variance", 0.15, math.sqrt(0.3) / 2, 0.01),
    ("InverseGamma(4.5, 3)", "mean variance", 3 / 3.5, 3 / 3.5 / math.sqrt(2.5), 0.7),
    ("Beta(2, 3)", "mean variance", 0.4, 0.2, 0.3),
    ("Beta(0.4, 0.8)", "mean variance", 1 / 3, math.sqrt(0.32 / (1.44 * 2.2)), 0.3),
    ("mixture2(0.3, Normal(-1, 1), Normal(2, 0.5))", "", 1.1,
     math.sqrt(0.3 * 2 + 0.7 * 4.25 - 1.21), 1),
    ("mixture([0.2, 0.5, 0.3], [Normal(-1, 1), Normal(2, 0.5), Normal(0, 2)])", "", 0.8,
     math.sqrt(0.2 * 2 + 0.5 * 4.25 + 0.3 * 4 - 0.64), 1),
    ("truncate(Normal(1, 2), 0, 2.5)", "cdf", None, None, 1),
    ("truncate(Normal(0, 1), 1.5, inf)", "cdf", None, None, 2),
    ("truncate(Exponential(1), -inf, 2)", "cdf", None, None, 1),
]
# Summed from 0 to the number in the last column.
WHOLE = [
    ("Bernoulli(0.3)", "mean variance", 0.3, math.sqrt(0.21), 0, 1),
    ("BernoulliLogit(0.4)", "mean variance", 1 / (1 + math.exp(-0.4)), None, 0, 1),
    ("Binomial(7, 0.3)", "mean variance", 2.1, math.sqrt(1.47), 2, 7),
    ("BinomialLogit(7, 0.4)", "mean variance", 7 / (1 + math.exp(-0.4)), None, 4, 7),
    ("Categorical([0.2, 0, 0.5, 0.3])", "mean variance", 1.9, math.sqrt(1.09), 2, 3),
    ("Poisson(4.5)", "mean variance", 4.5, math.sqrt(4.5), 4, 100),
    ("Poisson(200)", "mean variance", 200, math.sqrt(200), 190, 600),
    ("PoissonLog(1.2)", "mean variance", math.exp(1.2), math.exp(0.6), 3, 100),
]
# Arrays: element means and standard deviations.
ARRAYS = [
    # Order statistics of 3 uniforms are Beta(i, 4 - i).
    ("ordered_iid(Uniform(0, 1), 3)", [0.25, 0.5, 0.75],
     [math.sqrt(a * (4 - a) / (16 * 5)) for a in (1, 2, 3)]),
    ("Dirichlet([0.5, 1, 2.5])", [0.125, 0.25, 0.625],
     [math.sqrt(a * (4 - a) / (16 * 5)) for a in (0.5, 1, 2.5)]),
]
NOT_DRAWN = {"flat"}  # density 1: simulating it is an error of its own (tests/language/bad/simulate)

LIBRARY = """
// The density's integral up to c: the unconstrained line is gone through in sinh(v), which reaches
// far enough for tails of any power.
def share(d, top: real): real {
  let least = -33.
  let steps = 20000
  let h = (top - least) / real(steps)
  var total = 0.
  for i in 0..2 * steps {
    // Gauss's two points of each step.
    let v = least + h * (real(i / 2) + 0.5 + (i % 2 == 0 ? -0.5 : 0.5) / sqrt(3))
    let (x, j) = d.support.constrain(sinh(v))
    let w = exp(d.logp(x) + j) * cosh(v)
    total += is_finite(w) ? w : 0.
  }
  return 0.5 * h * total
}
def moment(d, k: int): real {
  let h = 66. / 8000
  var total = 0.
  for i in 0..8000 {
    let v = -33 + h * (real(i) + 0.5)
    let (x, j) = d.support.constrain(sinh(v))
    let w = x^k * exp(d.logp(x) + j) * cosh(v)
    total += is_finite(w) ? w : 0.
  }
  return h * total
}
def area_sinh(x: real): real {
  let a = abs(x)
  return (x < 0 ? -1. : 1.) * log1p(a + a * a / (1 + sqrt(a * a + 1)))
}
def up_to(d, c: real): real { return share(d, area_sinh(d.support.unconstrain(c))) }
def summed(d, k: int, last: int): real {
  var total = 0.
  for i in 0..last + 1 { total += real(i)^k * exp(d.logp(i)) }
  return total
}
def prior(p) = machine {
  param draws: int = 1 in 1..1000000
  param chains: int = 1 in 1..100
  init { return simulate(p) }
  step (t) { return simulate(p) }
  draw (t) { return t }
}
infer main() { prior(m()) }
"""


def sample(model, draws, seed="20"):
    folder = tempfile.mkdtemp()
    try:
        program = os.path.join(folder, "prior.ppl")
        with open(program, "w") as f:
            f.write(model + LIBRARY)
        run = subprocess.run([BOREL, "sample", program, "--quiet", "--seed", seed, "--output",
                              os.path.join(folder, "out"), "--set", f"draws={draws}"],
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise AssertionError(run.stderr)
        (name,) = [n for n in os.listdir(os.path.join(folder, "out")) if n.endswith(".csv")]
        with open(os.path.join(folder, "out", name)) as f:
            rows = list(csv.reader(line for line in f if not line.startswith("#")))
        return {name: [float(row[i]) for row in rows[1:]] for i, name in enumerate(rows[0])}
    finally:
        shutil.rmtree(folder)


class Distributions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        facts, sites = [], []
        for i, (d, methods, *_, c) in enumerate(REAL):
            facts.append(f"mass{i} := share({d}, 33)")
            facts.append(f"below{i} := up_to({d}, {c})")
            facts.append(f"m{i} := moment({d}, 1)")
            facts.append(f"s{i} := moment({d}, 2)")
            calls = {"cdf": f"cdf({c})", "log_cdf": f"log_cdf({c})", "mean": "mean()",
                     "variance": "variance()"}
            for method in methods.split():
                if method == "quantile":
                    facts.append(f"quantile{i} := {d}.cdf({d}.quantile(0.17))")
                else:
                    facts.append(f"{method}{i} := {d}.{calls[method]}")
            sites.append(f"x{i} ~ {d}")
        for i, (d, methods, *_, c, last) in enumerate(WHOLE):
            facts.append(f"whole_mass{i} := summed({d}, 0, {last})")
            facts.append(f"whole_below{i} := summed({d}, 0, {c})")
            facts.append(f"whole_m{i} := summed({d}, 1, {last})")
            facts.append(f"whole_s{i} := summed({d}, 2, {last})")
            for method in methods.split():
                facts.append(f"whole_{method}{i} := {d}.{method}()")
            sites.append(f"k{i} ~ {d}")
        for i, (d, *_) in enumerate(ARRAYS):
            sites.append(f"a{i} ~ {d}")
        text = "model m() {{\n  {}\n}}"
        cls.fact = {k: v[0] for k, v in sample(text.format("\n  ".join(facts)), 1).items()}
        cls.draws = sample(text.format("\n  ".join(sites)), DRAWS)

    def compare_draws(self, name, draws, mean, sd, below=None, c=None):
        n = len(draws)
        self.assertEqual(n, DRAWS)
        if mean is not None:
            average = math.fsum(draws) / n
            self.assertLess(abs(average - mean) / (sd / math.sqrt(n)), 4, f"mean of {name}")
            centred = [(x - mean) ** 2 for x in draws]
            variance = math.fsum(centred) / n
            spread = math.sqrt(math.fsum((x - variance) ** 2 for x in centred) / n / n)
            self.assertLess(abs(variance - sd * sd) / spread, 4, f"variance of {name}")
        if below is not None:
            share = sum(x <= c for x in draws) / n
            error = math.sqrt(below * (1 - below) / n)
            self.assertLess(abs(share - below) / error, 4, f"share of {name} up to {c}")

    def test_every_distribution_has_a_row(self):
        names = {re.sub(r"(?<!^)([A-Z])", r"_\1", re.match(r"\w+", row[0]).group()).lower()
                 for row in REAL + WHOLE + ARRAYS} | NOT_DRAWN
        names = {re.sub("mixture2", "mixture", name) for name in names}
        files = {os.path.splitext(name)[0]
                 for name in os.listdir(os.path.join(ROOT, "stdlib/distributions"))}
        self.assertEqual(files - names, set())

    def test_every_method_of_a_distribution_is_in_its_row(self):
        for row in REAL + WHOLE:
            name = re.sub(r"(?<!^)([A-Z])", r"_\1", re.match(r"\w+", row[0]).group()).lower()
            if name == "mixture2":
                continue
            with open(os.path.join(ROOT, "stdlib/distributions", name + ".ppl")) as f:
                methods = set(re.findall(r"^\s+(\w+)\(\w*\)\s*\{", f.read(), re.M))
            methods -= {"logp", "sample"}
            if row[0] == "StudentT(0.7, 1, 2)" or name in ("gamma", "mixture"):
                continue  # moments that do not exist; other methods are not there
            self.assertEqual(methods, set(row[1].split()), row[0])

    def test_densities_integrate_to_what_the_methods_say(self):
        for i, (d, methods, mean, sd, c) in enumerate(REAL):
            with self.subTest(d):
                fact = self.fact
                # The kink of Laplace's density costs digits.
                close = 1e-5 if d.startswith("Laplace") else 1e-8
                self.assertAlmostEqual(fact[f"mass{i}"], 1, delta=close)
                m, s = fact[f"m{i}"], fact[f"s{i}"]
                if mean is not None:
                    self.assertAlmostEqual(m, mean, delta=100 * close)
                    self.assertAlmostEqual(s - m * m, sd * sd, delta=1000 * close)
                if "mean" in methods:
                    self.assertAlmostEqual(fact[f"mean{i}"], m, delta=100 * close)
                if "variance" in methods:
                    self.assertAlmostEqual(fact[f"variance{i}"], s - m * m, delta=1000 * close)
                if "cdf" in methods.split():
                    self.assertAlmostEqual(fact[f"cdf{i}"], fact[f"below{i}"], delta=close)
                if "log_cdf" in methods:
                    self.assertAlmostEqual(fact[f"log_cdf{i}"], math.log(fact[f"below{i}"]),
                                           delta=1e-7)
                if "quantile" in methods:
                    self.assertAlmostEqual(fact[f"quantile{i}"], 0.17, delta=1e-12)

    def test_probabilities_sum_to_what_the_methods_say(self):
        for i, (d, methods, mean, sd, c, last) in enumerate(WHOLE):
            with self.subTest(d):
                fact = self.fact
                self.assertAlmostEqual(fact[f"whole_mass{i}"], 1, delta=1e-10)
                m, s = fact[f"whole_m{i}"], fact[f"whole_s{i}"]
                self.assertAlmostEqual(m, mean, delta=1e-9 * max(1, mean))
                if sd is not None:
                    self.assertAlmostEqual(s - m * m, sd * sd, delta=1e-7 * mean)
                self.assertAlmostEqual(fact[f"whole_mean{i}"], m, delta=1e-9 * max(1, mean))
                self.assertAlmostEqual(fact[f"whole_variance{i}"], s - m * m, delta=1e-7 * mean)

    def test_draws_have_the_distribution(self):
        for i, (d, methods, mean, sd, c) in enumerate(REAL):
            with self.subTest(d):
                self.compare_draws(d, self.draws[f"x{i}"], mean, sd, self.fact[f"below{i}"], c)
        for i, (d, methods, mean, sd, c, last) in enumerate(WHOLE):
            with self.subTest(d):
                fact = self.fact
                sd = math.sqrt(fact[f"whole_s{i}"] - fact[f"whole_m{i}"] ** 2)
                self.compare_draws(d, self.draws[f"k{i}"], mean, sd, fact[f"whole_below{i}"], c)
        for i, (d, means, sds) in enumerate(ARRAYS):
            for j, (mean, sd) in enumerate(zip(means, sds)):
                with self.subTest(d, element=j):
                    self.compare_draws(d, self.draws[f"a{i}.{j + 1}"], mean, sd)
        for x, y, z in zip(*(self.draws[f"a1.{j}"] for j in (1, 2, 3))):
            self.assertAlmostEqual(x + y + z, 1, delta=1e-12)
        for x, y, z in zip(*(self.draws[f"a0.{j}"] for j in (1, 2, 3))):
            self.assertTrue(x < y < z)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
