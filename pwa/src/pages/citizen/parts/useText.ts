/** useLoad for these pages: asks again when the language changes. */
import { watch } from 'vue'
import { prefs } from '../../../state/prefs'
import { useLoad } from '../../../ui/useLoad'

export function useText<T>(load: () => Promise<T>) {
  const state = useLoad(load)
  watch(() => prefs.lang, () => { void state.reload() })
  return state
}
