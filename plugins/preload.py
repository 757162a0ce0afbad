"""Import the heavy libraries once in the scheduler, from which LocalExecutor forks its task processes.

A task then starts in well under a second instead of importing Great Expectations anew. It must not do anything in
any other Airflow process: those do not need the libraries.
"""

import sys

if any("scheduler" in argument for argument in sys.argv):
    import duckdb  # noqa: F401
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import pipelines.stages  # noqa: F401
