"""Programs with random changes: each compiles or has errors, and nothing else happens.

mutations.py BOREL ROOT [COUNT] [SEED] [KEEP]: changes programs of tests/language, COUNT (100) times, from
SEED (1) on; what makes the compiler crash, take longer than a minute or report a defect of its own is
printed, and kept in the folder KEEP where one is given."""
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

TOKEN = re.compile(r'"[^"]*"|[A-Za-z_]\w*|\d+\.?\d*(?:e-?\d+)?|\.\.|[:=!<>+\-*/]=|&&|\|\||=>|\s+|.')
VALUES = ["0", "1", "-1", "2.5", "n", "inf", "nan", "true", "[1, 2]", "(1, 2.)", "x[0]", "zeros(0)",
          "1e300", "9223372036854775807", "{x}", "..", "uniform()", "[..]", "fn u => u"]


def read(path):
    with open(path) as f:
        return "".join(line for line in f if not line.startswith("//"))


def change(tokens, words, lines, rng):
    """One change, in place. Most keep the program's form, so that what comes after parsing is met."""
    solid = [i for i, t in enumerate(tokens) if t.strip()]
    ends = [i for i, t in enumerate(tokens) if "\n" in t]
    kind = rng.random()
    if kind < 0.25:
        # A name for another of the same program.
        names = [i for i in solid if re.match(r"[A-Za-z_]", tokens[i])]
        tokens[rng.choice(names)] = tokens[rng.choice(names)]
    elif kind < 0.45:
        numbers = [i for i in solid if tokens[i][0].isdigit()] or solid
        tokens[rng.choice(numbers)] = rng.choice(["0", "1", "2", "3", "0.5", "n", "-1", "1e300"])
    elif kind < 0.7 and len(ends) > 3:
        # A line goes, or comes twice, or another comes in.
        at = rng.randrange(len(ends) - 1)
        line = tokens[ends[at]:ends[at + 1]]
        if kind < 0.55:
            del tokens[ends[at]:ends[at + 1]]
        elif kind < 0.65:
            tokens[ends[at]:ends[at]] = line
        else:
            tokens.insert(ends[at], "\n" + rng.choice(lines) + "\n")
    elif kind < 0.8:
        i, j = rng.choice(solid), rng.choice(solid)
        tokens[i], tokens[j] = tokens[j], tokens[i]
    elif kind < 0.85:
        tokens[rng.choice(solid)] = ""
    elif kind < 0.95:
        tokens[rng.choice(solid)] = rng.choice(VALUES)
    else:
        tokens[rng.choice(solid)] = rng.choice(words)


def main():
    borel, root = sys.argv[1:3]
    count, seed = (int(x) for x in (sys.argv[3:5] + ["100", "1"][len(sys.argv[3:5]):]))
    keep = sys.argv[5] if len(sys.argv) > 5 else None
    texts = [read(path) for folder in ("good", "run")
             for path in sorted(glob.glob(os.path.join(root, "tests/language", folder, "*.ppl")))
             if "syntax_" not in path]
    words = [t for text in texts for t in TOKEN.findall(text) if not t.isspace()]
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    rng = random.Random(seed)
    failures = compiled = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.ppl")
        for number in range(count):
            tokens = TOKEN.findall(rng.choice(texts))
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                change(tokens, words, lines, rng)
            with open(path, "w") as f:
                f.write("".join(tokens))
            try:
                run = subprocess.run([borel, "build", path, "--output", path + ".o"],
                                     capture_output=True, text=True, timeout=60)
                code, message = run.returncode, run.stderr
            except subprocess.TimeoutExpired:
                code, message = "no", "takes longer than a minute"
            compiled += code == 0
            if code in (0, 1):
                continue
            failures += 1
            print(f"change {number} of seed {seed}: exit code {code}: {message}\n{''.join(tokens)}")
            if keep:
                os.makedirs(keep, exist_ok=True)
                with open(os.path.join(keep, f"{seed}_{number}.ppl"), "w") as f:
                    f.write("".join(tokens))
    print(f"{count} programs, {compiled} of which compile, {failures} of which are defects")
    return failures != 0 or compiled == 0


if __name__ == "__main__":
    sys.exit(main())
