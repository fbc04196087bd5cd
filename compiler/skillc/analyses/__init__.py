"""Facts about skills, computed from the IR and never stored in it."""
