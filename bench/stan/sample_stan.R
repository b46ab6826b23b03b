# Stan's sampler on the posteriors: reference answers and efficiency.
#   Rscript sample_stan.R BIN reference OUT_FOLDER [FOLDER...]
#     writes OUT_FOLDER/FOLDER.reference.json: mean, sd, quantiles and Monte Carlo standard errors
#     (of the mean; of the sd, through the effective size of squares) of every parameter and of
#     the derived quantities of moderate number, in the format of posteriordb's references here;
#     stops when the draws are not good enough to refer to
#   Rscript sample_stan.R BIN speed OUT.json [FOLDER...]
#     CPU seconds with warm-up and least bulk ESS, median of five seeds at 4 x (1000 + 1000)
# BIN is the folder of the program sample_stan. Chains run one after another, so seconds are
# those of one core; compilation is not in them.
suppressMessages(library(posterior))
suppressMessages(library(jsonlite))

without_references <- c(
  "radon_mn-radon_hierarchical_intercept_noncentered", "wells_data-wells_dist",
  "irt_2pl-irt_2pl", "rats_data-rats_model", "dogs-dogs",
  "GLMM_Poisson_data-GLMM_Poisson_model", "seeds_data-seeds_model")

# Functions of data and parameters, one for each observation.
too_many <- c("n_avoid", "n_shock", "p", "log_lambda", "lambda")

sampler_columns <- 7

run_stan <- function(bin, folder, ...) {
  out <- tempfile(fileext = ".draws")
  on.exit(unlink(out))
  printed <- system2(file.path(bin, "sample_stan"), c(folder, out, ...), stdout = TRUE)
  if (!is.null(attr(printed, "status"))) stop("sample_stan failed on ", folder)
  summary <- fromJSON(printed)
  file <- file(out, "rb")
  names <- strsplit(readLines(file, n = 1), "\t", fixed = TRUE)[[1]]
  count <- summary$columns * summary$draws * summary$chains
  values <- readBin(file, "double", n = count)
  close(file)
  stopifnot(length(names) == summary$columns, length(values) == count)
  values <- array(values, c(summary$columns, summary$draws, summary$chains))
  draws <- aperm(values, c(2, 3, 1))
  dimnames(draws) <- list(NULL, NULL, names)
  list(draws = draws, parameters = names[seq(sampler_columns + 1, summary$parameter_columns)],
       derived = names[seq_along(names) > summary$parameter_columns], seconds = summary$seconds)
}

# Four chains of what gives every quantity thousands of effective draws. With --reference the
# program is the one in reference/, whose effects are in units of their scale: in the
# coordinates of models/ chains do not follow the scale to where it is small. tau of seeds and the
# slopes of irt_2pl have heavy tails (kurtosis about 100), so their standard deviations need many
# draws.
reference_settings <- function(folder) {
  switch(folder,
    "radon_mn-radon_hierarchical_intercept_noncentered" = ,
    "wells_data-wells_dist" =
      c("--warmup", 2000, "--draws", 10000, "--target-accept", 0.98),
    "GLMM_Poisson_data-GLMM_Poisson_model" = ,
    "seeds_data-seeds_model" =
      c("--reference", "--warmup", 2000, "--draws", 50000, "--target-accept", 0.95),
    "irt_2pl-irt_2pl" =
      c("--reference", "--warmup", 1000, "--draws", 10000, "--target-accept", 0.95),
    c("--warmup", 1000, "--draws", 5000, "--target-accept", 0.9))
}

write_reference <- function(bin, folder, out) {
  run <- run_stan(bin, folder, "--seed", 7, reference_settings(folder))
  kept <- c(run$parameters, run$derived[!sub("\\[.*", "", run$derived) %in% too_many])
  kept <- kept[!grepl("_raw\\[", kept)]
  parameters <- list()
  for (name in kept) {
    x <- run$draws[, , name]
    if (rhat(x) > 1.003 || ess_bulk(x) < 2000 || ess_tail(x) < 2000) {
      stop(folder, ": ", name, " has R-hat ", rhat(x), ", bulk ESS ", ess_bulk(x),
           ", tail ESS ", ess_tail(x))
    }
    q <- quantile(x, c(0.05, 0.5, 0.95), names = FALSE)
    parameters[[name]] <- list(mean = mean(x), sd = sd(x), mcse_mean = mcse_mean(x),
                               mcse_sd = mcse_sd(x), q05 = q[1], q50 = q[2], q95 = q[3])
  }
  divergent <- sum(run$draws[, , "divergent__"])
  content <- list(posterior = folder, draws = prod(dim(run$draws)[1:2]), divergent = divergent,
                  parameters = parameters)
  writeLines(toJSON(content, auto_unbox = TRUE, digits = I(15), pretty = 1),
             file.path(out, paste0(folder, ".reference.json")))
  least <- min(sapply(kept, function(name) ess_bulk(run$draws[, , name])))
  cat(sprintf("%s: %d quantities, %d divergent, least bulk ESS %.0f, %.1f s\n", folder,
              length(kept), divergent, least, run$seconds))
}

measure_speed <- function(bin, folder, seeds) {
  runs <- lapply(seeds, function(seed) {
    run <- run_stan(bin, folder, "--seed", seed)
    ess <- sapply(run$parameters, function(name) ess_bulk(run$draws[, , name]))
    data.frame(seconds = run$seconds, ess = min(ess), divergent = sum(run$draws[, , "divergent__"]),
               leapfrogs = mean(run$draws[, , "n_leapfrog__"]))
  })
  runs <- do.call(rbind, runs)
  middle <- list(model = folder, stan_s = signif(median(runs$seconds), 4),
                 stan_min_bulk_ess = round(median(runs$ess), 1),
                 stan_ess_s = signif(median(runs$ess / runs$seconds), 4),
                 divergent = median(runs$divergent),
                 mean_leapfrogs = signif(median(runs$leapfrogs), 4))
  cat(sprintf("%-52s %9.3f s  ESS %7.0f  %10.1f ESS/s\n", folder, middle$stan_s,
              middle$stan_min_bulk_ess, middle$stan_ess_s))
  middle
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) < 3 || !arguments[2] %in% c("reference", "speed")) {
  stop("usage: sample_stan.R BIN reference|speed OUT [FOLDER...]")
}
bin <- arguments[1]
out <- arguments[3]
folders <- arguments[-(1:3)]
if (arguments[2] == "reference") {
  if (length(folders) == 0) folders <- without_references
  for (folder in folders) write_reference(bin, folder, out)
} else {
  if (length(folders) == 0) {
    script <- sub("--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
    folders <- sub("\\.stan$", "", list.files(file.path(dirname(script), "models")))
  }
  # Rows of other posteriors that OUT already has are kept; it is written anew after each one.
  rows <- if (file.exists(out)) fromJSON(out, simplifyVector = FALSE) else list()
  names(rows) <- sapply(rows, function(row) row$model)
  for (folder in folders) {
    rows[[folder]] <- measure_speed(bin, folder, 1:5)
    lines <- sapply(rows[order(names(rows))], toJSON, auto_unbox = TRUE, digits = I(6))
    writeLines(c("[", paste0(lines, c(rep(",", length(lines) - 1), "")), "]"), out)
  }
}
