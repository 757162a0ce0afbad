-- The warehouse lies beside Airflow's own database, never in it.
CREATE DATABASE warehouse;
