"""The frozen order of a pod: a ConfigMap with one JSON file."""

import json

from evermodel_api.base import Schema
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import ORDER_FILE
from evermodel_operator.children.metadata import metadata
from evermodel_operator.plan import Object


def order_text(order: Schema) -> str:
    """The file's text: the same order has the same text."""
    return json.dumps(order.dump(), sort_keys=True, indent=1)


def order_digest(order: Schema) -> str:
    """Digest of the file's text."""
    return digest_bytes(order_text(order).encode())


def order_config_map(owner: Object, name: str, labels: dict[str, str], order: Schema) -> Object:
    """The ConfigMap that carries `order`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(owner, name, labels),
        "data": {ORDER_FILE: order_text(order)},
    }
