"""Borel installed into a fresh folder, and applications built from what is there alone: by CMake, by
pkg-config, from the Debian packages.
install_test.py BUILD_FOLDER SOURCE_ROOT CMAKE C_COMPILER C++_COMPILER"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

BUILD, ROOT, CMAKE, CC, CXX = sys.argv[1:6]
HERE = os.path.join(ROOT, "tests/run/install")
SCHOOLS = os.path.join(ROOT, "examples/eight_schools/eight_schools.ppl")
PROJECT = """cmake_minimum_required(VERSION 3.20)
project(fresh %s)
add_executable(app app.%s)

find_package(Borel REQUIRED)
borel_add_model(schools eight_schools.ppl%s)
target_link_libraries(app PRIVATE schools)
"""


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp()
        cls.prefix = os.path.join(cls.root, "prefix")
        for component in ("compiler", "dev"):
            result = run(CMAKE, "--install", BUILD, "--prefix", cls.prefix, "--component", component)
            assert result.returncode == 0, result.stdout

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=self.root)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def succeed(self, *command, **options):
        result = run(*command, **options)
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def project(self, language="C", arguments="", prefix=None, generator="Unix Makefiles"):
        end = "c" if language == "C" else "cpp"
        with open(self.path("CMakeLists.txt"), "w") as f:
            f.write(PROJECT % (language, end, arguments))
        shutil.copy(os.path.join(HERE, "app.c"), self.path("app." + end))
        shutil.copy(SCHOOLS, self.folder)
        return run(CMAKE, "-G", generator, "-S", self.folder, "-B", self.path("build"),
                   "-DCMAKE_C_COMPILER=" + CC, "-DCMAKE_CXX_COMPILER=" + CXX,
                   "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror",
                   "-DCMAKE_PREFIX_PATH=" + (prefix or self.prefix))

    def make(self):
        return self.succeed(CMAKE, "--build", self.path("build"), "-j2")

    def test_an_application_by_cmake_and_make(self):
        self.application("Unix Makefiles")

    @unittest.skipUnless(shutil.which("ninja"), "no ninja")
    def test_an_application_by_cmake_and_ninja(self):
        self.application("Ninja")

    def application(self, generator):
        result = self.project(generator=generator)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("Compiling schools", self.make())
        app = self.path("build/app")
        self.assertRegex(self.succeed(app), "^mu [0-9.]+ theta")
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", self.succeed("readelf", "-d", app))
        self.assertLessEqual(set(needed), {"libc.so.6", "libm.so.6"})
        # Nothing to do; then a new model, which is compiled and linked again.
        self.assertNotIn("Compiling schools", self.make())
        with open(self.path("eight_schools.ppl")) as f:
            text = f.read()
        self.assertEqual(text.count("Normal(0, 5)"), 1)
        time.sleep(1.1)  # make sees times in seconds
        with open(self.path("eight_schools.ppl"), "w") as f:
            f.write(text.replace("Normal(0, 5)", "Normal(100, 0.01)"))
        self.assertIn("Compiling schools", self.make())
        result = run(app)
        self.assertEqual(result.returncode, 3)
        self.assertTrue(result.stdout.startswith("mu 99.") or result.stdout.startswith("mu 100."),
                        result.stdout)

    def test_an_application_of_several_processors_in_cxx(self):
        app = self.project("CXX", " HESSIAN CPU x86-64-v2 x86-64-v3 INFER main NAME schools")
        self.assertEqual(app.returncode, 0, app.stdout)
        # C++ wants the result of malloc cast.
        with open(self.path("app.cpp")) as f:
            text = f.read().replace("= malloc", "= (double*)malloc")
        with open(self.path("app.cpp"), "w") as f:
            f.write(text)
        self.make()
        self.succeed(self.path("build/app"))
        with open(self.path("build/borel/schools/schools.json")) as f:
            text = f.read()
        self.assertIn('"x86-64-v2",\n      "x86-64-v3"', text)
        self.assertIn('"hessian_vector"', text)

    def test_what_is_wrong_is_told(self):
        result = self.project(arguments=" CPUS x86-64-v3")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("CPUS", result.stdout)
        result = self.project(arguments=" CPU x86-64-v9")
        self.assertEqual(result.returncode, 0, result.stdout)
        result = run(CMAKE, "--build", self.path("build"))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("unknown processor 'x86-64-v9'", result.stdout)

    def test_an_application_by_pkg_config(self):
        borel = os.path.join(self.prefix, "bin/borel")
        self.succeed(borel, "build", SCHOOLS, "-o", self.path("schools"))
        config = [os.path.join(folder, "pkgconfig") for folder, names, _ in os.walk(self.prefix)
                  if "pkgconfig" in names]
        environment = {**os.environ, "PKG_CONFIG_PATH": config[0]}
        flags = self.succeed("pkg-config", "--cflags", "--libs", "borel", env=environment).split()
        self.assertIn("-lborel_rt", flags)
        self.succeed(CC, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", self.folder,
                     os.path.join(HERE, "app.c"), self.path("schools.a"), *flags, "-o",
                     self.path("app"))
        self.succeed(self.path("app"))

    def bridgestan(self, prefix):
        """A library for BridgeStan's clients, from what lies under prefix alone."""
        self.succeed(os.path.join(prefix, "bin/borel"), "build", SCHOOLS, "--bridgestan", "-o",
                     self.path("schools.so"))
        self.assertIn("bs_log_density_gradient", self.succeed("nm", "-D", self.path("schools.so")))

    def test_a_library_for_bridgestan(self):
        self.bridgestan(self.prefix)

    def test_installed_files_know_nothing_of_the_build(self):
        for folder, _, names in os.walk(self.prefix):
            for name in names:
                if name.endswith((".cmake", ".pc", ".h")):
                    with open(os.path.join(folder, name)) as f:
                        text = f.read()
                    self.assertNotIn(ROOT, text, name)
                    self.assertNotIn(BUILD, text, name)

    @unittest.skipUnless(shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"), "not Debian")
    def test_debian_packages(self):
        cpack = os.path.join(os.path.dirname(CMAKE), "cpack")
        self.succeed(cpack, "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B",
                     self.folder, cwd=self.folder)
        packages = {name.split("_")[0]: self.path(name) for name in os.listdir(self.folder)
                    if name.endswith(".deb")}
        self.assertEqual(set(packages), {"borel", "libborel-dev"})
        fields = self.succeed("dpkg-deb", "--field", packages["borel"], "Depends")
        for library in ("libc6", "libllvm19", "libmlir-19"):
            self.assertIn(library, fields)
        for package in packages.values():
            self.succeed("dpkg-deb", "--extract", package, self.path("root"))
        self.succeed(self.path("root/usr/bin/borel"), "--version")
        self.bridgestan(self.path("root/usr"))
        result = self.project(prefix=self.path("root/usr"))
        self.assertEqual(result.returncode, 0, result.stdout)
        self.make()
        self.succeed(self.path("build/app"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
