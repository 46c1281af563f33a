"""The version, in one place that costs nothing to import; a test holds it against the package's."""

__version__ = "0.1.0"
