/** What a bill's page says, from the bill and the payer's own attempt. */
import type { Attempt, Bill } from '../../api/types'

export type Phase = 'to_pay' | 'confirming' | 'not_paid' | 'checking' | 'returning' | 'returned' | 'paid' | 'refunding' | 'part_refunded' | 'refunded' | 'void' | 'expired'

const LIVE = new Set(['new', 'created', 'create_unknown', 'closing'])
const PAID = new Set(['paid', 'refunding', 'part_refunded', 'refunded'])

/** `launched`: this phone has opened a cashier, so its owner may have paid. */
export function phaseOf(bill: Bill, attempt: Attempt | null, launched: boolean): Phase {
  const tried = attempt?.state
  if (tried === 'suspense' || bill.status === 'checking') return 'checking'
  if (tried === 'refund_due' || tried === 'paid_late') return 'returning'
  if (tried === 'returned') return 'returned'
  if (PAID.has(bill.status) || bill.status === 'void' || bill.status === 'expired') return bill.status as Phase
  // The bill was read a moment before its money came.
  if (tried === 'paid') return 'confirming'
  if (tried && LIVE.has(tried)) return launched ? 'confirming' : 'to_pay'
  return tried && launched ? 'not_paid' : 'to_pay'
}

/** Whether something moves by itself, so that the page asks again. */
export const moves = (bill: Bill, phase: Phase): boolean =>
  phase === 'confirming' || phase === 'returning' || phase === 'refunding' || (PAID.has(phase) && bill.receipt?.state === 'issuing')
