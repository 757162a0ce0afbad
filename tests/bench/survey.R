# Means of the items (share satisfied) with standard errors, by unit and over all; prints wall and processor seconds.
suppressPackageStartupMessages(library(survey))
options(survey.lonely.psu = "adjust")
start <- proc.time()
data <- read.csv(commandArgs(trailingOnly = TRUE)[1], colClasses = c(unit_code = "character", psu_code = "character"))
items <- setdiff(names(data), c("unit_code", "psu_code"))
data[items] <- lapply(data[items], function(code) 100 * (code >= 4))
design <- svydesign(ids = ~psu_code, strata = ~unit_code, weights = ~1, data = data)
for (item in items) {
  formula <- as.formula(paste("~", item))
  svymean(formula, design, na.rm = TRUE)
  svyby(formula, ~unit_code, design, svymean, na.rm = TRUE)
}
spent <- proc.time() - start
cat(spent[["elapsed"]], spent[["user.self"]] + spent[["sys.self"]], "\n")
