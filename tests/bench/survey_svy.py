"""Means of the items with standard errors by unit and over all in `svy`; prints wall and processor seconds.

Runs in an environment of its own (`requirements.lock` beside it) and imports nothing of the project.
"""

import resource
import sys
import time
import warnings

import polars
import svy

warnings.simplefilter("ignore")
start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
data = polars.read_csv(sys.argv[1], schema_overrides={"unit_code": polars.String, "psu_code": polars.String})
items = [name for name in data.columns if name not in ("unit_code", "psu_code")]
data = data.with_columns((polars.col(items) >= 4).cast(float) * 100, weight=polars.lit(1.0))
design = svy.Design(stratum="unit_code", psu="psu_code", wgt="weight", singleton="center")
sample = svy.Sample(data, design)
sample.estimation.mean(items, drop_nulls=True)
sample.estimation.mean(items, by="unit_code", drop_nulls=True)
after = resource.getrusage(resource.RUSAGE_SELF)
spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(time.perf_counter() - start, spent)
