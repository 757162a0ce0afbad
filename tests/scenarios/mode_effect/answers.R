# Differences of kiosk and portal, crude and adjusted for the stratum, as R's survey computes them.
# Run in this folder: Rscript answers.R > answers.csv
suppressMessages(library(survey))
options(survey.lonely.psu = "adjust")
d <- read.csv("desks.csv")
d$weight <- d$population / ave(d$population, d$stratum, FUN = length)
d$one <- 100 * (d$q1 >= 4)
d$two <- 100 * (d$q2 >= 4)

out <- function(design, item, estimate) {
  cat(design, item, "crude", sprintf("%.15g", coef(estimate$crude)), sprintf("%.15g", SE(estimate$crude)), sep = ",")
  cat("\n")
  cat(design, item, "adjusted", sprintf("%.15g", coef(estimate$adjusted)), sprintf("%.15g", SE(estimate$adjusted)),
      sep = ",")
  cat("\n")
}

compare <- function(design, item) {
  formula <- as.formula(paste("~", item))
  design <- subset(design, !is.na(design$variables[[item]]))
  crude <- svycontrast(svyby(formula, ~channel, design, svymean, covmat = TRUE),
                       c(kiosk = 1, portal = -1))
  cells <- svyby(formula, ~channel + stratum, design, svymean, covmat = TRUE)
  # dat_dai has one kiosk answer only: it is left out
  share <- c(chung_thuc = 90, ho_tich = 60) / 150
  contrast <- c(share, -share)
  names(contrast) <- c(paste0("kiosk.", names(share)), paste0("portal.", names(share)))
  list(crude = crude, adjusted = svycontrast(cells, contrast))
}

cat("design,item,kind,difference,se\n")
elements <- svydesign(~1, strata = ~stratum, weights = ~weight, data = d)
clusters <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d)
for (item in c("one", "two")) out("elements", item, compare(elements, item))
for (item in c("one", "two")) out("clusters", item, compare(clusters, item))
