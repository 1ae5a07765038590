/** useLoad for these pages: asks again when the language changes, and the second one only for a person who is logged in. */
import { watch } from 'vue'
import { ApiProblem } from '../../../api/client'
import { prefs } from '../../../state/prefs'
import { session, sessionKnown } from '../../../state/session'
import { useLoad } from '../../../ui/useLoad'

export function useText<T>(load: () => Promise<T>) {
  const state = useLoad(load)
  watch(() => prefs.lang, () => { void state.reload() })
  return state
}

export function useMine<T>(load: () => Promise<T>) {
  return useText(async () => {
    await sessionKnown()
    if (session.kind === 'anonymous' || session.kind === 'staff') throw new ApiProblem(401, {})
    return load()
  })
}
