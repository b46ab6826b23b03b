"""What `borel build` writes: libraries that plain C links, headers that C and C++ take, descriptors,
code for several processors, the same bytes everywhere, errors.
build_test.py BOREL SOURCE_ROOT C_COMPILER C++_COMPILER LIBBOREL_RT [flags that the runtime wants]"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BOREL, ROOT, CC, CXX, RUNTIME = os.path.abspath(sys.argv[1]), *sys.argv[2:6]
FLAGS = sys.argv[6:]
HERE = os.path.join(ROOT, "tests/run/build")
SCHOOLS = os.path.join(ROOT, "examples/eight_schools/eight_schools.ppl")
COIN = os.path.join(HERE, "coin.ppl")
NAMES = os.path.join(HERE, "names.ppl")
INCLUDE = os.path.join(ROOT, "runtime/include")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
MEMORY = {"memcpy", "memmove", "memset", "memcmp"}
ROUNDING = {"fma", "floor", "ceil", "trunc", "rint", "nearbyint", "roundeven"}
LEVELS = {
    "x86-64": set(),
    "x86-64-v2": {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3", "pni"},
    "x86-64-v3": {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def text_of(path):
    with open(path) as f:
        return f.read()


def levels_here():
    """The levels of x86-64 that this processor has, by /proc/cpuinfo, least first."""
    flags = set(re.search(r"^flags\s*:(.*)$", text_of("/proc/cpuinfo"), re.M).group(1).split())
    found = []
    for name, needs in LEVELS.items():
        if not needs <= flags:
            break
        found.append(name)
    return found


class Build(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def read(self, *names):
        with open(self.path(*names), "rb") as f:
            return f.read()

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def succeed(self, *command, **options):
        result = run(*command, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def build(self, program, name, *options, **more):
        return self.succeed(BOREL, "build", program, "-o", self.path(name), *options, **more)

    def refused(self, code, *arguments, **options):
        result = run(BOREL, "build", *arguments, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr

    def symbols(self, path, *options):
        lines = self.succeed("nm", "-P", *options, path).splitlines()
        return {line.split()[0].split("@")[0] for line in lines
                if len(line.split()) > 1 and not line.endswith(":")}

    def host(self, out, *options, link=()):
        """The C host, linked by plain cc with what lies in the folder."""
        self.succeed(CC, "-std=c11", *STRICT, *options, "-I", INCLUDE, "-I", self.folder,
                     os.path.join(HERE, "host.c"), *[self.path(name) for name in link], "-lm", "-o",
                     self.path(out))
        return self.path(out)

    def both(self, cpu="native"):
        self.build(SCHOOLS, "eight_schools", "--cpu", cpu)
        self.build(COIN, "coin.a", "--cpu", cpu)

    # ---- libraries -----------------------------------------------------------------------------

    def test_two_static_libraries_in_one_c_program(self):
        self.both()
        host = self.host("host", link=("eight_schools.a", "coin.a"))
        self.assertEqual(self.succeed(host).count("lp "), 2)
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", self.succeed("readelf", "-d", host))
        self.assertIn("libc.so.6", needed)
        self.assertLessEqual(set(needed), {"libc.so.6", "libm.so.6"})
        first = self.succeed(host)
        for options in (["-static"], ["-no-pie"], ["-static", "-no-pie"], ["-static-pie"]):
            again = self.host("again", *options, link=("eight_schools.a", "coin.a"))
            self.assertEqual(self.succeed(again), first, options)

    def test_what_objects_define_and_need(self):
        for cpu, allowed in (("x86-64-v3", MEMORY), ("x86-64-v2", MEMORY | {"fma"}),
                             ("x86-64", MEMORY | ROUNDING),
                             ("x86-64,x86-64-v2,x86-64-v3,x86-64-v4", MEMORY | ROUNDING)):
            self.build(NAMES, "my-names.o", "--cpu", cpu)
            self.assertEqual(self.symbols(self.path("my-names.o"), "-g", "--defined-only"),
                             {"my_names_program"})
            self.assertLessEqual(self.symbols(self.path("my-names.o"), "-u"), allowed, cpu)
        self.build(NAMES, "my-names.a")
        self.assertEqual(self.symbols(self.path("my-names.a"), "-g", "--defined-only"),
                         {"my_names_program"})
        self.assertEqual(self.succeed("ar", "t", self.path("my-names.a")), "my_names.o\n")
        self.assertIn(" 0/0 ", self.succeed("ar", "tvO", self.path("my-names.a")))

    def test_shared_libraries(self):
        self.build(NAMES, "names.so", "--cpu", "x86-64-v3")
        self.assertEqual(self.symbols(self.path("names.so"), "-D", "--defined-only"),
                         {"names_program", "borel_program_entry"})
        dynamic = self.succeed("readelf", "-d", self.path("names.so"))
        self.assertEqual(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic), [])
        self.assertIn("[names.so]", dynamic)
        self.build(NAMES, "names.so", "--cpu", "x86-64-v2")
        dynamic = self.succeed("readelf", "-d", self.path("names.so"))
        self.assertEqual(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic), ["libm.so.6"])
        self.both()
        static = self.succeed(self.host("static", link=("eight_schools.a", "coin.a")))
        self.build(SCHOOLS, "eight_schools.so")
        self.build(COIN, "coin.o")
        shared = self.host("shared", link=("eight_schools.so", "coin.o"))
        self.assertEqual(
            self.succeed(shared, env={**os.environ, "LD_LIBRARY_PATH": self.folder}), static)

    # ---- processors ----------------------------------------------------------------------------

    def test_each_processor_alone_and_all_in_one(self):
        here = levels_here()
        if not here:
            self.skipTest("not an x86-64 processor")
        alone = {}
        for cpu in here:
            self.both(cpu)
            lines = self.succeed(self.host("host", link=("eight_schools.a", "coin.a"))).splitlines()
            self.assertEqual(lines[0], cpu)
            alone[cpu] = lines[1:]
        for lines in alone.values():  # the same numbers, but for rounding
            for one, other in zip(lines, alone[here[0]]):
                if not one.startswith("draw"):
                    value, reference = (float.fromhex(line.split()[1]) for line in (one, other))
                    self.assertAlmostEqual(value, reference, delta=1e-10 * (1 + abs(reference)))
        # Each list takes the code of its last level that is here: the same bits as that one alone.
        lists = [list(LEVELS)] + [here[:i + 1] for i in range(1, len(here))]
        if len(here) < len(LEVELS):
            lists.append([here[-1], "x86-64-v4"])
        for levels in lists:
            best = [level for level in levels if level in here][-1]
            self.both(",".join(reversed(levels)))
            host = self.host("fat", link=("eight_schools.a", "coin.a"))
            lines = self.succeed(host).splitlines()
            self.assertEqual(lines[0], ",".join(levels))
            self.assertEqual(lines[1:], alone[best], levels)
        static = self.host("static", "-static", link=("eight_schools.a", "coin.a"))
        self.assertEqual(self.succeed(static).splitlines()[1:], alone[best])

    def test_code_is_of_the_processor_that_was_named(self):
        def registers(cpu):
            self.build(SCHOOLS, "code.o", "--cpu", cpu)
            code = self.succeed("objdump", "-d", "--no-show-raw-insn", self.path("code.o"))
            return {name for name in ("xmm", "ymm", "zmm") if "%" + name in code}, code

        self.assertEqual(registers("x86-64-v2")[0], {"xmm"})
        self.assertNotIn("vfmadd", registers("x86-64-v2")[1])
        self.assertIn("ymm", registers("x86-64-v3")[0])
        self.assertNotIn("zmm", registers("x86-64-v3")[0])
        self.assertIn("zmm", registers("x86-64-v4")[0])

    # ---- headers and descriptors ---------------------------------------------------------------

    def test_headers_are_clean_in_c_and_cxx(self):
        compilers = [(CC, "c11"), (CC, "gnu17"), (CXX, "c++17"), (CXX, "gnu++20")]
        clang = shutil.which("clang-19") or shutil.which("clang")
        if clang:
            compilers += [(clang, "c11"), (clang, "c++17")]
        shutil.copy(SCHOOLS, self.path("odd*name??.ppl"))
        programs = [NAMES, COIN, self.path("odd*name??.ppl"),
                    os.path.join(ROOT, "tests/run/posteriordb/radon_mn-radon_hierarchical_intercept_"
                                       "noncentered.ppl"),
                    os.path.join(ROOT, "tests/run/posteriordb/garch-garch11.ppl")]
        names = []
        for i, program in enumerate(programs):
            names.append("program_%d" % i)
            self.build(program, names[-1] + ".o")
        includes = "".join('#include "%s.h"\n' % name for name in names * 2)
        uses = "".join("""
static borel_code use_%s(borel_data* data, const borel_instance* instance, const double* draw,
                         borel_error** error) {
  static %s_data values;
  %s_draw view;
  return %s_set_data(data, &values, error) + %s_view_draw(instance, draw, &view, error) +
         %s_statistic_count + (int)sizeof(%s_parameter_warmup) + %s_program.model_count;
}
""" % ((name,) * 8) for name in names)
        calls = "borel_code all(borel_data*, const borel_instance*, const double*, borel_error**);\n" \
                "borel_code all(borel_data* d, const borel_instance* i, const double* x, " \
                "borel_error** e) {\n  return " + \
                " + ".join("use_%s(d, i, x, e)" % name for name in names) + ";\n}\n"
        for compiler, standard in compilers:
            end = "cpp" if "++" in standard else "c"
            source = self.write("uses." + end, includes + uses + calls)
            self.succeed(compiler, "-std=" + standard, *STRICT, "-O1", "-I", INCLUDE, "-c", source,
                         "-o", self.path("uses.o"))
        wanted = {s for s in self.symbols(self.path("uses.o"), "-u") if s.startswith("borel_")}
        self.assertEqual(wanted, {"borel_data_real", "borel_data_int", "borel_data_copy_real",
                                  "borel_data_copy_int", "borel_describe_site"})

    def test_the_header_with_the_runtime(self):
        for name, code in (("names", "names.a"), ("names.so", "names.so")):
            self.build(NAMES, name)
            self.succeed(CC, "-std=gnu11", *STRICT, *FLAGS, "-I", INCLUDE, "-I", self.folder,
                         os.path.join(HERE, "names.c"), self.path(code), RUNTIME, "-lm",
                         "-lpthread", "-o", self.path("host"))
            self.succeed(self.path("host"), env={**os.environ, "LD_LIBRARY_PATH": self.folder})

    def test_members_of_the_header(self):
        self.build(NAMES, "names.o")
        header = self.read("names.h").decode()
        for line in ("  int64_t J; /* a size, at least 0 */",
                     "  const double* X; /* matrix[n, k]; column by column */",
                     "  const int64_t* group; /* index[n]; counted from 1, up to J */",
                     "  double double_; /* real; at least 0.5, at most 2 */",
                     "  const int64_t* on; /* bool[n]; 0 or 1 */",
                     "  const double* table; /* real[k, n]; last index fastest */",
                     "  double linux_; /* real; above 0 */",
                     "  const double* new_; /* new: real */",
                     "  const double* a_x; /* real */",
                     "  const double* a_x_2; /* a.x: real */",
                     "  const double* class_x; /* class.x: real[J] */",
                     "  const double* class_; /* class: real[J]; derived */",
                     "  const double* weights; /* real[k + 1] */",
                     "  const double* NULL_; /* NULL: real; support: interval(0, 1) */"):
            self.assertIn(line + "\n", header)
        self.assertIn("const int64_t dims[2] = {values->n, values->k};", header)

    def test_the_descriptor(self):
        self.build(NAMES, "names.o", "--cpu", "x86-64-v3,x86-64-v2")
        d = json.loads(self.read("names.json"))
        self.assertEqual(list(d), ["borel", "name", "symbol", "source", "target", "infer", "sizes",
                                   "inputs", "externals", "models", "machine"])
        self.assertEqual(d["symbol"], "names_program")
        self.assertEqual(d["target"]["cpus"], ["x86-64-v2", "x86-64-v3"])
        self.assertEqual(d["source"]["file"], "names.ppl")
        self.assertEqual(d["source"]["sha256"],
                         self.succeed("sha256sum", NAMES).split()[0])
        self.assertRegex(d["source"]["program_hash"], "^[0-9a-f]{64}$")
        inputs = {i["name"]: i for i in d["inputs"]}
        self.assertEqual(inputs["X"]["dims"], ["n", "k"])
        self.assertEqual(inputs["X"]["layout"], "column_major")
        self.assertEqual(inputs["table"]["layout"], "row_major")
        self.assertEqual((inputs["group"]["type"], inputs["group"]["index_base"],
                          inputs["group"]["index_bound"]), ("index", 1, "J"))
        self.assertEqual((inputs["double"]["lower"], inputs["double"]["upper"]), (0.5, 2.0))
        self.assertEqual((inputs["y"]["lower"], inputs["linux"]["lower_open"]), (None, True))
        sites = {s["name"]: s for s in d["models"][0]["sites"] if s["kind"] != "observed"}
        self.assertEqual(sites["loading"]["dims"], ["k", "J"])
        self.assertEqual(sites["loading"]["support"], "positive")
        self.assertEqual(sites["doubled"]["kind"], "derived")
        self.assertEqual(d["machine"]["parameters"][0],
                         {"name": "warmup", "type": "int", "lower": 0, "upper": 999999999,
                          "default": 1000})
        functions = d["models"][0]["functions"]
        for name in ("log_density_gradient", "predict", "log_likelihood"):
            self.assertIn(name, functions)
        self.assertNotIn("hessian_vector", functions)
        self.assertEqual({s["name"]: s["draw_rank"] for s in d["models"][0]["sites"]
                          if s["name"] in ("loading", "y")}, {"loading": 2, "y": 1})
        self.build(NAMES, "curved.o", "--hessian")
        curved = json.loads(self.read("curved.json"))
        self.assertEqual(curved["models"][0]["functions"],
                         functions + ["hessian_vector", "hessian_vector_plain"])
        # The hash is of the program, not of its place; and of what it computes.
        self.write("other.ppl", text_of(NAMES) + "\n")
        self.build(self.path("other.ppl"), "other.o")
        other = json.loads(self.read("other.json"))
        self.assertNotEqual(other["source"]["program_hash"], d["source"]["program_hash"])

    def test_functions_of_the_host(self):
        self.build(os.path.join(ROOT, "tests/host/programs/callback.ppl"), "callback.o")
        header = self.read("callback.h").decode()
        for text in ('#define callback_function_quadratic "quadratic" '
                     "/* (real[], real) -> real; with its gradient */",
                     "/* (real[,] column by column, real[], int, bool) -> real[]; with its gradient */",
                     '#define callback_function_weight "weight" /* (int) -> real */'):
            self.assertIn(text, header)
        d = json.loads(self.read("callback.json"))
        externals = {e["name"]: e for e in d["externals"]}
        self.assertEqual({name: e["gradient"] for name, e in externals.items()},
                         {"quadratic": True, "filtered": True, "weight": False})
        self.assertEqual(externals["filtered"]["arguments"][0],
                         {"type": "real", "rank": 2, "layout": "column_major"})

    # ---- the same bytes ------------------------------------------------------------------------

    def test_the_same_bytes_from_everywhere(self):
        os.makedirs(self.path("one/deep"))
        os.makedirs(self.path("two/temporary"))
        shutil.copy(NAMES, self.path("one/deep/names.ppl"))
        shutil.copy(NAMES, self.path("two/names.ppl"))
        outputs = ["names.a", "names.o", "names.so", "names.h", "names.json"]
        made = []
        for folder, program, environment in (("one", "deep/names.ppl", {}),
                                             ("two", self.path("two/names.ppl"),
                                              {"TMPDIR": self.path("two/temporary")})):
            for out in ("names", "names.o", "names.so"):
                self.succeed(BOREL, "build", program, "-o", out, "--cpu", "x86-64-v2,x86-64-v3",
                             cwd=self.path(folder), env={**os.environ, **environment})
            made.append([self.read(folder, name) for name in outputs])
            time.sleep(1.1)  # dates in archives are in seconds
        for name, one, two in zip(outputs, *made):
            self.assertEqual(one, two, name)
            self.assertNotIn(self.folder.encode(), one, name)

    def test_dependencies(self):
        os.makedirs(self.path("my library", "distributions"))
        for name in ("a.ppl", "distributions/b.ppl"):
            self.write("my library/" + name, "def unused(x: real): real = x\n" if name == "a.ppl"
                       else "def neither(x: real): real = x\n")
        shutil.copytree(os.path.join(ROOT, "stdlib"), self.path("my library"), dirs_exist_ok=True)
        program = self.write("program#1.ppl", text_of(SCHOOLS))
        self.build(program, "out.o", "--depfile", self.path("out.d"), "--library",
                   self.path("my library"))
        text = self.read("out.d").decode()
        self.assertTrue(text.startswith(self.path("out.o") + ": \\\n"), text)
        self.assertIn(self.path("program\\#1.ppl"), text)
        self.assertIn(self.path("my\\ library/distributions/b.ppl"), text)
        self.build(program, "out.o", "--depfile", self.path("out.d"))
        self.assertEqual(self.read("out.d").decode(),
                         "%s: \\\n  %s\n" % (self.path("out.o"), self.path("program\\#1.ppl")))

    # ---- errors --------------------------------------------------------------------------------

    def test_wrong_usage(self):
        self.assertIn("--output NAME", self.refused(2, SCHOOLS))
        for name, says in (("2pl", "begins with a digit"), ("a b", "gives no name for C"),
                           ("räte", "gives no name for C"), ("borel.so", "Borel's own headers")):
            message = self.refused(2, SCHOOLS, "-o", self.path(name))
            self.assertIn(says, message)
        self.assertIn("no name", self.refused(2, SCHOOLS, "-o", self.folder + "/"))
        message = self.refused(2, SCHOOLS, "-o", self.path("x"), "--cpu", "x86-64-v5")
        self.assertIn("unknown processor 'x86-64-v5'", message)
        self.assertIn("native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4,", message)
        self.assertIn("'i386' cannot be", self.refused(2, SCHOOLS, "-o", self.path("x"), "--cpu",
                                                       "x86-64-v3,i386"))
        self.refused(2, SCHOOLS, "-o", self.path("x"), "--cpu", "i386")
        self.assertEqual(os.listdir(self.folder), [])

    def test_errors_of_the_program_leave_no_files(self):
        bad = self.write("bad.ppl", "model m() { x ~ Normal(0, sgima) }\ninfer main() { nuts(m()) }\n")
        self.assertIn("bad.ppl:1:27", self.refused(1, bad, "-o", self.path("out")))
        self.assertEqual(os.listdir(self.folder), ["bad.ppl"])

    def test_outputs_that_cannot_be_written(self):
        message = self.refused(5, SCHOOLS, "-o", self.path("none", "x"))
        self.assertIn("none/x.h' could not be written: No such file or directory", message)
        os.symlink("/dev/full", self.path("full.h"))
        self.assertIn("full.h' could not be written: No space left on device",
                      self.refused(5, SCHOOLS, "-o", self.path("full")))
        os.symlink("/dev/full", self.path("tight.a"))
        self.assertIn("tight.a' could not be written: No space left on device",
                      self.refused(5, SCHOOLS, "-o", self.path("tight")))
        os.symlink("/dev/full", self.path("full.d"))
        self.assertIn("full.d", self.refused(5, SCHOOLS, "-o", self.path("fine"), "--depfile",
                                             self.path("full.d")))

        # A file that ends where the disk does is not left behind in part.
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
        for name in ("half.o", "half.a"):
            message = self.refused(5, SCHOOLS, "-o", self.path(name), preexec_fn=limit)
            self.assertIn(name + "' could not be written: File too large", message)
        self.refused(5, SCHOOLS, "-o", self.path("half.so"), preexec_fn=limit)
        self.assertEqual(sorted(f for f in os.listdir(self.folder) if f.startswith("half")),
                         ["half.h", "half.json"])

    def test_files_of_the_users_are_kept(self):
        data = self.write("eight_schools.json", '{"J": 8}')
        message = self.refused(5, SCHOOLS, "-o", self.path("eight_schools"))
        self.assertIn("eight_schools.json' is there and was not written by borel", message)
        self.assertEqual(text_of(data), '{"J": 8}')
        os.remove(data)
        self.write("eight_schools.h", "int mine;\n")
        self.refused(5, SCHOOLS, "-o", self.path("eight_schools"))
        self.assertEqual(self.read("eight_schools.h"), b"int mine;\n")
        os.remove(self.path("eight_schools.h"))
        self.build(SCHOOLS, "eight_schools")
        self.build(SCHOOLS, "eight_schools")  # its own files are replaced


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
