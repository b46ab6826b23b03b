# client.R LIBRARY DATA: R calls a library of eight schools as BridgeStan's R client does, through .C
# alone, and compares with what it knows of the model.
arguments <- commandArgs(trailingOnly = TRUE)
path <- normalizePath(arguments[1])
dyn.load(path)
library_name <- tools::file_path_sans_ext(basename(path))
call <- function(name, ...) .C(paste0("bs_", name, "_R"), ..., PACKAGE = library_name)
construct <- function(data) {
  call("model_construct", data, 1L, ptr = raw(8), err_msg = "", err_ptr = raw(8))
}

version <- call("version", major = 0L, minor = 0L, patch = 0L)
stopifnot(identical(unlist(version), c(major = 2L, minor = 9L, patch = 0L)))
made <- construct(arguments[2])
stopifnot(any(made$ptr != 0))
model <- made$ptr
stopifnot(call("name", model, out = "")$out == "eight_schools",
          grepl("STAN_THREADS=true", call("model_info", model, out = "")$out),
          call("param_num", model, 1L, 0L, out = 0L)$out == 18,
          call("param_unc_num", model, out = 0L)$out == 10)
names <- strsplit(call("param_names", model, 1L, 0L, out = "")$out, ",")[[1]]
stopifnot(identical(names, c("mu", "tau", paste0("z.", 1:8), paste0("theta.", 1:8))),
          call("param_unc_names", model, out = "")$out == paste(names[1:10], collapse = ","))

u <- c(1, 0.5, seq(-1, 1, length.out = 8))
fail <- function(result) {
  stopifnot(result$code == -1, any(result$err_ptr != 0))
  call("free_error_msg", result$err_ptr)
  result$err_msg
}
constrained <- call("param_constrain", model, 1L, 0L, u, out = double(18), raw(8), code = 1L,
                    err_msg = "", err_ptr = raw(8))
expected <- c(1, exp(0.5), u[3:10], 1 + exp(0.5) * u[3:10])
stopifnot(constrained$code == 0, all.equal(constrained$out, expected, tolerance = 1e-14))
back <- call("param_unconstrain", model, expected, out = double(10), code = 1L, err_msg = "",
             err_ptr = raw(8))
stopifnot(back$code == 0, all.equal(back$out, u, tolerance = 1e-14))
json <- sprintf('{"mu": 1, "tau": %.17g, "z": [%s]}', exp(0.5), paste(sprintf("%.17g", u[3:10]),
                                                                       collapse = ","))
read <- call("param_unconstrain_json", model, json, out = double(10), code = 1L, err_msg = "",
             err_ptr = raw(8))
stopifnot(read$code == 0, all.equal(read$out, u, tolerance = 1e-14))
text <- fail(call("param_unconstrain_json", model, "{", out = double(10), code = 1L, err_msg = "",
                  err_ptr = raw(8)))
stopifnot(grepl("not valid JSON", text))

y <- c(28, 8, -3, 7, -1, 1, 18, 12)
sigma <- c(15, 10, 16, 11, 9, 11, 10, 18)
log_density <- function(u) {
  tau <- exp(u[2])
  dnorm(u[1], 0, 5, log = TRUE) + log(2) + dcauchy(tau, 0, 5, log = TRUE) + u[2] +
    sum(dnorm(u[3:10], log = TRUE)) + sum(dnorm(y, u[1] + tau * u[3:10], sigma, log = TRUE))
}
lp <- call("log_density", model, 1L, 1L, u, out = 0, code = 1L, err_msg = "", err_ptr = raw(8))
both <- call("log_density_gradient", model, 0L, 1L, u, out = 0, gradient = double(10), code = 1L,
             err_msg = "", err_ptr = raw(8))
steps <- sapply(1:10, function(i) {
  h <- replace(double(10), i, 1e-5)
  (log_density(u + h) - log_density(u - h)) / 2e-5
})
stopifnot(lp$code == 0, all.equal(lp$out, log_density(u), tolerance = 1e-13),
          both$code == 0, all.equal(both$out, lp$out, tolerance = 1e-13),
          all.equal(both$gradient, steps, tolerance = 1e-6))
plain <- call("log_density", model, 1L, 0L, u, out = 0, code = 1L, err_msg = "", err_ptr = raw(8))
stopifnot(all.equal(plain$out, lp$out - u[2], tolerance = 1e-13))
second <- call("log_density_hessian", model, 1L, 1L, u, out = 0, gradient = double(10),
               hessian = double(100), code = 1L, err_msg = "", err_ptr = raw(8))
v <- cos(1:10)
product <- call("log_density_hessian_vector_product", model, 1L, 1L, u, v, out = 0,
                product = double(10), code = 1L, err_msg = "", err_ptr = raw(8))
hessian <- matrix(second$hessian, 10)
stopifnot(second$code == 0, isSymmetric(hessian, tol = 0), product$code == 0,
          all.equal(hessian[1, 1], -1 / 25 - sum(1 / sigma^2), tolerance = 1e-8),
          all.equal(as.vector(hessian %*% v), product$product, tolerance = 1e-7))

rng <- call("rng_construct", 3L, ptr = raw(8), err_msg = "", err_ptr = raw(8))
with_gq <- call("param_constrain", model, 1L, 1L, u, out = double(18), rng$ptr, code = 1L,
                err_msg = "", err_ptr = raw(8))
stopifnot(any(rng$ptr != 0), identical(with_gq$out, constrained$out))
call("rng_destruct", rng$ptr)
text <- fail(call("param_constrain", model, 1L, 1L, u, out = double(18), raw(8), code = 1L,
                  err_msg = "", err_ptr = raw(8)))
stopifnot(grepl("rng=nullptr", text))
refused <- construct("{")
stopifnot(all(refused$ptr == 0), grepl("^construct\\(\\) failed", refused$err_msg))
call("free_error_msg", refused$err_ptr)
call("model_destruct", model)
cat("R", as.character(getRversion()), "called", path, "\n")
