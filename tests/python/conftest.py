"""What the tests of the Python package share. They run with the installed package:
pytest tests/python --borel COMPILER"""
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import borel

ROOT = Path(__file__).resolve().parents[2]
SCHOOLS = ROOT / "examples/eight_schools/eight_schools.ppl"
GROUPED = ROOT / "tests/host/programs/grouped.ppl"
FILTER = ROOT / "tests/host/programs/filter.ppl"
SHAPES = ROOT / "tests/bridgestan/shapes.ppl"
NORMAL = """model one(scale: real) { x ~ Normal(0, scale) }
infer main(scale: positive) { nuts(one(scale)) }"""


def pytest_addoption(parser):
    parser.addoption("--borel", required=True, help="the compiler whose draws are compared with")


class Command:
    """The command `borel`, run in a folder of its own."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def __call__(self, *arguments):
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True,
                              cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sample(self, program, data, *options, command="sample"):
        """The draws as chains x draws x columns, the columns' names, and the summary."""
        self(command, program, "--data", data, "--output", "draws", "--summary", "summary.json",
             "--quiet", *options)
        chains, names = [], []
        for file in sorted((self.folder / "draws").glob("*[0-9].csv")):
            lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
            names = lines[0].split(",")
            chains.append([[float(x) for x in line.split(",")] for line in lines[1:] if line])
        return np.array(chains), names, json.loads((self.folder / "summary.json").read_text())


@pytest.fixture
def command(request, tmp_path):
    return Command(os.path.abspath(request.config.getoption("--borel")), tmp_path)


@pytest.fixture(scope="session")
def schools_data():
    data = json.loads(SCHOOLS.with_suffix(".json").read_text())
    return {name: np.array(data[name], float) for name in ("y", "sigma")}


@pytest.fixture(scope="session")
def schools_model():
    return borel.compile(SCHOOLS)


@pytest.fixture(scope="session")
def schools(schools_model, schools_data):
    return schools_model.bind(schools_data)


@pytest.fixture(scope="session")
def grouped_model():
    return borel.compile(GROUPED)


@pytest.fixture
def grouped_data():
    generator = np.random.default_rng(4)
    return {"J": 3, "group": np.array([1, 2, 3, 1, 2]), "X": generator.normal(size=(5, 2)),
            "trials": np.array([4, 7, 2, 50, 0]), "shifted": True,
            "y": np.array([1, 7, 0, 20, 0]), "ceiling": 0.5, "floor": 2.0}


@pytest.fixture(scope="session")
def shapes():
    return borel.compile(SHAPES)(n=3, scale=2.5, y=[1, -2, 3.5])


@pytest.fixture(scope="session")
def normal():
    return borel.compile(NORMAL)(scale=2.0)
