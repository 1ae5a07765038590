/** Where the phone is: asked for only when the person taps, kept only in memory. */
import { ref } from 'vue'

export interface Place { lat: number; lng: number }
export const place = ref<Place | null>(null)
export const placeState = ref<'idle' | 'asking' | 'refused'>('idle')

export function askPlace(): void {
  if (!('geolocation' in navigator)) {
    placeState.value = 'refused'
    return
  }
  placeState.value = 'asking'
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      place.value = { lat: coords.latitude, lng: coords.longitude }
      placeState.value = 'idle'
    },
    () => { placeState.value = 'refused' },
    { timeout: 10_000, maximumAge: 300_000 },
  )
}

/** Great-circle distance in kilometres. */
export function kmBetween(a: Place, b: Place): number {
  const rad = Math.PI / 180
  const h = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2
    + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lng - a.lng) * rad) / 2) ** 2
  return 12_742 * Math.asin(Math.sqrt(h))
}
