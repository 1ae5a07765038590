/** What was typed and not sent yet stays in this tab until it is sent; signing out empties the tab's store (state/signOut). */
import { reactive, watch } from 'vue'
import { newKey } from '../../../api/key'
import { read, write } from '../../../state/storage'

export function useKept<T extends object>(name: string, empty: () => T): { typed: T; forget: () => void } {
  const place = `case:${name}`
  const typed = reactive({ ...empty(), ...read<Partial<T>>(sessionStorage, place) }) as T
  watch(typed, () => write(sessionStorage, place, typed), { deep: true, flush: 'sync' })

  function forget(): void {
    Object.assign(typed, empty())
    sessionStorage.removeItem(place)
  }

  return { typed, forget }
}

/** The same body is sent with the same key: pressing again after a lost answer does nothing twice. */
export function useKeys(): (body: unknown) => string {
  let text = ''
  let key = ''
  return (body) => {
    const now = JSON.stringify(body)
    if (now !== text || !key) [text, key] = [now, newKey()]
    return key
  }
}
