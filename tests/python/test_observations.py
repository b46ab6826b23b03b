"""What depends on the observations: log likelihoods, predictive draws, products of the Hessian."""
import math
import warnings

import numpy as np
import pytest

import borel
from conftest import SCHOOLS

pytestmark = pytest.mark.filterwarnings("ignore::borel.BorelWarning")
ROWS = """model rows(n: int) {
  level ~ Normal(0, 1)
  let shares = [exp(level), 2, 3]
  for i in 0..n { y[i]: real[3] ~ Dirichlet(shares) }
  w ~ Normal(level, 2)
}
infer main(n: int, y: real[n, 3], w: real) { nuts(rows(n) | {y, w}) }"""


def normal_logpdf(x, mean, sd):
    return -0.5 * ((x - mean) / sd)**2 - np.log(sd) - 0.5 * math.log(2 * math.pi)


@pytest.fixture(scope="module")
def fit(schools):
    return schools.sample(seed=3)


def test_log_likelihoods(fit, schools, schools_data):
    terms = fit.log_likelihood()
    assert list(terms) == ["y"] and terms["y"].shape == (4, 1000, 8)
    np.testing.assert_allclose(terms["y"], normal_logpdf(schools_data["y"], fit["theta"],
                                                         schools_data["sigma"]), rtol=1e-12)
    u = np.linspace(-0.5, 0.8, 10)
    values = schools.constrain(u)
    prior = (normal_logpdf(u[0], 0, 5) + math.log(2 / (5 * math.pi))
             - math.log1p((math.exp(u[1]) / 5)**2) + normal_logpdf(u[2:], 0, 1).sum())
    total = schools.log_likelihood(values)["y"].sum() + prior
    assert schools.log_density(u, jacobian=False) == pytest.approx(total, rel=1e-12)
    latents = {name: values[name] for name in ("mu", "tau", "z")}
    for draws in (latents, schools.constrain_flat(u)):
        np.testing.assert_array_equal(schools.log_likelihood(draws)["y"],
                                      schools.log_likelihood(values)["y"])


def test_log_likelihoods_of_counts(grouped_model, grouped_data):
    posterior = grouped_model.bind(grouped_data)
    fit = posterior.sample(seed=1, chains=2, warmup=50, draws=30)
    n, k, p = grouped_data["trials"], grouped_data["y"], fit["rate"]
    choose = np.array([math.log(math.comb(a, b)) for a, b in zip(n.tolist(), k.tolist())])
    np.testing.assert_allclose(fit.log_likelihood()["y"],
                               choose + k * np.log(p) + (n - k) * np.log1p(-p), rtol=1e-8,
                               atol=1e-10)
    drawn = fit.predict()["y"]
    assert drawn.dtype == np.int64 and drawn.shape == (2, 30, 5)
    assert (drawn >= 0).all() and (drawn <= n).all() and drawn[..., 3].std() > 0


def test_predictions(fit, schools, schools_data):
    drawn = fit.predict()["y"]
    noise = (drawn - fit["theta"]) / schools_data["sigma"]
    count = noise.size
    assert abs(noise.mean()) < 5 / math.sqrt(count) and noise.std() == pytest.approx(1, abs=0.02)
    # Apart from what the run drew, and from one observation and one draw to the next.
    for other in (fit["z"], np.roll(noise, 1, -1), np.roll(noise, 1, 1), np.roll(noise, 1, 0)):
        assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 5 / math.sqrt(count)
    np.testing.assert_array_equal(fit.predict()["y"], drawn)
    assert (fit.predict(seed=9)["y"] != drawn).any()
    one = schools.predict(fit.draws[2], seed=3, stream=2**32 + 3)
    np.testing.assert_array_equal(one["y"], drawn[2])


def test_rows_that_are_drawn_as_a_whole():
    y = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    posterior = borel.compile(ROWS)(n=2, y=y, w=0.5)
    assert posterior.sites["y"].draw_rank == 1 and posterior.sites["y"].terms == 2
    levels = np.array([0.3, -0.2, 1.0])
    terms = posterior.log_likelihood({"level": levels})
    a = np.stack([np.exp(levels), np.full(3, 2.), np.full(3, 3.)], -1)
    lgamma = np.vectorize(math.lgamma)
    wanted = lgamma(a.sum(-1)) - lgamma(a).sum(-1)
    wanted = wanted[:, None] + ((a - 1)[:, None] * np.log(y)).sum(-1)
    assert terms["y"].shape == (3, 2) and terms["w"].shape == (3,)
    np.testing.assert_allclose(terms["y"], wanted, rtol=1e-12)
    np.testing.assert_allclose(terms["w"], normal_logpdf(0.5, levels, 2), rtol=1e-12)
    drawn = posterior.predict({"level": np.zeros(4000)}, seed=2)
    assert drawn["y"].shape == (4000, 2, 3) and drawn["w"].shape == (4000,)
    np.testing.assert_allclose(drawn["y"].sum(-1), 1, rtol=1e-12)
    np.testing.assert_allclose(drawn["y"].mean((0, 1)), [1 / 6, 2 / 6, 3 / 6], atol=0.02)


def test_models_that_observe_nothing(normal):
    fit = normal.sample(seed=1, chains=1, warmup=10, draws=10)
    for call in (fit.predict, fit.log_likelihood):
        with pytest.raises(borel.NotSupported, match="observes nothing"):
            call()
    with pytest.raises(borel.NotSupported):
        fit.to_arviz(log_likelihood=True)
    fit.to_arviz()
    with pytest.raises(borel.ArgumentError, match="the draws: found 3 elements .*expected 1"):
        normal.predict(np.zeros(3))


def test_in_arviz(fit, schools):
    arviz = pytest.importorskip("arviz")
    data = fit.to_arviz(dims={"J": "school"}, prior=300)
    np.testing.assert_array_equal(data["log_likelihood"]["y"].values, fit.log_likelihood()["y"])
    np.testing.assert_array_equal(data["posterior_predictive"]["y"].values, fit.predict()["y"])
    assert data["log_likelihood"]["y"].dims == ("chain", "draw", "school")
    prior = data["prior_predictive"]["y"].values - data["prior"]["theta"].values
    assert prior.shape == (1, 300, 8)
    np.testing.assert_allclose((prior / [15, 10, 16, 11, 9, 11, 10, 18]).std(), 1, atol=0.08)
    z = data["prior"]["z"].values
    assert abs(np.corrcoef(z.ravel(), prior.ravel())[0, 1]) < 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large Pareto k
        assert arviz.loo(data).n_samples == 4000
    data = fit.to_arviz(log_likelihood=False, posterior_predictive=False)
    for group in ("log_likelihood", "posterior_predictive"):
        with pytest.raises((KeyError, AttributeError)):
            data[group]


def test_hessians(schools_data, schools):
    posterior = borel.compile(SCHOOLS, hessian=True).bind(schools_data)
    u = np.linspace(-0.5, 0.8, 10)
    hessian = posterior.hessian(u)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12, atol=1e-13)
    step = 1e-5 * np.eye(10)
    slopes = (posterior.gradient(u + step) - posterior.gradient(u - step)) / 2e-5
    np.testing.assert_allclose(hessian, slopes, atol=1e-7)
    v = np.cos(np.arange(10))
    value, gradient, product = posterior.hessian_vector(u, v)
    assert value == pytest.approx(schools.log_density(u), rel=1e-14)
    np.testing.assert_allclose(gradient, schools.gradient(u), rtol=1e-12)
    np.testing.assert_allclose(product, hessian @ v, rtol=1e-11, atol=1e-12)
    values, _, products = posterior.hessian_vector(np.tile(u, (3, 1)), v)
    assert values.shape == (3,) and (products == product).all()
    plain = posterior.hessian(u, jacobian=False)  # the log Jacobian of tau is linear
    np.testing.assert_allclose(plain, hessian, atol=1e-12)
    with pytest.raises(borel.NotSupported):
        schools.hessian(u)
    with pytest.raises(borel.ArgumentError, match="one point"):
        posterior.hessian(np.zeros((2, 10)))
