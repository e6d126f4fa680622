"""Runs in a peer's environment, which has nothing of this project: one comparison of two files, printed as JSON.

    python peers.py evidently|nannyml REF.parquet CUR.parquet

Evidently: DataDriftPreset as it comes. NannyML: KS and chi-squared with Jensen-Shannon, one chunk as long as the window.
"""

import json
import os
import sys

import pandas as pd


def evidently(reference, current):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numbers = list(reference.select_dtypes("number").columns)
    kinds = DataDefinition(
        numerical_columns=numbers, categorical_columns=[name for name in reference if name not in numbers]
    )
    sides = [Dataset.from_pandas(frame, kinds) for frame in (current, reference)]
    return len(Report([DataDriftPreset()]).run(*sides).json())


def nannyml(reference, current):
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    import nannyml as nml

    calculator = nml.UnivariateDriftCalculator(
        column_names=list(reference),
        continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
        categorical_methods=["chi2", "jensen_shannon"],
        chunk_size=len(current),
    )
    return len(calculator.fit(reference).calculate(current).filter(period="analysis").to_df())


if __name__ == "__main__":
    peer, *paths = sys.argv[1:]
    result = {"evidently": evidently, "nannyml": nannyml}[peer](*(pd.read_parquet(path) for path in paths))
    sys.stdout.write(json.dumps({"size": result}) + "\n")
