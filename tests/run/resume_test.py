"""Runs that are ended at any moment and gone on with give the draws of one that was not.
resume_test.py BOREL"""
import fcntl
import glob
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BOREL = sys.argv[1]

# The scale can become negative: some trajectories diverge, which the summary counts.
PROGRAM = """model m(n: int) {
  mu ~ Normal(0, 1)
  shift ~ Normal(0, 1)
  for i in 0..n { y[i] ~ Normal(mu, 0.5 + shift) }
}
infer main(y: real[N]) { nuts(m(N) | {y}) }
"""
DATA = '{"y": [0.3, -1.2, 2.5]}'
KILLS = 50


def borel(*arguments, **options):
    return subprocess.run([BOREL, *arguments], capture_output=True, text=True, **options)


class Resume(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.write("m.ppl", PROGRAM)
        self.write("y.json", DATA)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def run_in(self, *arguments, **options):
        return borel(*arguments, cwd=self.folder, **options)

    def sample(self, *arguments, **options):
        return self.run_in("sample", "m.ppl", "--data", "y.json", "--seed", "11", *arguments, **options)

    def begin(self, *arguments):
        """A checkpointed run as a process."""
        return subprocess.Popen([BOREL, *arguments], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def draws(self, folder, comments=False):
        """All lines of the CSV files, those apart that tell times and places."""
        out = []
        for path in sorted(glob.glob(os.path.join(self.path(folder), "*.csv"))):
            with open(path) as f:
                lines = f.read().split("\n")
            volatile = ("start_datetime", "  file = ", "seconds (")
            out.append([line for line in lines if not line.startswith("#")
                        or comments and not any(word in line for word in volatile)])
        return out

    def summary(self, name):
        summary = json.loads(self.read(name))
        for chain in summary["chains"]:
            for key in [key for key in chain if "seconds" in key]:
                del chain[key]
        return summary

    def wait_for_checkpoints(self, process, folder):
        """Until the process has written a checkpoint, or has ended."""
        def stamps():
            out = {}
            for path in glob.glob(os.path.join(self.path(folder), "chain_*.checkpoint")):
                try:
                    out[path] = os.stat(path).st_mtime_ns
                except FileNotFoundError:
                    pass
            return out
        before = stamps()
        while process.poll() is None and stamps() == before:
            time.sleep(0.001)

    def unfinished(self, folder="ck", *arguments, seed="11"):
        """A run that was interrupted when it had checkpoints and draws."""
        process = self.begin("sample", "m.ppl", "--data", "y.json", "--seed", seed, "--chains", "2",
                             "--draws", "200000", "--checkpoint", folder, "--checkpoint-every", "0.01",
                             "--threads", "2", *arguments)
        self.wait_for_checkpoints(process, folder)
        first = os.path.join(self.path("out" if "out" in arguments else folder), "m_1.csv")
        while process.poll() is None and os.path.getsize(first) < 5000:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, error)
        self.assertIn("`borel resume %s`" % folder, error)

    def refused(self, code, *words, folder="ck"):
        run = self.run_in("resume", folder)
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertEqual(run.stdout, "")
        for word in words:
            self.assertIn(word, run.stderr)

    def test_killed_at_any_moment(self):
        settings = ["--warmup", "400", "--draws", "40000", "--chains", "3", "--save-warmup", "--summary"]
        plain = self.sample(*settings, "plain.json", "--output", "plain")
        self.assertEqual(plain.returncode, 0, plain.stderr)
        wanted, lines = self.draws("plain", comments=True), self.draws("plain")
        self.assertEqual([len(chain) for chain in lines], [40402] * 3)
        self.assertGreater(self.summary("plain.json")["divergent"], 0)
        random_moment = random.Random(20)
        kills, runs, resumed_after_draws = 0, 0, 0
        while kills < KILLS or runs == 0:
            folder = "ck%d" % runs
            command = ["sample", "m.ppl", "--data", "y.json", "--seed", "11", *settings,
                       "%s.json" % folder, "--checkpoint", folder, "--checkpoint-every", "0.01"]
            while True:
                threads = ["--threads", str(random_moment.randint(1, 3))]
                process = self.begin(*command, *threads)
                # One in five while it starts, else once it has gone on from what it found.
                if random_moment.random() < 0.2:
                    time.sleep(random_moment.uniform(0, 0.3))
                else:
                    self.wait_for_checkpoints(process, folder)
                    time.sleep(random_moment.uniform(0, 0.06))
                if kills < KILLS:
                    process.kill()
                output, error = process.communicate(timeout=300)
                if process.returncode == 0:
                    break
                self.assertEqual(process.returncode, -signal.SIGKILL, error)
                kills += 1
                # Killed before it had a record, there is nothing to go on with.
                if os.path.exists(os.path.join(self.path(folder), "run.json")):
                    command = ["resume", folder]
                    resumed_after_draws += any(len(chain) > 403 for chain in self.draws(folder))
            self.assertEqual(self.draws(folder, comments=True), wanted, "run %d" % runs)
            self.assertEqual(self.summary("%s.json" % folder), self.summary("plain.json"))
            before = [line for line in plain.stdout.split("\n") if "slowest chain" not in line]
            self.assertEqual([line for line in output.split("\n") if "slowest chain" not in line], before)
            shutil.rmtree(self.path(folder))
            runs += 1
        self.assertGreaterEqual(kills, KILLS)
        self.assertGreater(resumed_after_draws, KILLS // 4)

    def test_interrupted_and_gone_on_with(self):
        self.unfinished("ck", "--warmup", "300", "--output", "out")
        before = [len(chain) for chain in self.draws("out")]
        self.assertTrue(any(n < 200001 for n in before), before)
        run = self.run_in("resume", "ck", "--threads", "1")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("go on after iterations", run.stderr)
        plain = self.sample("--chains", "2", "--draws", "200000", "--warmup", "300", "--output", "plain")
        self.assertEqual(self.draws("out", comments=True), self.draws("plain", comments=True))
        # Once more: it is finished, says so, and tells the same; from another place and name too.
        os.rename(self.path("ck"), self.path("moved"))
        again = borel("resume", self.path("moved"))
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("the run is finished", again.stderr)
        self.assertEqual(again.stdout.split("\n")[:5], plain.stdout.split("\n")[:5])
        self.assertEqual(self.draws("out"), self.draws("plain"))

    def test_what_has_changed_is_refused(self):
        self.unfinished()
        csv = self.read("ck/m_1.csv")
        self.write("m.ppl", PROGRAM + "\n")
        self.refused(3, "`m.ppl` has changed since the run began", "borel sample")
        self.write("m.ppl", PROGRAM)
        self.write("y.json", DATA.replace("2.5", "2.75"))
        self.refused(3, "`y.json` has changed since the run began")
        os.remove(self.path("y.json"))
        self.refused(3, "`y.json`", "cannot be read")
        self.write("y.json", DATA)
        self.write("at.json", '{"params_r": [0.5, 0.25]}')
        self.unfinished("from", "--init", "at.json")
        self.write("at.json", '{"params_r": [0.5, 0.26]}')
        self.refused(3, "`at.json` has changed since the run began", folder="from")
        # The record as another processor, version and library would have made it.
        record = json.loads(self.read("ck/run.json"))

        def recorded(change):
            run = json.loads(json.dumps(record["run"]))
            change(run)
            text = json.dumps(run, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            self.write("ck/run.json", json.dumps(
                {"format": 2, "run": run, "sha256": hashlib.sha256(text.encode()).hexdigest()}))
        recorded(lambda run: run["identity"].update(target_cpu="pdp11"))
        self.refused(3, "for the processor `pdp11`", "--cpu x86-64-v3")
        recorded(lambda run: run.update(borel_version="0.0.1"))
        self.refused(3, "by Borel 0.0.1")
        recorded(lambda run: run["sources"][1].update(sha256="0"))
        self.refused(3, "`stdlib/", "has changed since the run began")
        recorded(lambda run: run["identity"].update(data="0"))
        self.refused(3, "the data changed")
        recorded(lambda run: run["identity"].update(code="0"))
        self.refused(3, "the code that the compiler makes")
        recorded(lambda run: run.update(working_folder="/nowhere/at/all"))
        self.refused(3, "`/nowhere/at/all`")
        # A draw that someone edited; a file that is too short; none.
        recorded(lambda run: None)
        self.write("ck/m_1.csv", csv.decode().replace("1", "2", 1))
        self.refused(3, "m_1.csv` has changed since it was written")
        self.write("ck/m_1.csv", csv.decode()[:500])
        self.refused(3, "m_1.csv` has 500 bytes, fewer than")
        os.remove(self.path("ck/m_1.csv"))
        self.refused(3, "m_1.csv` cannot be read")
        self.write("ck/m_1.csv", csv.decode())
        run = self.run_in("resume", "ck")
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_damage_is_refused(self):
        self.unfinished()
        for name in ("ck/run.json", "ck/chain_1.checkpoint"):
            whole = self.read(name)
            for i in range(0, len(whole), len(whole) // 12):
                damaged = bytearray(whole)
                damaged[i] ^= 1
                with open(self.path(name), "wb") as f:
                    f.write(damaged)
                self.refused(3, os.path.basename(name))
            for size in (0, 7, len(whole) // 2, len(whole) - 1 - name.endswith("json")):
                with open(self.path(name), "wb") as f:
                    f.write(whole[:size])
                self.refused(3, os.path.basename(name), "damaged")
            with open(self.path(name), "wb") as f:
                f.write(whole)
        # Of another chain, of a run with another seed; a chain without one begins anew.
        second = self.read("ck/chain_2.checkpoint")
        shutil.copy(self.path("ck/chain_1.checkpoint"), self.path("ck/chain_2.checkpoint"))
        self.refused(3, "chain_2.checkpoint` is of chain 1")
        self.unfinished("other", seed="12")
        shutil.copy(self.path("other/chain_2.checkpoint"), self.path("ck/chain_2.checkpoint"))
        self.refused(3, "chain_2.checkpoint` belongs to another run; what differs: the seed")
        self.assertNotEqual(second, b"")
        os.remove(self.path("ck/chain_2.checkpoint"))
        run = self.run_in("resume", "ck", "--quiet")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.sample("--chains", "2", "--draws", "200000", "--output", "plain")
        self.assertEqual(self.draws("ck"), self.draws("plain"))

    def test_folders_that_will_not_do(self):
        self.refused(2, "holds no run", folder="nothing")
        self.unfinished()
        run = self.sample("--checkpoint", "ck")
        self.assertEqual(run.returncode, 2)
        self.assertIn("`ck` holds a run already", run.stderr)
        with open(self.path("ck/lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(2, "another process is at the run")
        run = self.run_in("sample", "m.ppl", "--data", "/dev/null", "--checkpoint", "new")
        self.assertEqual(run.returncode, 2)
        self.assertIn("'/dev/null' is none", run.stderr)
        run = self.sample("--checkpoint", "y.json/within")
        self.assertEqual(run.returncode, 5)

    def test_a_disk_without_room(self):
        # Files of at most 16 kB: the draws do not fit, the run ends, and goes on where there is room.
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (16000, 16000))
        settings = ["--chains", "1", "--draws", "3000", "--warmup", "50"]
        run = self.sample(*settings, "--checkpoint", "ck", preexec_fn=limit)
        self.assertEqual(run.returncode, 5, run.stderr)
        self.assertIn("`borel resume ck`", run.stderr)
        run = self.run_in("resume", "ck")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.sample(*settings, "--output", "plain")
        self.assertEqual(self.draws("ck"), self.draws("plain"))
        # A state larger than that: a warning, and the run comes to its end.
        self.write("wide.ppl", "model m(n: int) {\n  for i in 0..n { x[i] ~ Normal(0, 1) }\n}\n"
                   "infer main(n: int) { nuts(m(n)) }\n")
        self.write("n.json", '{"n": 400}')
        command = ["sample", "wide.ppl", "--data", "n.json", "--chains", "1", "--seed", "1", "--warmup",
                   "5", "--draws", "1"]
        run = self.run_in(*command, "--checkpoint", "wide", preexec_fn=limit)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(run.stderr.count("warning: cannot write `wide/chain_1.checkpoint.new`"), 1,
                         run.stderr)
        self.assertEqual(sorted(os.listdir(self.path("wide"))), ["lock", "run.json", "wide_1.csv"])
        self.run_in(*command, "--output", "plain_wide")
        self.assertEqual(self.draws("wide"), self.draws("plain_wide"))
        run = self.run_in("resume", "wide")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.draws("wide"), self.draws("plain_wide"))
        self.assertGreater(len(self.read("wide/chain_1.checkpoint")), 16000)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
