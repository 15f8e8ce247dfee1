"""Streams from pods, for the API: containers' logs."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from netemu.model.errors import BadRequest
from netemu.model.meta import Object, name_of, uid_of
from netemu.model.streams import LogOptions
from netemu.node.launch import log_folder
from netemu.node.log_choice import chosen_life
from netemu.node.log_reader import read_log
from netemu.node.logs import log_path
from netemu.node.worker import PodWorker


class Streams:
    """Implements `model.streams.PodStreams` over the workers, by uid."""

    def __init__(self, workers: Mapping[str, PodWorker], home: Path) -> None:
        self._workers = workers
        self._home = home

    async def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """A container's log in pieces of whole lines. Raises BadRequest before the first piece when
        there is none.
        """
        worker = self._worker(pod, options.container)
        try:
            spec = worker.pod.spec(options.container)
        except KeyError:
            words = f"container {options.container} is not valid for pod {name_of(pod)}"
            raise BadRequest(words) from None
        container = worker.container(spec.name)
        number = chosen_life(worker.pod, spec, container, options.previous)
        path = log_path(log_folder(self._home, worker.pod.uid, spec.name), number)
        live = worker.containers.log_of(spec.name)
        if live is not None and live.path != path:
            live = None
        async for piece in read_log(path, live, options):
            yield piece

    def _worker(self, pod: Object, container: str) -> PodWorker:
        worker = self._workers.get(uid_of(pod))
        if worker is not None:
            return worker
        if not pod["spec"].get("nodeName"):
            raise BadRequest(f"pod {name_of(pod)} does not have a host assigned")
        # Bound a moment ago and not yet seen here, or about to be gone.
        words = "is not available"
        if not (pod.get("status") or {}).get("containerStatuses"):
            words = "is waiting to start: ContainerCreating"
        raise BadRequest(f'container "{container}" in pod "{name_of(pod)}" {words}')
