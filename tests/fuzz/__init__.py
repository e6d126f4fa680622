"""Requests of all kinds against a real server: `cases.py` makes them, `oracle.py` says what scikit-learn answers to
those that are answered, `attack.py` sends them and compares. `python -m tests.fuzz --cases 100000` is the long run.
"""
