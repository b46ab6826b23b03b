"""Log densities of the test programs by hand, with constants, at an unconstrained point u."""
import math

import numpy as np


def normal(x, mu, sigma):
    return -0.5 * ((np.asarray(x) - mu) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)


def simplex(u):
    """The softmax of coordinates in Helmert's basis, and the log Jacobian of u -> shares."""
    z = np.zeros(len(u) + 1)
    for i, v in enumerate(u, 1):
        z[:i] += v / math.sqrt(i * (i + 1))
        z[i] -= v * i / math.sqrt(i * (i + 1))
    shares = np.exp(z) / np.exp(z).sum()
    return shares, 0.5 * math.log(len(z)) + np.log(shares).sum()


class Schools:
    """examples/eight_schools: u = mu, log tau, z[8]."""

    def __init__(self, data):
        self.y, self.sigma = (np.array(data[name], float) for name in ("y", "sigma"))

    def parts(self, u):
        mu, tau, z = u[0], math.exp(u[1]), u[2:]
        weight = 1 / self.sigma ** 2
        return mu, tau, z, weight, (self.y - mu - tau * z) * weight

    def log_density(self, u, jacobian=True):
        mu, tau, z, _, _ = self.parts(u)
        cauchy = math.log(2 / (math.pi * 5)) - math.log1p(tau ** 2 / 25)
        return (normal(mu, 0, 5) + cauchy + normal(z, 0, 1).sum()
                + normal(self.y, mu + tau * z, self.sigma).sum() + (u[1] if jacobian else 0))

    def gradient(self, u, jacobian=True):
        mu, tau, z, _, pull = self.parts(u)
        return np.concatenate([[-mu / 25 + pull.sum(),
                                tau * (z * pull).sum() - 2 * tau ** 2 / (25 + tau ** 2) + jacobian],
                               -z + tau * pull])

    def hessian(self, u):
        _, tau, z, weight, pull = self.parts(u)
        h = np.zeros((10, 10))
        h[0, 0] = -1 / 25 - weight.sum()
        h[0, 1] = -tau * (z * weight).sum()
        h[0, 2:] = -tau * weight
        h[1, 1] = (tau * (z * pull).sum() - tau ** 2 * (z ** 2 * weight).sum()
                   - 100 * tau ** 2 / (25 + tau ** 2) ** 2)
        h[1, 2:] = tau * pull - tau ** 2 * z * weight
        h[2:, 2:] = np.diag(-1 - tau ** 2 * weight)
        return np.triu(h) + np.triu(h, 1).T

    def constrained(self, u):
        mu, tau, z, _, _ = self.parts(u)
        return np.concatenate([[mu, tau], z, mu + tau * z])


class Shapes:
    """shapes.ppl."""

    def __init__(self, data):
        self.scale, self.y = data["scale"], np.array(data["y"])

    def sites(self, u):
        """Values by name as arrays, and the log Jacobian."""
        share = 1 / (1 + math.exp(-u[2]))
        weights, of_weights = simplex(u[9:11])
        first, of_first = simplex(u[11:13])
        second, of_second = simplex(u[13:15])
        cuts = np.cumsum([u[15], math.exp(u[16]), math.exp(u[17])])
        grid = np.array(u[3:9]).reshape(2, 3)
        i, j, k = np.meshgrid(range(2), range(3), range(2), indexing="ij")
        values = {"level": u[0], "spread": math.exp(u[1]), "share": share, "grid": grid,
                  "weights": weights, "rows": np.array([first, second]), "cuts": cuts,
                  "cube": 100 * i + 10 * j + k + u[0], "table": grid + u[0]}
        return values, (u[1] + math.log(share * (1 - share)) + of_weights + of_first + of_second
                        + u[16] + u[17])

    def log_density(self, u, jacobian=True):
        at, log_jacobian = self.sites(u)
        centres = np.array([[0, 1, 2], [10, 11, 12]])
        total = (normal(at["level"], 0, self.scale)
                 + normal(math.log(at["spread"]), 0, 1) - math.log(at["spread"])
                 + math.log(12 * at["share"] * (1 - at["share"]) ** 2)
                 + normal(at["grid"], centres, 1).sum()
                 + math.lgamma(9) - math.lgamma(2) - math.lgamma(3) - math.lgamma(4)
                 + (np.array([1, 2, 3]) * np.log(at["weights"])).sum()
                 + 2 * math.log(2)
                 + math.log(6) + normal(at["cuts"], 0, 1).sum()
                 + normal(self.y, at["level"], at["spread"]).sum())
        return total + (log_jacobian if jacobian else 0)

    def constrained(self, u, with_derived):
        """As BridgeStan has them: sites in source order, the first index fastest."""
        values, _ = self.sites(u)
        names = list(values)[:None if with_derived else -2]
        return np.concatenate([np.ravel(values[name], order="F") for name in names])
