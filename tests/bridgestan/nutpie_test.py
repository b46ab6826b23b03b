"""nutpie samples a program of Borel. nutpie_test.py LIBRARY, that of coin.ppl.
Exit status 77 where nutpie is not installed."""
import math
import sys

try:
    import arviz
    import nutpie
    from nutpie import _lib
    from nutpie.compile_stan import CompiledStanModel
except ImportError as problem:
    print("skipped:", problem)
    sys.exit(77)

# What nutpie.compile_stan_model makes of a library that Stan compiled.
model = CompiledStanModel(code="", library=_lib.StanLibrary(sys.argv[1]), dims={}, _coords={},
                          model_name="coin", model=None, data=None).with_data(n=30, heads=20)
assert model.n_dim == 1, model.n_dim
trace = nutpie.sample(model, draws=1000, tune=500, chains=4, cores=2, seed=7, progress_bar=False)
a, b = 22, 12
for name, mean, sd in (("theta", a / (a + b), math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))),
                       ("odds", a / (b - 1), math.sqrt(a * (a + b - 1) / ((b - 2) * (b - 1) ** 2)))):
    draws = trace.posterior[name]
    assert draws.shape == (4, 1000), draws.shape
    size = float(arviz.ess(draws)[name])
    error = sd / math.sqrt(size)
    found = float(draws.mean())
    print(f"{name}: mean {found:.4f}, exact {mean:.4f}, effective size {size:.0f}")
    assert size > 400 and abs(found - mean) < 4 * error, (found, mean, error)
    assert abs(float(draws.std()) - sd) < 0.1 * sd
print("nutpie", nutpie.__version__)
