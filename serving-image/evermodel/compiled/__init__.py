"""Models as programs: flat arrays, numpy and a small kernel, and nothing of the libraries that trained them."""
