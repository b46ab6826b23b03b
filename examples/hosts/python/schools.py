"""Eight schools in Python: compiles the model, samples, and prints mean and standard deviation of
every quantity; then leaves out one school after the other, in a pool of threads, and prints what
each of them does to the common mean.
    python schools.py DATA.json [SEED] [--save FIT.nc]"""
import argparse
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import borel

MODEL = Path(__file__).with_name("schools.ppl")


def main():
    parser = argparse.ArgumentParser(description="Eight schools.")
    parser.add_argument("data", help="y and sigma, as CmdStan's JSON")
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--save", help="also write the fit for ArviZ, as NetCDF")
    arguments = parser.parse_args()

    model = borel.compile(MODEL)
    posterior = model.bind(arguments.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", borel.BorelWarning)  # divergences are printed below
        fit = posterior.sample(seed=arguments.seed)

        # The same model on other data: nothing is compiled again, and runs are beside each other.
        data = {name: np.asarray(values, float) for name, values in posterior.data.items()}

        def without(school):
            rest = {name: np.delete(values, school) for name, values in data.items()}
            return model.bind(rest).sample(seed=arguments.seed, threads=1, progress=False)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            refits = list(pool.map(without, range(len(data["y"]))))

    print(f"{'quantity':10} {'mean':>9} {'sd':>9}")
    for name, draw in zip(posterior.names, fit.draws.reshape(-1, posterior.draw_size).T):
        print(f"{name:10} {draw.mean():9.4f} {draw.std(ddof=1):9.4f}")
    print(f"{fit.divergences} of {fit.statistic('lp__').size} transitions diverged")
    for school, refit in enumerate(refits):
        print(f"without school {school}: mu {refit['mu'].mean():.3f}")
    if arguments.save:
        fit.to_arviz(dims={"J": "school"}).to_netcdf(arguments.save)


if __name__ == "__main__":
    try:
        main()
    except borel.Error as error:
        place = "{}:{}:{}: ".format(*error.place) if error.place else ""
        sys.exit(f"{place}{error}")
