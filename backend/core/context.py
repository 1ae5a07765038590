"""Context variables shared by every layer. Imports nothing of ours, so adapters may use it too."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Id of the request or job being handled; it travels into logs, jobs, provider calls and audit rows."""

in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)
"""True while a `transaction()` block is open. Provider calls refuse to start then (ARCHITECTURE §4)."""

commits: ContextVar[int] = ContextVar("commits", default=0)
"""How many transactions this request or job has committed; a block is retried only while it is 0."""

language: ContextVar[str] = ContextVar("language", default="zh")
"""Language of the answer: "zh" or "en"."""
