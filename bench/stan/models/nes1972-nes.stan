// Party identification on ideology, race, age group, education, sex and income, flat priors.
data {
  int<lower=0> N;
  vector[N] partyid7;
  vector[N] real_ideo;
  vector[N] race_adj;
  vector[N] educ1;
  vector[N] gender;
  vector[N] income;
  int age_discrete[N];
}
transformed data {
  vector[N] age2;
  vector[N] age3;
  vector[N] age4;
  for (i in 1:N) {
    age2[i] = age_discrete[i] == 2;
    age3[i] = age_discrete[i] == 3;
    age4[i] = age_discrete[i] == 4;
  }
}
parameters {
  vector[9] beta;
  real<lower=0> sigma;
}
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * age2
                    + beta[5] * age3 + beta[6] * age4 + beta[7] * educ1 + beta[8] * gender
                    + beta[9] * income, sigma);
}
