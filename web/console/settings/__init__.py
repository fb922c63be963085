"""Settings as forms: what there is to set comes from the config's own model, and so does what is valid."""
