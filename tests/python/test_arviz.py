"""Fits in ArviZ: groups, names, dimensions, and the numbers of the command's summary."""
import json

import numpy as np
import pytest

import borel
from conftest import SCHOOLS

arviz = pytest.importorskip("arviz")
pytestmark = pytest.mark.filterwarnings("ignore::borel.BorelWarning")


def groups(data):
    return {name.strip("/") for name in data.groups if name.strip("/")} \
        if not callable(data.groups) else set(data.groups())


def close(found, wanted):
    assert float(found) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_the_summary_of_the_command(schools, command):
    _, _, summary = command.sample(SCHOOLS, SCHOOLS.with_suffix(".json"), "--seed", "11")
    fit = schools.sample(seed=11)
    data = fit.to_arviz()
    numbers = {
        "mean": lambda x: x.mean(), "sd": lambda x: x.std(ddof=1),
        "q5": lambda x: x.quantile(0.05), "q50": lambda x: x.median(),
        "q95": lambda x: x.quantile(0.95), "mcse": lambda x: arviz.mcse(x, method="mean"),
        "ess_bulk": lambda x: arviz.ess(x, method="bulk"),
        "ess_tail": lambda x: arviz.ess(x, method="tail", prob=(0.05, 0.95)),
        "rhat": lambda x: arviz.rhat(x, method="rank"),
    }
    checked = 0
    for quantity in summary["quantities"]:
        name, _, index = quantity["name"].rstrip("]").partition("[")
        x = (data["sample_stats"]["lp"] if name == "lp__" else data["posterior"][name])
        for i in index.split(",") if index else ():
            x = x[..., int(i) - 1]
        for statistic, compute in numbers.items():
            found = compute(x if statistic in ("mean", "sd", "q5", "q50", "q95") else x.values)
            close(found, quantity[statistic])
            checked += 1
    assert checked == 9 * 19


def test_groups(schools, schools_data):
    fit = schools.sample(seed=2, chains=3, warmup=100, draws=50)
    data = fit.to_arviz()
    assert groups(data) == {"posterior", "sample_stats", "log_likelihood", "posterior_predictive",
                            "observed_data", "constant_data"}
    posterior = data["posterior"]
    assert posterior["theta"].dims == ("chain", "draw", "J")
    assert posterior["theta"].shape == (3, 50, 8)
    np.testing.assert_array_equal(posterior["theta"].values, fit["theta"])
    assert np.shares_memory(posterior["theta"].values, fit.draws)
    assert list(posterior["J"].values) == list(range(8))
    assert posterior.attrs["inference_library"] == "borel"
    assert posterior.attrs["tuning_steps"] == 100 and posterior.attrs["seed"] == "2"
    stats = data["sample_stats"]
    assert set(stats.data_vars) == {"lp", "acceptance_rate", "step_size", "tree_depth", "n_steps",
                                    "diverging", "energy", "reached_max_treedepth"}
    assert stats["diverging"].dtype == bool and stats["tree_depth"].dtype.kind == "i"
    assert stats["diverging"].values.sum() == fit.divergences
    np.testing.assert_array_equal(data["observed_data"]["y"].values, schools_data["y"])
    np.testing.assert_array_equal(data["constant_data"]["sigma"].values, schools_data["sigma"])
    shallow = schools.sample(seed=2, chains=1, warmup=100, draws=50, max_depth=1).to_arviz()
    assert shallow["sample_stats"]["reached_max_treedepth"].values.all()


def test_more_groups(schools):
    fit = schools.sample(seed=2, chains=2, warmup=30, draws=20, save_warmup=True)
    data = fit.to_arviz(prior=400)
    assert groups(data) == {"posterior", "sample_stats", "warmup_posterior", "warmup_sample_stats",
                            "prior", "prior_predictive", "log_likelihood",
                            "posterior_predictive", "observed_data", "constant_data"}
    np.testing.assert_array_equal(data["warmup_posterior"]["mu"].values,
                                  fit.warmup_draws[..., 0])
    assert data["warmup_sample_stats"]["step_size"].shape == (2, 30)
    assert data["prior"]["theta"].shape == (1, 400, 8)
    assert data["prior"]["mu"].values.std() == pytest.approx(5, rel=0.15)


def test_names_of_dimensions(schools_model, schools_data, tmp_path):
    names = list("abcdefgh")
    short = {"seed": 2, "chains": 2, "warmup": 10, "draws": 10}
    model = borel.compile(SCHOOLS, dims={"J": "school"}, coords={"school": names})
    assert model.bind(schools_data).sites["theta"].dims == ("school",)
    fit = model.bind(schools_data).sample(**short)
    for data in (fit.to_arviz(), schools_model.bind(schools_data).sample(**short).to_arviz(
            dims={"J": "school"}, coords={"school": names})):
        assert data["posterior"]["theta"].sel(school="c").shape == (2, 10)
        assert data["observed_data"]["y"].dims == data["constant_data"]["sigma"].dims == ("school",)
        assert list(data["observed_data"]["school"].values) == names
    data = fit.to_arviz(dims={"z": ["effect"], "y": ["response"]})
    assert data["posterior"]["z"].dims == ("chain", "draw", "effect")
    assert data["posterior"]["theta"].dims == ("chain", "draw", "school")
    assert data["observed_data"]["y"].dims == ("response",)
    with pytest.raises(borel.ArgumentError, match="`mu` has 0 dimensions, found 1 names"):
        fit.to_arviz(dims={"mu": ["one"]})
    with pytest.raises(ValueError):
        fit.to_arviz(coords={"school": names[:3]})


def test_sizes_bools_and_matrices(grouped_model, grouped_data, shapes, tmp_path):
    fit = grouped_model.bind(grouped_data).sample(seed=1, chains=2, warmup=50, draws=50)
    data = fit.to_arviz()
    constant = data["constant_data"]
    assert data["posterior"]["a"].dims == ("chain", "draw", "J") and "J" not in constant
    assert constant["X"].dims == ("N", "K") and constant["group"].dims == ("N",)
    np.testing.assert_array_equal(constant["X"].values, grouped_data["X"])
    np.testing.assert_array_equal(constant["group"].values, grouped_data["group"])
    text = json.dumps({k: v.tolist() if hasattr(v, "tolist") else v
                       for k, v in grouped_data.items()})
    again = grouped_model.bind(text).sample(seed=1, chains=2, warmup=50, draws=50).to_arviz()
    assert again["constant_data"].equals(constant)
    assert again["posterior"].equals(data["posterior"])
    fit = shapes.sample(seed=1, chains=2, warmup=50, draws=50)
    data = fit.to_arviz()
    np.testing.assert_array_equal(data["posterior"]["table"].values, fit["table"])
    np.testing.assert_allclose(
        fit["table"], fit["grid"] + fit["level"][..., None, None], rtol=1e-14)
    path = str(tmp_path / "fit.nc")
    data.to_netcdf(path)
    read = arviz.from_netcdf(path)
    np.testing.assert_array_equal(read["posterior"]["table"].values, fit["table"])


def test_sizes_that_are_inputs():
    """As Stan's programs have them: N is the length of dimensions, not one of the constants."""
    posterior = borel.compile("""model line(N: int, x: real[N]) { a ~ Normal(0, 1)
  for i in 0..N { y[i] ~ Normal(a * x[i], 1) } }
infer main(N: int, x: real[N], y: real[N], unused: int) { nuts(line(N, x) | {y}) }""")(
        N=3, x=[1., 2, 3], y=[1., 2, 4], unused=7)
    data = posterior.sample(seed=1, chains=1, warmup=50, draws=20).to_arviz()
    assert data["constant_data"]["x"].dims == data["observed_data"]["y"].dims == ("N",)
    assert set(data["constant_data"].data_vars) == {"x", "unused"}
    assert data["constant_data"]["unused"].item() == 7


def test_arviz_works_on_it(schools):
    data = schools.sample(seed=2).to_arviz()
    table = arviz.summary(data, var_names=["mu", "theta"])
    assert len(table) == 9 and "theta[0]" in table.index
    arviz.bfmi(data)  # finds `energy`
