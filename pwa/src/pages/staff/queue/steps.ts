/** What one may do with the number at the window; one key each on a keyboard. */
import type { Counter } from '../../../api/types'

export type Step = 'next' | 'recall' | 'answer' | 'pass' | 'park' | 'transfer' | 'items' | 'case' | 'finish' | 'go_on'

export const KEYS: Partial<Record<Step, string>> = { next: 'N', recall: 'R', answer: 'A', pass: 'M', park: 'P', finish: 'F' }

/** The steps that are possible now, the likeliest first. */
export function stepsNow(counter: Counter): Step[] {
  if (counter.current?.state === 'called') return ['answer', 'recall', 'pass', 'transfer']
  if (counter.current?.state === 'serving') return ['finish', 'park', 'items', ...(counter.current.matter ? [] : ['case' as const]), 'transfer']
  return counter.seated?.paused ? ['go_on'] : ['next']
}

/** The possible step that this key stands for; none while something is typed, chosen or held down. */
export function stepOfKey(event: KeyboardEvent, possible: Step[]): Step | null {
  const target = event.target as HTMLElement
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || target.matches('input, select, textarea, [role=dialog] *, [role=alertdialog] *')) return null
  return possible.find((step) => KEYS[step] === event.key.toUpperCase()) ?? null
}
