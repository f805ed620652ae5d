"""Training scripts of the models that Limen ships."""
