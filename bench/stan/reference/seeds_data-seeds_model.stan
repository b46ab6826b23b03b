// models/seeds_data-seeds_model.stan, the effects in units of their scale.
data {
  int<lower=0> I;
  int<lower=0> n[I];
  int<lower=0> N[I];
  vector[I] x1;
  vector[I] x2;
}
transformed data {
  vector[I] x1x2 = x1 .* x2;
}
parameters {
  real alpha0;
  real alpha1;
  real alpha12;
  real alpha2;
  real<lower=0> tau;
  vector[I] b_raw;
}
transformed parameters {
  real<lower=0> sigma = 1.0 / sqrt(tau);
  vector[I] b = sigma * b_raw;
}
model {
  alpha0 ~ normal(0, 1000);
  alpha1 ~ normal(0, 1000);
  alpha12 ~ normal(0, 1000);
  alpha2 ~ normal(0, 1000);
  tau ~ gamma(0.001, 0.001);
  b_raw ~ normal(0, 1);
  n ~ binomial_logit(N, alpha0 + alpha1 * x1 + alpha2 * x2 + alpha12 * x1x2 + b);
}
