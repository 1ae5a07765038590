/** A list that comes in pages: the first when the page opens, more when asked for. An answer to an older question is dropped. */
import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { useLoad, type Loaded } from './useLoad'

export interface PageOf<T> { rows: T[]; next: string | null }
export interface Paged<T, P> {
  /** What came so far; a page may change its rows. */
  rows: ShallowRef<T[]>
  cursor: Ref<string | null>
  state: Loaded<P>
  more: () => Promise<void>
  /** Begins anew, with another filter perhaps. */
  refresh: () => void
}

export function usePaged<T, P extends PageOf<T> = PageOf<T>>(
  ask: (cursor: string | null) => Promise<P>, load: (work: () => Promise<P>) => Loaded<P> = useLoad,
): Paged<T, P> {
  const rows: ShallowRef<T[]> = shallowRef([])
  const cursor = ref<string | null>(null)
  const state = load(() => ask(null))
  watch(state.data, (first) => {
    rows.value = first?.rows ?? []
    cursor.value = first?.next ?? null
  }, { flush: 'sync' })

  async function more(): Promise<void> {
    const first = state.data.value
    const page = await ask(cursor.value)
    if (state.data.value !== first) return
    rows.value = [...rows.value, ...page.rows]
    cursor.value = page.next
  }

  function refresh(): void {
    state.data.value = null
    void state.reload()
  }

  return { rows, cursor, state, more, refresh }
}
