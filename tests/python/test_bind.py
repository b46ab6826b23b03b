"""Data: what is borrowed, what is copied, what is refused."""
import gc
import json
import resource
import warnings
import weakref

import numpy as np
import pytest

import borel
from conftest import NORMAL, SCHOOLS


def density(posterior):
    return posterior.log_density(np.linspace(-0.5, 0.7, posterior.dimension))


def test_reals_are_borrowed(schools_model, schools_data):
    y, sigma = schools_data["y"].copy(), schools_data["sigma"].copy()
    posterior = schools_model(y=y, sigma=sigma)
    assert posterior.data["y"] is y
    before = density(posterior)
    y[3] = 20  # seen: the memory is the array's
    assert density(posterior) == density(schools_model(y=y, sigma=sigma)) != before
    copied = schools_model.bind({"y": y, "sigma": sigma}, copy=True)
    before = density(copied)
    y[3] = 7
    assert density(copied) == before


def test_ints_and_matrices_are_borrowed(grouped_model, grouped_data):
    x = grouped_data["X"] = np.asfortranarray(grouped_data["X"])
    y = grouped_data["y"]
    posterior = grouped_model.bind(grouped_data)
    before = density(posterior)
    assert np.shares_memory(posterior.data["X"], x) and posterior.data["y"] is y
    x[0, 1] += 1
    assert density(posterior) == density(grouped_model.bind(grouped_data)) != before


def test_matrices_in_rows_are_copied(grouped_model, grouped_data):
    x = grouped_data["X"]
    columns = density(grouped_model.bind({**grouped_data, "X": np.asfortranarray(x)}))
    posterior = grouped_model.bind(grouped_data)
    assert density(posterior) == columns and not np.shares_memory(posterior.data["X"], x)
    np.testing.assert_array_equal(posterior.data["X"], x)
    assert density(grouped_model.bind({**grouped_data, "X": x.tolist()})) == columns


def test_indices_are_copied(grouped_model, grouped_data):
    posterior = grouped_model.bind(grouped_data)
    before = density(posterior)
    grouped_data["group"][:] = 10**12
    assert density(posterior) == before


def test_arrays_live_as_long_as_they_are_borrowed(schools_model, schools_data):
    y = schools_data["y"].copy()
    alive = weakref.ref(y)
    posterior = schools_model(y=y, sigma=schools_data["sigma"])
    fit = posterior.sample(chains=1, warmup=10, draws=10)
    del y, posterior
    gc.collect()
    assert alive() is not None  # the fit knows its posterior
    del fit
    gc.collect()
    assert alive() is None


def test_all_that_numbers_come_as(schools_model, schools_data, tmp_path):
    y, sigma = schools_data["y"], schools_data["sigma"]
    wanted = density(schools_model(y=y, sigma=sigma))
    read_only = y.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"x" + y.tobytes(), offset=1)
    text = json.dumps({"y": y.tolist(), "sigma": sigma.tolist()})
    (tmp_path / "data.json").write_text(text)
    for other in (y.tolist(), tuple(y), y.astype(np.float32), y.astype(np.int16), read_only,
                  y.astype(">f8"), np.repeat(y, 2)[::2], unaligned, y.astype(int).tolist()):
        assert density(schools_model(y=other, sigma=sigma)) == wanted
    for whole in (text, tmp_path / "data.json", str(tmp_path / "data.json")):
        posterior = schools_model.bind(whole)
        assert density(posterior) == wanted
        np.testing.assert_array_equal(posterior.data["y"], y)


def test_sizes_and_bools(grouped_model, grouped_data, schools_model, schools_data):
    wanted = density(grouped_model.bind(grouped_data))
    for shifted in (1, np.bool_(True), np.array(True), [True]):
        if isinstance(shifted, list):
            with pytest.raises(borel.DataError, match="`shifted`.*a single number"):
                grouped_model.bind({**grouped_data, "shifted": shifted})
        else:
            assert density(grouped_model.bind({**grouped_data, "shifted": shifted})) == wanted
    assert density(grouped_model.bind({**grouped_data, "shifted": False})) != wanted
    assert schools_model(J=8, **schools_data).dimension == 10
    with pytest.raises(borel.DataError, match="J"):
        schools_model(J=7, **schools_data)
    assert schools_model(y=[], sigma=np.zeros(0)).dimension == 2


@pytest.mark.parametrize("name,value,text", [
    ("y", [1.5] * 5, r"`y`: found float64, expected integers"),
    ("y", ["a"] * 5, r"`y`: found text, expected integers"),
    ("y", [None] * 5, r"`y`: found objects, expected integers"),
    ("y", [2**70] * 5, r"`y`: found objects, expected integers"),
    ("y", np.full(5, 2**63, np.uint64), r"`y`: found 9223372036854775808, expected at most"),
    ("y", [[1], [1, 2]], r"`y`: found lists of different lengths"),
    ("y", np.ma.masked_array([1] * 5, [0, 1, 0, 0, 0]), r"`y`: found masked elements"),
    ("y", [1, -1, 1, 1, 1], r"`y\[2\]` \(counting from 1\): found -1"),
    ("X", np.zeros((5, 2), complex), r"`X`: found complex128, expected real numbers"),
    ("X", np.zeros((5, 2), bool), r"`X`: found bool, expected real numbers"),
    ("X", np.zeros(5), r"`X`: found .*expected"),
    ("X", np.full((5, 2), np.nan), r"`X\[1,1\]` .*found NaN"),
    ("group", [1, 2, 3, 1, 4], r"`group\[5\]` .*found 4, expected an index"),
    ("floor", 0, r"`floor`: found 0"),
    ("shifted", 2, r"`shifted`: found 2, expected 0, 1"),
])
def test_errors_name_the_input(grouped_model, grouped_data, name, value, text):
    with pytest.raises(borel.DataError, match=text) as caught:
        grouped_model.bind({**grouped_data, name: value})
    assert caught.value.subject == name and caught.value.place[0].endswith("grouped.ppl")
    assert isinstance(caught.value, ValueError)


def test_copies_that_were_refused(grouped_model, grouped_data, schools_model, schools_data):
    schools_model.bind(schools_data, copy=False)
    for name, value, text in (
            ("y", schools_data["y"].tolist(), "found a list, which takes a copy"),
            ("y", schools_data["y"].astype(np.float32), "found an array of float32"),
            ("y", np.repeat(schools_data["y"], 2)[::2], "found an array in another order")):
        with pytest.raises(borel.DataError, match=f"`y`: {text}.*expected an array of float64"):
            schools_model.bind({**schools_data, name: value}, copy=False)
    with pytest.raises(borel.DataError, match="`group`: indices are always copied"):
        grouped_model.bind(grouped_data, copy=False)


def test_names(schools_model, schools_data):
    with pytest.raises(borel.DataError, match="`sigma` is missing") as caught:
        schools_model(y=schools_data["y"])
    assert caught.value.subject == "sigma"
    text = json.dumps({"weight": 3, **{k: v.tolist() for k, v in schools_data.items()}})
    for bind in (lambda: schools_model(weight=3, **schools_data),
                 lambda: schools_model.bind({"weight": 3, **schools_data}),
                 lambda: schools_model.bind(text)):
        with pytest.warns(borel.BorelWarning, match="`weight`") as told:
            bind()
        assert [warning.filename for warning in told] == [__file__]


def test_other_arguments(schools_model, schools_data, tmp_path):
    with pytest.raises(TypeError, match="found a list"):
        schools_model.bind([1, 2])
    with pytest.raises(borel.DataError, match="cannot read .*no.json"):
        schools_model.bind(tmp_path / "no.json")
    with pytest.raises(borel.DataError, match="JSON"):
        schools_model.bind('{"y": [1, }')
    with pytest.raises(borel.ArgumentError, match="no model `b`; there are eight_schools"):
        schools_model.bind(schools_data, model="b")
    assert schools_model.bind(schools_data, model="eight_schools").dimension == 10


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_memory_does_not_grow():
    """Not with binds, failed ones, densities, runs and compiled programs."""
    model = borel.compile(SCHOOLS)
    y, sigma = np.zeros(20000), np.ones(20000)
    u = np.zeros(20002)

    def once(i):
        posterior = model(y=y if i % 2 else y.astype(np.float32), sigma=sigma)
        posterior.log_density_gradient(u)
        if i % 50 == 0:
            borel.compile(NORMAL)(scale=1.0).sample(chains=2, warmup=50, draws=50).to_arviz()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(borel.DataError):
                model(y=y, sigma=-sigma, unknown=3)

    for i in range(150):
        once(i)
    gc.collect()
    before = resident()
    for i in range(600):
        once(i)
    gc.collect()
    assert resident() - before < 4e6  # one leaked bind in ten would be 30 MB
