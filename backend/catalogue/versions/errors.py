"""What managing items refuses."""

from backend.core.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, Text


class VersionNotFound(NotFound):
    """There is no such version of an item."""

    code = "item_version_not_found"
    title = Text("没有找到这个版本", "There is no such version")


class VersionNotOpen(Conflict):
    """Only a draft can be changed; anything later needs a new version."""

    code = "item_version_not_open"
    title = Text("这个版本已经送审或发布，不能再改", "This version is under review or published and cannot be changed")


class SlugTaken(Conflict):
    """Another item has this name in addresses."""

    code = "item_slug_taken"
    title = Text("这个网址名已经有事项在用", "Another item uses this address name")

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/slug", self.title)])


class NothingChanged(Conflict):
    """The draft says the same as the version in force."""

    code = "item_unchanged"
    title = Text("和现在生效的版本一样，没有要审的", "It is the same as the version in force: nothing to review")


class FourEyes(Forbidden):
    """Whoever wrote a version cannot publish it."""

    code = "four_eyes"
    title = Text("自己写的版本要由另一个人发布", "A version is published by somebody who did not write it")


class DateInThePast(InvalidInput):
    """A version takes effect today or later."""

    code = "effective_in_the_past"
    title = Text("生效日期不能早于今天", "It cannot take effect before today")

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/effective_on", self.title)])


class ItemHasFaults(InvalidInput):
    """The linter's findings, each at its field."""

    code = "item_has_faults"
    title = Text("还有地方要改，改好才能送审和发布", "Some fields must be put right before review and publication")
