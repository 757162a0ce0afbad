"""Hài Lòng: from what citizens answer to public indices that anybody can check.

The package computes; `dags/` orchestrates. Nothing in here imports Airflow.
"""
