"""read_draws.py WRITER: reads what WRITER writes with cmdstanpy and compares. Exit status 77 where it
is not installed."""
import csv
import glob
import subprocess
import sys
import tempfile

try:
    import cmdstanpy
except ImportError:
    sys.exit(77)
folder = tempfile.mkdtemp()
subprocess.run([sys.argv[1], folder], check=True)
files = sorted(glob.glob(folder + "/toy_*.csv"))
assert len(files) == 4, files
with open(folder + "/expected.csv") as file:
    expected = {row["name"]: float(row["mean"]) for row in csv.DictReader(file)}
fit = cmdstanpy.from_csv(files)
assert fit.draws().shape[:2] == (250, 4), fit.draws().shape
assert fit.chains == 4 and fit.num_draws_sampling == 250 and fit.num_draws_warmup == 100
theta, m = fit.stan_variable("theta"), fit.stan_variable("m")
assert theta.shape == (1000, 2, 3) and m.shape == (1000, 2, 2)
for name, mean in expected.items():
    base, _, index = name.rstrip("]").partition("[")
    values = fit.stan_variable(base)
    for i in (int(i) - 1 for i in index.split(",") if i):
        values = values[:, i]
    assert abs(values.mean() - mean) <= 1e-12 * max(1, abs(mean)), name
assert list(fit.step_size) == [0.8] * 4, fit.step_size
assert fit.inv_metric.shape == (4, 8) and fit.inv_metric[0][2] == 0.1
assert fit.method_variables()["lp__"].shape == (250, 4)
print("cmdstanpy", cmdstanpy.__version__)
