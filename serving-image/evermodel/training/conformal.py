"""From the answers to the test rows to the document that intervals and sets of classes are made from."""

import numpy as np

from evermodel.artifact.conformal import Conformal, conformal_of
from evermodel.metrics import Answers


def conformal(answers: Answers) -> Conformal | None:
    """The distances of the answers to the truth; None where one of them is no finite number.

    They are rounded to 12 digits: it is what they mean that a model's identity depends on, and not its last bits.

    Args:
        answers: to the test rows, at least one. A class that the model does not know is as improbable as can be.
    """
    if answers.probabilities is None:
        distances = np.abs(answers.truth - answers.predicted)
    else:
        truth = answers.truth.astype(np.intp)
        true_class = np.take_along_axis(answers.probabilities, np.maximum(truth, 0)[:, None], axis=1)[:, 0]
        distances = 1.0 - np.where(truth >= 0, true_class, 0.0)
    if not len(distances) or not np.isfinite(distances).all():
        return None
    rounded = [float(f"{max(0.0, distance):.12g}") for distance in distances.tolist()]
    return conformal_of("absoluteError" if answers.probabilities is None else "improbability", rounded)
