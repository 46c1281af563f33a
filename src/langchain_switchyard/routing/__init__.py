"""ChatSwitchyard and the attempt pipeline: one file per mechanism; read `pipeline.py` first."""
