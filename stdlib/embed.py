"""Writes a C++ source that holds the text of every .ppl file: embed.py OUTPUT ROOT FILE..."""
import os
import sys

output, root, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:])
lines = ['#include "stdlib/stdlib.h"', "", "namespace borel {", "namespace {",
         "constexpr StdlibFile files[] = {"]
for path in files:
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert ')ppl"' not in text, path
    lines.append('    {"%s", R"ppl(%s)ppl"},' % (os.path.relpath(path, root), text))
lines += ["};", "}  // namespace", "", "std::span<const StdlibFile> stdlib_files() { return files; }",
          "", "}  // namespace borel", ""]
with open(output, "w", encoding="utf-8") as f:
    f.write("\n".join(lines))
