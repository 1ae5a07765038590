import type { AppointmentState } from '../../../api/types'

export function stateKind(state: AppointmentState): 'info' | 'success' | 'warn' | 'error' | 'quiet' {
  if (state === 'booked') return 'info'
  if (state === 'checked_in' || state === 'fulfilled') return 'success'
  if (state === 'hall_cancelled' || state === 'cancelled_late') return 'warn'
  return state === 'no_show' ? 'error' : 'quiet'
}
