/** Colours of states. The words beside them say the same. */
type Kind = 'info' | 'success' | 'warn' | 'error' | 'quiet'

const BILLS: Record<string, Kind> = { issued: 'warn', paying: 'info', checking: 'warn', paid: 'success', refunding: 'info', part_refunded: 'info' }
const REFUNDS: Record<string, Kind> = { requested: 'warn', unit_approved: 'warn', approved: 'info', submitted: 'info', submit_unknown: 'info', abnormal: 'error', success: 'success', manual_done: 'success' }

export const billKind = (status: string): Kind => BILLS[status] ?? 'quiet'
export const refundKind = (state: string): Kind => REFUNDS[state] ?? 'quiet'
