/** A step that waits for a phone says that somebody is still there. */
import type { InjectionKey } from 'vue'

export const STAY: InjectionKey<() => void> = Symbol('stay')
