"""Wire formats: one file per provider family."""
