# Rscript read.R FOLDER: reads the draws in FOLDER with rstan and compares with FOLDER/summary.json's
# means. Exit status 77 where rstan is not installed.
if (!requireNamespace("rstan", quietly = TRUE)) quit(status = 77)
folder <- commandArgs(TRUE)[1]
files <- sort(list.files(folder, "[0-9][.]csv$", full.names = TRUE))
stopifnot(length(files) == 4)
options(warn = 2)
fit <- suppressPackageStartupMessages(rstan::read_stan_csv(files))
expected <- jsonlite::fromJSON(file.path(folder, "summary.json"))$quantities
means <- apply(as.array(fit), 3, mean)
stopifnot(all(expected$name %in% names(means)))
stopifnot(isTRUE(all.equal(unname(means[expected$name]), expected$mean, tolerance = 1e-12)))
stopifnot(identical(dim(rstan::extract(fit, "theta")$theta), c(800L, 8L)))
stopifnot(fit@sim$warmup == 300, fit@sim$iter == 500)
stopifnot(sum(rstan::get_num_leapfrog_per_iteration(fit)) > 800)
adaptation <- rstan::get_adaptation_info(fit)
stopifnot(all(grepl("Step size = 0[.]", adaptation)))
stopifnot(all(lengths(strsplit(sub(".*matrix:\n", "", adaptation), ",")) == 10))
cat("rstan", format(packageVersion("rstan")), "read", length(files), "files\n")
