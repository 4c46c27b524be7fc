"""The server: MLflow's REST protocol over a store."""
