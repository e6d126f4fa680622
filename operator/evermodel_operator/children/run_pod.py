"""The pod of a run: beside the one that trains, the champion in its own image and the containers that users bring."""

from dataclasses import replace

from evermodel_api.base import Reference, Resources, SecretKey
from evermodel_api.runs import EXCHANGE_DIRECTORY, FITS_FOLDER, FITS_VARIABLE, PROGRESS_PORT, TrainingOrder
from evermodel_api.training import Algorithm, TrainingSpec
from evermodel_operator.children.metadata import foreign
from evermodel_operator.children.pod import (
    CHAMPION,
    COLLECT,
    FIT_PREFIX,
    PodShape,
    files_of,
    own_container,
    pod_template,
    restricted,
    thread_limits,
)
from evermodel_operator.children.volumes import NOTHING, Component, scratch, store_files
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

_NAME_LIMIT = 63
_CHAMPION_REQUESTS = {"cpu": "100m", "memory": "128Mi"}
"""It waits for most of its life; its limits are those of the run."""
_CHAMPION_TMP = "tmp-champion"


def with_exchange(order: TrainingOrder, settings: Settings) -> TrainingOrder:
    """The order as the pod gets it: with the shared directory, where containers have something to share."""
    needed = _champion_image(order, settings) is not None or bool(own_images(order.spec))
    return order.model_copy(update={"exchange": EXCHANGE_DIRECTORY}) if needed else order


def run_template(order: TrainingOrder, settings: Settings, resources: Resources, labels: dict[str, str]) -> Object:
    """The template of a run's pods. They live as `run.podTemplate` says; what Evermodel itself says wins."""
    shape = PodShape(
        command="train",
        component=Component.TRAINING,
        namespace=order.namespace,
        image=settings.runtime_image,
        order_name=f"{order.training}-{order.run}",
        resources=resources,
        labels={**foreign(order.spec.run.pod_template.metadata.labels), **labels},
        annotations=foreign(order.spec.run.pod_template.metadata.annotations),
        secrets=secrets_of(order.spec),
        exchange=scratch("exchange", EXCHANGE_DIRECTORY) if with_exchange(order, settings).exchange else NOTHING,
    )
    champion = _champion_image(order, settings)
    init = [
        # First, so that an image that cannot be pulled is told before the work and not after it.
        *([_champion(shape, settings, champion)] if champion else []),
        *_fits(shape, settings, own_images(order.spec)),
    ]
    return pod_template(
        shape,
        settings,
        container={"ports": [{"name": "progress", "containerPort": PROGRESS_PORT}]},
        spec={
            "restartPolicy": "Never",
            **_placement(order.spec),
            **({"initContainers": init} if init else {}),
        },
        more=scratch(_CHAMPION_TMP) if champion else NOTHING,
    )


def secrets_of(spec: TrainingSpec) -> tuple[SecretKey | Reference, ...]:
    """Secrets that a run reads: of its sources, and of the tracking server that runs are copied to."""
    found: list[SecretKey | Reference | None] = []
    for source in spec.data.sources:
        found += [
            source.sql.secret_ref if source.sql else None,
            source.file.secret_ref if source.file else None,
            source.http.headers_from.secret_ref if source.http and source.http.headers_from else None,
        ]
    if spec.register_.mirror is not None:
        found.append(spec.register_.mirror.mlflow.secret_ref)
    return tuple(secret for secret in found if secret is not None)


def own_images(spec: TrainingSpec) -> list[Algorithm]:
    """Algorithms that users bring as images."""
    return [algorithm for algorithm in spec.algorithms if algorithm.container is not None]


def fit_container(number: int, algorithm: Algorithm) -> str:
    """Name of the container in which an algorithm of a user's own is fitted; `number` keeps long names apart."""
    return f"{FIT_PREFIX}{number}-{algorithm.name}"[:_NAME_LIMIT].rstrip("-")


def _champion_image(order: TrainingOrder, settings: Settings) -> str | None:
    """The champion's image, where it is another one than the run's; the run decides whether its libraries differ."""
    image = order.champion.image if order.champion else None
    if image is None or image == settings.runtime_image:
        return None
    digests = [name.rpartition("@")[2] for name in (image, settings.runtime_image) if "@" in name]
    return None if len(digests) == 2 and digests[0] == digests[1] else image


def _champion(shape: PodShape, settings: Settings, image: str) -> Object:
    """A sidecar: Kubernetes starts it before the others, and ends it when they have ended.

    It reads the store and never writes it.
    """
    limits = {name: limit for name, limit in shape.resources.limits.items() if name in _CHAMPION_REQUESTS}
    champion = replace(shape, image=image, resources=Resources(requests=_CHAMPION_REQUESTS, limits=limits))
    mounts = (scratch(_CHAMPION_TMP) + shape.exchange + store_files(settings, shape.namespace, shape.component)).mounts
    return {
        **own_container(
            champion,
            settings,
            CHAMPION,
            ["answer", "--exchange", EXCHANGE_DIRECTORY],
            [{**mount, "readOnly": True} if mount["name"] == "store" else mount for mount in mounts],
        ),
        "restartPolicy": "Always",
    }


def _fits(shape: PodShape, settings: Settings, algorithms: list[Algorithm]) -> list[Object]:
    """One container that collects the rows, and then one for each algorithm that a user brings."""
    if not algorithms:
        return []
    arguments = [*shape.arguments, "--stage", COLLECT]
    collect = own_container(shape, settings, COLLECT, arguments, files_of(shape, settings).mounts)
    return [collect, *(_fit(shape, number, algorithm) for number, algorithm in enumerate(algorithms))]


def _fit(shape: PodShape, number: int, algorithm: Algorithm) -> Object:
    """A user's own image: it sees the directory of its fits, and neither Secrets nor the store."""
    assert algorithm.container is not None  # noqa: S101  the caller looked; tells the type checker
    folder = f"{FITS_FOLDER}/{algorithm.name}"
    path = f"{EXCHANGE_DIRECTORY}/{folder}"
    entry = {"command": algorithm.container.command, "args": algorithm.container.args}
    return {
        "name": fit_container(number, algorithm),
        "image": algorithm.container.image,
        **{name: words for name, words in entry.items() if words},
        "env": [{"name": FITS_VARIABLE, "value": path}, *thread_limits()],
        "resources": shape.resources.dump(),
        "securityContext": restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "exchange", "mountPath": path, "subPath": folder}],
    }


def _placement(spec: TrainingSpec) -> Object:
    """Where and as whom the pods run, where the spec says something."""
    return {name: value for name, value in spec.run.pod_template.spec.dump().items() if value}
