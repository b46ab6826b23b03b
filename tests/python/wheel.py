"""Builds the wheel from an installed Borel and installs it into SITE.
wheel.py BUILD_FOLDER SOURCE_ROOT CMAKE C++_COMPILER SITE"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

BUILD, ROOT, CMAKE, CXX, SITE = sys.argv[1:6]


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **options)
    assert result.returncode == 0, f"{' '.join(command)}:\n{result.stdout}"


with tempfile.TemporaryDirectory() as folder:
    prefix = os.path.join(folder, "prefix")
    for component in ("compiler", "dev"):
        run(CMAKE, "--install", BUILD, "--prefix", prefix, "--component", component)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", folder,
        "-C", "build-dir=" + os.path.join(BUILD, "python_wheel"),
        "-C", "cmake.define.Borel_ROOT=" + prefix, "-C", "cmake.define.CMAKE_CXX_COMPILER=" + CXX,
        "-C", "cmake.define.CMAKE_COMPILE_WARNING_AS_ERROR=ON", ROOT,
        env={**os.environ, "PATH": os.path.dirname(CMAKE) + os.pathsep + os.environ["PATH"]})
    wheel, = glob.glob(os.path.join(folder, "borel-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("borel/__init__.py", "borel/py.typed", "borel/_core.pyi", "borel/bin/borel"):
        assert wanted in names, (wanted, names)
    shutil.rmtree(SITE, ignore_errors=True)
    run(*pip, "install", "--no-deps", "--no-index", "--target", SITE, wheel)
    print(os.path.basename(wheel), os.path.getsize(wheel), "bytes")
