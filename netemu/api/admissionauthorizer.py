"""What a write's author may do, as expressions ask it."""

from netemu.api.access import Access
from netemu.api.rbac import Attributes
from netemu.api.request import User
from netemu.cel.authorizer import Authorizer, Decision, Question


def authorizer(access: Access, user: User) -> Authorizer:
    """Answers for one user, by the roles there are."""

    def ask(question: Question) -> Decision:
        wanted = Attributes(
            verb=question.verb,
            group=question.group,
            resource=question.resource,
            subresource=question.subresource,
            namespace=question.namespace,
            name=question.name,
            path=question.path,
        )
        why = access.grants.allowed(user, wanted)
        return Decision(allowed=why is not None, reason=why or "")

    return Authorizer(ask)
