/** Loads something when the page opens; keeps the last good answer while loading again. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { ApiProblem } from '../api/client'

export interface Loaded<T> {
  data: ShallowRef<T | null>
  error: ShallowRef<ApiProblem | null>
  loading: Ref<boolean>
  reload: () => Promise<void>
}

export function useLoad<T>(load: () => Promise<T>): Loaded<T> {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<ApiProblem | null>(null)
  const loading = ref(true)
  let turn = 0

  async function reload(): Promise<void> {
    const mine = ++turn
    loading.value = true
    try {
      const answer = await load()
      if (mine !== turn) return
      data.value = answer
      error.value = null
    } catch (cause) {
      if (mine !== turn) return
      error.value = cause instanceof ApiProblem ? cause : new ApiProblem(500, { title: String(cause) })
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  onScopeDispose(() => { turn++ })
  void reload()
  return { data, error, loading, reload }
}
