"""Refusals of booking, in words a citizen understands."""

from backend.core.errors import Conflict, Forbidden, InvalidInput, Text


class SlotFull(Conflict):
    """Somebody else took the last place."""

    code = "slot_full"
    title = Text("这个时间刚被约满，请换一个", "That time has just been taken. Pick another")


class SlotClosed(Conflict):
    """Not released yet, already past, or no longer open."""

    code = "slot_closed"
    title = Text("这个时间现在不能约，请换一个", "That time cannot be booked now. Pick another")


class HoldExpired(Conflict):
    """The countdown ran out; the place was given back."""

    code = "hold_expired"
    title = Text("占号超时了，请重新选时间", "Your hold has run out. Pick a time again")


class TooManyHolds(Conflict):
    """Two live holds at most."""

    code = "too_many_holds"
    title = Text("你已经占了两个时间，请先确认或放弃一个", "You are already holding two times. Confirm or give up one")


class TooManyOpen(Conflict):
    """Three coming appointments at most, unless the hall allows another number."""

    code = "too_many_open"
    title = Text("你没办的预约已经够多，办完或取消一个再约", "You have enough appointments. Use or cancel one first")


class DuplicateBooking(Conflict):
    """One active appointment per person, item family and day."""

    code = "duplicate_booking"
    title = Text("同一天同类事项只能约一次", "Only one appointment a day for this kind of matter")


class NoReschedulesLeft(Conflict):
    """Two changes at most."""

    code = "no_reschedules_left"
    title = Text("这个预约不能再改，可以取消后重新约", "It cannot be moved again. Cancel it and book anew")


class TooLateToChange(Conflict):
    """After the cut-off only cancelling is possible."""

    code = "too_late_to_change"
    title = Text("离办理时间太近，不能改约，可以取消", "It is too late to move it. You can still cancel")


class AlreadyOver(Conflict):
    """The slot has ended; whether the person came is the hall's to say."""

    code = "already_over"
    title = Text("这个预约的时间已经过了，不能取消", "That time has passed; it cannot be cancelled now")


class MixedCategories(InvalidInput):
    """One booking is for one window category (一类一号)."""

    code = "mixed_categories"
    title = Text(
        "这些事项不在同一类窗口，请分开约", "These matters are handled at different windows. Book them separately"
    )


class NotHere(InvalidInput):
    """The hall does not handle the item."""

    code = "item_not_here"
    title = Text("这个大厅不办这件事，请换一个大厅", "This hall does not handle that matter")


class TooMany(InvalidInput):
    """More items or people than the item allows in one visit."""

    code = "too_many_for_one_visit"
    title = Text("一次办不了这么多，请分开约", "Too many for one visit. Book them separately")


class MayNotActFor(Forbidden):
    """No confirmed family link."""

    code = "may_not_act_for"
    title = Text("要先得到这位家人的同意", "This relative has not agreed yet")


class OnlineBookingBlocked(Forbidden):
    """Two missed visits in 30 days pause online booking; `until` says for how long. Walk-in tickets stay open."""

    code = "online_booking_blocked"
    title = Text(
        "你暂时不能在网上预约，可以直接到大厅取号",
        "Online booking is paused for you. You can still go to the hall and take a ticket",
    )


class CannotAppeal(Conflict):
    """One appeal for a mark, within 30 days, while it counts."""

    code = "cannot_appeal"
    title = Text("这条记录现在不能申诉", "This record cannot be appealed now")


class MatterDoesNotFit(InvalidInput):
    """Not yours, over, of another item, or of another person than who is served."""

    code = "case_does_not_fit"
    title = Text("这个办件不能和这次预约关联", "That case does not belong to this visit")


class MatterHasVisit(Conflict):
    """One coming visit for one case; `appointment_id` is it, when it is known."""

    code = "case_has_visit"
    title = Text("这个办件已经约好了，可以改约或取消", "A visit for this case is booked. Move or cancel that one")


class PreCheckNeeded(Conflict):
    """先审后约 `item`: online booking waits for the check; a walk-in never does (circular, clause 12)."""

    code = "pre_check_needed"
    title = Text(
        "这件事要先在网上交材料，预审通过后再约；不想等，也可以直接到大厅取号",
        "Send your papers online first; you can book once they are checked. Or go to the hall and take a number",
    )


class NoPass(Conflict):
    """Cancelled, moved or over: there is nothing to show at the entrance."""

    code = "no_pass"
    title = Text("这个预约已经不能入场", "This appointment no longer admits anyone")


class TooManyPrincipals(Conflict):
    """One person acts for two others a day at most (the hall's setting)."""

    code = "too_many_principals"
    title = Text("你这天已经帮别人约满了，请换一天", "You are acting for enough people that day. Pick another day")


class DayIsOver(InvalidInput):
    """Only today and later days can be closed, opened or given other places."""

    code = "day_is_over"
    title = Text("这一天已经过了，请选今天或以后", "That day is over. Pick today or later")


class OpeningHasEffect(Conflict):
    """Removing this would close a day that was opened; people may have booked, so it needs a reason they can read."""

    code = "close_instead"
    title = Text(
        "删掉会让这一天关门，请改为停办并写明原因", "Removing this would close the day. Close it with a reason instead"
    )


class BelowBooked(Conflict):
    """The new capacity is smaller than what is taken. `short` names each slot with the places that are missing."""

    code = "below_booked"
    title = Text("已经约出的比新名额多，不能改", "More places are taken than the new capacity has")


class OnsiteShareTooSmall(Conflict):
    """The half-day would keep fewer places for people without an appointment than its share (circular, clause 12)."""

    code = "onsite_share_too_small"
    title = Text(
        "这半天留给现场的名额不够", "That half-day would keep too few places for people without an appointment"
    )


class PersonUnknown(InvalidInput):
    """Nobody is known by this phone or id number; booking by id number always works."""

    code = "person_unknown"
    title = Text("没有找到这个人，预约请用身份证号", "Nobody is known by this number. Book with the id number")


class NameDiffers(InvalidInput):
    """The id number belongs to another name."""

    code = "name_differs"
    title = Text("姓名和身份证号对不上，请核对", "The name and the id number do not match. Check them")
