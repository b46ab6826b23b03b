"""The programs in the documentation work. docs_test.py BOREL INCLUDE RUNTIME FILE…

A block that starts with ```ppl is a whole program and compiles; with a ```json block right after it, its
data, it also runs (`borel smc` runs one whose machine has steps). A ```c or ```cpp block is a host of the program above it, which is built as a library of
the name that the block includes (`#include "coin.h"`) and linked with the RUNTIME, in front of which flags may
stand."""
import os
import re
import subprocess
import sys
import tempfile

borel, include, runtime, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
BLOCK = re.compile(r"^```(ppl|json|c|cpp)\n(.*?)^```$", re.M | re.S)
blocks = failed = 0


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def run(place, *command):
    global failed
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        failed += 1
        print(f"{place}: `{' '.join(command)}` ended with {done.returncode}:\n{done.stderr}")


with tempfile.TemporaryDirectory() as folder:
    for name in files:
        with open(name) as file:
            text = file.read()
        program, end = None, 0
        for block in BLOCK.finditer(text):
            blocks += 1
            kind, body = block.groups()
            place = f"{name}:{text.count(chr(10), 0, block.start()) + 1}"
            path = os.path.join(folder, f"block_{blocks}")
            if kind == "ppl":
                program, end = write(path + ".ppl", body), block.end()
                run(place, borel, "check", program)
            elif kind == "json":
                assert text[end:block.start()].strip() == "", place + ": data without a program"
                with open(program) as file:
                    command = "smc" if "steps {" in file.read() else "sample"
                run(place, borel, command, program, "--data", write(path + ".json", body), "--seed",
                    "1", "--quiet", "--output", folder + "/draws")
            else:
                library = os.path.join(folder, re.search(r'#include "(\w+)\.h"', body).group(1))
                run(place, borel, "build", program, "--output", library + ".a")
                compiler = ["cc", "-std=c11"] if kind == "c" else ["c++", "-std=c++17"]
                run(place, *compiler, "-Wall", "-Wextra", "-Werror", "-I", include, "-I", folder,
                    write(path + "." + kind, body), library + ".a", *runtime.split(), "-o", path,
                    "-lm", "-lpthread")
                run(place, path)
print(f"{blocks} blocks, {failed} failures")
sys.exit(1 if failed or blocks < 10 else 0)
