"""Dependencies between folders point one way: reads every #include of the project's own headers.

include_graph.py ROOT; exits with 1 and names each include that is not allowed.
"""
import os
import re
import sys

# Folder -> folders whose headers it may include, besides its own.
ALLOWED = {
    "compiler/support": set(),
    "compiler/syntax": {"compiler/support"},
    "compiler/dialect": {"compiler/support"},
    "compiler/sema": {"compiler/syntax", "compiler/support"},
    "compiler/lower": {"compiler/sema", "compiler/dialect", "compiler/support"},
    "compiler/analysis": {"compiler/dialect", "compiler/support"},
    "compiler/transform": {"compiler/analysis", "compiler/dialect", "compiler/support"},
    "compiler/codegen": {"compiler/dialect", "compiler/support", "runtime/include"},
    "compiler/driver": {"compiler/" + f for f in ("support", "syntax", "sema", "dialect", "lower",
                                                   "analysis", "transform", "codegen")}
                       | {"runtime/include", "runtime/core", "runtime/loop", "runtime/io", "stdlib"},
    "runtime/include": set(),
    "runtime/core": {"runtime/include"},
    "runtime/loop": {"runtime/include", "runtime/core"},
    "runtime/io": {"runtime/include", "runtime/core", "runtime/loop"},
    "runtime/host": {"runtime/include", "runtime/core"},
    "runtime/bridgestan": {"runtime/include", "runtime/core", "runtime/host"},
    "stdlib": set(),
    "python/src": {"runtime/include"},
}


def folder_of(path):
    if path.startswith("borel/"):
        return "runtime/include"
    parts = path.split("/")
    return parts[0] if parts[0] == "stdlib" else "/".join(parts[:2])


def main(root):
    bad, read = [], 0
    for folder, allowed in ALLOWED.items():
        for directory, _, files in os.walk(os.path.join(root, folder)):
            for name in files:
                if not name.endswith((".h", ".cpp")):
                    continue
                path = os.path.join(directory, name)
                read += 1
                with open(path, encoding="utf-8") as f:
                    includes = re.findall(r'^\s*#include "((?:compiler|runtime|stdlib|borel)/[^"]+)"',
                                          f.read(), re.M)
                for include in includes:
                    target = folder_of(include)
                    generated = include.endswith(".inc")
                    if target != folder and target not in allowed and not generated:
                        bad.append("%s includes %s" % (os.path.relpath(path, root), include))
    if read < 50:
        bad.append("only %d files were found" % read)
    antlr = []
    for directory, _, files in os.walk(os.path.join(root, "compiler")):
        for name in files:
            path = os.path.join(directory, name)
            if not name.endswith((".h", ".cpp")) or "/syntax/" in path:
                continue
            with open(path, encoding="utf-8") as f:
                if re.search(r'#include [<"](antlr4|Borel(Lexer|Parser))', f.read()):
                    antlr.append("%s includes ANTLR" % os.path.relpath(path, root))
    for line in bad + antlr:
        print(line)
    return 1 if bad or antlr else 0


sys.exit(main(sys.argv[1]))
