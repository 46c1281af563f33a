"""Keep an index in step with files and other sources: only what changed is done again."""
