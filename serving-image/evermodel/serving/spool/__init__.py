"""What requests leave behind, kept in files that outlive the process until it is in the store.

`segment.py` is one file of records, `folder.py` who owns which files and how many there may be, `stream.py` what a log
appends to, `drain.py` how records become files in the store, `spool.py` the thread that does it, `place.py` where all
of it lies.
"""
