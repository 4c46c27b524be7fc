"""MLflow's REST protocol: what a program and a server say to each other."""
