"""Runs: the draws are those of the command, whatever the threads; Ctrl-C; progress."""
import io
import json
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import borel
from conftest import FILTER, GROUPED, NORMAL, SCHOOLS

SHORT = {"chains": 3, "warmup": 200, "draws": 150}
FLAGS = ["--chains", "3", "--warmup", "200", "--draws", "150"]

pytestmark = pytest.mark.filterwarnings("ignore::borel.BorelWarning")


def test_the_draws_of_the_command(schools, command):
    draws, names, _ = command.sample(SCHOOLS, SCHOOLS.with_suffix(".json"), "--seed", "7", *FLAGS)
    for threads in (1, 2, 3, 8, None):
        fit = schools.sample(seed=7, threads=threads, **SHORT)
        np.testing.assert_array_equal(np.concatenate([fit.statistics, fit.draws], -1), draws)
    assert names[:7] == list(schools.model.statistics)
    np.testing.assert_array_equal(fit["theta"][..., 2], draws[..., names.index("theta.3")])
    np.testing.assert_array_equal(fit.statistic("energy__"), draws[..., names.index("energy__")])
    assert (schools.sample(seed=8, **SHORT).draws != fit.draws).any()
    assert fit.seed == 7 and fit.chains == (0, 1, 2) and fit.draw_count == 150
    assert not fit.interrupted and list(fit) == ["mu", "tau", "z", "theta"] and len(fit) == 4


def test_settings_and_warmup(schools, command):
    draws, _, _ = command.sample(SCHOOLS, SCHOOLS.with_suffix(".json"), "--seed", "7",
                                 "--target-accept", "0.95", "--max-depth", "3", "--save-warmup",
                                 *FLAGS)
    fit = schools.sample(seed=7, target_accept=0.95, max_depth=3, save_warmup=True, **SHORT)
    rows = np.concatenate([np.concatenate([fit.warmup_statistics, fit.warmup_draws], -1),
                           np.concatenate([fit.statistics, fit.draws], -1)], 1)
    np.testing.assert_array_equal(rows, draws)
    assert fit.draws.shape == (3, 150, 18) and fit.warmup_draws.shape == (3, 200, 18)
    assert fit.statistic("treedepth__").max() == 3
    assert all(record.iterations == 350 and record.warmup_seconds > 0 for record in fit.records)


def test_a_machine_that_makes_its_steps(tmp_path, command):
    model = borel.compile(FILTER)
    assert [i.default for i in model.inputs] == [None, 100, 0.5, 0]
    y = np.sin(np.arange(30.0))
    posterior = model.bind({"y": y, "particles": 50})
    assert posterior.steps == 30 and posterior.dimension == 0
    assert posterior.data["particles"] == 50 and posterior.data["scale"] == 0.5
    data = tmp_path / "y.json"
    data.write_text(json.dumps({"y": y.tolist()}))
    draws, names, summary = command.sample(FILTER, data, "--particles", "50", "--runs", "3",
                                           "--seed", "4", command="smc")
    assert names == ["log_evidence__", "level", "level_sd", "t"] and summary["steps"] == 30
    fit = posterior.sample(seed=4, chains=3, threads=2)
    np.testing.assert_array_equal(np.concatenate([fit.statistics, fit.draws], -1), draws)
    np.testing.assert_array_equal(fit["t"][0], np.arange(1, 31))
    assert len(posterior.sample(seed=4).chains) == 1
    from_file = model.bind(data)
    assert from_file.data["particles"] == 100
    assert (from_file.sample(seed=4).draws != fit.draws[:1]).any()
    for name in ("warmup", "draws"):
        with pytest.raises(borel.ArgumentError, match=f"{name}: the machine makes 30 steps"):
            posterior.sample(**{name: 3})
    with pytest.raises(borel.NotSupported):
        posterior.log_density(np.empty(0))


def test_starting_points(schools, grouped_model, grouped_data, command, tmp_path):
    data = tmp_path / "data.json"
    data.write_text(json.dumps({k: v.tolist() if hasattr(v, "tolist") else v
                                for k, v in grouped_data.items()}))
    grouped = grouped_model.bind(grouped_data)
    u = np.linspace(-0.4, 0.6, grouped.dimension)
    at = {name: grouped.constrain(u)[name] for name, site in grouped.sites.items()
          if site.kind == "latent"}
    (tmp_path / "at.json").write_text(json.dumps({k: v.tolist() for k, v in at.items()}))
    (tmp_path / "u.json").write_text(json.dumps({"params_r": u.tolist()}))
    short = {"chains": 2, "warmup": 5, "draws": 20, "seed": 2}
    flags = ["--chains", "2", "--warmup", "5", "--draws", "20", "--seed", "2"]
    seen = []
    for option, same in (("0.5", [0.5]), ("at.json", [at, tmp_path / "at.json"]),
                         ("u.json", [u, u.tolist(), str(tmp_path / "u.json")]),
                         ("0", [0, np.zeros(grouped.dimension)])):
        draws, _, _ = command.sample(GROUPED, data, "--init", option, *flags)
        for init in same:
            np.testing.assert_array_equal(grouped.sample(init=init, **short).draws, draws[..., 7:])
        seen.append(draws[0, 0, 7])
    assert len(set(seen)) == 4
    for init, text in ((-1, "init: found the radius -1"), (np.zeros(3), "u: found 3 elements"),
                       ({"mu": 1}, "`tau` is missing"), ({**at, "tau": -1}, "tau")):
        with pytest.raises(borel.ArgumentError, match=text):
            grouped.sample(init=init, **short)


def test_seeds(normal):
    one, other = (normal.sample(chains=1, warmup=5, draws=5) for _ in range(2))
    assert one.seed != other.seed and (one.draws != other.draws).any()
    again = normal.sample(chains=1, warmup=5, draws=5, seed=one.seed)
    np.testing.assert_array_equal(again.draws, one.draws)
    largest = normal.sample(chains=1, warmup=5, draws=5, seed=2**64 - 1)
    assert largest.seed == 2**64 - 1
    normal.sample(chains=1, warmup=0, draws=1, seed=np.int32(3))


@pytest.mark.parametrize("options,text", [
    ({"target_acept": 0.9}, "target_acept"), ({"target_accept": 1.5}, "target_accept"),
    ({"max_depth": 2.5}, "max_depth"), ({"max_depth": "deep"}, "max_depth: found 'deep'"),
    ({"target_accept": float("nan")}, "target_accept: found NaN"),
    ({"draws": 0}, "draws: found 0, expected an integer from 1"),
    ({"draws": 10.0}, "draws: found 10.0, expected an integer"),
    ({"chains": 10**6}, "chains: found 1000000"), ({"warmup": -1}, "warmup: found -1"),
    ({"threads": 0}, "threads: found 0"), ({"seed": -1}, "seed: found -1"),
    ({"seed": 2**64}, "seed: found"), ({"seed": "x"}, "seed: found 'x'"),
])
def test_arguments_that_are_refused(normal, options, text):
    with pytest.raises(borel.ArgumentError, match=text):
        normal.sample(**options)


def test_runs_that_fail():
    posterior = borel.compile("""model wild(a: real) { x ~ Normal(0, 1)
  w ~ Normal(sqrt(a + 0 * x), 1) }
infer main(a: real) { nuts(wild(a)) }""")(a=-1.0)
    with pytest.raises(borel.RunError, match="chain 1") as caught:
        posterior.sample()
    assert caught.value.subject == "w"


def test_divergences_are_told():
    # Neal's funnel: no step size suits its neck and its mouth.
    funnel = borel.compile("""model funnel() { v ~ Normal(0, 3)
  for i in 0..9 { x[i] ~ Normal(0, exp(v / 2)) } }
infer main() { nuts(funnel()) }""")()
    with pytest.warns(borel.BorelWarning, match="of 4000 draws ended in a divergence") as told:
        fit = funnel.sample(seed=1)
    assert [warning.filename for warning in told] == [__file__]
    assert fit.divergences == int(fit.statistic("divergent__").sum()) > 0
    with pytest.raises(borel.ArgumentError, match="no statistic `lp`; there are lp__"):
        fit.statistic("lp")
    with pytest.raises(KeyError):
        fit["y"]


def test_two_posteriors_at_once_without_the_lock(normal, schools):
    """Runs in threads of Python, while the main thread goes on."""
    fits = {}

    def work(n):
        fits[n] = normal.sample(chains=1, warmup=100, draws=100000, seed=n, progress=False)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    turns = 0
    while any(thread.is_alive() for thread in threads):
        turns += 1
        time.sleep(0.001)
    assert turns > 10
    for n, fit in fits.items():
        np.testing.assert_array_equal(
            fit.draws, normal.sample(chains=1, warmup=100, draws=100000, seed=n).draws)


def test_the_progress_bar(normal, monkeypatch, capsys):
    monkeypatch.setattr("borel._progress.Progress.delay", 0)
    long = {"chains": 1, "warmup": 100, "draws": 700000, "seed": 1}
    for progress, terminal, shows in ((True, False, True), (None, True, True),
                                      (None, False, False), (False, True, False)):
        text = io.StringIO()
        text.isatty = lambda: terminal
        monkeypatch.setattr(sys, "stderr", text)
        begin = time.perf_counter()
        normal.sample(progress=progress, **long)
        assert time.perf_counter() - begin > 0.07, "too short to show anything"
        assert ("1 chain: 100%" in text.getvalue() and "700100/700100" in text.getvalue()) == shows
        assert shows or text.getvalue() == ""
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    normal.sample(progress=True, chains=1, draws=10)
    assert text.getvalue() == "" and capsys.readouterr().out == ""


def test_a_progress_bar_that_fails(normal, monkeypatch):
    def fail(self):
        raise OSError("no terminal")

    monkeypatch.setattr("borel._progress.Progress._open", fail)
    begin = time.perf_counter()
    with pytest.raises(OSError, match="no terminal"):
        normal.sample(chains=1, draws=20_000_000, progress=True)
    assert time.perf_counter() - begin < 4


# Ctrl-C comes when `when(iterations)` first holds; argv: the program, warmup, times.
INTERRUPTED = """
import os, signal, sys, warnings
import numpy as np
import borel
from borel._progress import Progress

program, warmup, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
posterior = borel.compile(program)(scale=2.0)
pressed = 0

def tick(self, iterations, divergences):
    global pressed
    if iterations > 1000 and pressed < times:
        pressed += 1
        os.kill(os.getpid(), signal.SIGINT)

Progress._tick = tick
settings = dict(chains=2, threads=1, seed=3, warmup=warmup)
try:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit = posterior.sample(draws=3_000_000, **settings)
    assert fit.interrupted and fit.chains == (0,), fit
    assert 0 < fit.draw_count < 3_000_000 and fit["x"].shape == (1, fit.draw_count)
    assert "1 of 2 chains are kept" in str(told[-1].message), told
    whole = posterior.sample(draws=fit.draw_count, **settings)
    assert not whole.interrupted
    np.testing.assert_array_equal(fit.draws[0], whole.draws[0])
    assert [r.iterations for r in fit.records] == [fit.draw_count + warmup, 0]
    print("kept")
except KeyboardInterrupt:
    posterior.sample(draws=5, **{**settings, "warmup": 5})  # all still works
    print("interrupted")
"""


@pytest.mark.parametrize("warmup,times,says", [(100, 1, "kept"), (50_000_000, 1, "interrupted")])
def test_ctrl_c(warmup, times, says):
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, NORMAL, str(warmup), str(times)],
                          capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, says), done.stderr
    assert time.perf_counter() - begin < 60


def test_ctrl_c_twice(normal, monkeypatch):
    """The second, pressed before the run has ended, is an exception."""
    monkeypatch.setattr("borel._sample._core.run", lambda *a: ([(150, 0, 0., 0.)] * 2, 2))
    with pytest.raises(KeyboardInterrupt):
        normal.sample(chains=2, warmup=100, draws=100)


def test_chains_that_are_kept(normal, monkeypatch):
    """Of chains that differ in length: those and the length that keep most, as the command's."""
    for finished, chains, length in (((200, 160, 101), (0, 1), 60), ((150, 200, 100), (1,), 100),
                                     ((180, 181, 182), (0, 1, 2), 80)):
        monkeypatch.setattr("borel._sample._core.run",
                            lambda *a: ([(n, 0, 0., 0.) for n in finished], 1))
        fit = normal.sample(chains=3, warmup=100, draws=100)
        assert (fit.chains, fit.draw_count) == (chains, length)
        assert fit.draws.shape == (len(chains), length, 1)
        assert [len(draws) for draws in fit.all_draws] == [n - 100 for n in finished]
