// Regressions without hierarchy: linear with nine coefficients, logistic with two, and a mixture
// of two normals.
#include "models.h"

namespace borel::bench {
namespace {

class Nes final : public PlainModel {
 public:
  explicit Nes(const nlohmann::json& data)
      : y_(data.at("partyid7").get<Reals>()),
        ideology_(data.at("real_ideo").get<Reals>()),
        race_(data.at("race_adj").get<Reals>()),
        education_(data.at("educ1").get<Reals>()),
        gender_(data.at("gender").get<Reals>()),
        income_(data.at("income").get<Reals>()) {
    for (const int age : data.at("age_discrete").get<std::vector<int>>()) {
      age2_.push_back(age == 2 ? 1.0 : 0.0);
      age3_.push_back(age == 3 ? 1.0 : 0.0);
      age4_.push_back(age == 4 ? 1.0 : 0.0);
    }
  }

  std::size_t dim() const override { return 10; }

  double log_density_gradient(const double* u, double* grad) override {
    const std::size_t n = y_.size();
    const double b0 = u[0];
    const double b1 = u[1];
    const double b2 = u[2];
    const double b3 = u[3];
    const double b4 = u[4];
    const double b5 = u[5];
    const double b6 = u[6];
    const double b7 = u[7];
    const double b8 = u[8];
    const double sigma = std::exp(u[9]);
    const double precision = 1.0 / (sigma * sigma);

    const double* __restrict y = y_.data();
    const double* __restrict x1 = ideology_.data();
    const double* __restrict x2 = race_.data();
    const double* __restrict x3 = age2_.data();
    const double* __restrict x4 = age3_.data();
    const double* __restrict x5 = age4_.data();
    const double* __restrict x6 = education_.data();
    const double* __restrict x7 = gender_.data();
    const double* __restrict x8 = income_.data();

    double quadratic = 0;
    double g0 = 0;
    double g1 = 0;
    double g2 = 0;
    double g3 = 0;
    double g4 = 0;
    double g5 = 0;
    double g6 = 0;
    double g7 = 0;
    double g8 = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double mean = b0 + b1 * x1[i] + b2 * x2[i] + b3 * x3[i] + b4 * x4[i] + b5 * x5[i] +
                          b6 * x6[i] + b7 * x7[i] + b8 * x8[i];
      const double residual = y[i] - mean;
      quadratic += residual * residual;
      g0 += residual;
      g1 += residual * x1[i];
      g2 += residual * x2[i];
      g3 += residual * x3[i];
      g4 += residual * x4[i];
      g5 += residual * x5[i];
      g6 += residual * x6[i];
      g7 += residual * x7[i];
      g8 += residual * x8[i];
    }
    grad[0] = precision * g0;
    grad[1] = precision * g1;
    grad[2] = precision * g2;
    grad[3] = precision * g3;
    grad[4] = precision * g4;
    grad[5] = precision * g5;
    grad[6] = precision * g6;
    grad[7] = precision * g7;
    grad[8] = precision * g8;
    const double scaled = precision * quadratic;
    grad[9] = scaled - static_cast<double>(n) + 1.0;
    return u[9] - static_cast<double>(n) * (half_log_two_pi + u[9]) - 0.5 * scaled;
  }

 private:
  Reals y_;
  Reals ideology_;
  Reals race_;
  Reals education_;
  Reals gender_;
  Reals income_;
  Reals age2_;
  Reals age3_;
  Reals age4_;
};

class WellsDist final : public PlainModel {
 public:
  explicit WellsDist(const nlohmann::json& data)
      : switched_(data.at("switched").get<Reals>()), distance_(data.at("dist").get<Reals>()) {}

  std::size_t dim() const override { return 2; }

  double log_density_gradient(const double* u, double* grad) override {
    const std::size_t n = switched_.size();
    const double* __restrict y = switched_.data();
    const double* __restrict x = distance_.data();
    const double intercept = u[0];
    const double slope = u[1];
    double lp = 0;
    double g0 = 0;
    double g1 = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double eta = intercept + slope * x[i];
      const double e = std::exp(-std::fabs(eta));
      const double inverse = 1.0 / (1.0 + e);
      const double p = eta > 0 ? inverse : e * inverse;
      lp += y[i] * eta - std::fmax(eta, 0.0) - std::log(1.0 + e);
      g0 += y[i] - p;
      g1 += (y[i] - p) * x[i];
    }
    grad[0] = g0;
    grad[1] = g1;
    return lp;
  }

 private:
  Reals switched_;
  Reals distance_;
};

class LowDimGaussMix final : public PlainModel {
 public:
  explicit LowDimGaussMix(const nlohmann::json& data) : y_(data.at("y").get<Reals>()) {}

  std::size_t dim() const override { return 5; }

  double log_density_gradient(const double* u, double* grad) override {
    const std::size_t n = y_.size();
    const double* __restrict y = y_.data();
    const double gap = std::exp(u[1]);
    const double mu1 = u[0];
    const double mu2 = u[0] + gap;
    const double sigma1 = std::exp(u[2]);
    const double sigma2 = std::exp(u[3]);
    const double theta = inverse_logit(u[4]);
    const double inverse1 = 1.0 / sigma1;
    const double inverse2 = 1.0 / sigma2;
    const double constant1 = std::log(theta) - half_log_two_pi - u[2];
    const double constant2 = std::log(1.0 - theta) - half_log_two_pi - u[3];

    // With z the standardised values and w the first component's weight, sums of w, w z, w z^2
    // and the same with 1 - w give every derivative.
    double lp = 0;
    double sum_w = 0;
    double wz1 = 0;
    double wzz1 = 0;
    double wz2 = 0;
    double wzz2 = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double z1 = (y[i] - mu1) * inverse1;
      const double z2 = (y[i] - mu2) * inverse2;
      const double a = constant1 - 0.5 * z1 * z1;
      const double b = constant2 - 0.5 * z2 * z2;
      const double e = std::exp(-std::fabs(a - b));
      const double inverse = 1.0 / (1.0 + e);
      const double w = a > b ? inverse : e * inverse;
      lp += std::fmax(a, b) + std::log(1.0 + e);
      sum_w += w;
      wz1 += w * z1;
      wzz1 += w * z1 * z1;
      wz2 += (1.0 - w) * z2;
      wzz2 += (1.0 - w) * z2 * z2;
    }
    const double count = static_cast<double>(n);
    double d_mu1 = wz1 * inverse1;
    double d_mu2 = wz2 * inverse2;

    double prior = 0;
    lp += normal(mu1, 0, 2, prior);
    d_mu1 += prior;
    lp += normal(mu2, 0, 2, prior);
    d_mu2 += prior;
    grad[0] = d_mu1 + d_mu2;
    grad[1] = d_mu2 * gap + 1.0;
    lp += normal(sigma1, 0, 2, prior);
    grad[2] = wzz1 - sum_w + prior * sigma1 + 1.0;
    lp += normal(sigma2, 0, 2, prior);
    grad[3] = wzz2 - (count - sum_w) + prior * sigma2 + 1.0;
    // Beta(5, 5) times the Jacobian theta (1 - theta); 1 / B(5, 5) = 630.
    lp += std::log(630.0) + 5.0 * (std::log(theta) + std::log(1.0 - theta));
    grad[4] = sum_w - count * theta + 5.0 * (1.0 - 2.0 * theta);
    return lp + u[1] + u[2] + u[3];
  }

 private:
  Reals y_;
};

}  // namespace

std::unique_ptr<PlainModel> make_nes(const nlohmann::json& data) {
  return std::make_unique<Nes>(data);
}

std::unique_ptr<PlainModel> make_wells_dist(const nlohmann::json& data) {
  return std::make_unique<WellsDist>(data);
}

std::unique_ptr<PlainModel> make_low_dim_gauss_mix(const nlohmann::json& data) {
  return std::make_unique<LowDimGaussMix>(data);
}

}  // namespace borel::bench
