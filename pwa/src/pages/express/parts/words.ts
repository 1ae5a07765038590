/** An address in one or two lines, and the colours of a shipment's states. */
import type { AddressParts, ShipmentRow } from '../../../api/types'

export function placeText(one: AddressParts): string {
  const upper = one.province === one.city ? one.province : `${one.province}${one.city}`
  return `${upper}${one.county === one.city ? '' : one.county}${one.line}`
}

export const KINDS: Record<ShipmentRow['state'], 'warn' | 'info' | 'success' | 'quiet'> = {
  asked: 'info', unpaid: 'warn', placing: 'info', unknown: 'info', refused: 'warn', ordered: 'info', cancelling: 'info', cancelled: 'quiet',
  under_way: 'info', delivered: 'success', returned: 'warn', lost: 'warn', held: 'warn', closed: 'success',
}

export const OVER: ShipmentRow['state'][] = ['closed', 'cancelled', 'lost']
