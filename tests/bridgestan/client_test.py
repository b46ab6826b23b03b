"""BridgeStan's Python client drives programs of Borel. client_test.py BOREL ROOT
Exit status 77 where the client is not installed."""
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

try:
    import bridgestan
    import numpy as np
except ImportError as problem:
    print("skipped:", problem)
    sys.exit(77)
import closed_forms

BOREL, ROOT = sys.argv[1:3]
HERE = os.path.join(ROOT, "tests/bridgestan")
SCHOOLS = os.path.join(ROOT, "examples/eight_schools/eight_schools.ppl")
SCHOOLS_DATA = os.path.join(ROOT, "examples/eight_schools/eight_schools.json")
SHAPES = os.path.join(HERE, "shapes.ppl")
SHAPES_DATA = {"n": 3, "scale": 2.5, "y": [1, -2, 3.5]}


def borel(*arguments, **options):
    return subprocess.run([BOREL, *arguments], capture_output=True, text=True, **options)


def library(folder, program, name, **options):
    path = os.path.join(folder, name + ".so")
    result = borel("build", program, "--bridgestan", "--output", path, **options)
    assert result.returncode == 0, result.stderr
    return path


def model(path, *arguments, **options):
    return bridgestan.StanModel(path, *arguments, warn=False, **options)


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("error")  # the client's: another version, an argument that is no more
        cls.folder = tempfile.mkdtemp()
        cls.schools_path = library(cls.folder, SCHOOLS, "schools")
        cls.shapes_path = library(cls.folder, SHAPES, "shapes")
        cls.schools = model(cls.schools_path, SCHOOLS_DATA)
        cls.shapes = model(cls.shapes_path, SHAPES_DATA)
        with open(SCHOOLS_DATA) as f:
            cls.schools_form = closed_forms.Schools(json.load(f))
        cls.shapes_form = closed_forms.Shapes(SHAPES_DATA)
        cls.generator = np.random.default_rng(5)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def points(self, of, count=5):
        return [self.generator.uniform(-2, 2, of.param_unc_num()) for _ in range(count)]

    def fails(self, text, function, *arguments, **options):
        with self.assertRaises(RuntimeError) as caught:
            function(*arguments, **options)
        self.assertRegex(str(caught.exception), text)
        self.assertTrue(str(caught.exception).endswith("\n"))

    def logp(self, program, data, u, *options):
        at = self.path("at.json")
        with open(at, "w") as f:
            json.dump({"params_r": list(u)}, f)
        result = borel("logp", program, "--data", data, "--at", at, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    # ---- what a model is

    def test_name_and_info(self):
        self.assertEqual(self.schools.name(), "eight_schools")
        self.assertEqual(self.schools.model_version(), (2, 9, 0))
        info = self.schools.model_info()
        for text in ("BridgeStan version: 2.9.0", "Stan version: ", "STAN_THREADS=true", "STAN_OPENCL",
                     "BRIDGESTAN_AD_HESSIAN=true", "borel_version = ", "program_hash = "):
            self.assertIn(text, info)

    def test_names_and_counts(self):
        z = ["z.%d" % i for i in range(1, 9)]
        theta = ["theta.%d" % i for i in range(1, 9)]
        self.assertEqual(self.schools.param_names(), ["mu", "tau"] + z)
        self.assertEqual(self.schools.param_names(include_tp=True), ["mu", "tau"] + z + theta)
        self.assertEqual(self.schools.param_names(include_gq=True), ["mu", "tau"] + z)
        self.assertEqual(self.schools.param_unc_names(), ["mu", "tau"] + z)
        self.assertEqual((self.schools.param_num(), self.schools.param_num(include_tp=True),
                          self.schools.param_num(include_tp=True, include_gq=True),
                          self.schools.param_unc_num()), (10, 18, 18, 10))

        first_fastest = ["%s.%d.%d" % (name, i, j) for name in ("grid", "rows")
                         for j in (1, 2, 3) for i in (1, 2)]
        grid, rows = first_fastest[:6], first_fastest[6:]
        scalars, three = ["level", "spread", "share"], ".1 .2 .3".split()
        parameters = (scalars + grid + ["weights" + i for i in three] + rows
                      + ["cuts" + i for i in three])
        derived = ["cube.%d.%d.%d" % (i, j, k) for k in (1, 2) for j in (1, 2, 3) for i in (1, 2)]
        derived += ["table.%d.%d" % (i, j) for j in (1, 2, 3) for i in (1, 2)]
        self.assertEqual(self.shapes.param_names(), parameters)
        self.assertEqual(self.shapes.param_names(include_tp=True), parameters + derived)
        # In the order of u: arrays with the last index fastest.
        self.assertEqual(self.shapes.param_unc_names(),
                         scalars + ["grid.%d.%d" % (i, j) for i in (1, 2) for j in (1, 2, 3)]
                         + ["weights.1", "weights.2"]
                         + ["rows.%d.%d" % (i, j) for i in (1, 2) for j in (1, 2)]
                         + ["cuts" + i for i in three])
        self.assertEqual(self.shapes.param_num(), len(parameters))
        self.assertEqual(self.shapes.param_unc_num(), 18)

    def test_a_model_without_unknowns(self):
        known = model(library(self.folder, os.path.join(HERE, "known.ppl"), "known"),
                      {"n": 2, "y": [0., 1.]})
        self.assertEqual((known.param_num(), known.param_unc_num()), (0, 0))
        self.assertEqual((known.param_names(), known.param_unc_names()), ([""], [""]))
        nothing = np.zeros(0)
        lp, gradient, hessian = known.log_density_hessian(nothing)
        self.assertAlmostEqual(lp, closed_forms.normal([0, 1], 0, 1).sum(), delta=1e-15)
        self.assertEqual((gradient.shape, hessian.shape), ((0,), (0, 0)))
        self.assertEqual(known.param_constrain(nothing).shape, (0,))
        self.assertEqual(known.param_unconstrain_json({}).shape, (0,))
        self.assertEqual(known.param_initialize(known.new_rng(1)).shape, (0,))

    # ---- transforms

    def test_constrain(self):
        for u in self.points(self.schools):
            expected = self.schools_form.constrained(u)
            np.testing.assert_allclose(self.schools.param_constrain(u), expected[:10], rtol=1e-14)
            np.testing.assert_allclose(self.schools.param_constrain(u, include_tp=True), expected,
                                       rtol=1e-13, atol=1e-14)
        for u in self.points(self.shapes):
            for derived in (False, True):
                out = np.empty(self.shapes.param_num(include_tp=derived))
                given = self.shapes.param_constrain(u, include_tp=derived, out=out)
                self.assertIs(given, out)
                np.testing.assert_allclose(out, self.shapes_form.constrained(u, derived), rtol=1e-12)
        with self.assertRaises(ValueError):
            self.shapes.param_constrain(u, out=np.empty(3))
        with self.assertRaises(ctypes.ArgumentError):
            self.shapes.param_constrain(u[:-1])

    def test_generated_quantities_need_a_handle_and_are_none(self):
        u = self.points(self.shapes)[0]
        rng = self.shapes.new_rng(4)
        np.testing.assert_array_equal(self.shapes.param_constrain(u, include_gq=True, rng=rng),
                                      self.shapes.param_constrain(u))
        np.testing.assert_array_equal(
            self.shapes.param_constrain(u, include_tp=True, include_gq=True, rng=rng),
            self.shapes.param_constrain(u, include_tp=True))
        with self.assertRaises(ValueError):
            self.shapes.param_constrain(u, include_gq=True)
        out, error = np.empty(self.shapes.param_num()), ctypes.c_char_p()
        code = self.shapes._param_constrain(self.shapes.model, False, True, u, out, None,
                                            ctypes.byref(error))
        self.assertEqual(code, -1)
        self.assertEqual(error.value, b"param_constrain() failed with exception: "
                                      b"include_gq=true but rng=nullptr\n")
        self.shapes._free_error(error)

    def test_unconstrain(self):
        for of in (self.schools, self.shapes):
            for u in self.points(of):
                theta = of.param_constrain(u)
                np.testing.assert_allclose(of.param_unconstrain(theta), u, atol=1e-12)
                # With derived quantities behind: only the parameters count.
                theta = of.param_constrain(u, include_tp=True)
                np.testing.assert_allclose(of.param_unconstrain(theta), u, atol=1e-12)

    def test_unconstrain_what_cannot_be(self):
        names = self.shapes.param_names()
        inside = self.shapes.param_constrain(self.points(self.shapes)[0])
        for name, value in (("spread", -1.), ("share", 1.5), ("weights.1", 5.), ("cuts.2", 1e9),
                            ("level", np.nan), ("share", np.nan), ("level", np.inf)):
            theta = inside.copy()
            theta[names.index(name)] = value
            self.fails(r"^param_unconstrain\(\) failed with exception: .*`?%s" % name.split(".")[0],
                       self.shapes.param_unconstrain, theta)

    def values(self, u):
        return {name: value.tolist() if isinstance(value, np.ndarray) else value
                for name, value in self.shapes_form.sites(u)[0].items()}

    def test_unconstrain_json(self):
        for u in self.points(self.shapes):
            values = self.values(u)  # derived ones too, which are ignored
            np.testing.assert_allclose(self.shapes.param_unconstrain_json(values), u, atol=1e-12)
            np.testing.assert_allclose(self.shapes.param_unconstrain_json(json.dumps(values)), u,
                                       atol=1e-12)

    def test_unconstrain_json_that_is_wrong(self):
        values = self.values(self.points(self.shapes)[0])
        what = r"^param_unconstrain_json\(\) failed with exception: "

        def wrong(text, **changes):
            changed = {k: v for k, v in {**values, **changes}.items() if v is not None}
            self.fails(what + text, self.shapes.param_unconstrain_json, json.dumps(changed))

        wrong("`share` is missing", share=None)
        wrong("`cuts`: found an array of 2 elements, expected an array of 3", cuts=[1, 2])
        wrong(r"`grid`: found an array of shape \[3, 2\], expected an array of shape \[2, 3\]",
              grid=[[1, 2], [3, 4], [5, 6]])
        wrong("`level`: found an array of 1 element, expected a single number", level=[1])
        wrong("`level`: found text", level="one")
        wrong("`level`", level={"x": 1})
        wrong("`grid`: found a ragged array", grid=[[1, 2], [3, 4, 5]])
        wrong(r"`grid\[2,3\]`.*found nan", grid=[[1, 2, 3], [4, 5, "NaN"]])
        wrong("`level`: found inf", level="+inf")
        wrong(".*spread", spread=-1)
        wrong(".*weights", weights=[.5, .5, .5])
        self.fails(what + "`level` is given twice", self.shapes.param_unconstrain_json,
                   '{"level": 1, "level": 2}')
        for text in ("", "[1]", '{"level": ', '{"level": 1} x', '{"level": 1,, }'):
            self.fails(what + "not valid JSON|" + what, self.shapes.param_unconstrain_json, text)

    # ---- densities

    def test_log_density_and_gradient(self):
        cases = ((self.schools, self.schools_form, SCHOOLS, SCHOOLS_DATA),
                 (self.shapes, self.shapes_form, SHAPES, self.path("shapes_data.json")))
        with open(cases[1][3], "w") as f:
            json.dump(SHAPES_DATA, f)
        for of, form, program, data in cases:
            for u in self.points(of, 3):
                for jacobian in (True, False):
                    known = self.logp(program, data, u, *([] if jacobian else ["--no-jacobian"]))
                    for propto in (True, False):  # no constant is dropped
                        flags = dict(propto=propto, jacobian=jacobian)
                        lp = of.log_density(u, **flags)
                        both, gradient = of.log_density_gradient(u, **flags)
                        self.assertAlmostEqual(lp, form.log_density(u, jacobian), delta=1e-11)
                        self.assertAlmostEqual(lp, both, delta=1e-12)
                        self.assertAlmostEqual(both, known["lp"], delta=1e-12)
                        np.testing.assert_allclose(gradient, known["grad"], rtol=1e-12, atol=1e-12)
                    if of is self.schools:
                        np.testing.assert_allclose(gradient, form.gradient(u, jacobian), rtol=1e-10,
                                                   atol=1e-12)
            if of is self.schools:
                self.assertEqual(of.param_unc_names(), known["names"])
        with self.assertRaises(ctypes.ArgumentError):
            self.shapes.log_density(np.zeros(3))

    def test_hessian(self):
        for u in self.points(self.schools):
            exact = self.schools_form.hessian(u)
            size = np.abs(exact).max()
            lp, gradient, hessian = self.schools.log_density_hessian(u)
            np.testing.assert_array_equal(hessian, hessian.T)
            np.testing.assert_allclose(hessian, exact, rtol=0, atol=1e-13 * size)
            known = self.schools.log_density_gradient(u)
            self.assertEqual(lp, known[0])
            np.testing.assert_array_equal(gradient, known[1])
            # The Jacobian of tau is linear in u.
            np.testing.assert_allclose(self.schools.log_density_hessian(u, jacobian=False)[2], exact,
                                       rtol=0, atol=1e-13 * size)
            for v in (self.generator.normal(size=10), 1e6 * self.generator.normal(size=10)):
                lp, product = self.schools.log_density_hessian_vector_product(u, v)
                self.assertEqual(lp, known[0])
                np.testing.assert_allclose(product, exact @ v, rtol=0,
                                           atol=1e-12 * size * np.abs(v).max())
            np.testing.assert_array_equal(
                self.schools.log_density_hessian_vector_product(u, np.zeros(10))[1], np.zeros(10))

    def test_hessian_by_differences(self):
        # The gradient takes trigamma, whose derivative is not known.
        program = os.path.join(ROOT, "tests", "host", "programs", "no_hessian.ppl")
        result = borel("build", program, "--bridgestan", "--output", self.path("no_hessian.so"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("differences of its gradient", result.stderr)
        of = model(self.path("no_hessian.so"))
        self.assertIn("BRIDGESTAN_AD_HESSIAN=false", of.model_info())
        # With x = e^u: -x^2 / 2 + digamma(x) + u, to which the series of digamma is enough.
        x, k = np.exp(0.4), np.arange(200000)
        trigamma, tetragamma = (1 / (x + k)**2).sum() + 1 / (x + 200000 - 0.5), (
            -2 / (x + k)**3).sum() - 1 / (x + 200000 - 0.5)**2
        expected = -2 * x**2 + x * trigamma + x**2 * tetragamma
        u, v = np.array([0.4]), np.array([3.])
        hessian = of.log_density_hessian(u)[2]
        self.assertAlmostEqual(hessian[0, 0], expected, delta=1e-7)
        self.assertAlmostEqual(of.log_density_hessian_vector_product(u, v)[1][0], 3 * expected,
                               delta=1e-6)
        u[0] = -800
        self.fails("the density is 0|not finite", of.log_density_hessian, u)

    def test_points_without_a_density(self):
        u = self.points(self.shapes)[0]
        u[1] = -800  # spread is 0: the density is, as the parameter's constraint says
        self.assertEqual(self.shapes.log_density(u), -np.inf)
        self.assertEqual(self.shapes.log_density_gradient(u)[0], -np.inf)
        v = np.ones_like(u)
        for function, arguments in ((self.shapes.log_density_hessian, (u,)),
                                    (self.shapes.log_density_hessian_vector_product, (u, v))):
            self.fails(r"^%s\(\) failed with exception: the density is 0" % function.__name__,
                       function, *arguments)
        u[1] = 0
        v[0] = np.nan
        self.fails("an element of the vector is not finite",
                   self.shapes.log_density_hessian_vector_product, u, v)
        u[0] = np.nan
        for function in (self.shapes.log_density, self.shapes.log_density_gradient,
                         self.shapes.log_density_hessian):
            self.fails(r"^%s\(\) failed with exception: .*nan.*shapes\.ppl:4:" % function.__name__,
                       function, u)

    def test_many_threads_share_a_model(self):
        points = self.points(self.shapes, 50)
        expected = [self.shapes.log_density_gradient(u) for u in points]
        bad = []

        def evaluate():
            for _ in range(20):
                for u, (lp, gradient) in zip(points, expected):
                    found = self.shapes.log_density_gradient(u)
                    theta = self.shapes.param_constrain(u)
                    back = self.shapes.param_unconstrain(theta)
                    if found[0] != lp or (found[1] != gradient).any() or np.abs(back - u).max() > 1e-12:
                        bad.append(u)

        threads = [threading.Thread(target=evaluate) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(bad, [])

    # ---- starting points

    def test_initialize(self):
        rng = self.shapes.new_rng(11)
        points = np.array([self.shapes.param_initialize(rng) for _ in range(200)])
        self.assertLess(np.abs(points).max(), 2)
        self.assertLess(np.abs(points.mean(axis=0)).max(), 5 * 2 / np.sqrt(3 * 200))
        self.assertTrue((points.std(axis=0) > 1).all())  # of U(-2, 2): 1.15
        again = self.shapes.new_rng(11)
        np.testing.assert_array_equal(points[0], self.shapes.param_initialize(again))
        small = self.shapes.param_initialize(rng, init_radius=1e-3, jacobian=False)
        self.assertLess(np.abs(small).max(), 1e-3)
        np.testing.assert_array_equal(self.shapes.param_initialize(rng, init_radius=0), np.zeros(18))

        u = self.points(self.shapes)[0]
        values = self.values(u)
        np.testing.assert_allclose(self.shapes.param_initialize(rng, values), u, atol=1e-12)
        some = self.shapes.param_initialize(rng, {"share": .25, "rows": values["rows"]})
        np.testing.assert_allclose(some[2], np.log(1 / 3), atol=1e-12)
        np.testing.assert_allclose(some[11:15], u[11:15], atol=1e-12)
        self.assertLess(np.abs(some).max(), 2.0001)
        self.assertGreater(np.abs(some[3:9]).min(), 0)

    def test_initialize_that_is_wrong(self):
        rng = self.shapes.new_rng(1)
        start = self.shapes.param_initialize
        what = r"^param_initialize\(\) failed with exception: "
        self.fails(what + "init_radius is -1", start, rng, init_radius=-1)
        self.fails(what + "init_radius is nan", start, rng, init_radius=np.nan)
        self.fails(what + "max_tries is 0", start, rng, max_tries=0)
        self.fails(what + "not valid JSON", start, rng, "{")
        self.fails(what + "`cuts`: found a single number", start, rng, {"cuts": 1})
        # spread is so small that its square is 0.
        self.fails(what + "no starting point in 7 tries; .*", start, rng, {"spread": 1e-320},
                   max_tries=7)
        self.fails(what + "no starting point in 1 try; .*spread", start, rng, {"spread": -1},
                   init_radius=0)
        error = ctypes.c_char_p()
        out = np.empty(18)
        self.assertEqual(self.shapes._param_initialize(self.shapes.model, None, None, 2, 100, True, out,
                                                       ctypes.byref(error)), -1)
        self.assertIn(b"rng=nullptr", error.value)
        self.shapes._free_error(error)

    # ---- data

    def construct(self, of, data):
        """bs_model_construct itself: the client reads files on its own."""
        error = ctypes.c_char_p()
        made = of._construct(data, 1, ctypes.byref(error))
        text = error.value and error.value.decode()
        if error:
            of._free_error(error)
        return made, text

    def test_data_from_a_file_or_text(self):
        with open(SCHOOLS_DATA, "rb") as f:
            text = f.read()
        for data in (SCHOOLS_DATA.encode(), text):
            made, text = self.construct(self.schools, data)
            self.assertTrue(made, text)
            self.assertEqual(self.schools._param_num(made, True, True), 18)
            self.schools._destruct(made)
        large = {"n": 30000, "scale": 1, "y": [0.5] * 30000}
        path = self.path("large.json")
        with open(path, "w") as f:
            json.dump(large, f)
        made, text = self.construct(self.shapes, path.encode())
        self.assertTrue(made, text)
        self.shapes._destruct(made)

    def test_data_that_are_wrong(self):
        what = r"^construct\(\) failed with exception: "
        with open(SCHOOLS_DATA) as f:
            data = json.load(f)

        def wrong(text, **changes):
            changed = {k: v for k, v in {**data, **changes}.items() if v is not None}
            self.fails(what + text, model, self.schools_path, json.dumps(changed))

        wrong(r"`sigma` is missing: expected real\[J\] \(eight_schools\.ppl:\d+:\d+\)", sigma=None)
        wrong(r"`sigma\[1\]` \(counting from 1\): found -1, expected a number above 0", sigma=[-1] * 8)
        wrong("`y`: found 7 elements, expected J = 8", y=[1] * 7)
        wrong(r"`y`: found an array of shape", y=[[1]])
        wrong("`y`: found text", y="text")
        wrong(r"`y\[1\]`.*found NaN", y=["NaN"] * 8)
        for text in ("{", "[]", '{"J": 8', '{"J": 8} 1', "no json"):
            self.fails(what + "not valid JSON", model, self.schools_path, text)
        for nothing in (None, ""):
            self.fails(what + "`(sigma|J|y)` is missing", model, self.schools_path, nothing)
        self.assertEqual(self.construct(self.schools, b"/no/such/file.json"),
                         (None, "construct() failed with exception: "
                                "Cannot read input file: /no/such/file.json\n"))
        with open(self.path("empty.json"), "w"):
            pass
        made, text = self.construct(self.schools, self.path("empty.json").encode())
        self.assertIsNone(made)
        self.assertRegex(text, what + "not valid JSON")
        # Nobody wants the message.
        self.assertIsNone(self.schools._construct(b"{", 1, None))

    # ---- libraries

    def test_two_libraries_in_one_process(self):
        """Each finds its own symbols, even where another one's are global."""
        loaded = ctypes.CDLL(shutil.copy(self.shapes_path, self.path("global.so")),
                             mode=ctypes.RTLD_GLOBAL)
        self.assertEqual(ctypes.c_int.in_dll(loaded, "bs_minor_version").value, 9)
        late = model(shutil.copy(self.schools_path, self.path("late.so")), SCHOOLS_DATA)
        self.assertEqual((late.name(), late.param_unc_num()), ("eight_schools", 10))

    def test_what_a_library_needs_and_exports(self):
        needed = subprocess.run(["readelf", "-d", self.shapes_path], capture_output=True, text=True,
                                check=True).stdout
        self.assertLessEqual(set(re.findall(r"\(NEEDED\).*\[(.*)\]", needed)),
                             {"libc.so.6", "libm.so.6", "libpthread.so.0"})
        names = subprocess.run(["nm", "-D", "--defined-only", self.shapes_path], capture_output=True,
                               text=True, check=True).stdout
        names = {line.split()[-1] for line in names.splitlines()}
        self.assertLessEqual({"shapes_program", "borel_program_entry", "bs_param_initialize"}, names)
        self.assertEqual({name for name in names if not name.startswith("bs_")},
                         {"shapes_program", "borel_program_entry"})

    def test_the_same_bytes_again_and_with_another_linker(self):
        other = self.path("other")
        os.makedirs(other)
        again = library(other, SHAPES, "shapes")
        with open(again, "rb") as a, open(self.shapes_path, "rb") as b:
            self.assertEqual(a.read(), b.read())
        tools = self.path("tools")
        os.makedirs(tools)
        for tool in ("cc", "ld"):
            os.symlink(shutil.which(tool), os.path.join(tools, tool))
        linked = library(other, SHAPES, "by_cc", env={"PATH": tools})
        made = model(linked, SHAPES_DATA)
        u = self.points(made)[0]
        self.assertEqual(made.log_density(u), self.shapes.log_density(u))

    def test_code_for_several_processors(self):
        levels = self.path("levels.so")
        result = borel("build", SHAPES, "--bridgestan", "--cpu", "x86-64,x86-64-v2,x86-64-v3",
                       "--output", levels)
        self.assertEqual(result.returncode, 0, result.stderr)
        made = model(levels, SHAPES_DATA)
        self.assertIn("target_cpu = x86-64,x86-64-v2,x86-64-v3", made.model_info())
        for u in self.points(made):
            self.assertAlmostEqual(made.log_density(u), self.shapes_form.log_density(u), delta=1e-11)

    def test_wrong_usage(self):
        for output in ("name", "name.a", "name.o"):
            result = borel("build", SHAPES, "--bridgestan", "--output", self.path(output))
            self.assertEqual(result.returncode, 2)
            self.assertIn("--bridgestan makes a shared library: --output NAME.so", result.stderr)
        # A compiler without the runtime beside it.
        os.makedirs(self.path("alone/bin"))
        alone = shutil.copy(BOREL, self.path("alone/bin/borel"))
        result = subprocess.run([alone, "build", SHAPES, "--bridgestan", "--output",
                                 self.path("alone/x.so")], capture_output=True, text=True)
        self.assertEqual(result.returncode, 5)
        self.assertIn("libborel_bridgestan.a (package libborel-dev)", result.stderr)
        self.assertIn(os.path.realpath(self.path("alone")) + "/lib\n", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
