"""Where answers are kept: memory, SQLite, Redis, and all of them as one shelf."""
