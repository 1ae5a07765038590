import { beforeEach, describe, expect, it, vi } from 'vitest'
import { api, ApiProblem } from '../src/api/client'
import { answer, answersOf, filingOf, forgetFiling, keep, load, owes, save, wayOf } from '../src/state/filing'

/** The server's side of one application: a revision, and answers that count only on the newest one. */
class Server {
  revision = 1
  answers: Record<string, unknown> = {}
  reachable = true
  calls = 0
  way: string | null = null

  view() {
    return { id: 'one', revision: this.revision, answers: { ...this.answers }, errors: [], pages: [], delivery: { way: this.way } } as never
  }

  change(name: string, value: unknown): void {
    this.answers[name] = value
    this.revision += 1
  }

  patch(body: { revision: number; answers: Record<string, unknown>; delivery?: string }) {
    this.calls += 1
    if (!this.reachable) throw new ApiProblem(0, {})
    if (body.revision !== this.revision) throw new ApiProblem(409, { code: 'saved_elsewhere' })
    this.answers = Object.fromEntries(Object.entries({ ...this.answers, ...body.answers }).filter(([, value]) => value !== null))
    this.way = body.delivery ?? this.way
    this.revision += 1
    return this.view()
  }
}

let server: Server

beforeEach(() => {
  forgetFiling('one')
  server = new Server()
  vi.spyOn(api, 'get').mockImplementation(async () => {
    if (!server.reachable) throw new ApiProblem(0, {})
    return server.view()
  })
  vi.spyOn(api, 'patch').mockImplementation(async (_path, body) => {
    await Promise.resolve()
    return server.patch(body as never) as never
  })
})

const opened = async () => {
  const filing = filingOf('one')
  await load(filing)
  return filing
}

describe('an application being filled in', () => {
  it('saves every answer, and what is typed while one is under way', async () => {
    const filing = await opened()
    answer(filing, 'phone', '139')
    answer(filing, 'address', '莲前西路 1 号')
    expect(await save(filing)).toBe(true)
    expect(server.answers).toEqual({ phone: '139', address: '莲前西路 1 号' })
    expect(filing.pending).toEqual({})
  })

  it('is saved for everyone who asks at the same time', async () => {
    const filing = await opened()
    answer(filing, 'phone', '139')
    const early = save(filing)
    answer(filing, 'phone', '1390')
    expect(await Promise.all([early, save(filing), save(filing)])).toEqual([true, true, true])
    expect(server.answers.phone).toBe('1390')
  })

  it('keeps what was typed without a network, through a reload, and sends it later', async () => {
    const filing = await opened()
    server.reachable = false
    answer(filing, 'phone', '139')
    expect(await save(filing)).toBe(false)
    expect(filing.state).toBe('waiting')
    expect(JSON.parse(localStorage.getItem('filing:one') ?? '{}').pending).toEqual({ phone: '139' })
    await load(filing)
    expect(answersOf(filing)).toEqual({ phone: '139' })
    server.reachable = true
    expect(await save(filing)).toBe(true)
    expect(server.answers.phone).toBe('139')
  })

  it('keeps both when another device answered another question', async () => {
    const filing = await opened()
    server.change('address', '别处')
    answer(filing, 'phone', '139')
    expect(await save(filing)).toBe(true)
    expect(server.answers).toEqual({ address: '别处', phone: '139' })
    expect(filing.mixed).toEqual([])
  })

  it('keeps what was typed here and says so when another device answered the same question', async () => {
    const filing = await opened()
    server.change('phone', '138')
    answer(filing, 'phone', '139')
    expect(await save(filing)).toBe(true)
    expect(server.answers.phone).toBe('139')
    expect(filing.mixed).toEqual(['phone'])
  })

  it('keeps how the result is to come until the server knows', async () => {
    const filing = await opened()
    server.reachable = false
    filing.wish = { way: 'window', consent: false }
    keep(filing)
    expect([await save(filing), owes(filing), wayOf(filing)]).toEqual([false, true, 'window'])
    server.reachable = true
    expect([await save(filing), owes(filing), wayOf(filing), server.way]).toEqual([true, false, 'window', 'window'])
  })

  it('takes an answer away', async () => {
    server.change('email', 'a@example.com')
    const filing = await opened()
    answer(filing, 'email', null)
    await save(filing)
    expect(server.answers).toEqual({})
    expect(answersOf(filing)).toEqual({})
  })

  it('never goes back to an answer that was overtaken on its way', async () => {
    const filing = await opened()
    const old = server.view()
    answer(filing, 'phone', '139')
    await save(filing)
    vi.spyOn(api, 'get').mockResolvedValueOnce(old)
    await load(filing)
    expect(answersOf(filing)).toEqual({ phone: '139' })
  })

  it('stops when the server refuses, and still keeps the words', async () => {
    const filing = await opened()
    vi.spyOn(api, 'patch').mockRejectedValueOnce(new ApiProblem(422, { code: 'invalid_input' }))
    answer(filing, 'matter', '很多字')
    expect(await save(filing)).toBe(false)
    expect([filing.state, answersOf(filing).matter]).toEqual(['refused', '很多字'])
  })
})
