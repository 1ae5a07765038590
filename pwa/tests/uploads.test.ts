import { beforeEach, describe, expect, it, vi } from 'vitest'
import { api, ApiProblem } from '../src/api/client'
import * as raw from '../src/api/raw'
import { again, arrived, stop, upload, uploads } from '../src/state/uploads'

const PART = 256 * 1024
let received = 0
let cutAt = Infinity
let finished = 0
let offsets: number[] = []
let refuse: ApiProblem | null = null

beforeEach(() => {
  for (const one of [...uploads]) void stop(one)
  received = 0
  cutAt = Infinity
  finished = 0
  offsets = []
  refuse = null
  vi.spyOn(api, 'delete').mockResolvedValue(undefined as never)
  vi.spyOn(api, 'get').mockImplementation(async () => ({ id: 'f1', state: 'receiving', received }) as never)
  vi.spyOn(api, 'post').mockImplementation(async (path) => {
    if (refuse) throw refuse
    if (path.endsWith('/finish')) finished += 1
    return { id: 'f1', state: 'receiving', received } as never
  })
  vi.spyOn(raw, 'sendRaw').mockImplementation(async (_method, _path, body, options) => {
    const offset = Number(options?.headers?.['Upload-Offset'])
    offsets.push(offset)
    if (offset >= cutAt) throw new ApiProblem(0, {})
    received = offset + (body as Blob).size
    return new Response(JSON.stringify({ received, size: 0 }))
  })
})

const file = (bytes: number) => upload({ subjectType: 'application', subjectId: 'a', material: 'm', name: 'a.jpg', blob: new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' }) })

describe('an upload', () => {
  it('goes in parts and is finished', async () => {
    file(2 * PART + 5)
    await vi.waitFor(() => expect(arrived.value?.file?.id).toBe('f1'))
    expect(offsets).toEqual([0, PART, 2 * PART])
    expect([finished, uploads.length]).toEqual([1, 0])
  })

  it('goes on after a cut where the server stands', async () => {
    cutAt = PART
    file(2 * PART)
    await vi.waitFor(() => expect(uploads[0]?.phase).toBe('waiting'))
    expect(uploads[0]?.sent).toBe(PART)
    cutAt = Infinity
    again(uploads[0]!)
    await vi.waitFor(() => expect(finished).toBe(1))
    expect(offsets.filter((offset) => offset === 0)).toHaveLength(1)
  })

  it('says why it was refused and is sent again when asked', async () => {
    refuse = new ApiProblem(413, { code: 'file_too_large', title: '文件太大了' })
    file(10)
    await vi.waitFor(() => expect(uploads[0]?.phase).toBe('failed'))
    expect(uploads[0]?.problem?.code).toBe('file_too_large')
    refuse = null
    again(uploads[0]!)
    await vi.waitFor(() => expect(finished).toBe(1))
  })

  it('is given up by its owner', async () => {
    cutAt = 0
    file(PART)
    await vi.waitFor(() => expect(uploads[0]?.phase).toBe('waiting'))
    await stop(uploads[0]!)
    expect(uploads).toHaveLength(0)
    expect(api.delete).toHaveBeenCalledWith('/files/f1')
  })
})
