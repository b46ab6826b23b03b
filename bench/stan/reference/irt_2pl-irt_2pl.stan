// models/irt_2pl-irt_2pl.stan, abilities and log slopes in units of their scales.
data {
  int<lower=0> I;
  int<lower=0> J;
  int<lower=0, upper=1> y[I, J];
}
parameters {
  real<lower=0> sigma_theta;
  vector[J] theta_raw;
  real<lower=0> sigma_a;
  vector[I] a_raw;
  real mu_b;
  real<lower=0> sigma_b;
  vector[I] b;
}
transformed parameters {
  vector[J] theta = sigma_theta * theta_raw;
  vector<lower=0>[I] a = exp(sigma_a * a_raw);
}
model {
  sigma_theta ~ cauchy(0, 2);
  sigma_a ~ cauchy(0, 2);
  sigma_b ~ cauchy(0, 2);
  mu_b ~ normal(0, 5);
  theta_raw ~ normal(0, 1);
  a_raw ~ normal(0, 1);
  b ~ normal(mu_b, sigma_b);
  for (i in 1:I) {
    y[i] ~ bernoulli_logit(a[i] * (theta - b[i]));
  }
}
