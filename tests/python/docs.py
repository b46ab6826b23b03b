"""The programs of a page work: docs.py PAGE.md
Its ```python blocks run one after the other, as one program, in a folder that holds each ```ppl
block under the name that the text before it tells (`name.ppl`)."""
import os
import re
import sys
import tempfile

page = os.path.abspath(sys.argv[1])
with open(page, encoding="utf-8") as file:
    text = file.read()
names = {"__name__": "__main__"}
count = 0
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for block in re.finditer(r"^```(ppl|python)\n(.*?)^```$", text, re.M | re.S):
        kind, body = block.groups()
        if kind == "ppl":
            name = re.findall(r"`(\w+\.ppl)`", text[:block.start()])[-1]
            with open(name, "w", encoding="utf-8") as file:
                file.write(body)
            continue
        lines = text.count("\n", 0, block.start()) + 1
        exec(compile("\n" * lines + body, page, "exec"), names)
        count += 1
    os.chdir("/")
assert count >= 5, count
print(count, "blocks")
