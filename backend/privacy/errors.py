"""Refusals about exports, closings and holds."""

from backend.core.errors import Conflict, NotFound, Text


class CopyNotReady(Conflict):
    """The archive is still being made, or its week is over."""

    code = "copy_not_ready"
    title = Text("文件还没有做好，或者已经过期", "The file is not ready, or its time is over")


class AccountHeld(Conflict):
    """An authority asked us to keep this person's records (PIPL art. 47, last paragraph)."""

    code = "account_held"
    title = Text(
        "依法需要保存你的记录，现在不能注销。有疑问请到大厅或拨打12345",
        "Your records must be kept by law for now, so the account cannot be closed. Ask in a hall or call 12345",
    )


class ThingsUnderWay(Conflict):
    """Something must end before the account can be closed."""

    code = "things_under_way"
    title = Text("还有事情没办完，办完才能注销", "Some things are still under way. End them first")


class NothingToUndo(Conflict):
    """No closing waits: there was none, or its wait is over."""

    code = "nothing_to_undo"
    title = Text("没有可以撤销的注销申请", "There is no request to undo")


class HoldSubjectUnknown(NotFound):
    """Nobody, and nothing, is found under what staff entered."""

    code = "hold_subject_unknown"
    title = Text("没有找到这个人、办件或缴款书", "No such person, case or bill")


class HeldAlready(Conflict):
    """One live hold of a subject is enough."""

    code = "held_already"
    title = Text("已经有一条生效的保全", "It is held already")


class SamePerson(Conflict):
    """Who asks to lift a hold does not lift it."""

    code = "lift_same_person"
    title = Text("解除保全要另一个人同意", "Another person has to agree to lift it")
