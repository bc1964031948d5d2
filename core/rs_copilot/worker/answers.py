"""From exceptions to error messages."""

from __future__ import annotations

import traceback
from typing import Any

from rs_copilot.errors import InternalError
from rs_copilot.jobs.failure import known_error
from rs_copilot.protocol import Error


def error_answer(request_id: int, error: BaseException, partial: dict[str, Any] | None) -> Error:
    """The message that answers a request whose work raised ``error``.

    ``details`` hold what the job had found (``partial``) and, for a bug, where it is (``traceback``).
    """
    known = known_error(error)
    details: dict[str, Any] = {} if partial is None else {"partial": partial}
    if isinstance(known, InternalError):
        details["traceback"] = "".join(traceback.format_exception(error))
    return Error(request_id, known.code, known.message, known.hint, details or None)
