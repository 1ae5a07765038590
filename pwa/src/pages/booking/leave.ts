/** A place held for someone who has left the booking goes back to everybody at once. */
import type { RouteLocationNormalized } from 'vue-router'
import { api } from '../../api/client'
import type { BookingDraft } from '../../state/drafts'

const holding = new Map<string, BookingDraft>()
const slugIn = (route: RouteLocationNormalized) =>
  route.path.startsWith('/book/') && typeof route.params.slug === 'string' ? route.params.slug : null

/** From now on, leaving this booking gives its held place back. */
export function watchHold(draft: BookingDraft): void {
  holding.set(draft.slug, draft)
}

/** Gives the held place back; safe to call when none is held. */
export function releaseHold(draft: BookingDraft): void {
  if (!draft.hold) return
  const { id } = draft.hold
  draft.hold = null
  draft.confirmKey = null
  void api.delete(`/holds/${id}`, { keepalive: true }).catch(() => undefined)
}

export function leaveBooking(from: RouteLocationNormalized, to: RouteLocationNormalized): void {
  const slug = slugIn(from)
  const draft = slug === null || slug === slugIn(to) ? undefined : holding.get(slug)
  if (draft) releaseHold(draft)
}
