/** A list that comes in pages, for staff: the first when the page opens, more when asked for. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { useLoad, type Loaded } from '../../../ui/useLoad'
import { asStaff } from '../desk'

interface Page<T> { rows: T[]; next: string | null }

export function usePaged<T>(ask: (cursor: string | null) => Promise<Page<T>>): {
  rows: ShallowRef<T[]>; cursor: Ref<string | null>; state: Loaded<Page<T>>; more: () => Promise<void>; refresh: () => void
} {
  const rows: ShallowRef<T[]> = shallowRef([])
  const cursor = ref<string | null>(null)
  const state = useLoad(async () => {
    const page = await asStaff(() => ask(null))
    rows.value = page.rows
    cursor.value = page.next
    return page
  })

  async function more(): Promise<void> {
    const page = await asStaff(() => ask(cursor.value))
    rows.value = [...rows.value, ...page.rows]
    cursor.value = page.next
  }

  /** Begins anew, with another filter perhaps. */
  function refresh(): void {
    state.data.value = null
    void state.reload()
  }

  return { rows, cursor, state, more, refresh }
}
