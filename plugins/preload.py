"""Import the heavy libraries once in the scheduler, from which LocalExecutor forks its task processes.

A task then starts in a fraction of a second instead of importing pandas, Great Expectations and the reader of forms
anew. It must not do anything in any other Airflow process: those do not need the libraries.
"""

import sys
from importlib import import_module

MODULES = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.hitl",
    "airflow.sdk.definitions.retry_policy",
    "duckdb",
    "great_expectations",
    "pandas",
    "pyarrow.parquet",
    "pyxform.aliases",
    "pyxform.xls2json_backends",
    "pipelines.stages",
)

if any("scheduler" in argument for argument in sys.argv):
    for module in MODULES:
        import_module(module)
    import_module("pipelines.sources").sources()
