"""read.py FOLDER: reads the draws in FOLDER with cmdstanpy and compares with FOLDER/summary.json's
means. Exit status 77 where cmdstanpy is not installed."""
import glob
import json
import sys

try:
    import cmdstanpy
except ImportError:
    sys.exit(77)
folder = sys.argv[1]
files = sorted(glob.glob(folder + "/*[0-9].csv"))
assert len(files) == 4, files
fit = cmdstanpy.from_csv(files)
assert (fit.chains, fit.num_draws_sampling, fit.num_draws_warmup) == (4, 200, 300)
assert fit.draws().shape[:2] == (200, 4)
assert fit.stan_variable("theta").shape == (800, 8)
assert fit.inv_metric.shape == (4, 10) and (fit.inv_metric > 0).all()
assert fit.step_size.shape == (4,) and (fit.step_size > 0).all()
assert fit.divergences.sum() == fit.method_variables()["divergent__"].sum()
with open(folder + "/summary.json") as file:
    quantities = json.load(file)["quantities"]
for quantity in quantities:
    name, _, index = quantity["name"].rstrip("]").partition("[")
    sampler = name.endswith("__")
    values = (fit.method_variables()[name] if sampler else fit.stan_variable(name))
    for i in (int(i) - 1 for i in index.split(",") if i):
        values = values[:, i]
    mean = quantity["mean"]
    assert abs(values.mean() - mean) <= 1e-12 * max(1, abs(mean)), quantity
print("cmdstanpy", cmdstanpy.__version__, "read", len(files), "files")
