"""The Python host of examples/hosts, in a fresh folder with the installed package alone.
host.py SOURCE_ROOT"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = sys.argv[1]
SCHOOLS = os.path.join(ROOT, "examples/eight_schools/eight_schools.json")

with tempfile.TemporaryDirectory() as root:
    folder = os.path.join(root, "host")
    shutil.copytree(os.path.join(ROOT, "examples/hosts/python"), folder)

    def run(*arguments):
        return subprocess.run([sys.executable, "schools.py", *arguments], capture_output=True,
                              text=True, cwd=folder)

    done = run(SCHOOLS, "1", "--save", "fit.nc")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    rows = dict(re.findall(r"^(\S+) +(\S+) +\S+$", done.stdout, re.M))
    assert len(rows) == 19, done.stdout  # with the heading
    # posteriordb's reference: mu 4.36, tau 3.55.
    assert abs(float(rows["mu"]) - 4.4) < 0.4 and abs(float(rows["tau"]) - 3.6) < 0.4, rows
    assert re.search(r"^\d+ of 4000 transitions diverged$", done.stdout, re.M), done.stdout
    means = [float(mean) for mean in
             re.findall(r"^without school \d: mu (\S+)$", done.stdout, re.M)]
    # The schools that pull the common mean most: 18 with the error 10, and -1 with the error 9.
    assert len(means) == 8 and (means.index(min(means)), means.index(max(means))) == (6, 4), means
    assert min(means) < float(rows["mu"]) < max(means), means
    import arviz
    fit = arviz.from_netcdf(os.path.join(folder, "fit.nc"))
    assert fit["posterior"]["theta"].dims == ("chain", "draw", "school")
    assert abs(float(fit["posterior"]["mu"].mean()) - float(rows["mu"])) < 1e-4
    assert run(SCHOOLS, "1").stdout == done.stdout

    with open(os.path.join(folder, "bad.json"), "w") as file:
        file.write('{"y": [1, 2], "sigma": [1, -2]}')
    done = run("bad.json")
    assert done.returncode == 1 and done.stdout == "", done
    assert re.match(r"schools.ppl:\d+:\d+: `sigma\[2\]` \(counting from 1\): found -2",
                    done.stderr), done.stderr
print("the host works")
