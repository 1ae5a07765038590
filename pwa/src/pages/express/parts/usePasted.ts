/** Name, phone and address read out of one pasted line, for citizens and for staff. */
import { ref, shallowRef, type Ref } from 'vue'
import type { AddressParts, ReadAddress } from '../../../api/types'
import { said } from '../../citizen/parts/said'

export const PARTS = ['name', 'phone', 'province', 'city', 'county', 'line'] as const

/** `ask` has it read; `fill` gets the parts that were found; what was not found stays as it was typed. */
export function usePasted(ask: (text: string) => Promise<ReadAddress>, pasted: Ref<string>, fill: (parts: Partial<AddressParts>) => void) {
  const busy = ref(false)
  const problem = ref('')
  const found = shallowRef<ReadAddress | null>(null)

  async function readPasted(): Promise<void> {
    const text = pasted.value.trim()
    if (!text || busy.value) return
    busy.value = true
    problem.value = ''
    try {
      const answer = await ask(text)
      fill(Object.fromEntries(PARTS.filter((part) => answer[part]).map((part) => [part, answer[part]])))
      found.value = answer
    } catch (error) {
      problem.value = said(error)
    } finally {
      busy.value = false
    }
  }

  return { busy, problem, found, readPasted }
}
