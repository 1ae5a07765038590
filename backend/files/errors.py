"""Refusals of uploads, in words that help."""

from backend.core.errors import Conflict, Forbidden, InvalidInput, Text


class FileTooLarge(InvalidInput):
    """One file is larger than a file may be; `most_bytes` says how large that is."""

    status = 413
    code = "file_too_large"
    title = Text("文件太大了，请压缩后再传", "The file is too large. Make it smaller")


class TooManyFiles(InvalidInput):
    """The person or the application has as many files, or as many bytes, as it may have."""

    code = "too_many_files"
    title = Text("文件太多了，请先删掉不用的", "There are too many files. Delete some first")


class FileNameRefused(InvalidInput):
    """A name without an allowed ending, with another ending than its type, or with characters that hide something."""

    code = "file_name_refused"
    title = Text("文件名不对，只能上传 PDF、JPG 或 PNG", "The name is not right. Only PDF, JPG and PNG can be uploaded")


class OffsetWrong(Conflict):
    """The bytes do not follow those that have arrived; `received` says where to go on."""

    code = "upload_offset_wrong"
    title = Text("请从断开的地方接着传", "Go on where the upload was cut off")


class UploadIncomplete(Conflict):
    """Bytes are missing; `received` says where to go on."""

    code = "upload_incomplete"
    title = Text("文件还没传完", "The file has not arrived whole")


class UploadEnded(Conflict):
    """No bytes are taken any more: the file is being checked, or was."""

    code = "upload_ended"
    title = Text("这个文件已经传完了", "This upload has ended")


class FileNotReady(Conflict):
    """The file is not there yet, or was refused."""

    code = "file_not_ready"
    title = Text("文件还在检查，请稍等", "The file is being checked. Wait a moment")


class LinkRefused(Forbidden):
    """The link has run out, was altered, or was made for somebody else."""

    code = "file_link_refused"
    title = Text("链接已失效，请重新打开", "This link no longer works. Open the file again")


class ConsentMissing(InvalidInput):
    """An earlier scan is used again only when its holder agrees to the sentence that is shown now."""

    code = "consent_missing"
    title = Text("请先同意再使用以前的材料", "Agree first, then an earlier document can be used")
