"""The contract of Evermodel: what users write, what the record holds, what a pod is given and what it answers.

One module per kind; `runs` is what passes between the operator and its pods; `schema` turns the kinds into the YAML
that Kubernetes reads. The operator and the runtime both import this package and never each other.
"""

GROUP = "evermodel.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

__version__ = "0.1.0"
"""Release of all three packages, the images and the chart."""
