/** Keys of the case view. Single letters can be switched off, because speech input and slips of the hand type them too (WCAG 2.1.4). */
import { onBeforeUnmount, onMounted, ref, watch } from 'vue'
import { read, write } from '../../../state/storage'

const PLACE = 'case-keys'

export function useShortcuts(keys: Record<string, () => void>) {
  const on = ref(read<boolean>(localStorage, PLACE) ?? true)
  watch(on, () => write(localStorage, PLACE, on.value))

  function press(event: KeyboardEvent): void {
    const target = event.target as HTMLElement
    if (!on.value || event.ctrlKey || event.metaKey || event.altKey || target.matches('input:not([type=checkbox]), textarea, select')) return
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  onMounted(() => document.addEventListener('keydown', press))
  onBeforeUnmount(() => document.removeEventListener('keydown', press))
  return { on }
}
