/** What can be done at a case, in the order in which it is offered; the first is the next step. */
import type { StaffCase, StaffMe } from '../../../api/types'

export type Need = 'papers' | 'reason' | 'document' | 'days' | 'hall' | 'listed' | 'agree'
export interface Step {
  name: string
  /** Address under the case. */
  path: string
  needs: Need[]
  form?: 'ask' | 'result' | 'hand_over'
  /** Which of the ready-made sentences fit. */
  purpose?: string
  danger?: boolean
  rare?: boolean
}

const STEPS: Step[] = [
  { name: 'take_over', path: 'take-over', needs: [] },
  { name: 'pre_approve', path: 'pre-approve', needs: [] },
  { name: 'receive', path: 'receive', needs: ['papers'] },
  { name: 'accept', path: 'accept', needs: [] },
  { name: 'review', path: 'review', needs: [] },
  { name: 'resume', path: 'special-step/end', needs: [] },
  { name: 'opinion', path: 'opinion', needs: ['agree', 'reason'] },
  { name: 'grant', path: 'decision', needs: ['document'] },
  { name: 'conclude', path: 'result', needs: [], form: 'result' },
  { name: 'offer', path: 'offer', needs: ['hall'] },
  { name: 'mail', path: 'mail', needs: [] },
  { name: 'deliver', path: 'hand-over', needs: [], form: 'hand_over' },
  { name: 'correct', path: 'correct', needs: [], form: 'ask', purpose: 'correct' },
  { name: 'return', path: 'return', needs: [], form: 'ask', purpose: 'return' },
  { name: 'deny', path: 'decision', needs: ['document', 'reason'], purpose: 'deny', danger: true },
  { name: 'not_accept', path: 'refuse', needs: ['document', 'reason'], purpose: 'not_accept', danger: true },
  { name: 'come_back', path: 'come-back', needs: [] },
  { name: 'pause', path: 'special-step', needs: ['listed', 'days', 'document'], rare: true },
  { name: 'extend', path: 'extension', needs: ['days', 'document', 'reason'], rare: true },
  { name: 'send_on', path: 'send-on', needs: ['hall', 'reason'], rare: true },
  { name: 'call_back', path: 'call-back', needs: ['reason'], rare: true },
  { name: 'terminate', path: 'terminate', needs: ['reason'], danger: true, rare: true },
]

const UNDECIDED = ['submitted', 'pre_returned', 'pre_approved', 'received', 'correcting', 'accepted', 'awaiting_fee', 'reviewing', 'special']

/** The departments' parts that this hall still has to answer. */
export const openParts = (one: StaffCase, me: StaffMe) => one.parts.filter((part) => part.hall_code === me.hall?.code && part.state === 'pending')

/** Steps that are not events of the case's own table, or that make sense only for the chosen way of delivery. */
function fits(step: string, one: StaffCase, me: StaffMe): boolean {
  const can = (permission: string) => me.permissions.includes(permission)
  const hall = me.hall?.code
  const undecided = UNDECIDED.includes(one.state)
  const here = one.hall_code === hall && !one.transfer
  switch (step) {
    case 'take_over': return can('cases.receive') && one.transfer?.to_hall === hall
    case 'call_back': return can('cases.receive') && one.transfer?.from_hall === hall
    case 'send_on': return can('cases.receive') && here && one.to_halls.length > 0
    case 'extend': return can('cases.manage') && here && undecided && one.accepted_on !== null && !one.extended_days
    case 'opinion': return can('cases.decide') && undecided && openParts(one, me).length > 0
    case 'pause': return one.may.includes(step) && one.steps.some((listed) => !one.specials.some((taken) => taken.code === listed.code))
    case 'mail': return one.may.includes(step) && one.delivery.way === 'mail'
    case 'offer': return one.may.includes(step) && !(one.delivery.way === 'download' && one.result.file_id)
    case 'deliver': return one.may.includes(step) && one.state === 'ready'
    default: return one.may.includes(step)
  }
}

export function stepsOf(one: StaffCase, me: StaffMe): Step[] {
  const open = STEPS.filter((step) => fits(step.name, one, me))
  const first = one.delivery.way === 'mail' ? 'mail' : one.mode === 'full' && one.state === 'submitted' ? 'receive' : ''
  return [...open.filter((step) => step.name === first), ...open.filter((step) => step.name !== first)]
}
