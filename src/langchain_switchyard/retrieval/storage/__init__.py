"""Documents, postings and vectors kept together, whoever writes and whenever he is killed."""
