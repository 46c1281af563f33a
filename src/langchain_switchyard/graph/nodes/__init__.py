"""The assistant's nodes, one file each: a factory that takes what the node needs."""
