// Growth of rats: a line each, flat priors on the three scales.
data {
  int<lower=0> N;
  int<lower=0> Npts;
  int<lower=0> rat[Npts];
  real x[Npts];
  real y[Npts];
  real xbar;
}
parameters {
  real alpha[N];
  real beta[N];
  real mu_alpha;
  real mu_beta;
  real<lower=0> sigma_y;
  real<lower=0> sigma_alpha;
  real<lower=0> sigma_beta;
}
model {
  mu_alpha ~ normal(0, 100);
  mu_beta ~ normal(0, 100);
  alpha ~ normal(mu_alpha, sigma_alpha);
  beta ~ normal(mu_beta, sigma_beta);
  for (i in 1:Npts) {
    int r = rat[i];
    y[i] ~ normal(alpha[r] + beta[r] * (x[i] - xbar), sigma_y);
  }
}
generated quantities {
  real alpha0 = mu_alpha - xbar * mu_beta;
}
