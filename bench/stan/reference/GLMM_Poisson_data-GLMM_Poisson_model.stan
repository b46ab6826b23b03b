// models/GLMM_Poisson_data-GLMM_Poisson_model.stan, the effects in units of their scale.
data {
  int<lower=0> n;
  int<lower=0> C[n];
  vector[n] year;
}
transformed data {
  vector[n] year2 = year .* year;
  vector[n] year3 = year .* year .* year;
}
parameters {
  real<lower=-20, upper=20> alpha;
  real<lower=-10, upper=10> beta1;
  real<lower=-10, upper=20> beta2;
  real<lower=-10, upper=10> beta3;
  vector[n] eps_raw;
  real<lower=0, upper=5> sigma;
}
transformed parameters {
  vector[n] eps = sigma * eps_raw;
}
model {
  alpha ~ uniform(-20, 20);
  beta1 ~ uniform(-10, 10);
  beta2 ~ uniform(-10, 10);
  beta3 ~ uniform(-10, 10);
  sigma ~ uniform(0, 5);
  eps_raw ~ normal(0, 1);
  C ~ poisson_log(alpha + beta1 * year + beta2 * year2 + beta3 * year3 + eps);
}
