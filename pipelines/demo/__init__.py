"""The demonstration: a real Airflow on this machine, a portal to collect from, a round from start to publication.

It drives Airflow from outside, by its command and its REST interface, and computes nothing.
"""
