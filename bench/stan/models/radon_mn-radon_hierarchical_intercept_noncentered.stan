// Radon in Minnesota: county intercepts, standardised.
data {
  int<lower=0> J;
  int<lower=0> N;
  int<lower=1, upper=J> county_idx[N];
  vector[N] log_uppm;
  vector[N] floor_measure;
  vector[N] log_radon;
}
parameters {
  vector[J] alpha_raw;
  vector[2] beta;
  real mu_alpha;
  real<lower=0> sigma_alpha;
  real<lower=0> sigma_y;
}
transformed parameters {
  vector[J] alpha = mu_alpha + sigma_alpha * alpha_raw;
}
model {
  vector[N] mu;
  vector[N] above;
  alpha_raw ~ normal(0, 1);
  beta ~ normal(0, 10);
  mu_alpha ~ normal(0, 10);
  sigma_alpha ~ normal(0, 1);
  sigma_y ~ normal(0, 1);
  for (i in 1:N) {
    above[i] = alpha[county_idx[i]] + log_uppm[i] * beta[1];
    mu[i] = above[i] + floor_measure[i] * beta[2];
    target += normal_lpdf(log_radon[i] | mu[i], sigma_y);
  }
}
