"""The command line: one module for each command, and a package for each of the four large ones."""
