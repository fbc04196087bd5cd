"""Skills on disk: what is read, what is written, and the settings of a project."""
