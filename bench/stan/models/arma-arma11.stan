// ARMA(1, 1); the error before the first observation is zero, the value before it mu.
data {
  int<lower=1> T;
  real y[T];
}
parameters {
  real mu;
  real phi;
  real theta;
  real<lower=0> sigma;
}
model {
  vector[T] predicted;
  vector[T] error;
  mu ~ normal(0, 10);
  phi ~ normal(0, 2);
  theta ~ normal(0, 2);
  sigma ~ cauchy(0, 2.5);
  predicted[1] = mu + phi * mu;
  error[1] = y[1] - predicted[1];
  for (t in 2:T) {
    predicted[t] = mu + phi * y[t - 1] + theta * error[t - 1];
    error[t] = y[t] - predicted[t];
  }
  error ~ normal(0, sigma);
}
