"""What all peers share: the fitted model, and the rows of a request as it takes them."""

import os
from pathlib import Path

import joblib

FOLDER = Path(os.environ["MODEL_DIR"])
model = joblib.load(FOLDER / "model.joblib")
by_name = (FOLDER / "by-name").exists()
"""Whether the model wants a data frame: it has categories, and finds its columns by their names."""
if by_name:
    import pandas as pd
else:
    import numpy as np


def predict(instances):
    """The answers to rows: lists of values, or objects by column."""
    rows = pd.DataFrame(instances) if by_name else np.asarray(instances)
    return model.predict(rows).tolist()
