"""What each kind of difference is called, and what finance's staff do about it."""

from backend.core.errors import Text
from payments.reconciliation.rules import Kind

NAMES: dict[Kind, Text] = {
    Kind.LOST_NOTICE: Text("渠道已收，我方没记", "Paid at the channel, not in our books"),
    Kind.UNKNOWN_ORDER: Text("渠道有，我方没有这个订单", "An order we do not know"),
    Kind.MISSING_AT_CHANNEL: Text("我方已收，渠道没有", "In our books, not at the channel"),
    Kind.CHANNEL_AMOUNT: Text("和渠道金额不一样", "The channel has another sum"),
    Kind.LISTED_TWICE: Text("对账单里重复", "Listed twice"),
    Kind.SURPLUS: Text("多收的款，正在退", "Paid beyond the bill, being returned"),
    Kind.NEAR_MIDNIGHT: Text("零点前后，等下一天", "Around midnight, the next day decides"),
    Kind.LOST_REFUND_NOTICE: Text("渠道已退，我方没记", "Refunded at the channel, not in our books"),
    Kind.OUTSIDE_REFUND: Text("不是我方发起的退款", "A refund we did not order"),
    Kind.REFUND_MISSING: Text("我方已退，渠道没有", "Our refund, not at the channel"),
    Kind.REFUND_AMOUNT: Text("退款金额不一样", "Another sum refunded"),
    Kind.REFUND_STATE: Text("退款结果不一样", "The refund ended differently"),
    Kind.CONFIRM_LOST: Text("财政还没确认", "Finance has not confirmed"),
    Kind.OTHER_CHANNEL: Text("由其他渠道缴清", "Paid past us"),
    Kind.FINANCE_ONLY: Text("只有财政有这笔款", "Only finance has this payment"),
    Kind.FINANCE_UNKNOWN: Text("财政有，我方没有这张缴款书", "A bill we do not know"),
    Kind.FINANCE_AMOUNT: Text("和财政金额不一样", "Finance has another sum"),
    Kind.PAID_TWICE: Text("财政另有一笔款缴清", "Finance holds another payment of this bill"),
}

ADVICE: dict[Kind, Text] = {
    Kind.LOST_NOTICE: Text("系统会查询渠道并补记", "The channel is asked and the payment booked"),
    Kind.UNKNOWN_ORDER: Text("向渠道查这笔款的来源，不要自行入账", "Ask the channel where it came from. Book nothing"),
    Kind.MISSING_AT_CHANNEL: Text("退款已冻结；向渠道核实", "Refunds are frozen. Ask the channel"),
    Kind.CHANNEL_AMOUNT: Text("款项在待查账户，由两个人决定", "The money is in suspense; two people decide"),
    Kind.LISTED_TWICE: Text("核对是否真的收了两次", "Check whether it was really paid twice"),
    Kind.SURPLUS: Text("系统会全额退回", "It is returned in full"),
    Kind.NEAR_MIDNIGHT: Text("下一天的账单来了会自动核对", "It is checked against the next day's book"),
    Kind.LOST_REFUND_NOTICE: Text("系统会查询渠道并补记", "The channel is asked and the refund booked"),
    Kind.OUTSIDE_REFUND: Text("系统会记下并冲红票据", "It is recorded and the receipt cancelled"),
    Kind.REFUND_MISSING: Text("向渠道核实款是否到账", "Ask the channel whether the money arrived"),
    Kind.REFUND_AMOUNT: Text("向渠道核实退款金额", "Ask the channel about the sum"),
    Kind.REFUND_STATE: Text("系统会再查一次；不一样就人工处理", "The channel is asked again, then a person decides"),
    Kind.CONFIRM_LOST: Text("系统会再次报送财政", "Finance is told again"),
    Kind.OTHER_CHANNEL: Text("系统会把缴款书记为已缴", "The bill is marked as paid"),
    Kind.FINANCE_ONLY: Text("向财政核实订单号", "Ask finance about the order number"),
    Kind.FINANCE_UNKNOWN: Text("向财政核实是不是本单位的", "Ask finance whose bill it is"),
    Kind.FINANCE_AMOUNT: Text("向财政核实金额", "Ask finance about the sum"),
    Kind.PAID_TWICE: Text("以财政的那笔为准，给我方这笔办退款", "Finance's payment stands. Refund ours"),
}
