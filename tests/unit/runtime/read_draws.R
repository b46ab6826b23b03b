# Rscript read_draws.R WRITER: reads what WRITER writes with rstan and compares. Exit status 77
# where rstan is not installed.
if (!requireNamespace("rstan", quietly = TRUE)) quit(status = 77)
writer <- commandArgs(TRUE)[1]
folder <- tempfile("draws")
stopifnot(system2(writer, folder) == 0)
files <- sort(list.files(folder, "^toy_[0-9]+[.]csv$", full.names = TRUE))
stopifnot(length(files) == 4)
options(warn = 2)
fit <- suppressPackageStartupMessages(rstan::read_stan_csv(files))
expected <- read.csv(file.path(folder, "expected.csv"))
draws <- as.array(fit)
# rstan takes the statistic that CmdStan does not have for a parameter.
stopifnot(identical(dimnames(draws)$parameters, c("accepted__", expected$name, "lp__")))
stopifnot(identical(dim(draws), c(250L, 4L, 14L)))
means <- apply(draws, 3, mean)
stopifnot(all(expected$name %in% names(means)))
stopifnot(isTRUE(all.equal(unname(means[expected$name]), expected$mean, tolerance = 1e-13)))
stopifnot(identical(dim(rstan::extract(fit, "theta")$theta), c(1000L, 2L, 3L)))
stopifnot(identical(fit@sim$warmup, 100L), identical(fit@sim$iter, 350L))
parameters <- rstan::get_sampler_params(fit, inc_warmup = FALSE)
stopifnot(all(c("accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__",
                "energy__") %in% colnames(parameters[[1]])))
stopifnot(all(rstan::get_elapsed_time(fit) >= 0), !anyNA(rstan::get_elapsed_time(fit)))
stopifnot(grepl("Step size = 0.8", rstan::get_adaptation_info(fit)[[1]]))
cat("read", length(files), "files\n")
