"""Times the bootstrap filter of bench/smc with the package `particles` (scripts/setup_particles).

    smc_particles.py DATA.json

DATA has the observations y, the number of particles, and the seed of each run. Prints, as JSON, CPU
seconds and log evidence of each run. What is compiled on first use is compiled before.
"""

import json
import sys
import time

import numpy
import particles
from particles import state_space_models


def run(y, count, seed):
    """The log evidence; resampled before every step."""
    numpy.random.seed(seed)
    model = state_space_models.StochVol(mu=-1.02, rho=0.9702, sigma=0.178)
    algorithm = particles.SMC(
        fk=state_space_models.Bootstrap(ssm=model, data=y),
        N=count,
        resampling="systematic",
        ESSrmin=1.0,
        collect="off",
    )
    algorithm.run()
    return algorithm.logLt


def main():
    with open(sys.argv[1]) as file:
        data = json.load(file)
    y = numpy.array(data["y"])
    run(y[:5], 1000, 0)
    seconds, log_evidence = [], []
    for seed in data["seeds"]:
        start = time.process_time()
        log_evidence.append(float(run(y, data["particles"], seed)))
        seconds.append(time.process_time() - start)
    json.dump({"seconds": seconds, "log_evidence": log_evidence}, sys.stdout)


if __name__ == "__main__":
    main()
