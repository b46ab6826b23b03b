"""Densities, gradients, transforms and simulated draws, of one thread and of many."""
import json
import threading

import numpy as np
import pytest

import borel
from conftest import SCHOOLS


def closed_form(u, y, sigma):
    """Eight schools: log density with all constants, log Jacobian of tau included."""
    mu, tau, z = u[0], np.exp(u[1]), u[2:]
    normal = -0.5 * np.log(2 * np.pi)
    return (normal - np.log(5) - 0.5 * (mu / 5)**2
            + np.log(2 / (5 * np.pi)) - np.log1p((tau / 5)**2) + u[1]
            + np.sum(normal - 0.5 * z**2)
            + np.sum(normal - np.log(sigma) - 0.5 * ((y - mu - tau * z) / sigma)**2))


def points(posterior, count, seed=3):
    return np.random.default_rng(seed).uniform(-2, 2, (count, posterior.dimension))


def test_closed_form(schools, schools_data):
    for u in points(schools, 20):
        value, gradient = schools.log_density_gradient(u)
        assert isinstance(value, float) and gradient.shape == (10,)
        assert value == pytest.approx(closed_form(u, **schools_data), rel=1e-13)
        assert schools.log_density(u) == pytest.approx(value, rel=1e-14)
        np.testing.assert_array_equal(schools.gradient(u), gradient)
        assert value - schools.log_density(u, jacobian=False) == pytest.approx(u[1], abs=1e-12)
        for i in range(10):
            step = 1e-5 * (np.arange(10) == i)
            slope = (closed_form(u + step, **schools_data)
                     - closed_form(u - step, **schools_data)) / 2e-5
            assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_as_the_command(schools, command):
    u = points(schools, 1)[0]
    (command.folder / "at.json").write_text(json.dumps({"params_r": u.tolist()}))
    for jacobian in (True, False):
        told = json.loads(command("logp", SCHOOLS, "--data", SCHOOLS.with_suffix(".json"), "--at",
                                  "at.json", *([] if jacobian else ["--no-jacobian"])))
        value, gradient = schools.log_density_gradient(u, jacobian=jacobian)
        assert told["lp"] == value and told["grad"] == gradient.tolist()


def test_many_points_at_once(schools):
    u = points(schools, 24)
    values, gradients = schools.log_density_gradient(u.reshape(2, 3, 4, 10))
    assert values.shape == (2, 3, 4) and gradients.shape == (2, 3, 4, 10)
    one_by_one = [schools.log_density_gradient(point) for point in u]
    np.testing.assert_array_equal(values.ravel(), [value for value, _ in one_by_one])
    np.testing.assert_array_equal(gradients.reshape(24, 10), [g for _, g in one_by_one])
    np.testing.assert_array_equal(schools.log_density(u), [schools.log_density(p) for p in u])
    assert schools.log_density(np.zeros((0, 10))).shape == (0,)
    assert schools.log_density(u[0].tolist()) == schools.log_density(u[0])
    assert schools.log_density(u[:, ::-1][:, ::-1][0]) == schools.log_density(u[0])


def test_lengths(schools):
    for call in (schools.log_density, schools.gradient, schools.constrain):
        for u in (np.zeros(9), np.zeros((10, 11)), 1.0):
            with pytest.raises(borel.ArgumentError, match="u: found .* expected 10"):
                call(u)
    with pytest.raises(ValueError):
        schools.log_density(["a"] * 10)


def test_a_model_without_parameters():
    posterior = borel.compile("""model none(y: real) { y_ ~ Normal(0, 1) }
infer main(y: real, y_: real) { nuts(none(y) | {y_}) }""")(y=1.0, y_=0.0)
    assert posterior.dimension == 0
    wanted = pytest.approx(-0.5 * np.log(2 * np.pi))
    assert posterior.log_density([]) == wanted
    assert list(posterior.log_density(np.zeros((3, 0)))) == [wanted] * 3
    assert posterior.constrain(np.zeros((3, 0))) == {}


def test_densities_that_are_no_numbers():
    posterior = borel.compile("""model wild() { x ~ Normal(0, 1)
  z := sqrt(x)
  w ~ Normal(sqrt(x), 1) }
infer main() { nuts(wild()) }""")()
    with pytest.raises(borel.RunError) as caught:
        posterior.log_density([-1.0, 0.0])
    assert caught.value.subject == "w" and caught.value.place[:2] == ("program.ppl", 3)
    outside = borel.compile("""model strict() { x ~ Normal(0, 1)
  y ~ Normal(0, x) }
infer main() { nuts(strict()) }""")()
    assert outside.log_density([-1.0, 0.0]) == -np.inf


def test_sites(shapes, grouped_model, grouped_data):
    sites = shapes.sites
    assert list(sites) == ["level", "spread", "share", "grid", "weights", "rows", "cuts", "cube",
                           "table", "y"]
    assert sites["grid"].shape == (2, 3) and sites["weights"].u_size == 2
    assert sites["y"].kind == "observed" and sites["y"].offset == -1
    assert sites["cube"].kind == "derived" and sites["cube"].u_offset == -1
    assert sites["spread"].support == "positive" and sites["table"].column_major
    grouped = grouped_model.bind(grouped_data)
    assert grouped.sites["a"].dims == ("J",) and grouped.sites["share"].dims == ("share_dim_0",)
    assert grouped.names == ["mu", "tau", "share[0]", "share[1]", "share[2]", "a[0]", "a[1]",
                             "a[2]", "beta[0]", "beta[1]"] + [f"rate[{i}]" for i in range(5)]
    assert "table[1,0]" == shapes.names[sites["table"].offset + 1]  # columns are contiguous


def test_transforms(shapes):
    u = points(shapes, 6)
    values = shapes.constrain(u)
    np.testing.assert_array_equal(values["level"], u[:, 0])
    np.testing.assert_allclose(values["spread"], np.exp(u[:, 1]), rtol=1e-14)
    np.testing.assert_allclose(values["weights"].sum(-1), 1, rtol=1e-14)
    np.testing.assert_array_equal(values["table"], values["grid"] + u[:, 0, None, None])
    i, j, k = np.indices((2, 3, 2))
    np.testing.assert_allclose(values["cube"] - u[:, 0, None, None, None],
                               np.broadcast_to(100 * i + 10 * j + k, (6, 2, 3, 2)), atol=1e-12)
    latents = {s.name: values[s.name] for s in shapes.sites.values() if s.kind == "latent"}
    for back in (shapes.unconstrain(values), shapes.unconstrain(latents),
                 shapes.unconstrain(shapes.constrain_flat(u))):
        np.testing.assert_allclose(back, u, atol=1e-12)
    one = shapes.constrain(u[2])
    assert one["grid"].shape == (2, 3)
    np.testing.assert_allclose(shapes.unconstrain(one), u[2], atol=1e-12)
    np.testing.assert_array_equal(shapes.constrain_flat(u[2]), shapes.constrain_flat(u)[2])
    flat = shapes.constrain_flat(u[2])
    element = dict(zip(shapes.names, flat))
    assert element["grid[1,2]"] == one["grid"][1, 2] and element["table[1,2]"] == one["table"][1, 2]


def test_points_outside(shapes):
    values = shapes.constrain(np.zeros(shapes.dimension))
    with pytest.raises(borel.ArgumentError, match="share") as caught:
        shapes.unconstrain({**values, "share": 1.5})
    assert caught.value.subject == "share"
    with pytest.raises(borel.ArgumentError, match="`cuts` is missing"):
        shapes.unconstrain({k: v for k, v in values.items() if k != "cuts"})
    wanted = r"`grid`: found the shape \(3, 2\), expected \(2, 3\)"
    with pytest.raises(borel.ArgumentError, match=wanted):
        shapes.unconstrain({**values, "grid": np.zeros((3, 2))})
    with pytest.raises(borel.ArgumentError, match="the latent values: found 3 elements"):
        shapes.unconstrain([1, 2, 3])


def test_simulated_draws(schools):
    draws = schools.simulate(20000, seed=4)
    assert draws["theta"].shape == (20000, 8)
    np.testing.assert_allclose(draws["theta"], draws["mu"][:, None]
                               + draws["tau"][:, None] * draws["z"], rtol=1e-9)
    assert abs(draws["mu"].mean()) < 5 * 5 / np.sqrt(20000)
    assert draws["mu"].std() == pytest.approx(5, rel=0.03)
    assert np.median(draws["tau"]) == pytest.approx(5, rel=0.05)  # HalfCauchy(5)
    first = schools.simulate(seed=4)
    assert first["mu"] == draws["mu"][0] and first["z"].shape == (8,)
    assert schools.simulate(seed=5)["mu"] != first["mu"] != schools.simulate(seed=4, stream=1)["mu"]


def test_seeds_of_simulated_draws(schools):
    for seed in (-1, 2**64, 1.5):
        with pytest.raises(borel.ArgumentError, match="seed: found"):
            schools.simulate(seed=seed)
    assert schools.simulate(3, seed=2**64 - 1)["mu"].shape == (3,)
    assert schools.simulate(0)["z"].shape == (0, 8)


def test_discrete_values_are_ints():
    posterior = borel.compile("""model m(n: int) { p ~ Beta(1, 1)
  big := p > 0.5
  twice := 2 * n
  y ~ Binomial(n, p) }
infer main(n: int, y: int) { nuts(m(n) | {y}) }""")(n=10, y=3)
    values = posterior.constrain([[1.0], [-1.0]])
    assert values["big"].dtype == bool and values["big"].tolist() == [True, False]
    assert values["twice"].dtype == np.int64 and values["twice"].tolist() == [20, 20]


def test_threads(shapes):
    """The same posterior in sixteen threads at once."""
    u = points(shapes, 400)
    wanted = shapes.log_density_gradient(u)
    wanted_values = shapes.constrain_flat(u)
    failures = []

    def work(offset):
        for i in np.roll(np.arange(400), offset):
            value, gradient = shapes.log_density_gradient(u[i])
            if value != wanted[0][i] or (gradient != wanted[1][i]).any():
                failures.append(i)
            if (shapes.constrain_flat(u[i]) != wanted_values[i]).any():
                failures.append(i)

    threads = [threading.Thread(target=work, args=(17 * t,)) for t in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
