// Time series: GARCH(1, 1) and ARMA(1, 1). Elementwise work is kept in loops of its own, so that
// only the recurrences themselves stay scalar.
#include "models.h"

namespace borel::bench {
namespace {

class Garch11 final : public PlainModel {
 public:
  explicit Garch11(const nlohmann::json& data)
      : y_(data.at("y").get<Reals>()),
        sigma1_(data.at("sigma1").get<double>()),
        squares_(y_.size()),
        variance_(y_.size()),
        adjoint_(y_.size()) {}

  std::size_t dim() const override { return 4; }

  double log_density_gradient(const double* u, double* grad) override {
    const std::size_t n = y_.size();
    const double mu = u[0];
    const double alpha0 = std::exp(u[1]);
    const double alpha1 = inverse_logit(u[2]);
    const double room = 1.0 - alpha1;
    const double share = inverse_logit(u[3]);
    const double beta1 = room * share;

    const double* __restrict y = y_.data();
    double* __restrict squares = squares_.data();
    double* __restrict variance = variance_.data();
    double* __restrict adjoint = adjoint_.data();

    for (std::size_t t = 0; t < n; ++t) squares[t] = square(y[t] - mu);
    variance[0] = sigma1_ * sigma1_;
    for (std::size_t t = 1; t < n; ++t) {
      variance[t] = (alpha0 + alpha1 * squares[t - 1]) + beta1 * variance[t - 1];
    }

    double log_variances = 0;
    double quadratic = 0;
    double d_mu = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const double precision = 1.0 / variance[t];
      const double scaled = squares[t] * precision;
      log_variances += std::log(variance[t]);
      quadratic += scaled;
      d_mu += (y[t] - mu) * precision;
      adjoint[t] = 0.5 * precision * (scaled - 1.0);
    }
    for (std::size_t t = n - 1; t-- > 1;) adjoint[t] += beta1 * adjoint[t + 1];

    double d_alpha0 = 0;
    double d_alpha1 = 0;
    double d_beta1 = 0;
    double d_mu_lagged = 0;
    for (std::size_t t = 1; t < n; ++t) {
      d_alpha0 += adjoint[t];
      d_alpha1 += adjoint[t] * squares[t - 1];
      d_beta1 += adjoint[t] * variance[t - 1];
      d_mu_lagged += adjoint[t] * (y[t - 1] - mu);
    }

    grad[0] = d_mu - 2.0 * alpha1 * d_mu_lagged;
    grad[1] = d_alpha0 * alpha0 + 1.0;
    grad[2] = (d_alpha1 - d_beta1 * share) * alpha1 * room + (1.0 - 2.0 * alpha1) - alpha1;
    grad[3] = d_beta1 * room * share * (1.0 - share) + (1.0 - 2.0 * share);
    const double jacobian =
        u[1] + std::log(alpha1) + 2.0 * std::log(room) + std::log(share) + std::log(1.0 - share);
    return jacobian - static_cast<double>(n) * half_log_two_pi - 0.5 * (log_variances + quadratic);
  }

 private:
  Reals y_;
  double sigma1_;
  Reals squares_;
  Reals variance_;
  Reals adjoint_;
};

class Arma11 final : public PlainModel {
 public:
  explicit Arma11(const nlohmann::json& data)
      : y_(data.at("y").get<Reals>()), error_(y_.size()), adjoint_(y_.size()) {}

  std::size_t dim() const override { return 4; }

  double log_density_gradient(const double* u, double* grad) override {
    const std::size_t n = y_.size();
    const double mu = u[0];
    const double phi = u[1];
    const double theta = u[2];
    const double sigma = std::exp(u[3]);
    const double precision = 1.0 / (sigma * sigma);

    const double* __restrict y = y_.data();
    double* __restrict error = error_.data();
    double* __restrict adjoint = adjoint_.data();

    error[0] = y[0] - (mu + phi * mu);
    for (std::size_t t = 1; t < n; ++t) error[t] = y[t] - mu - phi * y[t - 1];
    for (std::size_t t = 1; t < n; ++t) error[t] -= theta * error[t - 1];

    double quadratic = 0;
    for (std::size_t t = 0; t < n; ++t) {
      quadratic += error[t] * error[t];
      adjoint[t] = -precision * error[t];
    }
    for (std::size_t t = n - 1; t-- > 0;) adjoint[t] -= theta * adjoint[t + 1];

    double d_mu = 0;
    double d_phi = 0;
    double d_theta = 0;
    for (std::size_t t = 1; t < n; ++t) {
      d_mu -= adjoint[t];
      d_phi -= adjoint[t] * y[t - 1];
      d_theta -= adjoint[t] * error[t - 1];
    }
    d_mu -= adjoint[0] * (1.0 + phi);
    d_phi -= adjoint[0] * mu;

    double prior_mu = 0;
    double prior_phi = 0;
    double prior_theta = 0;
    double prior_sigma = 0;
    double lp = u[3];
    lp += normal(mu, 0, 10, prior_mu);
    lp += normal(phi, 0, 2, prior_phi);
    lp += normal(theta, 0, 2, prior_theta);
    lp += cauchy(sigma, 2.5, prior_sigma);
    const double scaled = precision * quadratic;
    lp -= static_cast<double>(n) * (half_log_two_pi + u[3]) + 0.5 * scaled;

    grad[0] = d_mu + prior_mu;
    grad[1] = d_phi + prior_phi;
    grad[2] = d_theta + prior_theta;
    grad[3] = scaled - static_cast<double>(n) + prior_sigma * sigma + 1.0;
    return lp;
  }

 private:
  Reals y_;
  Reals error_;
  Reals adjoint_;
};

}  // namespace

std::unique_ptr<PlainModel> make_garch11(const nlohmann::json& data) {
  return std::make_unique<Garch11>(data);
}

std::unique_ptr<PlainModel> make_arma11(const nlohmann::json& data) {
  return std::make_unique<Arma11>(data);
}

}  // namespace borel::bench
