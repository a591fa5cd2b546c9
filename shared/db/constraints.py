"""What users are told instead of the name of a constraint."""

from django.apps import apps
from django.db import IntegrityError
from django.db.models import BaseConstraint


def says_itself(constraint: BaseConstraint) -> bool:
    """Whether it has its own sentence. Django's default names the constraint."""
    return constraint.violation_error_message != constraint.default_violation_error_message


def words_for(error: IntegrityError) -> str | None:
    """The sentence of the constraint that was violated; None if it has none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = getattr(diagnosis, "constraint_name", None)
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name and says_itself(constraint):
                return str(constraint.violation_error_message)
    return None
