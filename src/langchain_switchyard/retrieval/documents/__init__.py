"""Documents: read from files, cut along their structure, cited to the line."""
