# Translates one Stan program to C++ with rstan's stanc: Rscript stanc.R PROGRAM.stan OUT.hpp
arguments <- commandArgs(trailingOnly = TRUE)
stopifnot(length(arguments) == 2)
suppressMessages(library(rstan))
result <- stanc(arguments[1], model_name = "stan_program", obfuscate_model_name = FALSE)
writeLines(result$cppcode, arguments[2])
