// Dogs learning to avoid shocks: logit linear in past avoidances and past shocks.
data {
  int<lower=0> n_dogs;
  int<lower=0> n_trials;
  int<lower=0, upper=1> y[n_dogs, n_trials];
}
parameters {
  vector[3] beta;
}
transformed parameters {
  matrix[n_dogs, n_trials] n_avoid;
  matrix[n_dogs, n_trials] n_shock;
  matrix[n_dogs, n_trials] p;
  for (d in 1:n_dogs) {
    n_avoid[d, 1] = 0;
    n_shock[d, 1] = 0;
    for (t in 2:n_trials) {
      n_avoid[d, t] = n_avoid[d, t - 1] + 1 - y[d, t - 1];
      n_shock[d, t] = n_shock[d, t - 1] + y[d, t - 1];
    }
    for (t in 1:n_trials) {
      p[d, t] = beta[1] + beta[2] * n_avoid[d, t] + beta[3] * n_shock[d, t];
    }
  }
}
model {
  beta ~ normal(0, 100);
  for (d in 1:n_dogs) {
    for (t in 1:n_trials) {
      y[d, t] ~ bernoulli_logit(p[d, t]);
    }
  }
}
