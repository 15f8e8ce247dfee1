"""The replication manager: ReplicationControllers are ReplicaSets with a simpler selector."""

from netemu.controllers.replicaset import ReplicaSetController
from netemu.controllers.replicasetplan import Flavour
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.meta import Object
from netemu.model.selector import Selector, equality


def _labels_wanted(obj: Object) -> Selector:
    return equality(obj["spec"].get("selector") or {})


REPLICATION_CONTROLLER = Flavour(
    resources.REPLICATION_CONTROLLERS, "v1", "ReplicationController", _labels_wanted
)


def replication_controller(context: Context) -> ReplicaSetController:
    """The control loop of ReplicationControllers."""
    return ReplicaSetController(context, REPLICATION_CONTROLLER)
