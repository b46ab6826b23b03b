"""Programs to models: by path, by text, by library; and what the compiler refuses."""
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

import borel
from conftest import NORMAL, SCHOOLS

TWO = """model a(n: int) { x ~ Normal(0, 1) }
infer first(n: int) { nuts(a(n)) }
infer second(n: int) { nuts(a(n), max_depth = 7) }"""


def test_what_a_model_tells(schools_model):
    m = schools_model
    assert (m.name, m.sizes, m.models) == ("main", ("J",), ("eight_schools",))
    assert [(i.name, i.type, i.dims, i.column_major) for i in m.inputs] == [
        ("sigma", "real", ("J",), False), ("y", "real", ("J",), False)]
    assert m.inputs[0].place[0].endswith("eight_schools.ppl") and m.inputs[0].place[1] == 13
    assert m.parameters["target_accept"].default == 0.8 and m.parameters["warmup"].is_int
    assert "energy__" in m.statistics and len(m.hash) == 64 and m.cpu
    assert repr(m) == "<borel.Model main(sigma: real[J], y: real[J])>"


def test_an_infer_by_name():
    assert borel.compile(TWO, infer="second").parameters["max_depth"].default == 7
    assert borel.compile(TWO, infer="first").name == "first"
    with pytest.raises(borel.CompileError, match="third"):
        borel.compile(TWO, infer="third")


def test_processors():
    assert borel.compile(NORMAL, cpu="x86-64-v2").cpu == "x86-64-v2"
    assert borel.compile(NORMAL, cpu=["x86-64", "x86-64-v2"]).cpu == "x86-64,x86-64-v2"
    with pytest.raises(borel.CompileError, match="nonesuch"):
        borel.compile(NORMAL, cpu="nonesuch")


def test_a_library_that_is_kept(tmp_path, schools_model, schools_data):
    path = tmp_path / "kept.so"
    model = borel.compile(SCHOOLS, output=path)
    assert sorted(os.listdir(tmp_path)) == ["kept.h", "kept.json", "kept.so"]
    loaded = borel.load(path)
    assert loaded.hash == model.hash == schools_model.hash
    u = [0.1] * 10
    assert loaded.bind(schools_data).log_density(u) == model.bind(schools_data).log_density(u)
    assert loaded.bind(schools_data).sites["theta"].dims == ("J",)
    os.remove(tmp_path / "kept.json")
    assert borel.load(path).bind(schools_data).sites["theta"].dims == ("theta_dim_0",)
    with pytest.raises(ValueError, match=r"\.so"):
        borel.compile(SCHOOLS, output=tmp_path / "kept.a")


def test_another_library_at_the_same_path(tmp_path):
    path = tmp_path / "model.so"
    old = borel.compile(NORMAL, output=path)
    new = borel.compile(NORMAL.replace("Normal(0,", "Normal(1,"), output=path)
    assert old.hash != new.hash
    assert old(scale=2.0).gradient([1.0]) == [-0.25] and new(scale=2.0).gradient([1.0]) == [0]
    os.truncate(path, 0)  # what is open is not this file
    assert old(scale=1.0).gradient([1.0]) == [-1]
    shutil.copy(tmp_path / "model.h", path)
    with pytest.raises(borel.ProgramError, match=str(path)):
        borel.load(path)


def test_diagnostics(tmp_path):
    with pytest.raises(borel.CompileError) as caught:
        borel.compile(NORMAL.replace("Normal", "Nrmal"))
    assert str(caught.value).startswith("program.ppl:1:30-34: error: unknown name 'Nrmal'\n")
    assert "help: did you mean 'Normal'?" in caught.value.diagnostics
    assert caught.value.exit_code == 1 and isinstance(caught.value, borel.Error)
    file = tmp_path / "wrong.ppl"
    file.write_text(NORMAL.replace("scale)", "scal)"))
    with pytest.raises(borel.CompileError, match=f"^{file}:2:40-43: error"):
        borel.compile(str(file))
    with pytest.raises(borel.CompileError, match="nothing.ppl"):
        borel.compile(tmp_path / "nothing.ppl")


def test_compilers(tmp_path, command):
    assert borel.compiler_path().startswith(os.path.dirname(borel.__file__))
    assert borel.compile(NORMAL, compiler=command.path).hash == borel.compile(NORMAL).hash
    with pytest.raises(borel.CompilerNotFound, match="nowhere"):
        borel.compile(NORMAL, compiler=tmp_path / "nowhere")
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho a defect >&2\nexit 70\n")
    broken.chmod(0o755)
    with pytest.raises(borel.CompilerDefect, match="^a defect$"):
        borel.compile(NORMAL, compiler=broken)


def test_the_command_by_its_package(tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "borel", *arguments], capture_output=True,
                              text=True)
    assert run("check", SCHOOLS).returncode == 0
    done = run("check", tmp_path / "nothing.ppl")
    assert done.returncode == 1 and "nothing.ppl" in done.stderr


def test_files_that_are_no_programs(tmp_path):
    for text, name in (("cannot open `.*missing.so`", "missing.so"), ("text.so", "text.so")):
        if name == "text.so":
            (tmp_path / name).write_text("no library")
        with pytest.raises(borel.ProgramError, match=text) as caught:
            borel.load(tmp_path / name)
        assert "borel-" not in str(caught.value).replace(str(tmp_path), "")


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = borel.compile(NORMAL)
    with pytest.raises(borel.CompileError):
        borel.compile("model {")
    assert os.listdir(tmp_path) == [] and model(scale=1.0).dimension == 1


def test_classes_are_made_by_functions():
    for kind in (borel.Model, borel.Posterior):
        with pytest.raises(TypeError, match="make"):
            kind()
