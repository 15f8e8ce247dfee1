"""What users of kubectl type, in chapters, and what they read.

Each chapter has a namespace of its own and its commands are run in order.
"""

from collections.abc import Mapping

from tests.contract.chapters.access import ACCESS
from tests.contract.chapters.applying import APPLYING
from tests.contract.chapters.debugging import DEBUGGING
from tests.contract.chapters.deleting import DELETING
from tests.contract.chapters.jobs import JOBS
from tests.contract.chapters.nodes import NODES
from tests.contract.chapters.reading import READING
from tests.contract.chapters.rollout import ROLLOUT
from tests.contract.chapters.streams import STREAMS
from tests.contract.chapters.writing import WRITING
from tests.contract.step import Step

CHAPTERS: Mapping[str, tuple[Step, ...]] = {
    "access": ACCESS,
    "applying": APPLYING,
    "debugging": DEBUGGING,
    "deleting": DELETING,
    "jobs": JOBS,
    "nodes": NODES,
    "reading": READING,
    "rollout": ROLLOUT,
    "streams": STREAMS,
    "writing": WRITING,
}
