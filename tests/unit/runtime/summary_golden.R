# Writes summary_golden.csv: what R's posterior says of draws that summary_cases.h makes too.
# Rscript summary_golden.R > summary_golden.csv
suppressMessages(library(posterior))
make_draws <- function(kind, chains, iterations) {
  state <- 20201
  uniform <- function() {
    state <<- (state * 16807) %% 2147483647
    state / 2147483647
  }
  noise <- function() {
    s <- uniform(); s <- s + uniform(); s <- s + uniform()
    s - 1.5
  }
  draws <- matrix(0, iterations, chains)
  for (c in seq_len(chains)) {
    x <- 0
    for (i in seq_len(iterations)) {
      e <- noise(); u <- uniform()
      first <- c == 1 && i == 1
      x <- switch(kind,
        iid = e, slow = 0.9 * x + e, slower = 0.99 * x + e, antithetic = -0.7 * x + e,
        ties = floor(4 * u), binary = if (u < 0.5) 1 else 0, rare = if (u < 0.03) 1 else 0,
        heavy = (u - 0.5) / (u * (1 - u) * u), shifted = e + 0.5 * (c - 1),
        drift = e + (i - 1) / iterations, constant = 3.25, offset = 1e6 + e, tiny = 1e-18 * e,
        infinite = if (first) Inf else e, nan = if (first) NaN else e)
      draws[i, c] <- x
    }
  }
  draws
}
kinds <- c("iid", "slow", "slower", "antithetic", "ties", "binary", "rare", "heavy", "shifted",
           "drift", "constant", "offset", "tiny", "infinite", "nan")
# Half chains of one draw are left out: 1.4.0 mistakes the row for a column there.
sizes <- list(c(4, 1000), c(4, 100), c(1, 100), c(2, 51), c(2, 401), c(3, 14), c(4, 7), c(4, 6),
              c(2, 5), c(1, 3), c(1, 1))
try_number <- function(e) tryCatch(suppressWarnings(as.numeric(e)), error = function(e) NA)
cat("kind,chains,iterations,mean,mcse,sd,q5,q50,q95,ess_bulk,ess_tail,rhat\n")
for (kind in kinds) {
  for (size in sizes) {
    x <- make_draws(kind, size[1], size[2])
    q <- quantile2(x, c(0.05, 0.5, 0.95))
    values <- c(mean(x), try_number(mcse_mean(x)), try_number(sd(x)), q,
                try_number(ess_bulk(x)), try_number(ess_tail(x)), try_number(rhat(x)))
    values[is.nan(values)] <- NA
    cat(kind, size[1], size[2], sapply(values, format, digits = 12), sep = ",")
    cat("\n")
  }
}
