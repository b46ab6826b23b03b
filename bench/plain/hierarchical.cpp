// Hierarchical models: eight schools, radon by county, growth of rats, item response.
#include "models.h"

#include <algorithm>

namespace borel::bench {
namespace {

/// Indices of the data, which count from 1, counted from 0.
std::vector<int> zero_based(const nlohmann::json& value) {
  auto index = value.get<std::vector<int>>();
  for (int& i : index) --i;
  return index;
}

class EightSchoolsNoncentered final : public PlainModel {
 public:
  explicit EightSchoolsNoncentered(const nlohmann::json& data)
      : y_(data.at("y").get<Reals>()), sigma_(data.at("sigma").get<Reals>()) {}

  std::size_t dim() const override { return y_.size() + 2; }

  double log_density_gradient(const double* __restrict u, double* __restrict grad) override {
    const std::size_t n = y_.size();
    const double* __restrict y = y_.data();
    const double* __restrict sigma = sigma_.data();
    const double mu = u[n];
    const double tau = std::exp(u[n + 1]);
    double lp = u[n + 1];
    double d_mu = 0;
    double d_tau = 0;
    lp += normal(mu, 0, 5, d_mu);
    lp += cauchy(tau, 5, d_tau);
    for (std::size_t j = 0; j < n; ++j) {
      const double z = (y[j] - mu - tau * u[j]) / sigma[j];
      const double pull = z / sigma[j];
      lp -= 2.0 * half_log_two_pi + std::log(sigma[j]) + 0.5 * (z * z + u[j] * u[j]);
      grad[j] = pull * tau - u[j];
      d_mu += pull;
      d_tau += pull * u[j];
    }
    grad[n] = d_mu;
    grad[n + 1] = d_tau * tau + 1.0;
    return lp;
  }

 private:
  Reals y_;
  Reals sigma_;
};

class Radon final : public PlainModel {
 public:
  explicit Radon(const nlohmann::json& data)
      : counties_(data.at("J").get<std::size_t>()),
        county_(zero_based(data.at("county_idx"))),
        uranium_(data.at("log_uppm").get<Reals>()),
        floor_(data.at("floor_measure").get<Reals>()),
        y_(data.at("log_radon").get<Reals>()),
        alpha_(counties_),
        d_alpha_(counties_) {}

  std::size_t dim() const override { return counties_ + 5; }

  double log_density_gradient(const double* __restrict u, double* __restrict grad) override {
    const std::size_t groups = counties_;
    const std::size_t n = y_.size();
    const double beta1 = u[groups];
    const double beta2 = u[groups + 1];
    const double mu_alpha = u[groups + 2];
    const double sigma_alpha = std::exp(u[groups + 3]);
    const double sigma_y = std::exp(u[groups + 4]);
    const double precision = 1.0 / (sigma_y * sigma_y);

    const int* __restrict county = county_.data();
    const double* __restrict uranium = uranium_.data();
    const double* __restrict floor = floor_.data();
    const double* __restrict y = y_.data();
    double* __restrict alpha = alpha_.data();
    double* __restrict d_alpha = d_alpha_.data();

    for (std::size_t j = 0; j < groups; ++j) alpha[j] = mu_alpha + sigma_alpha * u[j];
    std::fill_n(d_alpha, groups, 0.0);
    double quadratic = 0;
    double d_beta1 = 0;
    double d_beta2 = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double residual = y[i] - alpha[county[i]] - beta1 * uranium[i] - beta2 * floor[i];
      quadratic += residual * residual;
      d_beta1 += residual * uranium[i];
      d_beta2 += residual * floor[i];
      d_alpha[county[i]] += residual;
    }

    double raw_squares = 0;
    double d_mu_alpha = 0;
    double d_sigma_alpha = 0;
    for (std::size_t j = 0; j < groups; ++j) {
      const double pull = precision * d_alpha[j];
      raw_squares += u[j] * u[j];
      d_mu_alpha += pull;
      d_sigma_alpha += pull * u[j];
      grad[j] = pull * sigma_alpha - u[j];
    }

    const double scaled = precision * quadratic;
    double lp = u[groups + 3] + u[groups + 4];
    lp -= static_cast<double>(groups) * half_log_two_pi + 0.5 * raw_squares;
    lp -= static_cast<double>(n) * (half_log_two_pi + u[groups + 4]) + 0.5 * scaled;
    double prior = 0;
    lp += normal(beta1, 0, 10, prior);
    grad[groups] = precision * d_beta1 + prior;
    lp += normal(beta2, 0, 10, prior);
    grad[groups + 1] = precision * d_beta2 + prior;
    lp += normal(mu_alpha, 0, 10, prior);
    grad[groups + 2] = d_mu_alpha + prior;
    lp += normal(sigma_alpha, 0, 1, prior);
    grad[groups + 3] = (d_sigma_alpha + prior) * sigma_alpha + 1.0;
    lp += normal(sigma_y, 0, 1, prior);
    grad[groups + 4] = scaled - static_cast<double>(n) + prior * sigma_y + 1.0;
    return lp;
  }

 private:
  std::size_t counties_;
  std::vector<int> county_;
  Reals uranium_;
  Reals floor_;
  Reals y_;
  Reals alpha_;
  Reals d_alpha_;
};

class Rats final : public PlainModel {
 public:
  explicit Rats(const nlohmann::json& data)
      : rats_(data.at("N").get<std::size_t>()),
        rat_(zero_based(data.at("rat"))),
        x_(data.at("x").get<Reals>()),
        y_(data.at("y").get<Reals>()) {
    const double center = data.at("xbar").get<double>();
    for (double& x : x_) x -= center;
  }

  std::size_t dim() const override { return 2 * rats_ + 5; }

  double log_density_gradient(const double* __restrict u, double* __restrict grad) override {
    const std::size_t groups = rats_;
    const std::size_t n = y_.size();
    const double* __restrict alpha = u;
    const double* __restrict beta = u + groups;
    double* __restrict d_alpha = grad;
    double* __restrict d_beta = grad + groups;
    const double* top = u + 2 * groups;
    double* d_top = grad + 2 * groups;
    const double mu_alpha = top[0];
    const double mu_beta = top[1];
    const double sigma_y = std::exp(top[2]);
    const double sigma_alpha = std::exp(top[3]);
    const double sigma_beta = std::exp(top[4]);
    const double precision_y = 1.0 / (sigma_y * sigma_y);
    const double precision_alpha = 1.0 / (sigma_alpha * sigma_alpha);
    const double precision_beta = 1.0 / (sigma_beta * sigma_beta);

    const int* __restrict rat = rat_.data();
    const double* __restrict x = x_.data();
    const double* __restrict y = y_.data();

    double quadratic_alpha = 0;
    double quadratic_beta = 0;
    double d_mu_alpha = 0;
    double d_mu_beta = 0;
    for (std::size_t j = 0; j < groups; ++j) {
      const double a = alpha[j] - mu_alpha;
      const double b = beta[j] - mu_beta;
      quadratic_alpha += a * a;
      quadratic_beta += b * b;
      d_alpha[j] = -precision_alpha * a;
      d_beta[j] = -precision_beta * b;
      d_mu_alpha += precision_alpha * a;
      d_mu_beta += precision_beta * b;
    }
    double quadratic_y = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double residual = y[i] - alpha[rat[i]] - beta[rat[i]] * x[i];
      const double pull = precision_y * residual;
      quadratic_y += residual * residual;
      d_alpha[rat[i]] += pull;
      d_beta[rat[i]] += pull * x[i];
    }

    const double count = static_cast<double>(groups);
    const double points = static_cast<double>(n);
    quadratic_y *= precision_y;
    quadratic_alpha *= precision_alpha;
    quadratic_beta *= precision_beta;
    double lp = top[2] + top[3] + top[4];
    double prior = 0;
    lp += normal(mu_alpha, 0, 100, prior);
    d_top[0] = d_mu_alpha + prior;
    lp += normal(mu_beta, 0, 100, prior);
    d_top[1] = d_mu_beta + prior;
    lp -= points * (half_log_two_pi + top[2]) + 0.5 * quadratic_y;
    lp -= count * (half_log_two_pi + top[3]) + 0.5 * quadratic_alpha;
    lp -= count * (half_log_two_pi + top[4]) + 0.5 * quadratic_beta;
    d_top[2] = quadratic_y - points + 1.0;
    d_top[3] = quadratic_alpha - count + 1.0;
    d_top[4] = quadratic_beta - count + 1.0;
    return lp;
  }

 private:
  std::size_t rats_;
  std::vector<int> rat_;
  Reals x_;
  Reals y_;
};

class Irt2pl final : public PlainModel {
 public:
  explicit Irt2pl(const nlohmann::json& data)
      : items_(data.at("I").get<std::size_t>()), persons_(data.at("J").get<std::size_t>()) {
    for (const auto& row : data.at("y")) {
      for (const auto& answer : row) y_.push_back(answer.get<double>());
    }
  }

  std::size_t dim() const override { return 2 * items_ + persons_ + 4; }

  // Coordinates: sigma_theta, theta[J], sigma_a, a[I], mu_b, sigma_b, b[I].
  double log_density_gradient(const double* __restrict u, double* __restrict grad) override {
    const std::size_t items = items_;
    const std::size_t persons = persons_;
    const std::size_t at_sigma_a = 1 + persons;
    const std::size_t at_mu_b = at_sigma_a + 1 + items;
    const std::size_t at_sigma_b = at_mu_b + 1;
    const double sigma_theta = std::exp(u[0]);
    const double sigma_a = std::exp(u[at_sigma_a]);
    const double mu_b = u[at_mu_b];
    const double sigma_b = std::exp(u[at_sigma_b]);
    const double* __restrict theta = u + 1;
    const double* __restrict log_a = u + at_sigma_a + 1;
    const double* __restrict b = u + at_sigma_b + 1;
    double* __restrict d_theta = grad + 1;
    double* __restrict d_log_a = grad + at_sigma_a + 1;
    double* __restrict d_b = grad + at_sigma_b + 1;

    double lp = u[0] + u[at_sigma_a] + u[at_sigma_b];
    double d_sigma_theta = 0;
    double d_sigma_a = 0;
    double d_sigma_b = 0;
    double d_mu_b = 0;
    lp += cauchy(sigma_theta, 2, d_sigma_theta);
    lp += cauchy(sigma_a, 2, d_sigma_a);
    lp += cauchy(sigma_b, 2, d_sigma_b);
    lp += normal(mu_b, 0, 5, d_mu_b);

    const double precision_theta = 1.0 / (sigma_theta * sigma_theta);
    double quadratic_theta = 0;
    for (std::size_t j = 0; j < persons; ++j) {
      quadratic_theta += theta[j] * theta[j];
      d_theta[j] = -precision_theta * theta[j];
    }
    quadratic_theta *= precision_theta;

    const double precision_a = 1.0 / (sigma_a * sigma_a);
    const double precision_b = 1.0 / (sigma_b * sigma_b);
    double quadratic_a = 0;
    double quadratic_b = 0;
    for (std::size_t i = 0; i < items; ++i) {
      const double a = std::exp(log_a[i]);
      const double difficulty = b[i];
      const double* __restrict y = y_.data() + i * persons;
      double loglik = 0;
      double d_a = 0;
      double d_difficulty = 0;
      for (std::size_t j = 0; j < persons; ++j) {
        const double distance = theta[j] - difficulty;
        const double eta = a * distance;
        const double e = std::exp(-std::fabs(eta));
        const double inverse = 1.0 / (1.0 + e);
        const double p = eta > 0 ? inverse : e * inverse;
        const double pull = y[j] - p;
        loglik += y[j] * eta - std::fmax(eta, 0.0) - std::log(1.0 + e);
        d_a += pull * distance;
        d_difficulty += pull;
        d_theta[j] += pull * a;
      }
      // The Jacobian of a = exp(log_a) cancels the lognormal's 1 / a.
      const double off_center = difficulty - mu_b;
      lp += loglik;
      quadratic_a += log_a[i] * log_a[i];
      quadratic_b += off_center * off_center;
      d_log_a[i] = d_a * a - precision_a * log_a[i];
      d_b[i] = -d_difficulty * a - precision_b * off_center;
      d_mu_b += precision_b * off_center;
    }
    quadratic_a *= precision_a;
    quadratic_b *= precision_b;

    const double item_count = static_cast<double>(items);
    const double person_count = static_cast<double>(persons);
    lp -= person_count * (half_log_two_pi + u[0]) + 0.5 * quadratic_theta;
    lp -= item_count * (half_log_two_pi + u[at_sigma_a]) + 0.5 * quadratic_a;
    lp -= item_count * (half_log_two_pi + u[at_sigma_b]) + 0.5 * quadratic_b;
    grad[0] = d_sigma_theta * sigma_theta + quadratic_theta - person_count + 1.0;
    grad[at_sigma_a] = d_sigma_a * sigma_a + quadratic_a - item_count + 1.0;
    grad[at_mu_b] = d_mu_b;
    grad[at_sigma_b] = d_sigma_b * sigma_b + quadratic_b - item_count + 1.0;
    return lp;
  }

 private:
  std::size_t items_;
  std::size_t persons_;
  Reals y_;
};

}  // namespace

std::unique_ptr<PlainModel> make_eight_schools_noncentered(const nlohmann::json& data) {
  return std::make_unique<EightSchoolsNoncentered>(data);
}

std::unique_ptr<PlainModel> make_radon(const nlohmann::json& data) {
  return std::make_unique<Radon>(data);
}

std::unique_ptr<PlainModel> make_rats(const nlohmann::json& data) {
  return std::make_unique<Rats>(data);
}

std::unique_ptr<PlainModel> make_irt_2pl(const nlohmann::json& data) {
  return std::make_unique<Irt2pl>(data);
}

}  // namespace borel::bench
