"""Refusals of the queue, in words a citizen or a member of staff understands."""

from backend.core.errors import Conflict, FieldError, Forbidden, InvalidInput, NotFound, Text


class HallClosed(Conflict):
    """No tickets outside the hall's hours; `opens_at` says when it opens next today, if it does."""

    code = "hall_closed"
    title = Text("大厅现在没有开门，不能取号", "The hall is closed now. No tickets are given")


class HallFull(Conflict):
    """The building holds no more people: the only reason to refuse a ticket while the hall is open."""

    code = "hall_full"
    title = Text("大厅里人满了，请稍等一会儿再取号", "The hall is full. Wait a little and try again")


class NoSuchQueue(NotFound):
    """The hall has no window of that category."""

    code = "no_such_queue"
    title = Text("这个大厅没有这类窗口", "This hall has no window for that")


class NotThisQueue(InvalidInput):
    """An item that is handled at another kind of window."""

    code = "not_this_queue"
    title = Text("这件事不在这类窗口办，请转到对应窗口", "That matter is handled at another kind of window")


class NoSuchWindow(InvalidInput):
    """The hall has no window of that number."""

    code = "no_such_window"
    title = Text("这个大厅没有这个窗口，请看窗口上的号", "This hall has no such window. Check the number on it")

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/window", self.title)])


class CreditOverAllowance(InvalidInput):
    """A late-comer would stand before people who came without an appointment at the same time."""

    code = "credit_over_allowance"
    title = Text(
        "迟到优待不能比现场等候线长，请改小", "The credit of late-comers cannot exceed the walk-ins' allowance"
    )

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("/values/late_credit_minutes", self.title)])


class NotAtWindow(Conflict):
    """Calling needs a window; this member of staff sits at none."""

    code = "not_at_window"
    title = Text("请先选窗口上岗", "Open a window first")


class WindowTaken(Conflict):
    """Somebody else works there; `staff` says who. Take over only when they have left."""

    code = "window_taken"
    title = Text("这个窗口有人在岗，要接班请确认", "Somebody works at this window. Confirm to take over")


class WindowPaused(Conflict):
    """A paused window calls nobody."""

    code = "window_paused"
    title = Text("窗口暂停中，先恢复再叫号", "This window is paused. Resume it first")


class FinishFirst(Conflict):
    """One number at a time: finish, park, pass or transfer the present one."""

    code = "finish_first"
    title = Text("先处理完当前的号", "Deal with the present number first")


class NobodyAtWindow(Conflict):
    """There is no called or served number at this window."""

    code = "nobody_at_window"
    title = Text("窗口现在没有号", "There is no number at this window")


class NobodyWaiting(Conflict):
    """The queues of this window are empty."""

    code = "nobody_waiting"
    title = Text("现在没有人在等", "Nobody is waiting")


class NotFinished(Conflict):
    """Rating comes after the visit."""

    code = "not_finished"
    title = Text("事情办完后才能评价", "You can rate the visit once it is finished")


class NotOfThisHall(Forbidden):
    """Somebody who neither was in this hall during the last thirty days nor has booked a visit in the next thirty."""

    code = "person_not_of_this_hall"
    title = Text(
        "这个人前后 30 天都没有在你的大厅办事，不能看他的信息",
        "This person has no visit at your hall within 30 days, so their details stay closed",
    )
