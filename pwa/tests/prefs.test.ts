import { nextTick } from 'vue'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Me, SessionState } from '../src/api/types'

const saved = { kind: 'citizen', staff: null, csrf_token: 'x', me: { language: 'en', elder_mode: true } as Me } as SessionState

/** A page that was just loaded. */
async function loaded() {
  vi.resetModules()
  const { prefs } = await import('../src/state/prefs')
  const { setSession } = await import('../src/state/session')
  return { prefs, setSession }
}

beforeEach(() => { localStorage.clear() })

describe('language and elder mode', () => {
  it('come from the server on a new device', async () => {
    const { prefs, setSession } = await loaded()
    setSession(saved)
    expect(prefs).toEqual({ lang: 'en', elder: true })
  })
  it('stay as chosen before the server has said who this is', async () => {
    const { prefs, setSession } = await loaded()
    prefs.elder = true
    await nextTick()
    prefs.elder = false
    await nextTick()
    setSession(saved)
    expect(prefs).toEqual({ lang: 'zh', elder: false })
  })
  it('stay as chosen on this device at the next visit', async () => {
    const first = await loaded()
    first.prefs.elder = true
    await nextTick()
    const { prefs, setSession } = await loaded()
    setSession({ ...saved, me: { language: 'en', elder_mode: false } as Me })
    expect(prefs).toEqual({ lang: 'zh', elder: true })
  })
})
