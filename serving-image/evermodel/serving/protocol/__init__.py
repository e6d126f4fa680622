"""The forms in which rows come in and answers go out. Pure: bytes and text in, columns out; answers in, bytes out."""
