"""A real Kubernetes for the demo and the tests, from one command.

Only the standard library of Python 3.9 is used: this runs before anything is installed.
"""
