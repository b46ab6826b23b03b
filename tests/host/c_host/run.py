"""A C application with a program and libborel_rt linked into it. run.py BOREL LIBRARY SOURCE OUT NEEDS FLAGS…

Builds the program with BOREL, links SOURCE (host.c) with a C compiler and nothing but libm and pthread,
runs it (it checks what its calls cost, too), and reads what it needs. NEEDS is `exactly` where only libc, libm and the loader may be needed
(a sanitizer adds its own). Prints the size of the stripped library, which must stay under 1 MiB."""
import os
import re
import subprocess
import sys

borel, library, source, out, needs, *flags = sys.argv[1:]
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(source)))))
program = os.path.join(root, "examples/eight_schools/eight_schools.ppl")
os.makedirs(out, exist_ok=True)


def run(*command):
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


model, shared, host = (os.path.join(out, name) for name in ("model.o", "model.so", "host"))
run(borel, "build", program, "--output", shared)
run(borel, "build", program, "--output", model)
run("cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
    *flags, "-I", os.path.join(root, "runtime/include"), "-I", out, source, model, library, "-lm", "-lpthread",
    "-o", host)
run(host, shared)

needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", host)))
print("needs", sorted(needed))
assert "libc.so.6" in needed, needed
assert not any(name.startswith(("libstdc++", "libgcc", "libc++")) for name in needed), needed
if needs == "exactly":
    assert needed <= {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}, needed

# Nothing of the C++ library is asked for, even by a part that this host does not use.
foreign = [line.split()[-1] for line in output("nm", "-u", library).splitlines()
           if re.search(r" U (_ZS|_ZN[KVO]*S|_ZNKS|_Zn|_Zd|__cxa|__gxx|_Unwind|abort$|exit$|printf$|"
                        r"puts$|getenv$|setlocale$)", line)]
if needs == "exactly":
    assert not foreign, foreign
# What it defines begins with its own name.
defined = [line.split()[-1] for line in output("nm", "-g", "--defined-only", library).splitlines()
           if len(line.split()) == 3 and line.split()[1] in "TDBR"]
assert any(name == "borel_run" for name in defined)
strange = [name for name in defined if not name.startswith("borel_") and "5borel" not in name]
assert not strange, strange

stripped = os.path.join(out, "libborel_rt.a")
run("strip", "--strip-debug", "-o", stripped, library)
size = os.path.getsize(stripped)
print(f"libborel_rt.a, stripped: {size} bytes")
assert size < 1 << 20 or needs != "exactly", size
