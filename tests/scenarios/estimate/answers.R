# Answers of R `survey` to the scenarios of this folder; writes answers.json with 17 significant digits.
# Run in this folder: Rscript answers.R   (Debian: r-base-core r-cran-survey r-cran-mass)
suppressMessages(library(survey))
options(survey.lonely.psu = "fail", survey.adjust.domain.lonely = FALSE)

house <- read.csv("households.csv", stringsAsFactors = TRUE)
kiosk <- read.csv("kiosks.csv", stringsAsFactors = TRUE)
top2 <- function(x) ifelse(is.na(x), NA, 100 * (x >= 4))
for (q in c("q1", "q2", "q3", "same")) house[[paste0(q, "_top2")]] <- top2(house[[q]])
people <- as.vector(table(house$village)[house$village])
house$w <- house$villages / ave(as.integer(house$village), house$stratum, FUN = function(v) length(unique(v))) *
  house$residents / people

two_stage <- function() svydesign(id = ~village + person, strata = ~stratum, fpc = ~villages + residents, data = house)
one_stage <- function() svydesign(id = ~village, strata = ~stratum, weights = ~w, data = house)
element <- function() svydesign(id = ~1, strata = ~field, weights = ~w, data = kiosk)

text <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
lines <- c()
record <- function(name, estimate, variance, df) {
  lines <<- c(lines, sprintf('  "%s": {"estimate": %s, "covariance": %s, "df": %s}', name, text(as.vector(estimate)),
                             text(as.vector(variance)), text(df)))
}
keep <- function(name, result, design) record(name, coef(result), vcov(result), degf(design))
lonely <- function(rule, code) { options(survey.lonely.psu = rule); on.exit(options(survey.lonely.psu = "fail")); code() }

for (rule in c("remove", "certainty", "adjust", "average")) lonely(rule, function() {
  d <- two_stage()
  keep(paste0("two_stage_mean_", rule), svymean(~q1_top2, d, na.rm = TRUE), d)
  keep(paste0("two_stage_total_", rule), svytotal(~same, d), d)
  keep(paste0("one_stage_mean_", rule), svymean(~q1_top2, one_stage(), na.rm = TRUE), one_stage())
  keep(paste0("element_mean_", rule), svymean(~q1, element()), element())
})
lonely("adjust", function() {
  d <- two_stage()
  keep("all_answers_the_same", svymean(~same_top2, d), d)
  by_sex <- svyby(~q2_top2, ~sex, subset(d, !is.na(q2_top2)), svymean, covmat = TRUE)
  keep("by_sex", by_sex, d)
  keep("difference_of_sexes", svycontrast(by_sex, c(F = -1, M = 1)), d)
  keep("domain_in_one_stratum", svymean(~q2_top2, subset(d, group == "Hre"), na.rm = TRUE), d)
  e <- element()
  keep("six_orders_mean", svymean(~minutes, e, na.rm = TRUE), e)
  keep("six_orders_ratio", svyratio(~minutes, ~q1, subset(e, !is.na(minutes))), e)
  keep("six_orders_by_channel", svyby(~q1, ~channel, e, svymean, covmat = TRUE), e)
  deff <- svymean(~q1, e, deff = "replace")
  record("six_orders_deff", coef(deff), attr(deff, "deff"), degf(e))
})

# Item by item on valid answers, then the mean of the three items: one influence value a respondent.
lonely("adjust", function() {
  d <- one_stage()
  z <- 0; score <- 0
  for (q in c("q1_top2", "q2_top2", "q3_top2")) {
    y <- house[[q]]; valid <- !is.na(y); w <- weights(d)
    ratio <- sum(w[valid] * y[valid]) / sum(w[valid])
    z <- z + ifelse(valid, y - ratio, 0) / sum(w[valid]) / 3
    score <- score + ratio / 3
  }
  record("composite_of_three_items", score, vcov(svytotal(z, d)), degf(d))
})

flat <- svydesign(id = ~1, weights = ~w, data = kiosk)
fields <- data.frame(field = c("civil", "land", "rare", "trade"), Freq = c(2000, 1500, 10, 900))
ages <- data.frame(age = c("old", "young"), Freq = c(2410, 2000))
post <- postStratify(flat, ~field, fields)
keep("post_stratified", svymean(~q1, post), post)
raked <- rake(flat, list(~field, ~age), list(fields, ages), control = list(maxit = 5000, epsilon = 1e-13))
record("raked_weights", weights(raked), 0, degf(raked))
record("raked_mean", coef(svymean(~q1, raked)), vcov(svymean(~q1, raked)), degf(raked))
even <- svydesign(id = ~1, weights = ~I(w * 0 + 150), data = kiosk)
totals <- c(`(Intercept)` = 4410, ageyoung = 2000, q1 = 13500)
for (how in list(list("linear", c(-Inf, Inf)), list("linear", c(0.75, 1.2)), list("raking", c(-Inf, Inf)),
                 list("logit", c(0.5, 2)))) {
  d <- calibrate(even, ~age + q1, totals, calfun = how[[1]], bounds = how[[2]], epsilon = 1e-13, maxit = 500)
  name <- paste0("calibrated_", how[[1]], if (is.finite(how[[2]][1]) && how[[1]] == "linear") "_bounded" else "")
  record(paste0(name, "_weights"), weights(d), 0, degf(d))
  result <- svymean(~I(as.numeric(channel == "kiosk")), d)
  record(paste0(name, "_mean"), coef(result), vcov(result), degf(d))
}
writeLines(c("{", paste(lines, collapse = ",\n"), "}"), "answers.json")
