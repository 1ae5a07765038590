"""Refusals of reports."""

from backend.core.errors import Conflict, NotFound, Text


class ExportNotFound(NotFound):
    """There is no such export, or it is somebody else's."""

    code = "export_not_found"
    title = Text("没有找到这个导出", "There is no such export")


class ExportNotReady(Conflict):
    """The file is not written yet, was cancelled, or its days are over."""

    code = "export_not_ready"
    title = Text("文件还没有做好，或者已经过期", "The file is not ready, or its time is over")


class TooManyExports(Conflict):
    """One person has few exports under way at a time."""

    code = "too_many_exports"
    title = Text("你还有导出没有做完，请等一等", "You have exports that are not finished yet. Please wait")
