"""What the official account answers, in plain Chinese with links. Reads every feature, changes nothing."""

import re
from collections.abc import Sequence
from html import escape
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.appointments import queries as appointments
from backend.appointments.models import Appointment
from backend.appointments.states import State as Visit
from backend.catalogue import queries as catalogue
from backend.catalogue import snapshot
from backend.catalogue.queries import HallNotFound
from backend.core import clock
from backend.queueing import live
from backend.queueing.models import Ticket
from backend.queueing.states import OPEN, State
from notify.templates import spoken_time

MOST_FOUND = 3
LONGEST_ASKED = 40

VISIT_WORDS = {
    Visit.BOOKED: "约好了，还没到",
    Visit.AWAITING_PAYMENT: "等你付押金",
    Visit.CHECKED_IN: "签到了，在排队",
    Visit.FULFILLED: "办完了",
    Visit.LEFT: "中途离开了",
    Visit.CANCELLED: "取消了",
    Visit.CANCELLED_LATE: "取消了",
    Visit.HALL_CANCELLED: "大厅取消了",
    Visit.RESCHEDULED: "改到别的时间了",
    Visit.NO_SHOW: "没有来",
    Visit.EXCUSED: "没有来，不算你的",
}
TICKET_WORDS = {
    State.WAITING: "在排队",
    State.WAITING_PRIORITY: "在排队",
    State.CALLED: "叫到你了",
    State.SERVING: "正在办",
    State.PASSED: "过号了，打开可以重新排",
    State.PARKED: "先去补材料，办好回来接着办",
    State.DONE: "办完了",
    State.CANCELLED: "退掉了",
    State.ABANDONED: "没有等到你",
    State.CLOSED: "下班时还没办，请改天再来",
    State.CARRIED_OVER: "改到下次开门办",
}


class Answers:
    """Answers to one person, or to a stranger (None), with links into the app at `url`."""

    def __init__(self, session: Session, person_id: UUID | None, url: str) -> None:
        self._session = session
        self._person_id = person_id
        self._url = url.rstrip("/")

    def welcome(self, hall: str) -> str:
        """The first words to a follower, who may have come by a hall's poster."""
        return "你好，这里是微政务。\n" + (self.hall(hall) if hall else self.help())

    def hall(self, code: str) -> str:
        """The hall whose poster was scanned."""
        try:
            place = catalogue.hall(self._session, code)
        except HallNotFound:
            return self.help()
        links = (
            self._link(f"/halls/{code}", "看现在排队多少人"),
            self._link(f"/halls/{code}/take", "取号"),
            self._link("/", "预约"),
        )
        return f"{place.name.zh}\n{place.address_line.zh}\n" + "\n".join(links)

    def text(self, words: str) -> str:
        """The answer to what somebody typed."""
        asked = " ".join(words.split())[:LONGEST_ASKED]
        progress = re.fullmatch(r"(?:查?进度)\s*[:：]?\s*(.*)", asked)
        if progress:
            return self.progress(progress[1])
        known = {"预约": self.book, "我要预约": self.book, "排队": self.queue, "12345": self.hotline}
        return known[asked]() if asked in known else self.search(asked)

    def book(self) -> str:
        """预约: where to book, and what is booked."""
        lines = [f"{self._link('/search', '选一件事，约个时间')}。也可以直接打要办的事，比如“护照”。"]
        if self._person_id is not None:
            coming = appointments.appointments(
                self._session, booker_id=self._person_id, scope="open", before=None, limit=MOST_FOUND
            )
            lines += [self._visit(row) for row in coming]
        return "\n".join(lines)

    def queue(self) -> str:
        """排队: the person's numbers of today, and every hall's queue."""
        mine = [self._ticket(ticket) for ticket in self._tickets()]
        return "\n".join([*mine, f"{self._link('/halls', '选一个大厅，看现在多少人、取号')}。"])

    def progress(self, number: str) -> str:
        """进度: an appointment by its number or a ticket of today, of this person alone."""
        wanted = number.replace(" ", "").upper()
        if self._person_id is None:
            login = self._link("/api/v1/auth/wechat?return_to=/me", "登录一次")
            return f"先{login}，我才知道哪些是你的。登录以后再发“进度 号码”。"
        if not wanted:
            return "请在“进度”后面写号码，比如“进度 12345678”（预约号）或“进度 A001”（排队号）。"
        visit = self._session.scalars(
            select(Appointment)
            .where(or_(Appointment.booker_id == self._person_id, Appointment.person_id == self._person_id))
            .where(Appointment.code == wanted, Appointment.state.in_(list(VISIT_WORDS)))
            .order_by(Appointment.created_at.desc())
            .limit(1)
        ).one_or_none()
        if visit is not None:
            return self._visit(visit)
        for ticket in self._tickets(tuple(TICKET_WORDS)):
            if ticket.number == wanted:
                return self._ticket(ticket)
        return f"没有查到你的 {wanted}。请看看号码对不对，或者{self._link('/appointments', '打开我的预约')}。"

    def hotline(self) -> str:
        """12345: who answers what this account cannot."""
        return "12345 是政务服务便民热线，直接拨打 12345，随时有人接。要投诉、要建议、问政策，都可以打。"

    def search(self, words: str) -> str:
        """An item's name, or nearly."""
        catalogue_now = snapshot.current(self._session)
        found = [catalogue_now.items[hit.key] for hit in catalogue_now.search.search(words, MOST_FOUND)]
        if not found:
            return self.help()
        lines = [self._link(f"/items/{item.slug}", item.name.zh) for item in found]
        return "你要办的是不是：\n" + "\n".join(lines) + "\n点开看要带什么、在哪办、怎么约。"

    def help(self) -> str:
        """What can be said here."""
        return (
            "直接打要办的事，比如“护照”“身份证”。还可以发：\n"
            f"预约 — {self._link('/search', '约个时间')}\n"
            f"排队 — {self._link('/halls', '看多少人、取号')}\n"
            "进度 号码 — 看预约和排队到哪一步\n"
            "12345 — 打热线找人"
        )

    def _visit(self, row: Appointment) -> str:
        slugs = appointments.particulars(self._session, row).slugs
        what = catalogue.item(self._session, slugs[0]).name.zh
        hall = catalogue.hall(self._session, row.hall_code).name.zh
        state = VISIT_WORDS.get(Visit(row.state), "在处理")
        own = row.booker_id == self._person_id
        where = self._link(f"/appointments/{row.id}", "打开看看") if own else "谁约的，请谁打开看看"
        return f"{spoken_time(row.start, 'zh')}，{hall}，{what}：{state}。{where}"

    def _tickets(self, states: Sequence[State] = OPEN) -> list[Ticket]:
        if self._person_id is None:
            return []
        today = Ticket.person_id == self._person_id, Ticket.day == clock.today(), Ticket.state.in_(states)
        return list(self._session.scalars(select(Ticket).where(*today).order_by(Ticket.created_at)))

    def _ticket(self, ticket: Ticket) -> str:
        hall = catalogue.hall(self._session, ticket.hall_code).name.zh
        lines = [queue["line"] for queue in live.picture(self._session, ticket.hall_code)["queues"]]
        ahead = next((line.index(ticket.number) for line in lines if ticket.number in line), None)
        state = TICKET_WORDS[State(ticket.state)] + (f"，前面 {ahead} 个人" if ahead is not None else "")
        return f"{hall} {ticket.number} 号：{state}。{self._link(f'/tickets/{ticket.link}', '打开看看')}"

    def _link(self, path: str, words: str) -> str:
        return f'<a href="{escape(self._url + path)}">{escape(words)}</a>'
