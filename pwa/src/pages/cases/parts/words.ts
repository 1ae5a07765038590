/** Colours of a case's states, and which states mean that it is over. */
import type { CaseRow } from '../../../api/types'

export const KINDS: Record<CaseRow['state'], 'warn' | 'info' | 'success' | 'quiet' | 'error'> = {
  submitted: 'info', pre_returned: 'warn', pre_approved: 'warn', received: 'info', correcting: 'warn', accepted: 'info', not_accepted: 'error',
  awaiting_fee: 'warn', reviewing: 'info', special: 'info', granted: 'success', denied: 'error', concluded: 'success', ready: 'warn',
  mailed: 'info', delivered: 'success', withdrawn: 'quiet', terminated: 'quiet',
}

export const OVER: CaseRow['state'][] = ['not_accepted', 'delivered', 'withdrawn', 'terminated']
/** When the applicant has to do something. */
export const MINE: CaseRow['state'][] = ['pre_returned', 'pre_approved', 'correcting', 'awaiting_fee', 'ready']
export const CAN_RATE: CaseRow['state'][] = [...OVER, 'concluded', 'ready']
export const HAS_RESULT: CaseRow['state'][] = ['concluded', 'ready', 'mailed', 'delivered']
