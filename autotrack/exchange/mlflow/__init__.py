"""MLflow's records, read without MLflow: the directory ``mlruns``, and the tables of its server.

A running server is asked like any other.
"""
