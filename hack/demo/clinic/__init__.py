"""The world around the example: patients, a database with their records, and clients that ask for predictions.

`ward` and `traffic` also run in a pod, mounted from a ConfigMap, so they take nothing but the standard library.
"""
